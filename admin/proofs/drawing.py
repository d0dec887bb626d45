"""Reading a service of a month, part by part of the members, in one snapshot: its log, its survey, and a seeded sample.

The sample is the `size` things with the smallest hash of seed and number: whoever draws with the same seed from the same
record draws the same, and nobody can choose.
"""

import heapq
from collections import Counter
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from admin.analytics import sums
from admin.analytics.sums import Days
from admin.proofs.models import ProofRun, ProofSample
from admin.replay.counting import COUNTED
from base import clock, database
from catalog.ratings.using import USED
from points import programmes

OFFER, CARE = "offer", "care"
Thing = tuple[str, int, int, Any, bool]  # hash, member, number, moment, whether it was rated


def run(run_id: int) -> None:
    """Read what a run asks for and keep it; a run that has ended is left as it is. Safe to run twice."""
    with database.begin() as session:
        row = session.get(ProofRun, run_id)
    if row is None or row.ended_at is not None:
        return
    log, survey, sample = _read(row)
    with database.begin() as session:
        kept = session.get(ProofRun, run_id, with_for_update=True, populate_existing=True)
        if kept is None or kept.ended_at is not None:
            return
        kept.log, kept.survey, kept.ended_at = log, survey, clock.now()
        session.add_all(
            ProofSample(member_id=member_id, run_id=run_id, thing_id=thing_id, happened_at=at, rated=rated)
            for _hash, member_id, thing_id, at, rated in sample
        )


def last_day(month: date) -> date:
    """The last day of the month that a day is the first of."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _read(row: ProofRun) -> tuple[dict[str, int], dict[str, int], list[Thing]]:
    log, survey, best = Counter[str](), Counter[str](), list[Thing]()
    with sums.snapshot() as session:
        programme = programmes.by_id(session, row.programme_id)
        days = Days(programme, row.month, last_day(row.month))
        kind, _, named = row.service.partition(":")
        asked = {
            "programme": row.programme_id, "since": days.since, "until": days.until, "area": row.area,
            "seed": str(row.seed), "size": row.size, "states": list(COUNTED),
            "offer": int(named) if kind == OFFER else 0, "occasion": named,
        }  # fmt: skip
        for low, high in sums.parts(session, row.programme_id):
            part = asked | {"low": low, "high": high}
            of_log, of_survey, sample = _LOGS[kind], _SURVEYS[kind], _SAMPLES[kind]
            log.update(_counts(session, of_log, part))
            survey.update(_counts(session, of_survey, part))
            drawn = [tuple(one) for one in database.rows(session, sample, part)]
            best = heapq.nsmallest(row.size, [*best, *drawn])
    return dict(log), dict(survey), best


def _counts(session: Session, statement: str, asked: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in database.rows(session, statement, asked):
        found |= {name: int(value or 0) for name, value in row._asdict().items()}
    return found


_MEMBERS = """
f.programme_id = %(programme)s and f.member_id > %(low)s and f.member_id <= %(high)s and f.area like %(area)s || '%%'
"""
_REDEEMED = f"""
from redemption r join member_facts f on f.member_id = r.member_id {USED}
where {_MEMBERS} and r.offer_id = %(offer)s and r.at >= %(since)s and r.at < %(until)s and r.state = any(%(states)s)
"""
_CARED = f"""
from care_task t join member_facts f on f.member_id = t.member_id
left join contact c on c.member_id = t.member_id and c.contact_id = t.contact_id
where {_MEMBERS} and t.occasion = %(occasion)s and t.opened_at >= %(since)s and t.opened_at < %(until)s
"""
_RATED = "exists (select from rating y where y.member_id = r.member_id and y.redemption_id = r.redemption_id)"
_LOGS = {
    OFFER: f"select count(*) claimed, count(u.used_at) recorded, count(distinct r.member_id) members {_REDEEMED}",
    CARE: f"""select count(*) filter (where t.state = 'done') claimed,
  count(*) filter (where t.state = 'done' and c.contact_id is not null) recorded,
  count(distinct t.member_id) members, count(*) opened,
  count(*) filter (where t.state = 'not-reached') not_reached, count(*) filter (where t.state = 'not-needed') not_needed,
  count(*) filter (where t.state = 'open') still_open {_CARED}""",
}
_SURVEYS = {
    OFFER: f"""
select count(*) rated, count(*) filter (where x.stars >= 4) satisfied, coalesce(sum(x.stars), 0) stars from (
  select distinct on (y.member_id, y.redemption_id) y.stars
  from rating y join redemption r on r.member_id = y.member_id and r.redemption_id = y.redemption_id
  join member_facts f on f.member_id = y.member_id
  where {_MEMBERS} and y.offer_id = %(offer)s and r.at >= %(since)s and r.at < %(until)s and r.state = any(%(states)s)
  order by y.member_id, y.redemption_id, y.no desc) x""",
    CARE: "select 0 rated, 0 satisfied, 0 stars",  # members are not asked to rate a call
}
_SAMPLES = {
    OFFER: f"""
select md5(%(seed)s || ':' || r.redemption_id) hash, r.member_id, r.redemption_id thing, coalesce(u.used_at, r.at) at,
  {_RATED} rated {_REDEEMED} and u.used_at is not null order by 1 limit %(size)s""",
    CARE: f"""
select md5(%(seed)s || ':' || c.contact_id) hash, t.member_id, c.contact_id thing, c.at, false rated
{_CARED} and t.state = 'done' and c.contact_id is not null order by 1 limit %(size)s""",
}

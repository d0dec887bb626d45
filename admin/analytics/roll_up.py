"""How the areas stand over a period: satisfaction, exit rate and loyalty, and what a person there has to look after.

County, city, province, headquarters: everything kept is a count or a sum, so the parts add up to the whole; shares are
reckoned from them, never averaged. Of members of whom only the province is known the city stays a rest of its own.

- exit rate: who left of their own will in the period, of those who were there when it opened;
- loyalty: who at its end has been there for 24 months and earned or redeemed within the last six, of those there then;
- satisfaction: ratings of four and five stars, of those first given in the period (admin/analytics/satisfaction.py);
- silent: who was there for the last six months and neither earned nor redeemed in them;
- covered: of the most important cards, who has a named account manager;
- not served: groups without an account manager that never redeemed anything.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from admin.analytics import costs, liability, satisfaction, sums
from admin.analytics.models import FiguresRun
from admin.analytics.refusals import Reason
from admin.analytics.sums import NOTHING, ROLL_UP, Days, Progress, Rows, Sums
from base import database
from base.money import BASIS_POINTS
from points import lots
from points.care import care
from points.kinds import Kind, State
from points.members.facts import GROUP
from points.policies import month_end

FEWEST_MEMBERS = 30
SILENT_MONTHS, LOYAL_MONTHS, LAPSING_MONTHS = 6, 24, 3
COUNTED = (
    "opening", "joined", "left", "left_involuntary", "members", "loyal", "silent", "vip", "vip_named", "groups", "groups_not_served",
)  # fmt: skip
SUMMED = ("earned", "redeemed", "lapsing")
LEVEL = 2  # digits by which a code grows from level to level
COUNTY = 6
DEFINITIONS = {
    "satisfaction_bp": {
        "en": "Ratings of four and five stars, of those first given in the period for what was used; none below 30 ratings.",
        "zh": "期内首次评价中四星、五星所占比例；不足 30 条评价时不给出。",
    },
    "exit_rate_bp": {
        "en": "Left of their own will in the period, of those there when it opened.",
        "zh": "期内主动离网的会员占期初在网会员的比例。",
    },
    "loyalty_bp": {
        "en": "There for 24 months and active in the last six, of those there at the end.",
        "zh": "在网满 24 个月且最近 6 个月有积分活动的会员占期末在网会员的比例。",
    },
}
Block = dict[str, Any]


def take(days: Days, progress: Progress = lambda n: None) -> FiguresRun:
    """Take the figures of a period and keep them. What lapses soon is read from the liability of its last day. DayNotOver."""
    owed = liability.of_day(days.check_over().programme, days.last, progress)
    with sums.snapshot() as session:
        rows = _lapsing(session, owed, days.last)
        for part in sums.parts(session, days.programme.programme_id):
            rows = sums.merged(rows, _part(session, days, part))
            progress(1)
    with database.begin() as session:
        return sums.keep(session, days, ROLL_UP, {}, rows)


def _part(session: Session, days: Days, part: tuple[int, int]) -> Rows:
    asked = costs.asked(days, part) | {
        "first": days.first, "last": days.last, "active_since": _back(days, SILENT_MONTHS).since,
        "silent_day": _back(days, SILENT_MONTHS).first, "loyal_day": _back(days, LOYAL_MONTHS).first,
        "active": [int(Kind.EARN), int(Kind.REDEEM), int(Kind.HOLD)], "merged": int(State.MERGED),
        "vip": list(care.IMPORTANT), "group": GROUP, "earn": int(Kind.EARN),
    }  # fmt: skip
    driver = database.driver(session)
    rows: dict[tuple[str, str], Sums] = {}
    for area, *counts in driver.execute(_COUNTS, asked):
        rows |= {(area, name): Sums(count) for name, count in zip(COUNTED, counts, strict=True)}
    rows = sums.merged(rows, satisfaction.by_area(session, days, part))
    rows = sums.merged(rows, sums.gathered(driver.execute(_EARNED, asked)))
    return sums.merged(rows, sums.gathered(driver.execute(_REDEEMED, asked)))


def _back(days: Days, months: int) -> Days:
    """The last day, so many months earlier: its first day is the one after."""
    before = month_end(days.last, -months)
    day = before if before.day < days.last.day else before.replace(day=days.last.day)
    return Days(days.programme, day + sums.DAY, days.last)


_COUNTS = """
with m as (
  select m.member_id, f.area, m.joined_on, m.left_on, m.involuntary, f.kind, f.tiers && %(vip)s::text[] vip,
    m.joined_on <= %(last)s and (m.left_on is null or m.left_on > %(last)s) there
  from member m join member_facts f on f.member_id = m.member_id join wallet w on w.member_id = m.member_id
  where m.programme_id = %(programme)s and m.member_id > %(low)s and m.member_id <= %(high)s
    and w.state <> %(merged)s and m.joined_on <= %(last)s),
a as (
  select m.*, there and exists (select from posting p where p.member_id = m.member_id and p.at >= %(active_since)s
      and p.at < %(until)s and p.kind = any(%(active)s)) active,
    there and (vip or kind = %(group)s) and (select c.staff_id is not null from care_assignment c
      where c.member_id = m.member_id and c.from_day <= %(last)s
      order by c.from_day desc, c.assignment_id desc limit 1) is true named,
    there and kind = %(group)s and exists (select from redemption r where r.member_id = m.member_id
      and r.at < %(until)s and r.state = any(%(states)s)) served
  from m)
select area,
  count(*) filter (where joined_on < %(first)s and (left_on is null or left_on >= %(first)s)),
  count(*) filter (where joined_on >= %(first)s),
  count(*) filter (where left_on between %(first)s and %(last)s and not involuntary),
  count(*) filter (where left_on between %(first)s and %(last)s and involuntary),
  count(*) filter (where there),
  count(*) filter (where active and joined_on < %(loyal_day)s),
  count(*) filter (where there and not active and joined_on < %(silent_day)s),
  count(*) filter (where there and vip),
  count(*) filter (where there and vip and named),
  count(*) filter (where there and kind = %(group)s),
  count(*) filter (where there and kind = %(group)s and not named and not served)
from a group by area
"""
_EARNED = """
select f.area, 'earned', count(*), sum(p.amount)::bigint, 0, 0 from posting p join member_facts f on f.member_id = p.member_id
where f.programme_id = %(programme)s and p.member_id > %(low)s and p.member_id <= %(high)s
  and p.at >= %(since)s and p.at < %(until)s and p.kind = %(earn)s group by f.area
"""
_REDEEMED = f"""
select f.area, 'redeemed', count(*), sum(r.price_points)::bigint, sum(r.value_fen)::bigint, sum(cost.cost_fen)::bigint
{costs.STANDING} group by f.area
"""


def _lapsing(session: Session, owed: FiguresRun, last: date) -> dict[tuple[str, str], Sums]:
    """Points that lapse within three months after a day, by area."""
    calendar, until = liability.calendar_of(owed.facts), month_end(last, LAPSING_MONTHS)
    found: dict[tuple[str, str], Sums] = {}
    for area, key, points in sums.rows_of(session, owed.run_id):
        day = lots.last_day(lots.lasting(int(key.split("/")[1]), calendar))
        if last < day <= until:
            place = (area, "lapsing")
            found[place] = found.get(place, NOTHING).plus(Sums(0, points))
    return found


def figures(by_key: Mapping[str, Sums]) -> Block:
    """The figures of an area out of its sums; shares in basis points, rounded down, None where nobody is counted. Pure."""
    counts = {name: by_key.get(name, NOTHING).count for name in (*COUNTED, *satisfaction.COUNTED)}
    satisfied = satisfaction.block(counts["rated"], counts["satisfied"])
    vip = satisfaction.block(counts["vip_rated"], counts["vip_satisfied"])
    points = {name: by_key.get(name, NOTHING) for name in SUMMED}
    reasons = (
        [Reason("few_members", counts["opening"], FEWEST_MEMBERS)]
        if counts["opening"] < FEWEST_MEMBERS
        else []
    )
    return {
        **counts,
        "redemptions": points["redeemed"].count,
        "points_earned": points["earned"].points,
        "points_redeemed": points["redeemed"].points,
        "cost_fen": points["redeemed"].cost_fen,
        "points_lapsing": points["lapsing"].points,
        "satisfaction": satisfied,
        "satisfaction_bp": satisfied["share_bp"],
        "vip_satisfaction": vip | {"target_bp": satisfaction.VIP_TARGET_BP},
        "vip_satisfaction_bp": vip["share_bp"],
        "exit_rate_bp": _share(counts["left"], counts["opening"]),
        "loyalty_bp": _share(counts["loyal"], counts["members"]),
        "silent_bp": _share(counts["silent"], counts["members"]),
        "vip_covered_bp": _share(counts["vip_named"], counts["vip"]),
        "status": "caution" if reasons else "ok",
        "reasons": [reason.block() for reason in reasons],
    }


def parts(by_area: Mapping[str, Mapping[str, Sums]], area: str) -> dict[str, dict[str, Sums]]:
    """The areas of the next level below one, by code, and under its own code the rest: who is known no closer. Pure.

    What they come to together is what the area comes to.
    """
    found: dict[str, dict[str, Sums]] = {}
    for code, by_key in by_area.items():
        if code.startswith(area):
            mine = found.setdefault(code[: len(area) + LEVEL], {})
            for key, numbers in by_key.items():
                mine[key] = mine.get(key, NOTHING).plus(numbers)
    return dict(sorted(found.items()))


def tree(
    by_area: Mapping[str, Mapping[str, Sums]], area: str = ""
) -> Iterator[tuple[str, bool, dict[str, Sums]]]:
    """An area, then what it consists of, depth first: code, whether it is the rest of a wider area, and its sums. Pure."""
    whole: dict[str, Sums] = {}
    below = parts(by_area, area)
    for by_key in below.values():
        for key, numbers in by_key.items():
            whole[key] = whole.get(key, NOTHING).plus(numbers)
    yield area, False, whole
    if len(area) >= COUNTY or set(below) <= {area}:
        return
    for code, by_key in below.items():
        if code == area:
            yield code, True, by_key
        else:
            yield from tree(by_area, code)


def of_area(session: Session, run: FiguresRun, area: str) -> Block:
    """The figures of an area, and of each part of it, as rows ready to be shown."""
    below = sums.by_area(session, run.run_id, area, min(len(area) + LEVEL, COUNTY))
    whole: dict[str, Sums] = {}
    for by_key in below.values():
        for key, numbers in by_key.items():
            whole[key] = whole.get(key, NOTHING).plus(numbers)
    return {
        "from_day": run.from_day,
        "until_day": run.until_day,
        "as_of": run.at,
        "area": area,
        "whole": figures(whole),
        "parts": [
            {"area": code, "is_rest": code == area, "figures": figures(by_key)}
            for code, by_key in sorted(below.items())
            if len(area) < COUNTY
        ],
        "definitions": DEFINITIONS,
    }


def _share(part: int, whole: int) -> int | None:
    return part * BASIS_POINTS // whole if whole else None

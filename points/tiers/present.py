"""The tiers of members in their facts: what changes and grants say today, and until when that is sure without a look.

Beside the ladders' tiers stands the one that another system tells, unless a ladder that has begun has a tier of that code.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.orm import Session


class Present(NamedTuple):
    """A member's tiers of a day by code, the last day on which they are sure (None: until something is written)."""

    member_id: int
    tiers: list[str]
    until: date | None


# `k`: (member_id, programme_id, day). Grouped at the end, not joined: without statistics a join tries all pairs.
_PRESENT = """
with k as materialized ({members}),
last as (
  select distinct on (programme_id, ladder) programme_id, ladder, steps from tier_policy
  order by programme_id, ladder, from_day desc),
step as (
  select programme_id, ladder, s.one ->> 'tier' as tier, s.rank
  from last, jsonb_array_elements(steps) with ordinality s(one, rank)),
given as (
  select k.member_id, k.programme_id, k.day, g.ladder, g.tier, g.from_day, least(g.until_day, r.from_day - 1) as until_day
  from k join tier_grant g on g.member_id = k.member_id
  left join tier_revocation r on r.member_id = g.member_id and r.grant_id = g.grant_id),
held as (
  select k.member_id, k.programme_id, c.ladder, c.tier from k cross join lateral (
    select distinct on (ladder) ladder, tier from tier_change t
    where t.member_id = k.member_id and t.from_day <= k.day order by ladder, from_day desc) c
  where c.tier is not null
  union all
  select member_id, programme_id, ladder, tier from given where day between from_day and until_day),
best as (
  select distinct on (h.member_id, h.ladder) h.member_id, h.tier
  from held h join step s on s.programme_id = h.programme_id and s.ladder = h.ladder and s.tier = h.tier
  order by h.member_id, h.ladder, s.rank desc),
told as (
  select k.member_id, a.value as tier from k cross join lateral (
    select value from member_attribute a where a.member_id = k.member_id and a.name = 'tier'
    order by from_day desc limit 1) a
  where not exists (
    select from tier_policy p, jsonb_array_elements(p.steps) s
    where p.programme_id = k.programme_id and p.from_day <= k.day and s ->> 'tier' = a.value)),
edges as (
  select member_id, min(case when day < from_day then from_day - 1 else until_day end) as until
  from given where day <= until_day and from_day <= until_day group by member_id),
codes as (
  select member_id, array_agg(tier order by tier) as tiers from (
    select member_id, tier from best union select member_id, tier from told) b group by member_id)
select member_id, coalesce(max(tiers), '{{}}') as tiers, max(until) as until from (
  select member_id, null::text[] as tiers, null::date as until from k
  union all select member_id, tiers, null from codes
  union all select member_id, null, until from edges) of_all group by member_id
"""
_FACTS = "from member_facts f join programme p on p.programme_id = f.programme_id where f.member_id "
_TODAY = "(%s::timestamptz at time zone p.zone)::date"
_ENDED = f"select f.member_id {_FACTS} > 0 and f.tiers_until < {_TODAY} order by f.member_id limit %s"
_OF_MEMBERS = f"select f.member_id, f.programme_id, {_TODAY} as day {_FACTS} = any(%s)"
_AS_FACTS_SAY = (
    f"select f.member_id, f.programme_id, least(f.tiers_until, {_TODAY}) as day {_FACTS} between %s and %s"
)


def refresh(session: Session, members: Iterable[int], at: datetime) -> None:
    """Write what these members have on the day of a moment into their facts; a row that is right already is not written.

    Their facts are locked first: of two who write about a member at once, the second sees what the first has written.
    """
    wanted = sorted(set(members))
    if not wanted:
        return
    lock(session, wanted)
    session.connection().exec_driver_sql(
        "update member_facts f set tiers = n.tiers, tiers_until = n.until from ("
        + _PRESENT.format(members=_OF_MEMBERS)
        + ") n where f.member_id = n.member_id "
        "and (f.tiers is distinct from n.tiers or f.tiers_until is distinct from n.until)",
        (at, wanted),
    )


def catch_up(session: Session, at: datetime, limit: int) -> int:
    """Write anew the tiers of some members whose granted one ended before the day of a moment; how many there were."""
    ended = session.connection().exec_driver_sql(_ENDED, (at, limit)).scalars().all()
    refresh(session, ended, at)
    return len(ended)


def lock(session: Session, members: Iterable[int]) -> None:
    """Whoever changes facts of several members locks them first, in one order, so that two never wait in a ring."""
    session.connection().exec_driver_sql(
        "select from member_facts where member_id = any(%s) order by member_id for update",
        (sorted(set(members)),),
    )


def said_by_rows(session: Session, now: datetime, first: int, last: int) -> Iterator[Present]:
    """What changes and grants say of a range of members, of today, or of the last day on which their facts are sure."""
    rows = session.connection().exec_driver_sql(_PRESENT.format(members=_AS_FACTS_SAY), (now, first, last))
    return (Present(*row) for row in rows)

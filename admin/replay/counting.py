"""Counting a part of the members: the cases that occur, then every redemption under the ruling of its case, summed up.

The arithmetic is the database's, whole numbers without a bound; what is decided is changes.py's. A member lies in one part
as a whole, so that who is better or worse off can be told without looking at another part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.replay import segments
from admin.replay.changes import Case, Change, Ruling
from admin.replay.segments import Sums
from base import clock, database
from catalog.offers.models import Offer
from catalog.redemptions.models import FULFILLED, FULFILLING, PENDING, UNKNOWN

COUNTED = (PENDING, FULFILLING, UNKNOWN, FULFILLED)


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days of a programme in its zone, and the members of a part: above `low`, up to `high`."""

    programme_id: int
    zone: str
    from_day: date
    until_day: date
    low: int = 0
    high: int = 2**63 - 1

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The first moment, and the first one after it."""
        after = date.fromordinal(self.until_day.toordinal() + 1)
        return clock.start_of(self.from_day, self.zone), clock.start_of(after, self.zone)


def part(session: Session, change: Change, window: Window, gain: tuple[int, int]) -> Sums:
    """What the redemptions of a part of the members come to; `gain`: the points and fen of the rate that values are held
    against points with, to say who is better off.
    """
    driver, days = database.driver(session), change.days(window.from_day, window.until_day)
    since, until = window.moments
    asked: dict[str, Any] = {
        "programme": window.programme_id, "zone": window.zone, "low": window.low, "high": window.high,
        "since": since, "until": until, "states": list(COUNTED), "days": days, "tiers": change.asked_tiers,
        "areas": change.asked_areas,
    }  # fmt: skip
    driver.execute("set local plan_cache_mode = force_custom_plan")
    cases = [_case(row) for row in driver.execute(f"with {_READ} {_CASES}", asked)]
    rulings = dict(_ruled(session, change, cases, days))
    drafted = change.drafted
    asked |= _columns(rulings) | {
        "value": drafted.value_fen if drafted else 0,
        "cost": drafted.cost_fen if drafted else 0,
        "most": drafted.most_units if drafted else 0,
        "choices": list(drafted.cash_choices) if drafted else [],
        "gain_points": gain[0],
        "gain_fen": gain[1],
        "bands": list(segments.ARPU_BANDS_FEN),
    }
    return segments.sums(driver.execute(_SUMS, asked))


def _ruled(
    session: Session, change: Change, cases: Sequence[Case], days: Sequence[date]
) -> Iterator[tuple[Case, Ruling]]:
    wanted = {case.version_id for case in cases}
    versions = {
        offer.version_id: offer
        for offer in session.scalars(select(Offer).where(Offer.version_id.in_(sorted(wanted))))
    }
    for case in cases:
        yield case, change.ruling(case, versions[case.version_id], days[case.period - 1])


def _case(row: Sequence[Any]) -> Case:
    version_id, rate_id, period, tiers, area = row
    return Case(version_id, rate_id, period, tuple(filter(None, tiers.split(","))), area)


def _columns(rulings: Mapping[Case, Ruling]) -> dict[str, list[Any]]:
    pairs = list(rulings.items())
    return {
        "k_version": [case.version_id for case, _ in pairs],
        "k_rate": [case.rate_id for case, _ in pairs],
        "k_period": [case.period for case, _ in pairs],
        "k_tiers": [",".join(case.tiers) for case, _ in pairs],
        "k_area": [case.area for case, _ in pairs],
        "k_points": [rule.points for _, rule in pairs],
        "k_per_fen": [rule.per_fen for _, rule in pairs],
        "k_has_price": [rule.has_price for _, rule in pairs],
        "k_drafted": [rule.drafted for _, rule in pairs],
        "k_bp_then": [rule.bp_then for _, rule in pairs],
        "k_bp_new": [rule.bp_new for _, rule in pairs],
        "k_own": [rule.paying.own_fen if rule.paying else None for _, rule in pairs],
        "k_guest": [rule.paying.guest_fen if rule.paying else None for _, rule in pairs],
        "k_as_own": [rule.paying.guests_as_own if rule.paying else None for _, rule in pairs],
        "k_guests": [rule.paying.most_guests if rule.paying else None for _, rule in pairs],
    }


_READ = """
r as materialized (
  select r.member_id, r.version_id, r.offer_id, r.rate_id, r.units, r.price_points, r.value_fen, r.cash_fen, r.cost_fen,
    case when r.kind = 'perk' then coalesce((r.details ->> 'guests')::int, 0) else 0 end guests,
    r.kind <> 'perk' or coalesce(r.details ->> 'pay', 'points') = 'points' pays_own,
    width_bucket((r.at at time zone %(zone)s)::date, %(days)s::date[]) period,
    case when cardinality(%(tiers)s::text[]) = 0 or f.tiers = '{}' then ''
      else array_to_string(array(select t from unnest(f.tiers) t where t = any(%(tiers)s::text[]) order by t), ',') end tiers,
    case when left(f.area, 6) = any(%(areas)s::text[]) then left(f.area, 6)
      when left(f.area, 4) = any(%(areas)s::text[]) then left(f.area, 4)
      when left(f.area, 2) = any(%(areas)s::text[]) then left(f.area, 2) else '' end area
  from redemption r join member_facts f on f.member_id = r.member_id
  where r.member_id > %(low)s and r.member_id <= %(high)s and f.member_id > %(low)s and f.member_id <= %(high)s
    and f.programme_id = %(programme)s and r.at >= %(since)s and r.at < %(until)s and r.state = any(%(states)s::text[]))
"""
_CASES = "select distinct version_id, rate_id, period, tiers, area from r order by 1, 2, 3, 4, 5"


def _share(fen: str, basis_points: str) -> str:
    """base.money.share in SQL: half to even."""
    exact = f"({fen}::numeric * {basis_points})"
    twice = f"mod({exact}, 10000) * 2"
    odd = f"mod(div({exact}, 10000), 2) = 1"
    return f"div({exact}, 10000) + case when {twice} > 10000 or {twice} = 10000 and {odd} then 1 else 0 end"


_SUMS = f"""
with {_READ}, k as materialized (
  select * from unnest(%(k_version)s::bigint[], %(k_rate)s::bigint[], %(k_period)s::int[], %(k_tiers)s::text[],
    %(k_area)s::text[], %(k_points)s::bigint[], %(k_per_fen)s::bigint[], %(k_has_price)s::boolean[],
    %(k_drafted)s::boolean[], %(k_bp_then)s::int[], %(k_bp_new)s::int[], %(k_own)s::bigint[], %(k_guest)s::bigint[],
    %(k_as_own)s::boolean[], %(k_guests)s::int[])
  as k (version_id, rate_id, period, tiers, area, points, per_fen, has_price, drafted, bp_then, bp_new, own_fen, guest_fen,
    guests_as_own, most_guests)),
p as (
  select r.*, k.points, k.per_fen, k.bp_then, k.bp_new, k.drafted, k.has_price, k.most_guests, q.people,
    case when k.drafted then q.people * %(value)s::bigint else r.value_fen end value_new,
    case when k.own_fen is not null then r.guests * k.guest_fen
        + case when r.pays_own then k.own_fen * case when k.guests_as_own then q.people else 1 end else 0 end
      when k.drafted then q.people * %(value)s::bigint else r.value_fen end payable_new
  from r join k on k.version_id = r.version_id and k.period = r.period and k.tiers = r.tiers and k.area = r.area
    and coalesce(k.rate_id, 0) = coalesce(r.rate_id, 0)
  cross join lateral (select case when k.own_fen is null then r.units else 1 + r.guests end people) q),
v as (
  select p.*, p.has_price and (not p.drafted or p.units <= %(most)s and p.guests <= coalesce(p.most_guests, 0)
      and p.cash_fen <= p.payable_new
      and (p.cash_fen = 0 or p.cash_fen %% p.units = 0 and p.cash_fen / p.units = any(%(choices)s::bigint[]))) possible
  from p),
x as materialized (
  select v.member_id, v.offer_id, v.possible, v.price_points points_then, v.value_fen value_then, v.cash_fen cash_then,
    v.cost_fen cost_then, {_share("v.value_fen", "v.bp_then")} owed_then,
    case when not v.possible then 0 when v.points is null or v.price_points = 0 then v.price_points
      else greatest(1, div((v.payable_new - v.cash_fen)::numeric * v.points + v.per_fen - 1, v.per_fen)) end points_new,
    case when v.possible then v.value_new else 0 end value_new,
    case when v.possible then v.cash_fen else 0 end cash_new,
    case when not v.possible then 0 when v.drafted then v.people * %(cost)s::bigint else v.cost_fen end cost_new,
    case when v.possible then {_share("v.value_new", "v.bp_new")} else 0 end owed_new
  from v),
g as (
  select member_id, sum(points_then) points_then, sum(points_new) points_new, not bool_and(possible) lost,
    (sum(value_new) - sum(value_then)) * %(gain_points)s::numeric
      - (sum(points_new) - sum(points_then)) * %(gain_fen)s::numeric gain
  from x group by member_id),
m as materialized (
  select member_id, points_then, points_new, (gain > 0 and not lost)::int better, (gain < 0 or lost)::int worse from g),
{segments.READ}
select 'offer', offer_id::text, count(*), sum(points_then), sum(points_new), sum(value_then), sum(value_new),
  sum(cash_then), sum(cash_new), sum(cost_then), sum(cost_new), sum(owed_then), sum(owed_new),
  count(*) filter (where not possible), coalesce(sum(points_then) filter (where not possible), 0), 0, 0, 0,
  coalesce(sum(value_then - cash_then) filter (where points_then > 0), 0),
  coalesce(sum(value_new - cash_new) filter (where points_then > 0), 0),
  coalesce(sum(cost_then - cash_then) filter (where points_then > 0), 0),
  coalesce(sum(cost_new - cash_new) filter (where points_then > 0), 0)
  from x group by offer_id
{segments.SUMS}
"""

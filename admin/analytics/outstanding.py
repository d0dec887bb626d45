"""Points that are there at the end of a day, by area, issue month and lot, and how such points came and went; one pass
over the postings, nothing of it kept in memory but the sums.

The issue month of points is that of the posting that brought them into their lot. What comes back into its lot from a
redemption, a hold or a gift counts as what that lot held first, so that nothing grows younger by being given back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from admin.analytics import sums
from admin.analytics.burning import BUCKETS, Flow
from admin.analytics.sums import Days, Progress, Sums
from base import database
from points.kinds import GIVES, TAKES, Kind, Side
from points.lots import CLASS_BITS

BACK = (Kind.RELEASE, Kind.TIMEOUT, Kind.REVERSE, Kind.GIFT_RETURN)
BURNS = (Kind.REDEEM, Kind.HOLD)
UNBURNS = (Kind.RELEASE, Kind.TIMEOUT, Kind.REVERSE)


@dataclass
class Outstanding:
    """At the end of a day: points of lots by (area, "issue month/lot key"), flows for the hazards, the ledger's own word.

    `balance` and `held` are the sums over the members' last postings of what each says is left.
    """

    rows: dict[tuple[str, str], Sums] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    balance: int = 0
    held: int = 0
    members: int = 0


def read(session: Session, days: Days, since_month: int, progress: Progress = lambda n: None) -> Outstanding:
    """What is there at the end of the last day; flows before `since_month` are those of the month before it.

    Give it a REPEATABLE READ transaction: postings, sums and the ledger's word are then of one moment.
    """
    found = Outstanding()
    flows: dict[tuple[int, int, int, int], list[int]] = {}
    for part in sums.parts(session, days.programme.programme_id):
        asked = _asked(days, part, since_month)
        for what, *row in database.driver(session).execute(_LOTS, asked):
            if what == "lot":
                area, issued, lot_key, points, members = row[0], row[2], row[3], row[5], row[6]
                place = (area, f"{issued}/{lot_key}")
                found.rows[place] = found.rows.get(place, sums.NOTHING).plus(Sums(int(members), int(points)))
            else:
                bucket, issued, lot_class, month = row[1:5]
                numbers = flows.setdefault((bucket, lot_class, issued, month), [0, 0, 0])
                for at, value in enumerate(row[5:8]):
                    numbers[at] += int(value or 0)
        balance, held, members = database.driver(session).execute(_LEDGER, asked).fetchone() or (0, 0, 0)
        found.balance += int(balance)
        found.held += int(held)
        found.members += int(members)
        progress(1)
    found.flows = list(_flows(flows))
    return found


def _flows(found: dict[tuple[int, int, int, int], list[int]]) -> Iterator[Flow]:
    for (bucket, lot_class, issued, month), (given, burnt, gone) in sorted(found.items()):
        yield Flow(bucket, lot_class, issued, month, given, burnt, gone)


def _asked(days: Days, part: tuple[int, int], since_month: int) -> dict[str, Any]:
    return {
        "programme": days.programme.programme_id, "zone": days.programme.zone, "until": days.until,
        "low": part[0], "high": part[1], "before": since_month - 1, "available": int(Side.AVAILABLE),
        "takes": [int(kind) for kind in TAKES], "gives": [int(kind) for kind in GIVES],
        "back": [int(kind) for kind in BACK], "burns": [int(kind) for kind in BURNS],
        "unburns": [int(kind) for kind in UNBURNS], "gift": int(Kind.GIFT_OUT), "hold": int(Kind.HOLD),
        "buckets": BUCKETS, "class_mask": (1 << CLASS_BITS) - 1,
    }  # fmt: skip


# A hold that became a gift is no redemption. Buckets by md5, which is the same in every version of the database.
_LOTS = """
with m as materialized (
  select member_id, area, (('x' || substr(md5(member_id::text), 1, 7))::bit(28)::int %% %(buckets)s) bucket from member_facts
  where programme_id = %(programme)s and member_id > %(low)s and member_id <= %(high)s),
i as (
  select m.area, m.bucket, p.member_id, p.at at time zone %(zone)s local, p.effective_on, p.kind,
    p.to_class = %(available)s gives, p.lots[3 * n - 2] lot_key, p.lots[3 * n] points,
    p.kind = %(hold)s and exists (select from posting g where g.member_id = p.member_id and g.rev_of = p.seq
      and g.kind = %(gift)s) is_gift
  from m join posting p on p.member_id = m.member_id, generate_series(1, cardinality(p.lots) / 3) n
  where p.at < %(until)s and p.kind = any(%(takes)s || %(gives)s)),
l as (
  select i.*, coalesce(min(effective_on) filter (where gives and kind <> all(%(back)s)) over w,
    min(effective_on) over w) first_on from i window w as (partition by member_id, lot_key)),
b as materialized (
  select area, bucket, member_id, lot_key, points, kind, gives, is_gift,
    date_part('year', first_on)::int * 12 + date_part('month', first_on)::int - 1 issued,
    greatest(date_part('year', local)::int * 12 + date_part('month', local)::int - 1, %(before)s) as month from l),
w as (
  select area, member_id, issued, lot_key, sum(case when gives then points else -points end)::bigint points
  from b group by area, member_id, issued, lot_key)
select 'lot', area, 0, issued, lot_key, 0, sum(points)::bigint, count(*)::bigint, 0::bigint
  from w where points <> 0 group by area, issued, lot_key
union all
select 'flow', '', bucket, issued, lot_key & %(class_mask)s, month,
  sum(points) filter (where gives and kind <> all(%(unburns)s)),
  sum(case when kind = any(%(burns)s) and not is_gift then points when kind = any(%(unburns)s) then -points else 0 end),
  sum(points) filter (where not gives and (kind <> all(%(burns)s) or is_gift))
from b group by bucket, issued, lot_key & %(class_mask)s, month
"""
_LEDGER = """
select coalesce(sum(last.balance_after), 0)::bigint, coalesce(sum(last.held_after), 0)::bigint, count(*)
from member_facts f cross join lateral (
  select p.balance_after, p.held_after from posting p where p.member_id = f.member_id and p.at < %(until)s
  order by p.seq desc limit 1) last
where f.programme_id = %(programme)s and f.member_id > %(low)s and f.member_id <= %(high)s
"""

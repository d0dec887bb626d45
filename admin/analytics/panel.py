"""The person-month panel: from a snapshot to one row a member and month, in SQL that DuckDB and PostgreSQL both run.

In month t come what is known before it opens (balance, bills of the months before, grade, tier), then the redemption,
then whether the member left. Whole numbers alone, so that both engines answer the same to the last digit; the text of a
query is put together from whole numbers that this program reckoned, never from what anybody typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from admin.analytics.prices import month_of
from admin.analytics.snapshot import Of, Snapshot
from admin.analytics.snapshot_queries import BALANCE, KINDS, LADDER, RISK, TOLD_TIER
from base import clock

SILENT_DAYS = (
    90  # so long without paid activity is a leave, and so long before the end nothing is decided yet
)
KEPT, DROPPED = "kept", "dropped"  # what is undone in a later month
EPOCH = date(1970, 1, 1)
ABOVE = 2**50  # above any value of a fact: no wallet holds so many points
LONG_AGO = 960  # months before the first that can be told apart


@dataclass(frozen=True)
class Window:
    """What of a programme is looked at: first and last whole month, and the day up to which there are records."""

    programme_id: int
    first_month: int
    last_month: int
    records_end: date
    has_bills: bool
    ladders: int
    undone: str = KEPT

    @property
    def months(self) -> int:
        """How many whole months there are; 0 or less: nothing is decided yet."""
        return self.last_month - self.first_month + 1


def window(snapshot: Snapshot, of: Of, undone: str = KEPT) -> Window | None:
    """Whole months from the first record on, up to the last that is decided; None without a record."""
    if of.first_day is None or of.last_day is None:
        return None
    end = min(of.last_day, clock.day(snapshot.as_of, of.zone))
    first = month_of(of.first_day) + (of.first_day.day > 1)
    after = end - timedelta(days=SILENT_DAYS) + timedelta(days=1)
    return Window(
        of.programme_id, first, month_of(after) - 1, end, of.has_bills, len(snapshot.ladders), undone
    )


def columns(of: Window) -> tuple[str, ...]:
    """The names of the panel's columns, in order."""
    return (
        "member_id", "bucket", "area", "month", "tenure", "left_here", "involuntary", "redeemed_before", "kind",
        "points", "cost_fen", "balance", "bill_fen", "bills_fen", "bill_months", "risk", "told_tier",
        *(f"rank_{nth}" for nth in range(1, of.ladders + 1)), *(f"can_{kind}" for kind in KINDS),
    )  # fmt: skip


def calendar(of: Window) -> list[tuple[int, int, int]]:
    """Months with the numbers of their first and last day, for dating days to months."""
    months = range(min(of.first_month, month_of(of.records_end)) - 600, month_of(of.records_end) + 2)
    return [(month, first_day(month), first_day(month + 1) - 1) for month in months]


def rows(of: Window, low: int, high: int) -> str:
    """The rows of the table `panel` for members of the buckets low <= b < high, by member and month."""
    return (
        f"select {', '.join(columns(of))} from panel where bucket >= {low} and bucket < {high} "
        "order by member_id, month"
    )


def tables(of: Window, low: int, high: int) -> str:
    """Everything up to the table `panel` of the buckets low <= b < high, to be put after `with`."""
    return ",".join((_exits(of, low, high), _redeemed(of), _facts(of), _grid(of), _panel(of)))


def first_day(month: int) -> int:
    """The number of the first day of a month, counted from 1970-01-01."""
    return (date(month // 12, month % 12 + 1, 1) - EPOCH).days


def _exits(of: Window, low: int, high: int) -> str:
    """Who is seen from when to when: leaves are dated to the first day without paid activity, never to its notice."""
    end, silence = (of.records_end - EPOCH).days, int(of.has_bills)
    return f"""
m as (select * from member where programme_id = {of.programme_id} and bucket >= {low} and bucket < {high}),
paid as (select b.member_id, b.month, b.last_day,
    lead(b.first_day, 1, {end + 1}) over (partition by b.member_id order by b.month) as next_day
  from bill b join m on m.member_id = b.member_id where b.last_day >= 0 and {silence} = 1),
silent as (select p.member_id, min(case when p.last_day >= c.last_day then p.month + 1 else p.month end) as month
  from paid p join calendar c on c.month = p.month where p.next_day - p.last_day - 1 >= {SILENT_DAYS} group by p.member_id),
ended as (select m.*, case when m.left_month >= 0 and (s.month is null or m.left_month < s.month) then m.left_month
    else s.month end as leave_month
  from m left join silent s on s.member_id = m.member_id),
seen as (select member_id, bucket, area, joined_month, leave_month,
    case when left_month >= 0 then involuntary else 0 end as involuntary,
    case when joined_month > {of.first_month} then joined_month else {of.first_month} end as first_month,
    least({of.last_month}, coalesce(leave_month, {of.last_month}),
      case when merged_month >= 0 then merged_month - 1 else {of.last_month} end) as last_month
  from ended)"""


def _redeemed(of: Window) -> str:
    """Redemptions by month: what was undone within the month never was; of several kinds the one with most points."""
    counts = (
        "r.undone_month < 0" if of.undone == DROPPED else "(r.undone_month < 0 or r.undone_month > r.month)"
    )
    return f"""
taken as (select r.* from redemption r join m on m.member_id = r.member_id where {counts}),
by_kind as (select member_id, month, kind, cast(sum(points) as bigint) as points, cast(sum(cost_fen) as bigint) as cost_fen
  from taken group by member_id, month, kind),
ranked as (select member_id, month, kind, cast(sum(points) over (partition by member_id, month) as bigint) as points,
    cast(sum(cost_fen) over (partition by member_id, month) as bigint) as cost_fen,
    row_number() over (partition by member_id, month order by points desc, kind) as nth
  from by_kind),
exposure as (select * from ranked where nth = 1),
earlier as (select t.member_id, min(t.month) as month from taken t group by t.member_id)"""


def _facts(of: Window) -> str:
    """What was told by the month from which it holds, what is older by the member's first; the latest of each.

    A fact is one number, its month above its value, so that the largest is the latest.
    """
    stamp = f"greatest(f.month - {of.first_month - LONG_AGO}, 0) * {ABOVE} + f.value"
    values = ", ".join(
        f"max(case when f.what = {what} then {stamp} end) as {name}" for name, what in _told(of)
    )
    return f"""
facts as (select f.member_id, greatest(f.month, s.first_month) as month, {values}
  from fact f join seen s on s.member_id = f.member_id
  group by f.member_id, greatest(f.month, s.first_month))"""


def _grid(of: Window) -> str:
    """A row a member and month, with the latest of each fact and the bills of up to three months before."""
    before = "over (partition by s.member_id order by c.month rows between 2 preceding and current row)"
    latest = ", ".join(
        f"max(f.{name}) over (partition by s.member_id order by c.month "
        f"rows between unbounded preceding and current row) as {name}"
        for name, _ in _told(of)
    )
    return f"""
months as (select * from calendar where month >= {of.first_month} and month <= {of.last_month}),
grid as (select s.member_id, s.bucket, s.area, c.month, c.month - s.joined_month as tenure, s.first_month,
    case when s.leave_month = c.month then 1 else 0 end as left_here,
    case when s.leave_month = c.month then s.involuntary else 0 end as involuntary,
    coalesce(b.fen, 0) as bill_fen, cast(sum(coalesce(b.fen, 0)) {before} as bigint) as bills_fen,
    count(*) {before} as bill_months, {latest}
  from seen s join months c on c.month >= s.first_month and c.month <= s.last_month
  left join facts f on f.member_id = s.member_id and f.month = c.month
  left join bill b on b.member_id = s.member_id and b.month = c.month - 1),
known as (select member_id, bucket, area, month, tenure, first_month, left_here, involuntary,
    bill_fen, bills_fen, bill_months, {", ".join(f"mod({name}, {ABOVE}) as {name}" for name, _ in _told(of))}
  from grid)"""


def _panel(of: Window) -> str:
    """Everything side by side; whoever redeems a kind could afford it, also with points that came within the month."""
    price = ", ".join(
        f"min(case when kind = {number} then points end) as price_{number}" for number in range(len(KINDS))
    )
    can = ", ".join(
        f"case when coalesce(k.balance, 0) >= p.price_{number} or x.kind = {number} then 1 else 0 end as can_{kind}"
        for number, kind in enumerate(KINDS)
    )
    ranks = "".join(f", coalesce(k.rank_{nth}, 0) as rank_{nth}" for nth in range(1, of.ladders + 1))
    return f"""
prices as (select month, {price} from price where programme_id = {of.programme_id} group by month),
panel as (select k.member_id, k.bucket, k.area, k.month, k.tenure, k.left_here, k.involuntary,
    case when e.month < k.first_month then 1 else 0 end as redeemed_before,
    coalesce(x.kind, -1) as kind, coalesce(x.points, 0) as points, coalesce(x.cost_fen, 0) as cost_fen,
    coalesce(k.balance, 0) as balance, k.bill_fen, k.bills_fen, k.bill_months, coalesce(k.risk, -1) as risk,
    coalesce(k.told_tier, 0) as told_tier{ranks}, {can}
  from known k left join exposure x on x.member_id = k.member_id and x.month = k.month
  left join earlier e on e.member_id = k.member_id
  left join prices p on p.month = k.month)"""


def _told(of: Window) -> Sequence[tuple[str, int]]:
    ladders = ((f"rank_{nth}", LADDER + nth - 1) for nth in range(1, of.ladders + 1))
    return (("balance", BALANCE), ("risk", RISK), ("told_tier", TOLD_TIER), *ladders)

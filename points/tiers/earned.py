"""What members earned in the windows of ladders: EARN postings less what was taken back of them, by their day.

What is taken back counts against the earning it belongs to, on that earning's day, and whether the points were still there
or are owed now. Adjustments, gifts, points that came back and points that were brought along are no earnings.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from points import lots
from points.kinds import Kind
from points.tiers.reckoning import Rule

_CLASS = (1 << lots.CLASS_BITS) - 1
_EARNED = f"""
select e.member_id, {{sums}} from (
  select p.member_id, p.effective_on, (p.lots[1] & {_CLASS})::int as class, p.amount - coalesce(t.taken, 0) as left_of_it
  from posting p left join (
    select r.member_id, r.rev_of, sum(r.amount) as taken from posting r
    where r.member_id between %s and %s and r.rev_of is not null and r.kind in ({int(Kind.UNEARN)}, {int(Kind.OWE)})
    and r.effective_on <= %s group by r.member_id, r.rev_of) t on t.member_id = p.member_id and t.rev_of = p.seq
  where p.member_id between %s and %s and p.kind = {int(Kind.EARN)} and p.effective_on between %s and %s) e
group by e.member_id"""
_SUM = "coalesce(sum(e.left_of_it) filter (where e.effective_on >= %s and e.class = any(%s)), 0)::bigint"


def of_members(
    session: Session, first: int, last: int, rules: Sequence[Rule], on: date
) -> dict[int, tuple[int, ...]]:
    """Points earned by a range of members in each rule's window that ends on a day; who earned nothing is left out."""
    windows = [rule.window_first(on) for rule in rules]
    asked = [
        value for rule, begin in zip(rules, windows, strict=True) for value in (begin, list(rule.lot_classes))
    ]
    rows = session.connection().exec_driver_sql(
        _EARNED.format(sums=", ".join([_SUM] * len(rules))),
        (*asked, first, last, on, first, last, min(windows), on),
    )
    return {row[0]: tuple(row[1:]) for row in rows}

"""What members earned in the windows of ladders: EARN postings less what was taken back of them, by their day.

What is taken back counts against the earning it belongs to, on that earning's day, and whether the points were still there
or are owed now. Adjustments, gifts, points that came back and points that were brought along are no earnings; but who was
merged into a member brings what was earned before.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from base import database
from points import lots
from points.kinds import Kind
from points.merges import redirects
from points.tiers.reckoning import Rule

_CLASS = (1 << lots.CLASS_BITS) - 1
_RANGE, _SOME = "between %s and %s", "= any(%s)"
_EARNED = f"""
select e.member_id, {{sums}} from (
  select p.member_id, p.effective_on, (p.lots[1] & {_CLASS})::int as class, p.amount - coalesce(t.taken, 0) as left_of_it
  from posting p left join (
    select r.member_id, r.rev_of, sum(r.amount) as taken from posting r
    where r.member_id {{which}} and r.rev_of is not null and r.kind in ({int(Kind.UNEARN)}, {int(Kind.OWE)})
    and r.effective_on <= %s group by r.member_id, r.rev_of) t on t.member_id = p.member_id and t.rev_of = p.seq
  where p.member_id {{which}} and p.kind = {int(Kind.EARN)} and p.effective_on between %s and %s) e
group by e.member_id"""
_SUM = "coalesce(sum(e.left_of_it) filter (where e.effective_on >= %s and e.class = any(%s)), 0)::bigint"

Sums = dict[int, tuple[int, ...]]


def of_members(session: Session, first: int, last: int, rules: Sequence[Rule], on: date) -> Sums:
    """Points earned by a range of members in each rule's window that ends on a day; who earned nothing is left out."""
    found = _read(session, _RANGE, (first, last), rules, on)
    brought = _brought(session, first, last)
    if brought:
        nothing = (0,) * len(rules)
        for member_id, sums in _read(session, _SOME, (sorted(brought),), rules, on).items():
            own = found.get(brought[member_id], nothing)
            found[brought[member_id]] = tuple(a + b for a, b in zip(own, sums, strict=True))
    return found


def _brought(session: Session, first: int, last: int) -> dict[int, int]:
    """Who was merged into one of these members, at whatever remove, and into whom; of one member without a look at all merges."""
    if first == last:
        return dict.fromkeys(redirects.into(session, first), first)
    every = _survivors(redirects.every(session))
    return {member_id: survivor for member_id, survivor in every.items() if first <= survivor <= last}


def _read(session: Session, which: str, members: tuple[Any, ...], rules: Sequence[Rule], on: date) -> Sums:
    windows = [rule.window_first(on) for rule in rules]
    asked: list[Any] = []
    for rule, begin in zip(rules, windows, strict=True):
        asked += [begin, list(rule.lot_classes)]
    rows = database.driver(session).execute(
        _EARNED.format(sums=", ".join([_SUM] * len(rules)), which=which),
        (*asked, *members, on, *members, min(windows), on),
    )
    return {row[0]: tuple(row[1:]) for row in rows.fetchall()}


def _survivors(merged: dict[int, int]) -> dict[int, int]:
    """Who has the points of each merged member now; a survivor that was merged later is followed."""
    found = {}
    for member_id, survivor in merged.items():
        end = survivor
        while end in merged:
            end = merged[end]
        found[member_id] = end
    return found

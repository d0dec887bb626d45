"""Caps of a group's spenders: so many points of the group's wallet in a calendar month of its programme.

What a spender takes raises the sum of the month in which it is posted; what comes back lowers that very month, also when
it comes back in a later one: nobody spends more in June because something of May was cancelled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from points.kinds import Kind
from points.postings import Posting
from points.refusals import OverCap, SpendingNotAllowed

SPENDS = frozenset({Kind.REDEEM, Kind.HOLD})
RETURNS = frozenset({Kind.RELEASE, Kind.TIMEOUT, Kind.REVERSE, Kind.GIFT_RETURN})


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a spender may take in the month of a deed, and what was taken in it and has not come back (points)."""

    cap_points: int
    spent: int

    @property
    def left(self) -> int:
        """What may still be taken; nothing where a cap was lowered below what was taken before."""
        return max(0, self.cap_points - self.spent)


def check(
    allowance: Allowance | None,
    spender_id: int,
    points: int,
    on: date,
    ran_out: Iterable[tuple[Posting, int]],
) -> None:
    """SpendingNotAllowed, or OverCap with what is left.

    `ran_out`: holds that have just run out, with their open points; this spender's of this month count as given back.
    """
    if allowance is None:
        raise SpendingNotAllowed()
    back = sum(
        open_points
        for hold, open_points in ran_out
        if hold.spender_id == spender_id and month(hold.effective_on) == month(on)
    )
    now = Allowance(allowance.cap_points, allowance.spent - back)
    if points > now.left:
        raise OverCap(left=now.left, cap=now.cap_points, resets_on=str(next_month(on)))


def month(on: date) -> date:
    """The first day of a day's month, which stands for the month."""
    return on.replace(day=1)


def next_month(on: date) -> date:
    """The first day of the month after a day's: from then on the whole cap is there again."""
    return date(on.year + on.month // 12, on.month % 12 + 1, 1)

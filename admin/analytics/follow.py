"""What can be followed from each member-month on: how long it stays in view, and how the view ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from admin.analytics.histories import Bools
from admin.analytics.person_months import NO_KIND, Ints64, PersonMonths

NEVER_AGAIN = 1 << 30


@dataclass(frozen=True, eq=False)
class Followed:
    """One value per row of the member-months it was made of."""

    sample: PersonMonths

    @cached_property
    def first(self) -> Ints64:
        """The member's first row."""
        return self.sample.first_rows[self.sample.member]

    @cached_property
    def end(self) -> Ints64:
        """The last row of the unbroken run of months that this row is in."""
        sample = self.sample
        goes_on = (sample.member[1:] == sample.member[:-1]) & (sample.month[1:] == sample.month[:-1] + 1)
        ends = np.flatnonzero(~np.append(goes_on, False))
        run = np.cumsum(np.concatenate([[0], ~goes_on]))[: sample.rows]
        return np.asarray(ends[run])

    @cached_property
    def ahead(self) -> Ints64:
        """Months in view from this one on, itself included."""
        return self.end - np.arange(self.sample.rows) + 1

    @cached_property
    def leaves(self) -> Bools:
        """Whether the run of months ends because the member leaves."""
        return self.sample.event[self.end]

    @cached_property
    def ends(self) -> Bools:
        """Whether the run of months ends because the member is gone, of the member's own will or not."""
        return self.sample.left[self.end]

    @cached_property
    def history(self) -> Ints64:
        """Months in view before this one."""
        return np.arange(self.sample.rows) - self.first

    @cached_property
    def until_redeemed(self) -> Ints64:
        """Months from this one to the member's next redemption (0: in this one); `NEVER_AGAIN` where there is none."""
        rows = self.sample.rows
        at = np.where(self.sample.kind != NO_KIND, np.arange(rows), rows + rows)
        following = np.minimum.accumulate(at[::-1])[::-1]
        last = np.append(self.sample.first_rows[1:], rows)[self.sample.member]
        return np.where(following < last, following - np.arange(rows), NEVER_AGAIN)

    def washed_out(self, washout: int | None) -> Bools:
        """No redemption in the last `washout` months (None: ever) before this one."""
        sample = self.sample
        if washout is None:
            return ~sample.redeemed_earlier
        rows = np.arange(sample.rows)
        at = np.maximum.accumulate(np.where(sample.kind != NO_KIND, rows, -1))
        latest = np.concatenate([[-1], at[:-1]])[: sample.rows]
        inside = latest >= self.first
        months = sample.month - sample.month[np.maximum(latest, 0)]
        known = ~sample.redeemed_before[sample.member] | (sample.month - sample.month[self.first] >= washout)
        return np.where(inside, months > washout, known)

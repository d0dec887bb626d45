"""The same method where there can be no effect: an outcome that redeeming cannot change, a redemption that gave nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from admin.analytics.person_months import NO_KIND, PersonMonths, some_rows

PLACEBO = "placebo"


def negative_control(sample: PersonMonths) -> PersonMonths | None:
    """Members followed to the first month with the thing that redeeming cannot change, as if they left by it."""
    if sample.negative_control is None:
        return None
    happens = sample.negative_control.astype(np.int64)
    earlier = np.cumsum(happens) - happens
    earlier -= earlier[sample.first_rows][sample.member]
    kept = replace(
        sample, left=sample.negative_control, involuntary=None, negative_control=None, placebo=None
    )
    return some_rows(kept, earlier == 0)


def placebo(sample: PersonMonths) -> PersonMonths | None:
    """What looks like a redemption but gave nothing in place of redemptions, among those who have redeemed nothing."""
    if sample.placebo is None:
        return None
    free = (sample.kind == NO_KIND) & ~sample.redeemed_earlier
    return replace(
        sample,
        kind=np.where(free & sample.placebo, 0, NO_KIND).astype(np.int8),
        kinds=(PLACEBO,),
        can={PLACEBO: free},
        cost_fen=None,
        points=None,
        negative_control=None,
        placebo=None,
    )

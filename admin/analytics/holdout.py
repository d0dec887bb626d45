"""E7a, a randomised holdout: what the arms that were drawn before the start did, and whether they are as drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from admin.analytics.follow import Followed
from admin.analytics.histories import Floats
from admin.analytics.person_months import NO_KIND, PersonMonths
from admin.analytics.raw_gap import Z95
from admin.analytics.refusals import LEAST_CHANCE_OF_SPLIT, Reason
from admin.analytics.trial_blocks import status

CONTROLS = frozenset({"0", "control", "holdout", "none", "off"})
FIELDS = ("arms", "srm_p", "difference_pp", "interval_pp", "complier_difference_pp")


def block(parts: Iterable[PersonMonths], horizon: int) -> dict[str, Any] | None:
    """Risk difference within the horizon from each member's first month; None where no arms are told.

    Two arms of equal size are expected; the control is named 0, control, holdout, none or off, else the first by name.
    `complier_difference_pp` is the difference over that in how many redeemed within the horizon.
    """
    names: tuple[str, ...] = ()
    seen, left, redeemed, counts = (np.zeros((2, horizon + 1)) for _ in range(4))
    for part in parts:
        if part.arm is None:
            return None
        names = part.arms or tuple(str(one) for one in range(int(part.arm.max(initial=0)) + 1))
        if len(names) != 2:
            continue
        _add(part, _control(names), horizon, seen, left, redeemed, counts)
    n = counts[:, 0]
    if len(names) != 2 or n.min() == 0:
        return status([Reason("one_arm_empty", 0, 1)], refused=True) | dict.fromkeys(FIELDS)
    control = _control(names)
    arms = {names[1 - control]: int(n[0]), names[control]: int(n[1])}
    chance = split_chance(int(n[0]), int(n[1]))
    if chance < LEAST_CHANCE_OF_SPLIT:
        found = [Reason("sample_ratio", chance, LEAST_CHANCE_OF_SPLIT)]
        return status(found, refused=True) | dict.fromkeys(FIELDS) | {"arms": arms, "srm_p": chance}
    return status([]) | {"arms": arms, "srm_p": chance} | _compared(seen, left, redeemed[:, 0] / n, horizon)


def split_chance(one: int, other: int) -> float:
    """How likely a split at least so uneven is where each arm is drawn with one half (chi-square, 1 degree)."""
    return math.erfc(abs(one - other) / math.sqrt(2 * (one + other)))


def _control(names: tuple[str, ...]) -> int:
    return next((place for place, name in enumerate(names) if name.lower() in CONTROLS), 0)


def _add(
    part: PersonMonths,
    control: int,
    horizon: int,
    seen: Floats,
    left: Floats,
    redeemed: Floats,
    counts: Floats,
) -> None:
    followed, first = Followed(part), part.first_rows
    assert part.arm is not None
    drawn = part.arm[first] >= 0
    rows = first[drawn]
    place = (part.arm[rows] == control).astype(np.int64)
    ahead = followed.ahead[rows]
    within = np.minimum(ahead, horizon + 1) - 1
    gone = followed.leaves[rows] & (ahead <= horizon)
    takes = (followed.until_redeemed[rows] < np.minimum(ahead, horizon)) & (
        part.kind.max(initial=NO_KIND) >= 0
    )
    for arm in range(2):
        mine = place == arm
        seen[arm] += np.bincount(within[mine], minlength=horizon + 1)
        left[arm] += np.bincount(within[mine & gone], minlength=horizon + 1)
        redeemed[arm, 0] += (takes & mine).sum()
        counts[arm, 0] += mine.sum()


def _compared(seen: Floats, left: Floats, redeemed: Floats, horizon: int) -> dict[str, Any]:
    """Product-limit risks with Greenwood's variance; treated arm first."""
    at_risk = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1][:, :horizon]
    events = left[:, :horizon]
    if (at_risk == 0).any():
        reason = Reason("short_follow_up", int((at_risk > 0).all(axis=0).sum()), horizon)
        return status([reason], refused=True) | dict.fromkeys(FIELDS[2:])
    stay = np.prod(1 - events / at_risk, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(at_risk > events, events / (at_risk * (at_risk - events)), 0.0).sum(axis=1)
    difference = 100 * (stay[1] - stay[0])
    half = 100 * Z95 * math.sqrt(float(np.sum(stay**2 * spread)))
    moved = redeemed[0] - redeemed[1]
    return {
        "difference_pp": difference,
        "interval_pp": (difference - half, difference + half),
        "complier_difference_pp": difference / moved if moved > 0 else None,
    }

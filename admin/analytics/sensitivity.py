"""How much would have to be wrong: E-value, tipping point, and effects where there can be none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from admin.analytics import bootstrap
from admin.analytics.effects import Effect
from admin.analytics.histories import Floats

MOST_ODDS = 1000.0


@dataclass(frozen=True)
class TippingPoint:
    """An unseen trait that half of the members have: the odds of redeeming times, those of leaving divided by `odds`.

    With it the estimate would come out of no effect at all.
    """

    odds: float


def e_value(ratio: float) -> float:
    """How strongly, as a risk ratio, an unseen trait must hang together with both to explain a risk ratio away.

    Source: VanderWeele & Ding 2017, Ann Intern Med 167:268.
    """
    if not ratio > 0:
        return float("nan")
    above = max(ratio, 1 / ratio)
    return above + math.sqrt(above * (above - 1))


def e_values(effect: Effect, months: int) -> tuple[float, float]:
    """The E-value of the risk ratio, and of the end of its interval that is nearer to 1 (1 if that holds 1)."""
    treated, control = effect.risks(months)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = treated / control
    low, high = bootstrap.interval(ratio)
    if low <= 1 <= high:
        return e_value(float(ratio[0])), 1.0
    return e_value(float(ratio[0])), e_value(high if high < 1 else low)


def tipping_point(risk_treated: float, risk_control: float) -> TippingPoint | None:
    """The smallest strength at which such a trait alone makes the two risks; None where none could.

    Redeeming is taken to be rare, so that of those who do x / (1 + x) have the trait, and half of those who do not.
    """
    if not (0 < risk_treated < 1 and 0 < risk_control < 1):
        return None
    low, high = 1.0, MOST_ODDS
    wanted = abs(_log_odds(risk_treated) - _log_odds(risk_control))
    sign = 1 if risk_treated <= risk_control else -1
    if _made(high, risk_control, sign) < wanted:
        return None
    for _ in range(80):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _made(middle, risk_control, sign) < wanted else (low, middle)
    return TippingPoint(high)


def _made(odds: float, risk_control: float, sign: int) -> float:
    """The gap in log odds that a trait of this strength makes between the arms where redeeming does nothing."""
    without = _without(odds**sign, risk_control)
    having = _divided(without, odds**sign)
    share = odds / (1 + odds)
    return abs(_log_odds(share * having + (1 - share) * without) - _log_odds(risk_control))


def _without(odds: float, risk: float) -> float:
    """The risk of those without the trait, if half have it and all together have `risk`."""
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if (middle + _divided(middle, odds)) / 2 < risk else (low, middle)
    return (low + high) / 2


def _divided(risk: float, odds: float) -> float:
    """The risk after dividing its odds."""
    return risk / (risk + odds * (1 - risk))


def _log_odds(risk: float) -> float:
    return math.log(risk / (1 - risk))


def holds_zero(values: Floats) -> bool:
    """Whether the 95 % interval of a difference holds 0; also where there is no interval."""
    low, high = bootstrap.interval(values)
    return not (low > 0 or high < 0)

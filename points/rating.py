"""What a bill line is worth in points: the one function behind bill files, questions and their answers. Pure.

As a whole it is worth what rule and factors of its day make of what is to be paid, rounded down once. Of that it has
earned the share that is paid: floor(points * paid / payable), so that the shares always add up to the whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from points import factors, policies
from points.factors import Circumstances
from points.models import EarnFactor, EarnRule, ExpiryPolicy
from points.policies import Policies


@dataclass(frozen=True, slots=True)
class Terms:
    """What lines of a type earn on a day, and the lot that the points enter."""

    rule: EarnRule
    policy: ExpiryPolicy
    lot_key: int
    factors: tuple[EarnFactor, ...]


@dataclass(frozen=True, slots=True)
class Worth:
    """A line's points as a whole, how many of them what is paid has earned, and the factors that applied."""

    points: int
    earned: int
    factors: tuple[EarnFactor, ...]


def terms(versions: Policies, line_type: str, on: date) -> Terms:
    """Rule, policy and factors in force for lines of a type on a day; NoRuleInForce."""
    rule, policy = versions.earn_rule(line_type, on), versions.expiry_policy(policies.BILL_POINTS, on)
    begun = factors.in_force(versions.factors, line_type, on)
    return Terms(rule, policy, policies.lot_key(policy, on), begun)


def rate(
    found: Terms,
    amount_fen: int,
    waived_fen: int,
    paid_fen: int | None,
    customer: Callable[[], Circumstances],
) -> Worth:
    """What a line is worth; the customer is asked for only where there are factors. `paid_fen` None: all is paid."""
    applied = factors.applying(found.factors, customer()) if found.factors else ()
    points = policies.points_for(found.rule, amount_fen, waived_fen, applied)
    return Worth(points, share(points, amount_fen - waived_fen, paid_fen), applied)


def share(points: int, payable_fen: int, paid_fen: int | None) -> int:
    """Of a line's points, those that so much money has earned; more money than is due earns no more."""
    if paid_fen is None or paid_fen >= payable_fen:
        return points
    return points * paid_fen // payable_fen

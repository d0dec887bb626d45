"""Step five, the cost: what one unit is worth and costs; what looks dear is said and not refused."""

from dataclasses import dataclass
from typing import Any

from base.errors import Problem
from catalog.offers.models import BILL_CREDIT, VALUE_ADDED
from catalog.publishing.faults import (
    BadCashChoice,
    BadCost,
    BadValue,
    CostMissing,
    OfferIncomplete,
    OtherCurrency,
)
from points.models import Programme

MOST_FEN = 100_000_000_000
THIN_PERCENT = 5


@dataclass(frozen=True)
class Concern:
    """Something to think about before approving: a name, and words in both languages."""

    name: str
    words: dict[str, str]


COST_ABOVE_VALUE = Concern(
    "cost-above-value",
    {"zh-CN": "成本高于权益价值。", "en": "One unit costs more than it is worth to the member."},
)
COST_ABOVE_CREDIT = Concern(
    "cost-above-credit",
    {
        "zh-CN": "成本高于同样积分兑换话费的成本。",
        "en": "It costs more than the same points as bill credit would.",
    },
)
THIN_MARGIN = Concern(
    "thin-margin",
    {
        "zh-CN": f"与兑换话费相比，节省不足 {THIN_PERCENT}%。",
        "en": f"It saves less than {THIN_PERCENT} % against bill credit.",
    },
)
NO_BUDGET = Concern(
    "no-budget",
    {"zh-CN": "增值类权益未指定预算。", "en": "A value-added offer names no budget."},
)
NO_RATE = Concern(
    "no-rate",
    {
        "zh-CN": "当前没有适用的兑换比例，权益不会显示价格。",
        "en": "No rate holds for it now, so it would have no price.",
    },
)


def faults(programme: Programme, document: dict[str, Any]) -> list[Problem]:
    """What is missing or wrong with value, cost and cash."""
    value, cost, found = document.get("value_fen"), document.get("cost_fen"), list[Problem]()
    if document.get("currency") != programme.currency:
        found.append(OtherCurrency(field="currency", currency=programme.currency))
    if value is None:
        found.append(OfferIncomplete(field="value_fen"))
    elif not 0 < value <= MOST_FEN:
        found.append(BadValue(field="value_fen"))
    if cost is None:
        found.append(CostMissing(field="cost_fen"))
    elif not 0 <= cost <= MOST_FEN:
        found.append(BadCost(field="cost_fen"))
    cash = document.get("cash_choices") or []
    if cash and (len(set(cash)) < len(cash) or not all(0 < fen < (value or 0) for fen in cash)):
        found.append(BadCashChoice(field="cash_choices"))
    return found


def concerns(kind: str, document: dict[str, Any], credit_fen: int | None) -> list[Concern]:
    """What looks dear. `credit_fen`: what the points that it takes today are worth as bill credit; None: no rate holds."""
    cost, value = document.get("cost_fen"), document.get("value_fen")
    found = (
        [NO_BUDGET] if document.get("approval_class") == VALUE_ADDED and not document.get("budget") else []
    )
    if cost is None or value is None:
        return found
    if cost > value:
        found.append(COST_ABOVE_VALUE)
    if credit_fen is None:
        found.append(NO_RATE)
    elif cost > credit_fen:
        found.append(COST_ABOVE_CREDIT)
    elif kind != BILL_CREDIT and (credit_fen - cost) * 100 < credit_fen * THIN_PERCENT:
        found.append(THIN_MARGIN)
    return found

"""What a version of terms may say: its fields as they are proposed, and what is wrong with them, field by field."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from merchants import terms
from merchants.models import CYCLES, ISSUING_RULES, MONTHLY, POSTPAID, STOP

WHOLE_BP = 10_000
LONGEST_WINDOW_S = 7 * terms.DAY_S
LAST_MINUTE = 24 * 60 - 1
MOST_FEN = 10**12
MOST_PRICES = 500
MOST_BRAND = 60
MOST_POINTS_PER_100_YUAN = 1_000_000
MOST_DRAFT_DAYS, MOST_PAY_DAYS, MOST_RESERVE_DAYS = 30, 90, 400
BP, FEN = "bp", "fen"
Prices = dict[str, dict[str, int]]  # by the public id of an offer, as Terms.prices has them by its number


@dataclass(frozen=True)
class Wanted:
    """A version as it is proposed; what each field means stands at Terms. Shares in basis points, windows in seconds, fen."""

    from_day: date
    price_bp: int
    fee_bp: int
    vat_bp: int
    void_window_s: int = 900
    manager_void_window_s: int = terms.DAY_S
    typed_limit_fen: int = 5_000
    direct_accept: bool = False
    prices: Prices = field(default_factory=dict)
    fee_fixed_fen: int = 0
    fee_cap_fen: int | None = None
    merchant_bp: int = 0
    brand_bp: int = 0
    brand: str = ""
    cycle: str = MONTHLY
    cutoff_minute: int = 0
    draft_days: int = 2
    pay_days: int = 2
    reserve_bp: int = 0
    reserve_days: int = 0
    minimum_fen: int = 0
    issuing_fen: int = 0
    issuing_rule: str = POSTPAID
    points_per_100_yuan: int = 0


# Before versions said more, a proposal's content had these alone.
ALWAYS_SAID = frozenset({"from_day", "price_bp", "fee_bp", "vat_bp"})
MOST = {
    "price_bp": WHOLE_BP,
    "fee_bp": WHOLE_BP,
    "vat_bp": WHOLE_BP,
    "void_window_s": LONGEST_WINDOW_S,
    "manager_void_window_s": LONGEST_WINDOW_S,
    "typed_limit_fen": MOST_FEN,
    "fee_fixed_fen": MOST_FEN,
    "fee_cap_fen": MOST_FEN,
    "merchant_bp": WHOLE_BP,
    "brand_bp": WHOLE_BP,
    "cutoff_minute": LAST_MINUTE,
    "draft_days": MOST_DRAFT_DAYS,
    "pay_days": MOST_PAY_DAYS,
    "reserve_bp": WHOLE_BP,
    "reserve_days": MOST_RESERVE_DAYS,
    "minimum_fen": MOST_FEN,
    "issuing_fen": MOST_FEN,
    "points_per_100_yuan": MOST_POINTS_PER_100_YUAN,
}


def of_content(said: dict[str, Any]) -> Wanted:
    """What a proposal's content asks for; what an older one does not say is as it was for everybody then."""
    numbers = {
        name: said[name] for name in Wanted.__dataclass_fields__ if name in ALWAYS_SAID or name in said
    }
    return Wanted(**numbers | {"from_day": date.fromisoformat(said["from_day"])})


def faults(wanted: Wanted) -> dict[str, str]:
    """What is wrong, by the name of the field; whether offers are the merchant's is asked elsewhere."""
    wrong = {
        name: f"must be from 0 to {most}"
        for name, most in MOST.items()
        if (said := getattr(wanted, name)) is not None and not 0 <= said <= most
    }
    return _chosen(wanted) | _together(wanted) | _prices(wanted.prices) | wrong


def _chosen(wanted: Wanted) -> dict[str, str]:
    wrong = {}
    if wanted.cycle not in CYCLES:
        wrong["cycle"] = f"must be one of {', '.join(CYCLES)}"
    if wanted.issuing_rule not in ISSUING_RULES:
        wrong["issuing_rule"] = f"must be one of {', '.join(ISSUING_RULES)}"
    if len(wanted.brand) > MOST_BRAND:
        wrong["brand"] = f"must be at most {MOST_BRAND} characters"
    return wrong


def _together(wanted: Wanted) -> dict[str, str]:
    """Fields that must fit each other."""
    wrong = {}
    if wanted.manager_void_window_s < wanted.void_window_s:
        wrong["manager_void_window_s"] = f"must be from void_window_s to {LONGEST_WINDOW_S} seconds"
    if wanted.merchant_bp + wanted.brand_bp > WHOLE_BP:
        wrong["brand_bp"] = "must leave, with merchant_bp, at most 10000 basis points"
    if bool(wanted.brand_bp) != bool(wanted.brand):
        wrong["brand"] = "must be named where brand_bp is above 0, and nowhere else"
    if wanted.fee_cap_fen is not None and wanted.fee_cap_fen < wanted.fee_fixed_fen:
        wrong["fee_cap_fen"] = "must not be below fee_fixed_fen"
    if wanted.pay_days < wanted.draft_days:
        wrong["pay_days"] = "must not be below draft_days: nothing is paid before it is sealed"
    if bool(wanted.reserve_bp) != bool(wanted.reserve_days):
        wrong["reserve_days"] = "must be above 0 where reserve_bp is, and nowhere else"
    if wanted.points_per_100_yuan and not wanted.issuing_fen and wanted.issuing_rule != STOP:
        wrong["issuing_fen"] = "must be above 0 where members earn points here without a pack"
    return wrong


def _prices(prices: Prices) -> dict[str, str]:
    if len(prices) > MOST_PRICES:
        return {"prices": f"must be of at most {MOST_PRICES} offers"}
    for offer, price in prices.items():
        if not _is_price(price):
            return {"prices": f"{offer}: must be bp (0 to {WHOLE_BP}) or fen (0 to {MOST_FEN}), one of them"}
    return {}


def _is_price(price: dict[str, int]) -> bool:
    most = {BP: WHOLE_BP, FEN: MOST_FEN}
    if len(price) != 1:
        return False
    ((name, value),) = price.items()
    return name in most and type(value) is int and 0 <= value <= most[name]

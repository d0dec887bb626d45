"""What a merchant's voucher is worth, and how: a value, a share of the bill up to a cap, a price for one thing, that on some days.

`value_fen` of the offer is what a member can count on, for that is what points are priced and compared by. Of a share it
is reckoned for a bill that the merchant calls usual, and the words say so. Beside it a form has what the vouchers are bound to
(catalog/vouchers/conditions.py).
"""

from catalog.offers import forms
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.vouchers import conditions

VALUE, PERCENT, FIXED_PRICE, MEMBER_DAY = "value", "percent", "fixed_price", "member_day"
PARTS: dict[str, dict[str, type]] = {
    VALUE: {"type": str},
    PERCENT: {"type": str, "percent": int, "cap_fen": int, "usual_bill_fen": int},
    FIXED_PRICE: {"type": str, "list_fen": int, "price_fen": int},
    MEMBER_DAY: {"type": str, "list_fen": int, "price_fen": int, "days": list},
}


def check(offer: Offer) -> None:
    """BadForm (field, why) where it is none of these, or where the offer's value is not what it comes to."""
    if not offer.form:
        return
    kind = offer.form.get("type")
    if kind not in PARTS:
        raise BadForm(field="form.type", why=f"one of: {', '.join(PARTS)}")
    forms.fields(offer, PARTS[kind], conditions.PARTS)
    if kind == PERCENT and not 1 <= offer.form["percent"] <= 100:
        raise BadForm(field="form.percent", why="a whole number from 1 to 100")
    if kind == MEMBER_DAY and not _are_days(offer.form["days"]):
        raise BadForm(field="form.days", why="days of the month, 1 to 31, each once")
    conditions.of(offer)
    worth = worth_fen(offer)
    if worth <= 0 or offer.value_fen != worth:
        raise BadForm(field="value_fen", why=f"what it comes to is {worth} fen")


def worth_fen(offer: Offer) -> int:
    """What a member saves with one unit: of a share, on the usual bill, rounded down to a fen."""
    form = offer.form
    if form.get("type") == PERCENT:
        return int(min(form["cap_fen"], form["usual_bill_fen"] * form["percent"] // 100))
    if form.get("type") in (FIXED_PRICE, MEMBER_DAY):
        return int(form["list_fen"] - form["price_fen"])
    return offer.value_fen


def _are_days(days: list[object]) -> bool:
    whole = [day for day in days if isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= 31]
    return bool(days) and len(whole) == len(days) == len(set(whole))

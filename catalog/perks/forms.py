"""What a perk's offer says beside its price: the counter that may pay, guests, provider, closed days, who does not come."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from base.errors import Conflict
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from points.entitlements import periods

ENTITLEMENT, POINTS = "entitlement", "points"
WAYS = (ENTITLEMENT, POINTS)
USED, GIVEN_BACK = "used", "given_back"
MOST_GUESTS, MOST_DAYS, MOST_CLOSED, MOST_TEXT = 5, 365, 366, 64


class PerkClosed(Conflict):
    """This perk is closed on this day."""

    zh = "该权益当日不可使用。"
    next_en, next_zh = "Choose the day that is named or a later one.", "请选择注明的日期或之后的日期。"


@dataclass(frozen=True)
class Guests:
    """Who may come along: `most` at once; each costs `price_percent` of the perk in points, or one use of the `counter`, or,
    with neither, what the member's own way of paying says. `named`: only the linked companion.
    """

    most: int = 0
    price_percent: int | None = None
    counter: str | None = None
    named: bool = False


@dataclass(frozen=True)
class NoShow:
    """Who has not come after so many days has used it, or gets everything back."""

    after_days: int
    counts_as: str = USED


@dataclass(frozen=True)
class Form:
    """`perk`: the code of the entitlement that may pay; `pay`: the ways, the first one that can is taken unless the member
    chooses. `blackout_days`: neither redeemed nor used then. Without `no_show_rule` an unused perk stays as it is.
    """

    perk: str | None = None
    pay: tuple[str, ...] = (POINTS,)
    guests: Guests = Guests()
    provider: str = ""
    blackout_days: frozenset[date] = frozenset()
    no_show_rule: NoShow | None = None


def of(offer: Offer) -> Form:
    """The form of a perk's offer."""
    said = dict(offer.form)
    said["guests"] = Guests(**said.get("guests") or {})
    said["pay"] = tuple(said.get("pay") or (POINTS,))
    said["blackout_days"] = frozenset(map(date.fromisoformat, said.get("blackout_days") or ()))
    said["no_show_rule"] = NoShow(**said["no_show_rule"]) if said.get("no_show_rule") else None
    return Form(**said)


def check(offer: Offer) -> None:
    """BadForm where it is none of a perk."""
    said = offer.form
    _known(said, Form, "form")
    pay = said.get("pay", [POINTS])
    if not (isinstance(pay, list) and pay and len(set(pay)) == len(pay) and set(pay) <= set(WAYS)):
        raise BadForm(field="form.pay", why=f"one or both of: {', '.join(WAYS)}")
    _text(said, "perk", needed=ENTITLEMENT in pay)
    _text(said, "provider")
    _guests(said.get("guests") or {}, pay)
    _closed(said.get("blackout_days") or [])
    rule = said.get("no_show_rule")
    if rule is not None:
        _known(rule, NoShow, "form.no_show_rule")
        _number(rule, "after_days", "form.no_show_rule", 1, MOST_DAYS)
        if rule.get("counts_as", USED) not in (USED, GIVEN_BACK):
            raise BadForm(field="form.no_show_rule.counts_as", why=f"{USED} or {GIVEN_BACK}")
    if offer.most_units != 1:
        raise BadForm(field="most_units", why="one use at once; who comes along is a guest")


def refuse_closed(form: Form, on: date) -> None:
    """PerkClosed on a day on which nobody uses it."""
    if on in form.blackout_days:
        day = periods.next_open(form.blackout_days, on)
        raise PerkClosed(
            next_day=str(day),
            explanation={
                "zh-CN": f"该日不可使用，最近可用日期为 {day}。",
                "en": f"The next free day is {day}.",
            },
        )


def _guests(said: Any, pay: list[str]) -> None:
    _known(said, Guests, "form.guests")
    if not said:
        return
    _number(said, "most", "form.guests", 0, MOST_GUESTS)
    if not isinstance(said.get("named", False), bool):
        raise BadForm(field="form.guests.named", why="true or false")
    if said.get("price_percent") is not None and said.get("counter") is not None:
        raise BadForm(field="form.guests", why="a price or a counter of their own, not both")
    if said.get("price_percent") is not None:
        _number(said, "price_percent", "form.guests", 0, 100)
    if said.get("counter") is not None:
        _text(said, "counter", at="form.guests")


def _closed(days: Any) -> None:
    try:
        fits = isinstance(days, list) and len(days) <= MOST_CLOSED
        if fits and all(isinstance(day, str) and date.fromisoformat(day) for day in days):
            return
    except ValueError:
        pass
    raise BadForm(field="form.blackout_days", why=f"at most {MOST_CLOSED} days as YYYY-MM-DD")


def _known(said: Any, of: type, at: str) -> None:
    choices = [one.name for one in fields(of)]
    if not isinstance(said, dict) or said.keys() - set(choices):
        raise BadForm(field=at, why=f"choose of: {', '.join(choices)}")


def _text(said: dict[str, Any], name: str, *, needed: bool = False, at: str = "form") -> None:
    value = said.get(name)
    if value is None and not needed:
        return
    if not (isinstance(value, str) and 0 < len(value) <= MOST_TEXT and value.isprintable()):
        raise BadForm(field=f"{at}.{name}", why=f"a text of 1 to {MOST_TEXT} characters")


def _number(said: dict[str, Any], name: str, at: str, least: int, most: int) -> None:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadForm(field=f"{at}.{name}", why=f"a whole number from {least} to {most}")

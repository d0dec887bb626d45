"""What an offer's page lets the member choose or says ahead: how a perk is paid, who comes along, the place at an event."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from base import ids
from catalog.events import seats
from catalog.events.models import OFFERED, WAITING, Seat
from catalog.gifts.greetings import GREETINGS
from catalog.offers.models import EVENT, GIFT, PERK, Offer
from catalog.perks import forms
from catalog.perks.forms import ENTITLEMENT, WAYS, Guests
from points.companions import companions
from points.entitlements import entitlements
from points.entitlements.entitlements import Standing
from points.members import members
from points.wallets.wallets import Shown

SHOWN_DAYS = 5


@dataclass(frozen=True)
class PerkChoices:
    """`ways` to pay it, as its offer orders them; `allowance`: how the tier's own uses stand; `companions`: how many there are;
    `closed`: the next days on which it is closed.
    """

    ways: tuple[str, ...]
    allowance: Standing | None
    guests: Guests
    companions: int
    closed: list[date]

    @property
    def is_free(self) -> bool:
        """Whether a use is left that takes no points."""
        return ENTITLEMENT in self.ways and self.allowance is not None and self.allowance.allowance.left > 0


@dataclass(frozen=True)
class Place:
    """A member's seat at an event, or in the line for one: `ahead` of it so many wait."""

    seat: Seat
    ahead: int | None

    @property
    def is_offered(self) -> bool:
        return self.seat.state == OFFERED

    @property
    def redemption(self) -> str:
        return ids.public("red", self.seat.member_id, self.seat.redemption_id)


def of_perk(session: Session, offer: Offer, shown: Shown) -> PerkChoices | None:
    """How a perk can be had by the member; None: it is no perk."""
    if offer.kind != PERK:
        return None
    form, member_id = forms.of(offer), shown.wallet.member_id
    return PerkChoices(
        form.pay,
        _allowance(session, form.perk, shown),
        form.guests,
        len(companions.of(session, member_id)) if form.guests.most else 0,
        sorted(day for day in form.blackout_days if day >= shown.on)[:SHOWN_DAYS],
    )


def _allowance(session: Session, perk: str | None, shown: Shown) -> Standing | None:
    """How the uses that the tier allows stand; None where it allows none."""
    if perk is None:
        return None
    member = members.by_id(session, shown.wallet.member_id)
    found = entitlements.find(session, member, shown.programme, perk, shown.on)
    return found if found and found.allowance.allowed else None


def place_at(session: Session, offer: Offer, member_id: int) -> Place | None:
    """The member's own place at an event, if there is one that stands."""
    seat = seats.standing(session, member_id, offer.offer_id) if offer.kind == EVENT else None
    return place_of(session, seat) if seat else None


def place_of(session: Session, seat: Seat) -> Place:
    """A seat with the number of those who wait before it."""
    return Place(seat, seats.ahead(session, seat) if seat.state == WAITING else None)


def asked(offer: Offer) -> dict[str, Any]:
    """What the form says that only the offer's kind understands; what is left empty is left to the offer."""
    said = request.form
    if offer.kind == GIFT:
        found: dict[str, Any] = {
            "to": said.get("to", "").strip(),
            "message": _one_of(said, "message", GREETINGS),
        }
    elif offer.kind == PERK:
        guests = said.get("guests", "")
        found = {
            "pay": _one_of(said, "pay", WAYS),
            "guests": int(guests) if guests.isascii() and guests.isdigit() and len(guests) == 1 else None,
            "companion": True if said.get("companion") == "1" else None,
        }
    else:
        found = {}
    return {name: value for name, value in found.items() if value}


def _one_of(said: Any, name: str, choices: Any) -> str | None:
    value = said.get(name)
    return value if value in choices else None

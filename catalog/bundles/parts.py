"""What a bundle is made of: a merchant's voucher and at most one thing that another system does.

Two things that other systems do could not be undone together: when the second fails, the first would have to be taken back
there. With one it is done first, and what we give ourselves follows in the transaction that records it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.errors import NotFound
from catalog.goods.models import ELECTRONIC
from catalog.offers import forms, offers
from catalog.offers.forms import BadForm
from catalog.offers.models import BILL_CREDIT, BUNDLE, ENDED, GOODS, SERVICE, VOUCHER, Offer, OfferState
from catalog.services import orders as services
from catalog.services.orders import Service

EXTERNAL = frozenset({BILL_CREDIT, SERVICE, GOODS})  # done by another system
KINDS = frozenset({VOUCHER, *EXTERNAL})
MOST_PARTS, MOST_UNITS = 5, 100


class BadParts(BadForm):
    """A bundle cannot be made of these parts."""

    zh = "套餐的组成不正确。"


class TwoExternalParts(BadParts):
    """A bundle has at most one part that another system does, so that all of it can be undone."""

    zh = "套餐最多包含一项由外部系统办理的内容，以便失败时整体退回。"


@dataclass(frozen=True)
class Part:
    """One part of a bundle: an offer in a version, and how many units of it a unit of the bundle has."""

    offer: Offer
    units: int

    @property
    def is_external(self) -> bool:
        return self.offer.kind in EXTERNAL


def check_form(offer: Offer) -> None:
    """{parts: [{offer: code, units}, ...]}: BadForm names the field."""
    forms.fields(offer, {"parts": list})
    parts = offer.form["parts"]
    if not 1 <= len(parts) <= MOST_PARTS:
        raise BadParts(field="parts", why=f"from 1 to {MOST_PARTS}")
    for no, part in enumerate(parts):
        if not (
            isinstance(part, dict) and part.keys() == {"offer", "units"} and isinstance(part["offer"], str)
        ):
            raise BadParts(field=f"parts/{no}", why="offer (its code) and units")
        units = part["units"]
        if isinstance(units, bool) or not isinstance(units, int) or not 1 <= units <= MOST_UNITS:
            raise BadParts(field=f"parts/{no}/units", why=f"a whole number from 1 to {MOST_UNITS}")
    codes = [part["offer"] for part in parts]
    if len(set(codes)) < len(codes):
        raise BadParts(field="parts", why="each offer once")


def check_against(session: Session, offer: Offer) -> None:
    """BadParts and TwoExternalParts, as the offers stand that it names."""
    found = [_found(session, offer, no, part) for no, part in enumerate(offer.form["parts"])]
    for no, part in enumerate(found):
        if part.offer.kind not in KINDS:
            raise BadParts(field=f"parts/{no}/offer", why=f"one of {', '.join(sorted(KINDS))}")
        if part.offer.kind == GOODS and part.offer.form["class"] != ELECTRONIC:
            raise BadParts(field=f"parts/{no}/offer", why="of goods only electronic ones")
    if sum(part.is_external for part in found) > 1:
        raise TwoExternalParts(field="parts", why="at most one that another system does")
    if sum(part.offer.kind == VOUCHER for part in found) > 1:
        raise BadParts(field="parts", why="at most one voucher")
    if offer.cancellable and any(part.is_external for part in found):
        raise BadParts(field="cancellable", why="what another system has done cannot be taken back")


def parts_of(session: Session, offer: Offer, at: datetime) -> list[Part]:
    """The parts of a bundle in their versions of a moment. BadParts where one is not there."""
    if offer.kind != BUNDLE:
        return []
    return [_found(session, offer, no, part, at) for no, part in enumerate(offer.form["parts"])]


def is_open(session: Session, part: Part, at: datetime) -> bool:
    """Whether the part can be given now: begun, neither over nor ended by hand. It need not be offered alone (paused)."""
    state = session.get_one(OfferState, part.offer.offer_id).state
    until = part.offer.until_at
    return state != ENDED and part.offer.from_at <= at and (until is None or until > at)


def services_in(session: Session, offer: Offer, at: datetime) -> list[tuple[Offer, Service]]:
    """The services that an offer brings, itself or as part of a bundle: whoever redeems it sees their monthly price first."""
    if offer.kind == SERVICE:
        return [(offer, services.of(offer))]
    return [
        (part.offer, services.of(part.offer))
        for part in parts_of(session, offer, at)
        if part.offer.kind == SERVICE
    ]


def _found(session: Session, offer: Offer, no: int, part: dict[str, Any], at: datetime | None = None) -> Part:
    offer_id = session.scalar(
        select(OfferState.offer_id).where(
            OfferState.programme_id == offer.programme_id, OfferState.code == part["offer"]
        )
    )
    if offer_id is None:
        raise BadParts(field=f"parts/{no}/offer", why="there is no such offer")
    try:
        listed = offers.find(session, offer_id, offer.programme_id, at or clock.now())
    except NotFound:
        raise BadParts(field=f"parts/{no}/offer", why="there is no such offer") from None
    return Part(listed.offer, part["units"])

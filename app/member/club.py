"""The club: what the tier includes with its counters, the member's places at events, events and perks to choose from."""

from dataclasses import dataclass

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member import cards, choices
from app.member.choices import Place
from app.member.frame import PAGE, blueprint, me
from base import clock, database
from base.auth.guard import needs
from catalog.events import seats
from catalog.offers import offers
from catalog.offers.cards import Card
from catalog.offers.listing import Asked
from catalog.offers.models import EVENT, PERK, Offer
from points.companions import companions
from points.entitlements import entitlements
from points.entitlements.entitlements import Standing
from points.members import members
from points.wallets import wallets


@dataclass(frozen=True)
class Included:
    """Something that the tier includes, how it stands, and the offer by which it is used; None: at its provider."""

    standing: Standing
    offer: Card | None


@blueprint.route("/club")
@needs("offers:read")
def club() -> ResponseReturnValue:
    """Everything of the club on one page; the lists of offers go on in the catalogue."""
    at, member_id = clock.now(), me().member_id
    with database.begin() as session:
        shown = wallets.show(session, member_id, at)
        perks = cards.page(session, shown, at, Asked(PERK, sort="price"), after=None, limit=PAGE).cards
        events = cards.page(session, shown, at, Asked(EVENT, sort="price"), after=None, limit=PAGE).cards
        member = members.by_id(session, member_id)
        allowed = entitlements.of(session, member, shown.programme, shown.on)
        by_perk = {card.offer.form.get("perk"): card for card in perks}
        return render_template(
            "member/club.html",
            shown=shown,
            included=[Included(one, by_perk.get(one.rule.perk)) for one in allowed],
            companions=len(companions.of(session, member_id)),
            places=_places(session, member_id),
            events=sorted(events, key=lambda card: (card.offer.event_at, card.offer.offer_id)),
            perks=perks,
        )


def _places(session: Session, member_id: int) -> list[tuple[Place, Offer]]:
    """The member's places at events that have not begun, the earliest first."""
    at = clock.now()
    found = [(seat, offers.by_id(session, seat.offer_id, at)) for seat in seats.of_member(session, member_id)]
    ahead = [
        (choices.place_of(session, seat), offer)
        for seat, offer in found
        if offer.event_at and offer.event_at > at
    ]
    return sorted(ahead, key=lambda one: (one[1].event_at, one[1].offer_id))

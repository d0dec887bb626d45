"""HTTP: a member's seat and its confirmation; at the door, who has a seat and who came."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import audit, channels, clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.events import attendance, seats
from catalog.events.models import WAITING
from catalog.events.schemas import CheckInRequest, SeatsQuery, SeatsView, SeatView, seat_view
from catalog.offers import offers
from catalog.offers.models import EVENT, Offer
from catalog.redemptions import redemptions
from catalog.redemptions.course import By
from points.members import scope

blueprint = Blueprint("events", __name__, description="Events and seats")


@blueprint.route("/redemptions/<redemption>/seat")
@blueprint.response(200, SeatView)
@needs("redemptions:own")
def own_seat(redemption: str) -> dict[str, Any]:
    """The seat of a redemption: sure, offered until a moment, or how many wait before it."""
    with database.begin() as session:
        row = redemptions.seen_by(session, _me().member_id, *ids.parse("red", redemption))
        seat = seats.of_redemption(session, row.member_id, row.redemption_id)
        if seat is None:
            raise attendance.NoSeat()
        return seat_view(seat, seats.ahead(session, seat) if seat.state == WAITING else None)


@blueprint.route("/redemptions/<redemption>/seat/confirm", methods=["POST"])
@blueprint.response(200, SeatView)
@blueprint.doc(**IDEMPOTENT)
@needs("redemptions:own")
def confirm(redemption: str) -> Response:
    """Take the seat that was offered; now its points are spent. Needs Idempotency-Key."""
    member_id, redemption_id = ids.parse("red", redemption)
    with database.begin() as session:
        redemptions.seen_by(session, _me().member_id, member_id, redemption_id)
        return answer_once(
            session, member_id, None, lambda: (200, _confirm(session, member_id, redemption_id))
        )


@blueprint.route("/events/<offer>/seats")
@blueprint.arguments(SeatsQuery, location="query")
@blueprint.response(200, SeatsView)
@needs("events:manage")
def list_seats(query: dict[str, Any], offer: str) -> dict[str, Any]:
    """Who has a seat or waits for one, in the order of asking; members by their redemptions alone."""
    key, limit = f"seats:{offer}:{query['state'] or ''}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        rows = attendance.listed(
            session,
            _event(session, offer).offer_id,
            state=query["state"],
            person=current(),
            after=place[0] if place else None,
            limit=limit + 1,
        )
        data = [seat_view(seat) for seat in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].seat_id) if more else None,
    }


@blueprint.route("/events/<offer>/check-ins", methods=["POST"])
@blueprint.arguments(CheckInRequest)
@blueprint.response(200, SeatView)
@needs("events:manage")
def check_in(asked: dict[str, Any], offer: str) -> dict[str, Any]:
    """Somebody came: from shortly before the event until a day after; the same once more changes nothing."""
    member_id, redemption_id = ids.parse("red", asked["redemption"])
    at = clock.now()
    with database.begin() as session:
        scope.check(session, current(), member_id)
        seat = attendance.check_in(session, _event(session, offer), member_id, redemption_id, at)
        audit.write(session, current().actor, "event.checked-in", asked["redemption"], offer=offer)
        return seat_view(seat)


def _event(session: Session, offer: str) -> Offer:
    """The event as it is now; OfferUnknown for what is none, or of a programme that the caller does not see."""
    (offer_id,) = ids.parse("off", offer, parts=1)
    found = offers.by_id(session, offer_id, clock.now())
    if found.kind != EVENT or found.programme_id != getattr(current(), "programme_id", found.programme_id):
        raise offers.OfferUnknown()
    return found


def _me() -> Member:
    principal = current()
    assert isinstance(principal, Member)
    return principal


def _confirm(session: Session, member_id: int, redemption_id: int) -> dict[str, Any]:
    by = By(_me().actor, channels.MEMBER_WEB)
    seat = seats.confirm(session, member_id, redemption_id, by, clock.now())
    shown: dict[str, Any] = SeatView().dump(seat_view(seat))
    return shown

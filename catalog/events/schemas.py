"""JSON of events: places, seats, the door."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View
from catalog.events.models import Seat
from points.wallets.schemas import PageQuery

STATES = ("waiting", "offered", "taken", "attended", "missed", "given_back")


class SeatView(View):
    """A place at an event, or in the line for one."""

    redemption = ma.fields.String()
    offer = ma.fields.String()
    state = ma.fields.String(metadata={"description": ", ".join(STATES)})
    ahead = ma.fields.Integer(allow_none=True, metadata={"description": "how many wait before it"})
    offered_until = ma.fields.AwareDateTime(allow_none=True)
    at = ma.fields.AwareDateTime()
    changed_at = ma.fields.AwareDateTime()


class SeatsQuery(PageQuery):
    """Which seats of an event."""

    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(STATES))


class SeatsView(View):
    """A page of seats, in the order of asking."""

    data = ma.fields.List(ma.fields.Nested(SeatView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class CheckInRequest(Request):
    """Who came: the redemption that the member shows."""

    redemption = Text(required=True, most=60)


def seat_view(seat: Seat, ahead: int | None = None) -> dict[str, Any]:
    """The seat as SeatView."""
    return {
        "redemption": ids.public("red", seat.member_id, seat.redemption_id),
        "offer": ids.public("off", seat.offer_id),
        "state": seat.state,
        "ahead": ahead,
        "offered_until": seat.offered_until,
        "at": seat.at,
        "changed_at": seat.changed_at,
    }

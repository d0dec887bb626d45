"""JSON of gifts."""

from datetime import datetime
from typing import Any

import marshmallow as ma

from base.http.api import Request, Text, View, WholeNumber
from points.gifts import gifts
from points.gifts.models import Gift


class GiftRequest(Request):
    """To whom, by the phone number in the same programme, and how much."""

    to = Text(required=True, most=16)
    points = WholeNumber(least=1, required=True)


class GiftView(View):
    """A gift and where it stands."""

    id = ma.fields.String()
    direction = ma.fields.String(metadata={"description": "given or received"})
    other = ma.fields.String(metadata={"description": "the other member's number, masked"})
    points = ma.fields.Integer()
    state = ma.fields.String(metadata={"description": "waiting, undone, sent, received or returned"})
    at = ma.fields.String()
    changed_at = ma.fields.String()
    undo_until = ma.fields.String(allow_none=True, metadata={"description": "null: not undoable (any more)"})


class GiftsView(View):
    """A page of gifts."""

    data = ma.fields.List(ma.fields.Nested(GiftView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def gift_view(gift: Gift, member_id: int, at: datetime) -> dict[str, Any]:
    """The gift as GiftView, as one of its two members sees it; plain JSON, for it is stored with the idempotency key."""
    given = gift.member_id == member_id
    return {
        "id": gifts.reference(gift.gift_id),
        "direction": "given" if given else "received",
        "other": gift.receiver_masked if given else gift.giver_masked,
        "points": gift.points,
        "state": gift.state,
        "at": gift.at.isoformat(),
        "changed_at": gift.changed_at.isoformat(),
        "undo_until": gift.send_at.isoformat() if given and gifts.undoable(gift, at) else None,
    }

"""JSON of webhooks: endpoints, deliveries with their tries, replays."""

from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf
from sqlalchemy.orm import Session

from base import ids
from base.http.api import QueryNumber, Request, Text, View
from base.webhooks import endpoints, history, owners, webhooks
from base.webhooks.addresses import LONGEST_URL
from base.webhooks.endpoints import LONGEST_TYPE, MOST_TYPES
from base.webhooks.history import Sent
from base.webhooks.models import (
    DELIVERED,
    DROPPED,
    FAILED,
    LIVE,
    PAUSED,
    REMOVED,
    WAITING,
    Delivery,
    Endpoint,
    Event,
    Replay,
    Try,
)

STATES = {
    WAITING: "not sent yet, or to be tried again",
    DELIVERED: "the receiver has it",
    FAILED: "given up after the last try",
    DROPPED: "the endpoint was removed before",
}
_TYPES = {"description": "jifen.redemption.fulfilled, jifen.redemption.* for all below it, * for every one"}


class PageQuery(Request):
    """Which page of a list."""

    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    endpoint = ma.fields.String(load_default=None)
    state = ma.fields.String(load_default=None, validate=OneOf(list(STATES)))
    type = Text(load_default=None, most=LONGEST_TYPE)
    member = ma.fields.String(load_default=None)


class EndpointRequest(Request):
    """Where events of a programme, or of the merchant who asks, are to be sent, and which."""

    programme = Text(
        load_default=None, most=64, metadata={"description": "needed but for a merchant, who leaves it out"}
    )
    url = Text(required=True, most=LONGEST_URL, metadata={"description": "https, of a public server"})
    types = ma.fields.List(
        Text(most=LONGEST_TYPE), required=True, validate=Length(min=1, max=MOST_TYPES), metadata=_TYPES
    )
    description = Text(load_default="-", most=200)


class EndpointChangeRequest(Request):
    """What is to be another; what is left out stays."""

    url = Text(most=LONGEST_URL)
    types = ma.fields.List(Text(most=LONGEST_TYPE), validate=Length(min=1, max=MOST_TYPES), metadata=_TYPES)
    description = Text(most=200)


class PauseRequest(Request):
    """Why nothing is to be sent for now."""

    reason = Text(required=True, most=200)


class ReplayRequest(Request):
    """From which day on, in the installation's zone, events are sent again: at most thirty days ago."""

    from_day = ma.fields.Date(required=True, data_key="from")


class EndpointView(View):
    """An endpoint and how it does; its secret is never among this."""

    id = ma.fields.String()
    programme = ma.fields.String(allow_none=True, metadata={"description": "null: a merchant's"})
    url = ma.fields.String()
    types = ma.fields.List(ma.fields.String())
    description = ma.fields.String()
    state = ma.fields.String(metadata={"description": f"{LIVE}, {PAUSED}: events wait; {REMOVED}"})
    reason = ma.fields.String(allow_none=True, metadata={"description": "why it is paused"})
    made_at = ma.fields.DateTime()
    paused_at = ma.fields.DateTime(allow_none=True)
    failing_since = ma.fields.DateTime(
        allow_none=True, metadata={"description": "nothing has got through from then on; null: all is well"}
    )
    old_secret_until = ma.fields.DateTime(
        allow_none=True, metadata={"description": "until then the secret before this one signs as well"}
    )


class SecretView(EndpointView):
    """An endpoint with its new secret, which is shown in this answer alone; null when the request is repeated."""

    secret = ma.fields.String(
        allow_none=True, metadata={"description": "whsec_ and base64, Standard Webhooks"}
    )


class EndpointsView(View):
    """A page of endpoints, newest first."""

    data = ma.fields.List(ma.fields.Nested(EndpointView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class DeliveryView(View):
    """An event on its way to an endpoint."""

    id = ma.fields.String()
    endpoint = ma.fields.String()
    event = ma.fields.String(metadata={"description": "webhook-id, the same at each try"})
    type = ma.fields.String()
    subject = ma.fields.String()
    member = ma.fields.String(allow_none=True)
    at = ma.fields.DateTime(metadata={"description": "when it happened"})
    state = ma.fields.String(
        metadata={"description": "; ".join(f"{state}: {text}" for state, text in STATES.items())}
    )
    tries = ma.fields.Integer()
    status = ma.fields.Integer(allow_none=True, metadata={"description": "HTTP's, of the last answer"})
    due_at = ma.fields.DateTime(metadata={"description": "of a waiting one: not tried before"})
    changed_at = ma.fields.DateTime()


class TryView(View):
    """One request and what came of it."""

    at = ma.fields.DateTime()
    number = ma.fields.Integer()
    status = ma.fields.Integer(allow_none=True)
    duration_ms = ma.fields.Integer()
    error = ma.fields.String(allow_none=True, metadata={"description": "null: taken"})


class OneDeliveryView(DeliveryView):
    """A delivery with its newest tries."""

    log = ma.fields.List(ma.fields.Nested(TryView))


class DeliveriesView(View):
    """A page of deliveries, newest event first."""

    data = ma.fields.List(ma.fields.Nested(DeliveryView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class ReplayView(View):
    """How far the sending again is; `queued`: events that are on their way again."""

    endpoint = ma.fields.String()
    from_at = ma.fields.DateTime(data_key="from")
    looked_at = ma.fields.Integer()
    queued = ma.fields.Integer()
    began_at = ma.fields.DateTime()
    ended_at = ma.fields.DateTime(allow_none=True)


class OneEndpointView(EndpointView):
    """An endpoint with its newest replay."""

    replay = ma.fields.Nested(ReplayView, allow_none=True)


def endpoint_view(session: Session, row: Endpoint) -> dict[str, Any]:
    """An endpoint as EndpointView."""
    return {
        "id": endpoints.reference(row),
        "programme": owners.programme_of(session, owners.of_row(row)),
        "url": row.url,
        "types": list(row.types),
        "description": row.description,
        "state": row.state,
        "reason": row.reason,
        "made_at": row.made_at,
        "paused_at": row.paused_at,
        "failing_since": row.failing_since,
        "old_secret_until": row.old_secret_until,
    }


def delivery_view(sent: Sent) -> dict[str, Any]:
    """A delivery as DeliveryView."""
    row, event = sent.delivery, sent.event
    return {
        "id": history.reference(row),
        "endpoint": ids.public("whe", row.endpoint_id),
        "event": webhooks.event_reference(event),
        "type": event.type,
        "subject": event.subject,
        "member": _member(row, event),
        "at": event.at,
        "state": row.state,
        "tries": row.tries,
        "status": row.status,
        "due_at": row.due_at,
        "changed_at": row.changed_at,
    }


def _member(row: Delivery, event: Event) -> str | None:
    """Of whom it tells; a merchant is not told."""
    known = row.member_id != webhooks.NO_MEMBER and event.merchant_id is None
    return ids.public("mbr", row.member_id) if known else None


def try_view(row: Try) -> dict[str, Any]:
    """A try as TryView."""
    return {
        "at": row.at,
        "number": row.number,
        "status": row.status,
        "duration_ms": row.duration_ms,
        "error": row.error,
    }


def replay_view(row: Replay) -> dict[str, Any]:
    """A replay as ReplayView."""
    return {
        "endpoint": ids.public("whe", row.endpoint_id),
        "from_at": row.from_at,
        "looked_at": row.looked_at,
        "queued": row.queued,
        "began_at": row.began_at,
        "ended_at": row.ended_at,
    }

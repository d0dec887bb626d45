"""JSON of lines and their events."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View
from points.lines import words
from points.lines.events import Taken
from points.lines.log import Told
from points.lines.models import LineEvent
from points.lines.states import REPORTED, Line, LineState

_WORDS: dict[str, Any] = {"keys": ma.fields.String(), "values": ma.fields.String()}


class LineEventRequest(Request):
    """An event as the operator's systems tell it."""

    event_id = Text(required=True, most=64, metadata={"description": "of the operator's system; counts once"})
    state = ma.fields.String(required=True, validate=ma.validate.OneOf([str(one) for one in REPORTED]))
    since = ma.fields.Date(
        required=True, metadata={"description": "the day from which it holds, not in the future"}
    )
    reason = Text(required=True, most=200)
    clearing_day = ma.fields.Date(
        load_default=None,
        metadata={
            "description": "of a cancellation: when what is left is cleared; absent: 30 days from today"
        },
    )
    to_customer = Text(
        load_default=None, most=64, metadata={"description": "of a cancellation: to whom the ownership went"}
    )
    phone = Text(load_default=None, most=20, metadata={"description": "of the membership that begins"})


class LineView(View):
    """A line as it is: which state, since when, why, and what ends it."""

    state = ma.fields.String(metadata={"description": ", ".join(LineState)})
    since = ma.fields.Date(allow_none=True)
    reason = ma.fields.String(allow_none=True)
    from_day = ma.fields.Date(allow_none=True, metadata={"description": "of a new line: when it may redeem"})
    clearing_day = ma.fields.Date(
        allow_none=True, metadata={"description": "of a cancelled line: when what is left is cleared"}
    )
    kept_points = ma.fields.Integer(
        metadata={"description": "reached their last day while frozen; they come back with 30 days"}
    )
    explanation = ma.fields.Dict(**_WORDS, metadata={"description": "in zh-CN and en"})


class LineEventView(View):
    """An event as it was kept."""

    event_id = ma.fields.String()
    member = ma.fields.String(metadata={"description": "a customer who joined again is another member"})
    nth = ma.fields.Integer()
    state = ma.fields.String()
    since = ma.fields.String()
    reason = ma.fields.String()
    clearing_day = ma.fields.String(allow_none=True)
    successor = ma.fields.String(allow_none=True)
    applied = ma.fields.Boolean(metadata={"description": "false: a later day was known, or nothing changed"})
    actor = ma.fields.String()
    at = ma.fields.String()


class TakenView(LineEventView):
    """An event with the state of the line that it left behind."""

    line = ma.fields.String()


class LineEventsView(View):
    """A page of events, the latest to arrive first."""

    data = ma.fields.List(ma.fields.Nested(LineEventView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def told(asked: dict[str, Any]) -> Told:
    """The event that a request tells of."""
    return Told(**(asked | {"state": LineState(asked["state"])}))


def line_view(line: Line, kept_points: int) -> dict[str, Any]:
    """The line as LineView."""
    return {
        "state": str(line.state),
        "since": line.since,
        "reason": line.reason,
        "from_day": line.from_day,
        "clearing_day": line.clearing_day,
        "kept_points": kept_points,
        "explanation": words.explained(line),
    }


def event_view(event: LineEvent) -> dict[str, Any]:
    """The event as LineEventView; plain JSON, for it is stored with the idempotency key."""
    return {
        "event_id": event.event_id,
        "member": ids.public("mbr", event.member_id),
        "nth": event.nth,
        "state": event.state,
        "since": str(event.since),
        "reason": event.reason,
        "clearing_day": str(event.clearing_day) if event.clearing_day else None,
        "successor": ids.public("mbr", event.successor_id) if event.successor_id else None,
        "applied": event.applied,
        "actor": event.actor,
        "at": event.at.isoformat(),
    }


def taken_view(taken: Taken) -> dict[str, Any]:
    """What became of an event as TakenView."""
    return event_view(taken.event) | {"line": str(taken.line.state)}

"""JSON of notices: whether a code is ours, and what the gateway says became of a message."""

import marshmallow as ma
from marshmallow.validate import OneOf

from base.http.api import Request, Text, View
from base.notices.genuine import EXPIRED, REAL, UNKNOWN
from base.notices.models import DELIVERED, FAILED


class NoticeCheckRequest(Request):
    """The check code at the end of a message, as it is written there."""

    code = Text(required=True, most=64)


class NoticeCheckView(View):
    """Whether a message is from us."""

    answer = ma.fields.String(
        metadata={
            "description": f"{REAL}: we wrote it; {UNKNOWN}: we know no such code; {EXPIRED}: older than 90 days"
        }
    )
    text = ma.fields.String(
        allow_none=True, metadata={"description": "of a real one, every digit hidden but in the code itself"}
    )
    at = ma.fields.DateTime(allow_none=True)
    channel = ma.fields.String(allow_none=True)


class ReceiptRequest(Request):
    """What became of a message that the gateway took."""

    reference = Text(required=True, metadata={"description": "as it was handed over"})
    state = ma.fields.String(required=True, validate=OneOf([DELIVERED, FAILED]))
    reason = Text(load_default="not delivered", most=150)


class ReceiptView(View):
    """Where the message stands now; that it arrived is never taken back."""

    reference = ma.fields.String()
    state = ma.fields.String()

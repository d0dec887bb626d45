"""JSON of members' sign-ins, and of what is told of members."""

from typing import Any

import marshmallow as ma

from base.http.api import Request, Text, View
from points.members import attributes
from points.members.models import MemberAttribute


class CodeRequest(Request):
    """Whom to send a code."""

    programme = Text(required=True, most=40, metadata={"description": "the programme's code"})
    phone = Text(required=True, most=20)
    device = Text(
        most=64,
        load_default=None,
        metadata={
            "description": "what this device is known again by: random, kept by it, told to nobody else"
        },
    )


class SignInRequest(CodeRequest):
    """The code that came."""

    code = Text(required=True, most=12)


class AppSignInRequest(Request):
    """The operator's app says who is there."""

    token = Text(
        required=True,
        most=4096,
        metadata={
            "description": "a JWT that counts once: header alg ES256 and kid of the key set; claims iss, aud, sub (customer "
            "id), programme (its code), iat, exp (at most 300 s after iat), jti (8 to 128 characters)"
        },
    )
    device = Text(most=64, load_default=None, metadata={"description": "as in a sign-in by code"})


class TokenView(View):
    """What to send as Authorization: Bearer."""

    token = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)


class AttributeRequest(Request):
    """What a member is from a day on."""

    name = ma.fields.String(required=True, validate=ma.validate.OneOf(tuple(attributes.CHECKS)))
    from_day = ma.fields.Date(required=True, metadata={"description": "not a day to come"})
    value = Text(required=True, most=64, metadata={"description": "as text, also a number"})
    reason = Text(most=200, metadata={"description": "why; no personal data"})


class AttributeView(View):
    """What was told of a member: from which day on, by whom and why."""

    name = ma.fields.String()
    from_day = ma.fields.String()
    value = ma.fields.String()
    told_at = ma.fields.String()
    source = ma.fields.String()
    reason = ma.fields.String(allow_none=True)


class AttributesView(View):
    """A page of what was told of a member."""

    data = ma.fields.List(ma.fields.Nested(AttributeView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def attribute_view(row: MemberAttribute) -> dict[str, Any]:
    """The row as AttributeView; plain JSON, for it is stored with the idempotency key."""
    return {
        "name": row.name,
        "from_day": str(row.from_day),
        "value": row.value,
        "told_at": row.told_at.isoformat(),
        "source": row.source,
        "reason": row.reason,
    }

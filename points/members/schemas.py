"""JSON of members' sign-ins."""

import marshmallow as ma

from base.http.api import Request, Text, View


class CodeRequest(Request):
    """Whom to send a code."""

    programme = Text(required=True, most=40, metadata={"description": "the programme's code"})
    phone = Text(required=True, most=20)


class SignInRequest(CodeRequest):
    """The code that came."""

    code = Text(required=True, most=12)


class TokenView(View):
    """What to send as Authorization: Bearer."""

    token = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)

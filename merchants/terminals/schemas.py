"""JSON of the till's sign-in."""

from base.http.api import Request, Text


class TillSignInRequest(Request):
    """Terminal, clerk and PIN."""

    terminal = Text(required=True, most=40)
    clerk = Text(required=True, most=40)
    pin = Text(required=True, most=20)

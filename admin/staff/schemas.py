"""JSON of the staff's sign-in."""

from base.http.api import Request, Text


class StaffSignInRequest(Request):
    """Mail address and password; of whoever signs in in two steps the code of the authenticator, or a recovery code."""

    email = Text(required=True, most=120)
    password = Text(required=True, most=200)
    code = Text(load_default=None, allow_none=True, most=20)

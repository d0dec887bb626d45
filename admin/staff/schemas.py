"""JSON of the staff's sign-in."""

from base.http.api import Request, Text


class StaffSignInRequest(Request):
    """Mail address and password."""

    email = Text(required=True, most=120)
    password = Text(required=True, most=200)

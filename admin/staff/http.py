"""What a request of the staff tells of where it comes from."""

from flask import request

from admin.staff import entries
from admin.staff.entries import Origin


def origin() -> Origin:
    """The network and browser of this request."""
    return entries.origin(request.remote_addr, request.headers.get("User-Agent", ""))

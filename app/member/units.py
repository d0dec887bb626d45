"""What the points of whoever is signed in are called: the programme's own name for them, looked up once a minute."""

import time

from base import database
from base.auth.guard import current
from base.auth.principals import Member
from points import programmes

KEPT_S = 60.0
_kept: dict[int, tuple[float, dict[str, str] | None]] = {}


def of_caller() -> dict[str, str] | None:
    """The name by language; None: they are called points."""
    principal = current()
    if not isinstance(principal, Member):
        return None
    until, named = _kept.get(principal.programme_id, (0.0, None))
    if time.monotonic() > until:
        with database.begin() as session:
            named = programmes.by_id(session, principal.programme_id).unit
        _kept[principal.programme_id] = (time.monotonic() + KEPT_S, named)
    return named

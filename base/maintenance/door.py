"""At the door of the web application: writes are refused while it is read-only, and every page knows what is planned."""

from collections.abc import Iterator
from typing import Any

from flask import Flask, request

from base import clock
from base.maintenance import maintenance
from base.maintenance.maintenance import ReadOnly, Shown

READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Ending the work must be possible while it lasts; signing in, in both steps, and out writes nothing but the sign-in.
LET_THROUGH = (
    "/staff/maintenance",
    "/staff/sign-in",
    "/staff/second-factor",
    "/staff/sign-out",
    "/v1/staff/sign-ins",
    "/sign-out",
)


def init(app: Flask) -> None:
    """Before each request and in each page."""
    app.before_request(_let_or_refuse)
    app.context_processor(_told)


def _let_or_refuse() -> None:
    if request.method in READING or request.path.startswith(LET_THROUGH):
        return
    at = clock.now()
    on = maintenance.read_only(at)
    if on is not None:
        raise ReadOnly(
            retry_after_s=max(1, int((on.until_at - at).total_seconds())), until=on.until_at.isoformat()
        )


class _Told:
    """Planned work, looked up by a page that tells it; a page that is made before the database is there does not."""

    def __iter__(self) -> Iterator[tuple[Shown, bool]]:
        at = clock.now()
        return iter([(one, one.is_on(at)) for one in maintenance.shown(at)])


def _told() -> dict[str, Any]:
    return {"planned_work": _Told()}

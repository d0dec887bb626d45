"""How long a request may take: a till's two seconds, a page or call three, what staff, merchants and systems ask thirty.

What brings a file takes as long as its sender; then each transaction has a minute. Tests have no deadlines: they share
their machine with others.
"""

import time

from flask import Flask, current_app, g, request

from base import deadlines
from base.auth.guard import current
from base.auth.principals import Anonymous, Clerk, Halfway, Member, Terminal
from base.config import TEST, Config
from base.deadlines import PAGE_S, REPORT_S, TILL_S
from base.http.admission import BEGAN

AT_A_TILL = ("/till", "/v1/vouchers/check", "/v1/vouchers/accept", "/v1/vouchers/release", "/v1/acceptances")
WAITED_FOR = (Anonymous, Clerk, Halfway, Member, Terminal)  # somebody stands there, or looks at a phone


def before_guard(app: Flask, config: Config) -> None:
    """The clock of a request starts."""
    if config.environment != TEST:
        app.before_request(_begin)
        app.teardown_request(_end)


def behind_guard(app: Flask, config: Config) -> None:
    """Who asks, and for what, is known."""
    if config.environment != TEST:
        app.before_request(_extend)


def seconds_for(path: str) -> float:
    """What a request may take before it is known who asks."""
    return TILL_S if path.startswith(AT_A_TILL) else PAGE_S


def _begin() -> None:
    g.clock_began = request.environ.get(BEGAN) or time.monotonic()
    deadlines.begin(seconds_for(request.path), since=g.clock_began)


def _extend() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if hasattr(view, "most_bytes"):
        deadlines.begin(None)
    elif not isinstance(current(), WAITED_FOR):
        deadlines.begin(REPORT_S, since=g.clock_began)


def _end(error: BaseException | None) -> None:
    deadlines.begin(None)

"""How many requests are worked on at once: what is more waits its turn, what is too much is told so at once.

As many work as there are database connections. A quarter of these places is kept for tills and for signing in, so that a
crowd at the offers keeps nobody from a cash desk. Each lane has a short line to wait in; who finds it full has an answer
within milliseconds, with the seconds after which to come again. It stands before everything else and asks nobody anything.
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

import structlog
from flask import Flask, render_template

from base.config import TEST, Config
from base.errors import Unavailable
from base.http.headers import CSP

BEGAN = "jifen.began"  # in a request's environ: when it came (monotonic seconds)
WAITS_S, LINE = 2.0, 8  # how long one waits at most; how many wait in a line for each place
SLOW_S, CALM_S = 0.5, 1.0  # once somebody waited so long, no more wait than there are places, for so long
FREE = re.compile(r"/(static|health)/")
KEPT = re.compile(
    r"(/v1)?/till(/|$)|/v1/vouchers/(check|accept|release)$|/v1/acceptances(/|$)|(/v1)?(/\w+)?/sign-ins?(/|$)"
    r"|/staff/second-factor$"
)
log = structlog.get_logger()
Environ = dict[str, Any]


class Overloaded(Unavailable):
    """More is asked for at this moment than can be answered; nothing was changed."""

    zh = "当前访问量过大，没有任何变动。"
    next_en, next_zh = (
        "Send the same request again after some seconds.",
        "请几秒后原样重发。",
    )


class Lane:
    """Places to work in, all of which one needs, and a line before them."""

    def __init__(self, places: tuple[threading.Semaphore, ...], line: int) -> None:
        self._places, self._line, self._short = places, line, line // LINE
        self._lock, self._waiting, self._slow_until = threading.Lock(), 0, 0.0

    def enter(self) -> bool:
        """Whether there is a place, maybe after some waiting; then `leave` follows."""
        if self._take(0.0):
            return True
        began = time.monotonic()
        with self._lock:
            if self._waiting >= (self._short if began < self._slow_until else self._line):
                return False
            self._waiting += 1
        try:
            return self._take(WAITS_S)
        finally:
            now = time.monotonic()
            with self._lock:
                self._waiting -= 1
                if now - began >= SLOW_S:
                    self._slow_until = now + CALM_S

    def leave(self) -> None:
        for place in self._places:
            place.release()

    def _take(self, seconds: float) -> bool:
        ends, taken = time.monotonic() + seconds, list[threading.Semaphore]()
        for place in self._places:
            if not place.acquire(timeout=max(0.0, ends - time.monotonic())):
                for one in taken:
                    one.release()
                return False
            taken.append(place)
        return True


class Admission:
    """The door of the WSGI application."""

    def __init__(self, app: Flask, config: Config) -> None:
        size = config.web_threads
        whole = threading.Semaphore(size)
        others = threading.Semaphore(size - kept(size))
        self._flask, self._app, self._language = app, app.wsgi_app, config.language
        line = LINE * size
        self._kept, self._others = Lane((whole,), line), Lane((others, whole), line)
        self._bodies: dict[tuple[str, bool], bytes] = {}
        self._told_at, self._refused = 0.0, 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[BEGAN] = time.monotonic()
        lane = self._lane(environ.get("PATH_INFO", ""))
        if lane is None:
            return self._app(environ, start_response)
        if not lane.enter():
            return self._refuse(environ, start_response)
        try:
            return self._app(environ, start_response)
        finally:  # the work is done; only the rare file that is written as it is read goes on
            lane.leave()

    def _lane(self, path: str) -> Lane | None:
        if FREE.match(path):
            return None
        return self._kept if KEPT.match(path) else self._others

    def _refuse(self, environ: Environ, start: StartResponse) -> list[bytes]:
        as_json = environ.get("PATH_INFO", "").startswith("/v1")
        said = environ.get("HTTP_ACCEPT_LANGUAGE", "")[:2]
        language = {"zh": "zh-CN", "en": "en"}.get(said, self._language)
        body = self._body(language, as_json)
        kind = "application/problem+json" if as_json else "text/html; charset=utf-8"
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Retry-After", str(2 + secrets.randbelow(5))),  # so that not all come again at once
            ("Cache-Control", "no-store"),
            ("Content-Language", language),
            ("Content-Security-Policy", CSP),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start("503 Service Unavailable", headers)
        self._tell()
        return [body]

    def _body(self, language: str, as_json: bool) -> bytes:
        """Written once, for a crowd is no time to write pages."""
        if (language, as_json) not in self._bodies:
            self._bodies[language, as_json] = (
                _problem(language) if as_json else _page(self._flask, language)
            ).encode()
        return self._bodies[language, as_json]

    def _tell(self) -> None:
        """One line a second says how many, however many there are."""
        self._refused += 1
        now = time.monotonic()
        if now - self._told_at >= 1.0:
            log.warning("overloaded", refused=self._refused)
            self._told_at, self._refused = now, 0


def init(app: Flask, config: Config) -> None:
    """Put the door before the application. Tests have none: they share their machine with others."""
    if config.environment == TEST:
        return
    app.wsgi_app = Admission(app, config)  # type: ignore[method-assign]


def kept(size: int) -> int:
    """How many of so many places are kept for tills and signing in."""
    return size // 4


def threads(size: int) -> int:
    """Threads that the server needs: those that work, those that wait in both lines, and some that refuse or hand out files."""
    return size + 2 * LINE * size + 4


def _problem(language: str) -> str:
    said = {
        "type": f"/problems/{Overloaded.type_name()}",
        "title": Overloaded.title(language),
        "status": 503,
        "detail": Overloaded.title(language),
        "next": Overloaded.next_step(language),
    }
    return json.dumps(said, ensure_ascii=False)


def _page(app: Flask, language: str) -> str:
    with app.test_request_context("/", headers={"Accept-Language": language}):
        return render_template("errors/503.html", planned_work=[], problem={"request_id": ""})

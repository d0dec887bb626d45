"""How many requests are worked on at once: what is more waits its turn, what is too much is told so at once.

As many work as there are database connections. A quarter of these places is kept for tills and for signing in, so that a
crowd at the offers keeps nobody from a cash desk. Each lane has a short line to wait in; who finds it full has an answer
within milliseconds, with the seconds after which to come again. It stands before everything else and asks nobody anything.

A server that looks at what comes before it gives it a thread (app/web_worker.py) asks here how many of the crowd it may let
in, and has the refusal from here too: a crowd that is refused by threads takes the processor from those who are let in.
"""

import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import cycle
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
STATUS = "503 Service Unavailable"
COME_AGAIN_S = (2, 3, 4, 5, 6)  # not all at once
LANGUAGES = {"zh": "zh-CN", "en": "en"}
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


class Places:
    """Places to work in, some of them kept, and a line before each of the two lanes: who came first has the next place.

    A semaphore gives a place to whoever asks at that moment, so that some in the line would wait until their time is up.
    """

    def __init__(self, size: int, kept: int) -> None:
        self._lock, self._free = threading.Lock(), size
        self.kept, self.others = Lane(self, size, size), Lane(self, size - kept, size)

    def enter(self, lane: "Lane") -> bool:
        """Whether there is a place, maybe after some waiting; then `leave` follows."""
        began = time.monotonic()
        with self._lock:
            if not lane.line and self._take(lane):
                return True
            if len(lane.line) >= lane.most_waiting():
                return False
            turn = Turn(began)
            lane.line.append(turn)
        turn.called.acquire(timeout=WAITS_S)
        with self._lock:
            lane.waited(time.monotonic(), began)
            if turn in lane.line:
                lane.line.remove(turn)
                return False
        return True

    def leave(self, lane: "Lane") -> None:
        """Give the place back, and so to the one who waits longest."""
        with self._lock:
            self._free += 1
            lane.free += 1
            while next_ones := [one for one in (self.kept, self.others) if one.line and one.free]:
                first = min(next_ones, key=lambda one: one.line[0].began)
                if not self._take(first):
                    return
                first.line.popleft().called.release()

    def _take(self, lane: "Lane") -> bool:
        if not self._free or not lane.free:
            return False
        self._free -= 1
        lane.free -= 1
        return True


class Turn:
    """Somebody in a line: since when (monotonic seconds), and a lock that is free once it is their turn."""

    def __init__(self, began: float) -> None:
        self.began, self.called = began, threading.Lock()
        self.called.acquire()


class Lane:
    """How many places are free for those in this lane, and who waits for one; read and changed under the lock of the places."""

    def __init__(self, places: Places, free: int, size: int) -> None:
        self._places, self.free = places, free
        self.line, self._long, self._short = deque[Turn](), LINE * size, size
        self._slow_until = 0.0

    def enter(self) -> bool:
        return self._places.enter(self)

    def leave(self) -> None:
        self._places.leave(self)

    def most_waiting(self) -> int:
        """How many may wait in line at this moment."""
        return self._short if time.monotonic() < self._slow_until else self._long

    def waited(self, now: float, began: float) -> None:
        """Somebody waited from `began` until `now`: where that is long, the line is short for a moment."""
        if now - began >= SLOW_S:
            self._slow_until = now + CALM_S


class Admission:
    """The door of the WSGI application."""

    def __init__(self, app: Flask, config: Config) -> None:
        size = config.web_threads
        self._flask, self._app, self._language = app, app.wsgi_app, config.language
        places = Places(size, kept(size))
        self._kept, self._others, self._for_others = places.kept, places.others, places.others.free
        self._bodies: dict[tuple[str, bool], bytes] = {}
        self._ready: dict[tuple[str, bool], Iterator[bytes]] = {}
        self._come_again_s, self._told_at, self._refused = cycle(COME_AGAIN_S), 0.0, 0

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

    def is_crowd(self, path: str) -> bool:
        """Whether this address is for neither tills nor signing in, nor free for all."""
        return self._lane(path) is self._others

    def most(self) -> int:
        """How many of the crowd can be in here at this moment, at work and in line."""
        return self._for_others + self._others.most_waiting()

    def refusal(self, path: str, said: str) -> bytes:
        """The whole answer to somebody of the crowd who is one too many, as it goes over the wire; after `write`."""
        self._tell()
        return next(self._ready[LANGUAGES.get(said[:2], self._language), path.startswith("/v1")])

    def _lane(self, path: str) -> Lane | None:
        if FREE.match(path):
            return None
        return self._kept if KEPT.match(path) else self._others

    def _refuse(self, environ: Environ, start: StartResponse) -> list[bytes]:
        as_json = environ.get("PATH_INFO", "").startswith("/v1")
        language = LANGUAGES.get(environ.get("HTTP_ACCEPT_LANGUAGE", "")[:2], self._language)
        headers, body = self._answer(language, as_json, next(self._come_again_s))
        start(STATUS, headers)
        self._tell()
        return [body]

    def _answer(self, language: str, as_json: bool, come_again_s: int) -> tuple[list[tuple[str, str]], bytes]:
        body = self._body(language, as_json)
        kind = "application/problem+json" if as_json else "text/html; charset=utf-8"
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Retry-After", str(come_again_s)),
            ("Cache-Control", "no-store"),
            ("Content-Language", language),
            ("Content-Security-Policy", CSP),
            ("X-Content-Type-Options", "nosniff"),
        ]
        return headers, body

    def write(self) -> None:
        """Have what is answered ready, for a crowd is no time to write pages."""
        for language in LANGUAGES.values():
            for as_json in (True, False):
                answers = (self._answer(language, as_json, seconds) for seconds in COME_AGAIN_S)
                self._ready[language, as_json] = cycle([_over_the_wire(*answer) for answer in answers])

    def _body(self, language: str, as_json: bool) -> bytes:
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
    door = Admission(app, config)
    door.write()
    app.wsgi_app = door  # type: ignore[method-assign]


def kept(size: int) -> int:
    """How many of so many places are kept for tills and signing in."""
    return size // 4


def threads(size: int) -> int:
    """Threads that the server needs: those that work, those that wait in both lines, and some that refuse or hand out files."""
    return size + 2 * LINE * size + 4


def _over_the_wire(headers: list[tuple[str, str]], body: bytes) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {STATUS}\r\n{head}\r\n".encode() + body


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

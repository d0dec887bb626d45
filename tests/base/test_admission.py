"""Who is let in at once, who waits, who is refused - and that tills and signing in keep their places."""

import json
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from flask import Flask

from base.http import admission
from base.http.admission import FREE, KEPT, Admission, Lane, Places

SIZE = 4  # one of them is kept


class Server:
    """An application whose requests last until they are let go, behind the door."""

    def __init__(self, config):
        self.inside, self.go, self.lock = [], threading.Event(), threading.Lock()
        app = Flask("slow")
        app.wsgi_app = self._serve
        self.door = Admission(app, config.at(web_threads=SIZE))
        self.pool = ThreadPoolExecutor(40)

    def _serve(self, environ, start):
        with self.lock:
            self.inside.append(environ["PATH_INFO"])
        self.go.wait(20)
        start("200 OK", [])
        return [b"done"]

    def ask(self, path, language="en"):
        """Status, headers and body."""
        told = {}
        environ = {"PATH_INFO": path, "HTTP_ACCEPT_LANGUAGE": language}
        answer = self.door(environ, lambda status, headers: told.update(status=status, headers=dict(headers)))
        told["body"] = b"".join(answer)
        return told

    def later(self, path) -> Future:
        return self.pool.submit(self.ask, path)

    def until(self, count):
        """That many are inside, and no more."""
        for _ in range(2_000):
            if len(self.inside) == count:
                return True
            threading.Event().wait(0.005)
        return False

    def until_waiting(self, lane: Lane, count):
        for _ in range(2_000):
            if len(lane.line) == count:
                return True
            threading.Event().wait(0.005)
        return False


@pytest.fixture
def server(config, monkeypatch):
    monkeypatch.setattr(admission, "WAITS_S", 20)
    monkeypatch.setattr(admission, "LINE", 1)
    made = Server(config)
    yield made
    made.go.set()
    made.pool.shutdown()


def test_a_crowd_at_the_offers_fills_its_places_and_its_line_and_then_is_refused_at_once(server):
    crowd = [server.later("/v1/offers") for _ in range(SIZE - 1 + SIZE)]
    assert server.until(SIZE - 1)
    assert server.until_waiting(server.door._others, SIZE)

    refused = server.ask("/v1/offers")
    till = server.later("/v1/vouchers/accept")
    assert server.until(SIZE)
    server.go.set()

    assert refused["status"] == "503 Service Unavailable"
    assert 2 <= int(refused["headers"]["Retry-After"]) <= 6
    assert json.loads(refused["body"])["type"] == "/problems/overloaded"
    assert till.result(20)["body"] == b"done"
    assert {one.result(20)["body"] for one in crowd} == {b"done"}


def test_tills_may_use_every_place_and_wait_in_a_line_of_their_own(server):
    tills = [server.later("/till/check") for _ in range(SIZE)]
    assert server.until(SIZE)
    waiting = server.later("/till/check")
    assert server.until_waiting(server.door._kept, 1)

    server.go.set()

    assert {one.result(20)["body"] for one in [*tills, waiting]} == {b"done"}


def test_files_and_health_are_never_kept_waiting(server):
    for _ in range(SIZE):
        server.later("/till/check")
    assert server.until(SIZE)

    alive, style = server.later("/health/live"), server.later("/static/jifen.css")
    assert server.until(SIZE + 2)
    server.go.set()

    assert alive.result(20)["body"] == style.result(20)["body"] == b"done"


def test_who_waits_too_long_is_refused_and_leaves_no_place_taken(server, monkeypatch):
    monkeypatch.setattr(admission, "WAITS_S", 0.05)
    for _ in range(SIZE - 1):
        server.later("/v1/offers")
    assert server.until(SIZE - 1)

    refused = server.ask("/v1/offers")
    server.go.set()

    assert refused["status"].startswith("503")
    assert [server.ask("/till/check")["status"] for _ in range(2 * SIZE)] == ["200 OK"] * 2 * SIZE


def test_where_the_line_moves_slowly_fewer_wait_in_it(server, monkeypatch):
    lane = server.door._others
    lane._long, lane._short, lane._slow_until = 2 * SIZE, 1, time.monotonic() + 60
    for _ in range(SIZE - 1):
        server.later("/v1/offers")
    assert server.until(SIZE - 1)
    waiting = server.later("/v1/offers")
    assert server.until_waiting(lane, 1)

    refused = server.ask("/v1/offers")
    lane._slow_until = 0.0
    further = server.later("/v1/offers")
    assert server.until_waiting(lane, 2)
    server.go.set()

    assert refused["status"].startswith("503")
    assert waiting.result(20)["body"] == further.result(20)["body"] == b"done"


def test_after_somebody_waited_long_the_line_is_short_for_a_moment_and_not_until_somebody_waits_again(
    monkeypatch,
):
    monkeypatch.setattr(admission, "SLOW_S", 0.0)
    lane = Places(1, 0).others
    lane.enter()
    threading.Timer(0.05, lane.leave).start()

    assert lane.enter()
    assert 0 < lane._slow_until - time.monotonic() <= admission.CALM_S


def test_whoever_waits_longest_has_the_next_place_whichever_the_lane():
    places = Places(2, 1)
    places.others.enter()
    places.kept.enter()
    came = []

    def wait(name, lane):
        assert lane.enter()
        came.append(name)
        lane.leave()

    with ThreadPoolExecutor(4) as pool:
        for number, lane in enumerate((places.others, places.kept, places.others, places.kept), 1):
            pool.submit(wait, number, lane)
            while len(places.kept.line) + len(places.others.line) < number:
                time.sleep(0.001)
        places.others.leave()  # of one of the crowd; the other place is a till's still

    assert came == [1, 2, 3, 4]


def test_as_many_of_the_crowd_are_inside_as_there_are_places_for_them_however_many_tills_have_left():
    places = Places(4, 1)
    for _ in range(5):
        places.kept.enter()
        places.kept.leave()
    inside, waits = [places.others.enter() for _ in range(3)], threading.Thread(target=places.others.enter)
    waits.start()
    while not places.others.line:
        time.sleep(0.001)

    till = places.kept.enter()

    assert inside == [True] * 3
    assert till
    assert len(places.others.line) == 1
    places.kept.leave()  # gives the crowd nothing
    assert len(places.others.line) == 1
    places.others.leave()
    waits.join(10)
    assert not places.others.line


def test_an_application_that_raises_gives_its_place_back(config):
    app = Flask("broken")

    def fail(environ, start):
        raise ZeroDivisionError

    app.wsgi_app = fail
    door = Admission(app, config.at(web_threads=SIZE))

    for _ in range(3 * SIZE):
        with pytest.raises(ZeroDivisionError):
            door({"PATH_INFO": "/v1/offers"}, lambda *_: None)


def test_the_page_of_a_refusal_is_in_the_readers_language(app):
    door = Admission(app, app.extensions["jifen_config"])
    pages = {language: door._body(language, False).decode() for language in ("zh-CN", "en")}

    assert "The service is resting for a moment" in pages["en"]
    assert "The service" not in pages["zh-CN"]


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        ("/till", KEPT), ("/till/check", KEPT), ("/v1/till/sign-ins", KEPT), ("/v1/vouchers/check", KEPT),
        ("/v1/vouchers/accept", KEPT), ("/v1/acceptances/acc_1/void", KEPT), ("/sign-in", KEPT), ("/sign-in/code", KEPT),
        ("/v1/sign-ins/code", KEPT), ("/staff/sign-in", KEPT), ("/staff/second-factor", KEPT), ("/merchant/sign-in", KEPT),
        ("/", None), ("/v1/offers", None), ("/v1/vouchers", None), ("/staff/payouts", None), ("/tills", None),
        ("/static/jifen.css", FREE), ("/health/ready", FREE),
    ],
)  # fmt: skip
def test_each_address_has_its_lane(path, lane):
    found = FREE if FREE.match(path) else KEPT if KEPT.match(path) else None

    assert found is lane

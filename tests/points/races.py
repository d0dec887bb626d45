"""Races on the real shell, from many threads and connections; each says what was not as it must be, so it can be red.

Two requests are let go only when both have read the same wallet: what follows is a collision, not a hope for one.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from typing import Any
from unittest.mock import patch

from base import database
from base.database import StillRunning
from base.errors import Problem, Unavailable
from points import deeds, ledger
from points.deeds import Request
from points.kinds import FOREVER, Kind, State
from points.ledger import Answer
from points.lots import Interval
from points.postings import Wallet
from tests.points.oracle import START, in_days
from tests.points.test_ledger import ask, at_once, given_wallet, post, post_many, rows, told, wallet
from tests.points.test_postings import Book

THREADS = 32
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def tried(request: Request) -> Any:
    """The answer, the refusal or the error; who is told to come again comes again with the same key."""
    while True:
        try:
            return post(request)
        except (StillRunning, Unavailable):
            continue
        except Exception as error:
            return error


def tried_in_batch(request: Request) -> Any:
    while True:
        try:
            return post_many(request)[0]
        except (StillRunning, Unavailable):
            continue
        except Exception as error:
            return error


def names(answers: list[Any]) -> dict[str, int]:
    return dict(Counter(type(answer).__name__ for answer in answers))


# Many for one wallet


def wrong_with_the_last_points(requests: int, points: int, price: int) -> list[str]:
    """So many race for one wallet; exactly as many succeed as it has points for, the others are refused by name."""
    member_id, share = given_wallet(points), requests // THREADS + 1

    def some(number: int) -> list[Any]:
        mine = range(number * share, min(requests, (number + 1) * share))
        return [tried(ask(member_id, f"spend {n}", Kind.REDEEM, price)) for n in mine]

    answers = [answer for part in at_once(THREADS, some) for answer in part]
    first = points // price
    expected = {"Answer": first, "NotEnoughPoints": requests - first}
    left, count = wallet(member_id).balance, rows("posting", member_id)
    wrong = [] if names(answers) == expected else [f"{names(answers)} instead of {expected}"]
    wrong += [] if left == points - first * price else [f"{left} points are left"]
    wrong += [] if count == 1 + first else [f"{count} postings"]
    return wrong


def wrong_with_a_storm(keys: int, times: int) -> list[str]:
    """Each key so many times at once: one posting each, and all who asked are answered the same, byte for byte."""
    member_id = given_wallet(50 * keys)  # enough even if each is done every time
    before = rows("posting", member_id)

    def all_keys(number: int) -> list[Any]:
        way = tried if number % 2 else tried_in_batch
        return [way(ask(member_id, f"key {n}", Kind.REDEEM, 1 + n % 5, ref=f"red_{n}")) for n in range(keys)]

    answered = at_once(times, all_keys)
    replies = [{repr(getattr(part[n], "postings", part[n])) for part in answered} for n in range(keys)]
    fresh = sum(isinstance(a, Answer) and not a.replayed for part in answered for a in part)
    count = rows("posting", member_id) - before
    wrong = [
        f"key {n} was answered {len(said)} ways: {sorted(said)[-1][:120]}"
        for n, said in enumerate(replies)
        if len(said) > 1
    ]
    wrong += [
        f"key {n}: {type(part[n]).__name__}"
        for part in answered
        for n in range(keys)
        if not isinstance(part[n], Answer)
    ]
    wrong += [] if (fresh, count) == (keys, keys) else [f"{fresh} said they were first, {count} postings"]
    return wrong


# Any two, on one wallet


@dataclass(frozen=True)
class Scene:
    """What a wallet went through before two requests meet on it, in which state it is, and when they meet."""

    history: tuple[dict[str, Any], ...]
    state: State
    at: datetime


EARNED = (
    {"kind": Kind.EARN, "points": 60, "lot_key": in_days(10)},
    {"kind": Kind.EARN, "points": 70, "lot_key": in_days(40)},
    {"kind": Kind.REDEEM, "points": 20},
)
SET_ASIDE = (
    {"kind": Kind.HOLD, "points": 10, "ends_at": FOREVER},
    {"kind": Kind.HOLD, "points": 8, "ends_at": FOREVER},
    {"kind": Kind.GIFT_OUT, "points": 0, "rev_of": 5},
    {"kind": Kind.HOLD, "points": 5, "ends_at": START + HOUR},
)
SCENES = {
    "nothing is held": Scene(EARNED, State.OPEN, START + 2 * HOUR),
    "held, and one hold has run out": Scene(EARNED + SET_ASIDE, State.OPEN, START + 2 * HOUR),
    "frozen, and a lot has lapsed": Scene(EARNED + SET_ASIDE, State.FROZEN, START + 20 * DAY),
}
OPERATIONS: dict[str, dict[str, Any] | State] = {
    "earn": {"kind": Kind.EARN, "points": 5, "lot_key": in_days(10)},
    "unearn": {"kind": Kind.UNEARN, "points": 60, "rev_of": 1},
    "redeem": {"kind": Kind.REDEEM, "points": 60},
    "hold": {"kind": Kind.HOLD, "points": 60, "ends_at": FOREVER},
    "capture": {"kind": Kind.CAPTURE, "points": 7, "rev_of": 4},
    "release": {"kind": Kind.RELEASE, "points": 0, "rev_of": 4},
    "gift out": {"kind": Kind.GIFT_OUT, "points": 6, "rev_of": 4},
    "gift return": {"kind": Kind.GIFT_RETURN, "points": 0, "rev_of": 6},
    "gift in": {"kind": Kind.GIFT_IN, "points": 3, "quoted": (Interval(in_days(30), 0, 3),)},
    "reverse": {"kind": Kind.REVERSE, "points": 15, "rev_of": 3},
    "adjust up": {"kind": Kind.ADJUST_UP, "points": 4, "lot_key": in_days(90)},
    "adjust down": {"kind": Kind.ADJUST_DOWN, "points": 60},
    "merge out": {"kind": Kind.MERGE_OUT, "points": 0},
    "merge in": {"kind": Kind.MERGE_IN, "points": 2, "quoted": (Interval(in_days(10), 0, 2),)},
    "merge debt in": {"kind": Kind.MERGE_DEBT_IN, "points": 80},
    "redate": {"kind": Kind.REDATE_OUT, "points": 0},
    "expire": {"kind": Kind.EXPIRE, "points": 0},
    "freeze": State.FROZEN,
    "close": State.CLOSED,
}
PAIRS = list(combinations_with_replacement(OPERATIONS, 2))
Way = Callable[[Request], Any]


def wrong_with_pairs(
    first: Way, second: Way, scene: Scene, pairs: Sequence[tuple[str, str]] = PAIRS
) -> dict[str, str]:
    """Every two operations at once on one wallet: answers and wallet are those of one of the two serial orders."""
    book, asked = _begun(scene)
    members, wrong = _wallets_like(scene, asked, len(pairs)), dict[str, str]()
    meeting = Meeting(before_the_look=first is second is tried_in_batch)
    with meeting, ThreadPoolExecutor(2) as pool:
        for member_id, pair in zip(members, pairs, strict=True):
            both = [
                pool.submit(meeting.go, way, member_id, pair[number], scene.at, number)
                for number, way in enumerate((first, second))
            ]
            came = tuple(one.result(30) for one in both)
            shown = came, _shown(wallet(member_id))
            orders = [_serial(book, scene.at, pair, order) for order in ((0, 1), (1, 0))]
            if shown not in orders:
                wrong[" + ".join(pair)] = f"{shown}, one after the other {orders}"
    return wrong


class Meeting:
    """Two threads that go on from their first look at the wallet together.

    Of two batches only one can look: the look locks. They meet before it.
    """

    def __init__(self, *, before_the_look: bool) -> None:
        self._before_the_look = before_the_look

    def __enter__(self) -> "Meeting":
        self._barrier, self._mine, real = threading.Barrier(2), threading.local(), deeds.run

        def run(*args: Any) -> Any:
            self._wait()
            return real(*args)

        self._patch = patch.object(deeds, "run", run)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()

    def go(self, way: Way, member_id: int, operation: str, at: datetime, number: int) -> Any:
        self._mine.met = False
        what = OPERATIONS[operation]
        if isinstance(what, State) or self._before_the_look:
            self._wait()
        if isinstance(what, State):
            with database.begin() as session:
                ledger.set_state(session, member_id, what)
            return None
        came = way(ask(member_id, f"{number}", at=at, **what))
        return told(came) if isinstance(came, Answer | Problem) else repr(came)

    def _wait(self) -> None:
        if not getattr(self._mine, "met", True):
            self._mine.met = True
            self._barrier.wait(10)


def _begun(scene: Scene) -> tuple[Book, list[Request]]:
    book, asked = Book(), []
    for number, step in enumerate(scene.history):
        asked.append(ask(book.wallet.member_id, f"before {number}", at=START, **step))
        book.do(asked[-1])
    book.wallet = book.wallet._replace(state=scene.state)
    return book, asked


def _wallets_like(scene: Scene, asked: list[Request], count: int) -> list[int]:
    """So many wallets with that history, set up in one go."""
    members = [given_wallet() for _ in range(count)]
    answers = post_many(*(request._replace(member_id=m) for m in members for request in asked))
    assert all(isinstance(answer, Answer) for answer in answers)
    with database.begin() as session:
        for member_id in members:
            ledger.set_state(session, member_id, scene.state)
    return members


def _serial(book: Book, at: datetime, pair: tuple[str, str], order: tuple[int, int]) -> tuple[Any, Any]:
    own, came = Book(book.wallet, book.rows), [None, None]
    for number in order:
        what = OPERATIONS[pair[number]]
        if isinstance(what, State):
            own.wallet = own.wallet._replace(state=what)
            continue
        try:
            outcome = own.do(ask(own.wallet.member_id, f"{number}", at=at, **what))
            came[number] = told(Answer(outcome.postings, replayed=False))
        except Problem as refusal:
            came[number] = told(refusal)
    return tuple(came), _shown(own.wallet)


def _shown(wallet: Wallet) -> Wallet:
    """A wallet without what is its member's own."""
    return wallet._replace(member_id=0, head=b"", seen=0)


# What many did at once, in the order of its numbers


def wrong_with_the_order(done: list[tuple[Request, Any]]) -> list[str]:
    """What was answered is what the pure core says when the requests come in the order of their postings' numbers.

    A refusal must be one that the core gives at some place of that order.
    """
    wrong = []
    for member_id in sorted({request.member_id for request, _ in done}):
        mine = [(r, a) for r, a in done if r.member_id == member_id]
        posted = sorted(
            ((r, a) for r, a in mine if isinstance(a, Answer) and a.postings),
            key=lambda pair: pair[1].postings[0].seq,
        )
        refused = [(r, a) for r, a in mine if isinstance(a, Problem)]
        wrong += [f"{r.kind.name}: {a!r}" for r, a in mine if not isinstance(a, Answer | Problem)]
        book = Book(ledger.postings.empty(member_id, State.OPEN, START))
        open_still = dict(enumerate(refused))
        for request, answer in [*posted, (None, None)]:
            for number, (other, refusal) in list(open_still.items()):
                if _refusal(book, other) == told(refusal):
                    del open_still[number]
            if request is not None:
                outcome = book.do(request)
                if outcome.postings != answer.postings:
                    wrong.append(
                        f"member {member_id} posting {answer.postings[0].seq} is not what it would be alone"
                    )
                    break
        wrong += [
            f"{r.kind.name} of {r.points} was refused without a reason: {a}" for r, a in open_still.values()
        ]
        if book.wallet._replace(seen=0) != wallet(member_id)._replace(seen=0):
            wrong.append(f"member {member_id}: another wallet")
    return wrong


def _refusal(book: Book, request: Request) -> Any:
    try:
        deeds.run(book.wallet, request, book.known(request))
    except Problem as refusal:
        return told(refusal)
    return None


@contextmanager
def no_deadlock() -> Iterator[None]:
    """PostgreSQL counts no deadlock more than before."""
    before = _deadlocks()
    yield
    assert _deadlocks() == before


def _deadlocks() -> int:
    with database.begin() as session:
        found = session.connection().exec_driver_sql(
            "select pg_stat_force_next_flush(), deadlocks from pg_stat_database where datname = current_database()"
        )
        return int(found.one()[1])

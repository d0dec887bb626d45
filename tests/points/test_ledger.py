"""The ledger's shell on a real database: one by one and in batches it does what the pure core says, once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from base import database, ids
from base.errors import Problem
from base.idempotency import KeyReused
from points import kinds, ledger
from points.deeds import Request
from points.kinds import FOREVER, MOST_POINTS, Kind, State
from points.ledger import Answer, WalletUnknown
from points.lots import Lots
from points.postings import Wallet
from points.refusals import HoldEnded, LotsFull, MemberFrozen, NotEnoughPoints, PointsOutOfRange
from tests.points.oracle import START, ZONE, asked_for, full, histories, in_days
from tests.points.test_postings import Book

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def given_wallet(points: int = 0, *, days: int = 10) -> int:
    member_id = ids.new_id()
    with database.begin() as session:
        ledger.open_wallet(session, member_id, State.OPEN, START)
    if points:
        post(ask(member_id, "first", Kind.EARN, points, lot_key=in_days(days)))
    return member_id


def ask(member_id: int, name: str, kind: Kind, points: int, at: Any = START, **more: Any) -> Request:
    return Request(member_id, ledger.key("test", name), kind, points, at, ZONE, **more)


def post(request: Request) -> Answer:
    with database.begin() as session:
        return ledger.post(session, request)


def post_many(*requests: Request) -> list[Answer | Problem]:
    with database.begin() as session:
        return ledger.post_many(session, requests)


def wallet(member_id: int) -> Wallet:
    with database.begin() as session:
        return ledger.read(session, member_id)


def rows(table: str, member_id: int) -> int:
    with database.begin() as session:
        return (
            session.scalar(text(f"select count(*) from {table} where member_id = :m"), {"m": member_id}) or 0
        )


def told(answer: Answer | Problem) -> Any:
    """What a request came to, without the member's own hashes."""
    if isinstance(answer, Problem):
        return type(answer).__name__, answer.facts
    return [
        (p.seq, p.kind, p.amount, p.balance_after, p.held_after, p.lots, p.rev_of, p.at)
        for p in answer.postings
    ]


def at_once(count: int, deed: Callable[[int], Any]) -> list[Any]:
    """The same deed from many threads, let go together; what each returned or raised."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait(10)
        try:
            return deed(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def run_in_memory(steps: list[Any]) -> tuple[list[Request], list[Any], Wallet]:
    """The requests of a history, what the pure core makes of each, and the wallet at its end."""
    book, at, made, requests, came = Book(), START, dict[int, tuple[Kind, int]](), [], []
    for number, step in enumerate(steps):
        at += step.later
        asked, _ = asked_for(made, number, step, at)
        requests.append(asked)
        try:
            outcome = book.do(asked)
        except Problem as refusal:
            came.append(told(refusal))
            continue
        came.append(told(Answer(outcome.postings, replayed=False)))
        if outcome.deed:
            made[number] = (step.kind, outcome.deed.seq)
    return requests, came, book.wallet


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(25), st.lists(st.integers(1, 6), min_size=30, max_size=30))
def test_one_by_one_and_in_batches_come_to_what_the_pure_core_says(db, steps, sizes):
    requests, expected, last = run_in_memory(steps)
    single, batched = given_wallet(), given_wallet()

    came_single = []
    for request in requests:
        try:
            came_single.append(told(post(request._replace(member_id=single))))
        except Problem as refusal:
            came_single.append(told(refusal))
    came_batched, rest = [], [request._replace(member_id=batched) for request in requests]
    for size in sizes:
        came_batched += [told(answer) for answer in post_many(*rest[:size])]
        rest = rest[size:]

    assert came_single == expected
    assert came_batched == expected
    for member_id in (single, batched):
        stored = wallet(member_id)
        assert stored._replace(member_id=last.member_id, head=last.head, seen=last.seen) == last
    # and once more: the same keys give the same answers, nothing moves
    again = post_many(*(request._replace(member_id=batched) for request in requests))
    assert [told(a) for a, e in zip(again, expected, strict=True) if isinstance(e, list) and e] == [
        e for e in expected if isinstance(e, list) and e
    ]


# Keys


def test_the_same_key_gives_the_same_answer_for_good_and_another_body_is_refused(db):
    member_id = given_wallet(100)
    spend = ask(member_id, "spend", Kind.REDEEM, 30)

    first = post(spend)
    post(ask(member_id, "back", Kind.REVERSE, 0, rev_of=first.seq))
    post(ask(member_id, "sweep", Kind.EXPIRE, 0, START + 20 * DAY))
    again, in_batch = post(spend._replace(at=START + 30 * DAY)), post_many(spend)[0]

    assert (again.postings, again.replayed) == (first.postings, True)
    assert isinstance(in_batch, Answer)
    assert (in_batch.postings, in_batch.replayed) == (first.postings, True)
    for other in (spend._replace(points=31), spend._replace(ref="x"), spend._replace(kind=Kind.HOLD)):
        with pytest.raises(KeyReused):
            post(other)
        assert [type(answer) for answer in post_many(other)] == [KeyReused]


def test_a_key_belongs_to_its_member(db):
    first, second = given_wallet(100), given_wallet(100)

    answers = post_many(ask(first, "same", Kind.REDEEM, 10), ask(second, "same", Kind.REDEEM, 20))

    assert [told(answer)[0][2] for answer in answers] == [10, 20]


def test_a_refusal_leaves_no_key(db):
    member_id = given_wallet(10)
    spend = ask(member_id, "spend", Kind.REDEEM, 30)
    with pytest.raises(NotEnoughPoints):
        post(spend)

    post(ask(member_id, "more", Kind.EARN, 50, lot_key=in_days(10)))

    assert post(spend).replayed is False


def test_one_key_twice_in_a_batch_is_one_posting(db):
    member_id = given_wallet(100)
    spend = ask(member_id, "spend", Kind.REDEEM, 30)

    first, second, other = post_many(spend, spend, spend._replace(points=31))

    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (first.replayed, second.replayed, first.postings) == (False, True, second.postings)
    assert isinstance(other, KeyReused)
    assert wallet(member_id).balance == 70


def test_one_key_that_was_posted_before_and_stands_twice_in_a_batch_is_answered_as_before(db):
    member_id = given_wallet(100)
    spend = ask(member_id, "spend", Kind.REDEEM, 30)
    first = post(spend)

    answers = post_many(spend, spend)

    assert [told(answer) for answer in answers] == [told(first)] * 2
    assert rows("posting", member_id) == 2


def test_one_key_twice_in_a_batch_that_posts_nothing_is_nothing_twice(db):
    member_id = given_wallet(100)
    sweep = ask(member_id, "sweep", Kind.EXPIRE, 0)

    assert [told(answer) for answer in post_many(sweep, sweep)] == [[], []]


# Several requests of one member in one batch


def test_a_hold_and_its_capture_can_stand_in_one_batch(db):
    member_id = given_wallet(100)

    answers = post_many(
        ask(member_id, "hold", Kind.HOLD, 60, ends_at=FOREVER),
        ask(member_id, "capture", Kind.CAPTURE, 40, rev_of=2),
        ask(member_id, "release", Kind.RELEASE, 0, rev_of=2),
        ask(member_id, "too late", Kind.CAPTURE, 1, rev_of=2),
        ask(member_id, "spend", Kind.REDEEM, 60),
    )

    assert [type(answer).__name__ for answer in answers] == [
        "Answer",
        "Answer",
        "Answer",
        "HoldEnded",
        "Answer",
    ]
    assert [told(a)[0][1:3] for a in answers if isinstance(a, Answer)] == [
        (Kind.HOLD, 60), (Kind.CAPTURE, 40), (Kind.RELEASE, 20), (Kind.REDEEM, 60),
    ]  # fmt: skip
    assert (wallet(member_id).balance, wallet(member_id).held, rows("hold", member_id)) == (0, 0, 0)


def test_a_capture_that_is_itself_asked_about_in_the_batch_counts_once(db):
    member_id = given_wallet(100)
    hold = post(ask(member_id, "hold", Kind.HOLD, 10, ends_at=FOREVER)).seq
    capture = post(ask(member_id, "capture", Kind.CAPTURE, 6, rev_of=hold)).seq

    more, back = post_many(
        ask(member_id, "capture more", Kind.CAPTURE, 0, rev_of=hold),
        ask(member_id, "give back", Kind.REVERSE, 0, rev_of=capture),
    )

    assert (_raised(more).postings[0].amount, _raised(back).postings[0].amount) == (4, 6)


def test_the_requests_of_a_member_are_done_in_the_order_given(db):
    member_id = given_wallet(100)
    spend = post(ask(member_id, "spend", Kind.REDEEM, 100)).seq

    answers = post_many(
        ask(member_id, "earn", Kind.EARN, 1, lot_key=in_days(10)),
        ask(member_id, "back", Kind.REVERSE, 100, rev_of=spend),
        ask(member_id, "spend again", Kind.REDEEM, 101),
    )

    assert [told(answer)[0][1:3] for answer in answers] == [
        (Kind.EARN, 1), (Kind.REVERSE, 100), (Kind.REDEEM, 101),
    ]  # fmt: skip


def test_a_hold_that_has_run_out_is_given_back_once_however_many_requests_come_together(db):
    member_id = given_wallet(100)
    post(ask(member_id, "hold", Kind.HOLD, 60, ends_at=START + HOUR))

    answers = post_many(
        *(ask(member_id, f"earn {n}", Kind.EARN, 1, START + 2 * HOUR, lot_key=in_days(10)) for n in range(3))
    )

    assert [[p[1] for p in told(answer)] for answer in answers] == [
        [Kind.TIMEOUT, Kind.EARN],
        [Kind.EARN],
        [Kind.EARN],
    ]
    assert (wallet(member_id).balance, wallet(member_id).held) == (103, 0)


@pytest.mark.parametrize("hours", [[0, 2], [2, 0]])
def test_a_hold_ends_at_its_time_whatever_else_is_in_the_batch(db, hours):
    member_id, alone = given_wallet(100), given_wallet(100)
    for each in (member_id, alone):
        post(ask(each, "hold", Kind.HOLD, 60, ends_at=START + HOUR))
    earns = [
        {"name": f"earn {n}", "kind": Kind.EARN, "points": 1, "at": START + n * HOUR, "lot_key": in_days(10)}
        for n in hours
    ]

    batched = [told(answer) for answer in post_many(*(ask(member_id, **earn) for earn in earns))]

    assert batched == [told(post(ask(alone, **earn))) for earn in earns]


def test_a_refused_request_harms_nobody(db):
    rich, poor, nobody = given_wallet(100), given_wallet(10), ids.new_id()

    answers = post_many(
        ask(poor, "1", Kind.REDEEM, 50),
        ask(nobody, "2", Kind.REDEEM, 50),
        ask(rich, "3", Kind.REDEEM, 50),
        ask(rich, "4", Kind.REDEEM, 0),
        ask(rich, "5", Kind.REDEEM, 2**63),
        ask(poor, "6", Kind.REDEEM, 10),
        ask(rich, "7", Kind.CAPTURE, 1, rev_of=999),
    )

    assert [type(answer).__name__ for answer in answers] == [
        "NotEnoughPoints", "WalletUnknown", "Answer", "PointsOutOfRange", "PointsOutOfRange", "Answer", "MoreThanLeft",
    ]  # fmt: skip
    assert (wallet(rich).balance, wallet(poor).balance) == (50, 0)


def test_more_than_one_batch_is_done_in_order(db):
    members = [given_wallet(0) for _ in range(3)]
    requests = [
        ask(member_id, f"{n}", Kind.EARN, 1, lot_key=in_days(10)) for n in range(400) for member_id in members
    ]

    answers = post_many(*requests)

    assert len(answers) == 1200
    assert [told(a)[0][0] for a in answers] == [n + 1 for n in range(400) for _ in members]
    assert [wallet(member_id).balance for member_id in members] == [400, 400, 400]


# At once


def test_one_key_from_eight_connections_at_once_is_one_posting(db):
    member_id = given_wallet(100)

    answers = at_once(8, lambda n: post(ask(member_id, "spend", Kind.REDEEM, 30)))

    assert [type(answer) for answer in answers] == [Answer] * 8
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 7
    assert len({answer.postings for answer in answers}) == 1
    assert (wallet(member_id).balance, rows("posting", member_id)) == (70, 2)


def test_the_last_points_are_spent_once(db):
    member_id = given_wallet(100)

    answers = at_once(8, lambda n: post(ask(member_id, f"spend {n}", Kind.REDEEM, 60)))

    assert sorted(type(answer).__name__ for answer in answers) == ["Answer"] + ["NotEnoughPoints"] * 7
    assert wallet(member_id).balance == 40


def test_a_hold_is_captured_or_released_once(db):
    member_id = given_wallet(100)
    hold = post(ask(member_id, "hold", Kind.HOLD, 60, ends_at=FOREVER)).seq

    kinds = [Kind.CAPTURE, Kind.RELEASE] * 3
    answers = at_once(6, lambda n: post(ask(member_id, f"{n}", kinds[n], 0, rev_of=hold)))

    assert sorted(type(answer).__name__ for answer in answers) == ["Answer"] + ["HoldEnded"] * 5
    assert (wallet(member_id).held, rows("hold", member_id)) == (0, 0)


def test_many_writers_of_one_member_all_get_through(db):
    member_id = given_wallet(0)

    answers = at_once(
        6, lambda n: [post(ask(member_id, f"{n}/{i}", Kind.EARN, 1, lot_key=in_days(n))) for i in range(10)]
    )

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert (wallet(member_id).balance, wallet(member_id).seq) == (60, 60)


def test_batches_and_single_postings_of_the_same_members_do_not_lose_each_other(db):
    members = [given_wallet(0) for _ in range(20)]

    def deed(number: int) -> Any:
        requests = [ask(m, f"{number}", Kind.EARN, 1, lot_key=in_days(number)) for m in members]
        return post_many(*requests) if number % 2 else [post(request) for request in requests]

    answers = at_once(4, deed)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert all(isinstance(each, Answer) for answer in answers for each in answer)
    assert {wallet(m).balance for m in members} == {4}


def _freezing_between_look_and_write(monkeypatch: Any, member_id: int) -> list[Problem]:
    """Somebody freezes the line when the next request has read the wallet; what that somebody is refused with."""
    real, calls, refused = ledger._known, list[int](), list[Problem]()

    def freeze_first(*args: Any) -> Any:
        if not calls:
            calls.append(1)
            try:
                with database.begin() as other:
                    ledger.set_state(other, member_id, State.FROZEN)
            except Problem as refusal:
                refused.append(refusal)
        return real(*args)

    monkeypatch.setattr(ledger, "_known", freeze_first)
    return refused


def test_a_line_frozen_between_look_and_write_spends_nothing(db, monkeypatch):
    member_id = given_wallet(100)
    _freezing_between_look_and_write(monkeypatch, member_id)

    with pytest.raises(MemberFrozen):
        post(ask(member_id, "spend", Kind.REDEEM, 10))

    assert wallet(member_id).balance == 100


def test_a_line_is_not_frozen_in_the_middle_of_a_batch(db, monkeypatch):
    member_id = given_wallet(100)
    refused = _freezing_between_look_and_write(monkeypatch, member_id)

    [answer] = post_many(ask(member_id, "spend", Kind.REDEEM, 10))

    assert isinstance(answer, Answer)
    assert [type(refusal).__name__ for refusal in refused] == ["StillRunning"]
    assert (wallet(member_id).balance, wallet(member_id).state) == (90, State.OPEN)


def _raised(answer: Answer | Problem) -> Answer:
    if isinstance(answer, Problem):
        raise answer
    return answer


def test_a_rolled_back_transaction_leaves_nothing(db):
    member_id = given_wallet(100)

    with database.begin() as session:
        ledger.post(session, ask(member_id, "hold", Kind.HOLD, 10, ends_at=FOREVER))
        ledger.post_many(session, [ask(member_id, "spend", Kind.REDEEM, 10)])
        session.rollback()

    assert (wallet(member_id).balance, rows("posting", member_id), rows("hold", member_id)) == (100, 1, 0)


# Edges


@pytest.mark.parametrize("points", [0, -1, 2**63, -(2**63), MOST_POINTS + 1, 10**30])
def test_points_out_of_range_change_nothing(db, points):
    member_id = given_wallet(100)

    with pytest.raises(PointsOutOfRange):
        post(ask(member_id, "spend", Kind.REDEEM, points))
    assert [type(answer) for answer in post_many(ask(member_id, "spend", Kind.REDEEM, points))] == [
        PointsOutOfRange
    ]

    assert (wallet(member_id).balance, rows("posting", member_id)) == (100, 1)


def test_the_most_points_fit(db):
    member_id = given_wallet(MOST_POINTS)

    post(ask(member_id, "more", Kind.EARN, MOST_POINTS, lot_key=in_days(10)))

    assert wallet(member_id).balance == 2 * MOST_POINTS


def test_sixty_four_lots_are_stored_and_spent_across_and_the_next_is_refused_by_name(db):
    member_id = given_wallet(0)
    earns = [ask(member_id, f"{n}", Kind.EARN, 10, lot_key=key) for n, key in enumerate(full())]
    assert all(isinstance(answer, Answer) for answer in post_many(*earns))

    one_more = ask(member_id, "one more", Kind.EARN, 10, lot_key=in_days(500))
    with pytest.raises(LotsFull):
        post(one_more)
    assert [type(answer) for answer in post_many(one_more)] == [LotsFull]
    spend = post(ask(member_id, "all", Kind.REDEEM, 640))

    assert len(spend.postings[0].lots) == 64
    assert wallet(member_id).balance == 0


def test_late_points_land_with_grace_and_released_points_of_a_lapsed_lot_too(db):
    member_id = given_wallet(100, days=10)
    hold = post(ask(member_id, "hold", Kind.HOLD, 60, ends_at=FOREVER)).seq
    later = START + 20 * DAY

    post_many(
        ask(member_id, "late", Kind.EARN, 5, later, lot_key=in_days(0)),
        ask(member_id, "back", Kind.RELEASE, 0, later, rev_of=hold),
    )

    assert wallet(member_id).lots == Lots((in_days(50),), (65,), (0,))


def test_a_second_wallet_for_a_member_is_refused_by_the_database(db):
    member_id = given_wallet(10)

    with pytest.raises(Exception, match="wallet_pkey"), database.begin() as session:
        ledger.open_wallet(session, member_id, State.OPEN, START)

    assert wallet(member_id).balance == 10


def test_an_unknown_wallet_is_named(db):
    with pytest.raises(WalletUnknown):
        post(ask(1, "x", Kind.EARN, 1, lot_key=in_days(1)))
    with pytest.raises(WalletUnknown):
        wallet(1)


def test_an_ended_hold_stays_ended_in_the_store(db):
    member_id = given_wallet(100)
    hold = post(ask(member_id, "hold", Kind.HOLD, 60, ends_at=START + HOUR)).seq

    with pytest.raises(HoldEnded):
        post(ask(member_id, "capture", Kind.CAPTURE, 0, START + HOUR, rev_of=hold))
    post(ask(member_id, "sweep", Kind.EXPIRE, 0, START + HOUR))

    assert (wallet(member_id).balance, wallet(member_id).held, rows("hold", member_id)) == (100, 0, 0)
    assert kinds.FOREVER == FOREVER

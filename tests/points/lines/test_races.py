"""A line is frozen or cancelled while something is under way: there is exactly one order, and the books agree."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from base import clock, database
from catalog.redemptions import redemptions
from catalog.redemptions.models import Redemption
from points import ledger
from points.gifts import gifts
from points.kinds import State
from points.lines.states import LineState
from tests.given import caller, given_member, given_offer, given_programme, member_token
from tests.points.lines.telling import tell, today, wallet

PHONE = "13700002222"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


def redeemed():
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(Redemption))


@pytest.mark.parametrize("state", [LineState.SUSPENDED, LineState.CANCELLED])
def test_a_line_barred_between_the_question_and_the_spending_spends_nothing(
    app, db, programme, member_id, state, monkeypatch
):
    me = caller(app, member_token(member_id))
    quote = me.quote(given_offer(programme, "perk", value_fen=30)).json["id"]
    real = ledger.post

    def barred_first(session, request):
        if request.member_id == member_id and wallet(member_id).state is State.OPEN:
            tell(db, member_id, state)
        return real(session, request)

    monkeypatch.setattr(redemptions.ledger, "post", barred_first)
    answer = me.post("/v1/redemptions", {"quote": quote})

    assert answer.status_code == 403
    assert answer.json["type"] in ("/problems/member-frozen", "/problems/member-closed")
    assert (answer.json["line"], answer.json["since"]) == (state, str(today()))
    assert (redeemed(), wallet(member_id).balance) == (0, 100)


def test_a_freeze_that_comes_after_the_spending_waits_for_it(app, db, programme, member_id, monkeypatch):
    me = caller(app, member_token(member_id))
    quote = me.quote(given_offer(programme, "perk", value_fen=30)).json["id"]
    posted, go_on = threading.Event(), threading.Event()
    real = ledger.post

    def slow(session, request):
        answer = real(session, request)
        posted.set()
        go_on.wait(0.5)  # its row stays locked meanwhile
        return answer

    monkeypatch.setattr(redemptions.ledger, "post", slow)
    with ThreadPoolExecutor(2) as pool:
        redeeming = pool.submit(me.post, "/v1/redemptions", {"quote": quote})
        assert posted.wait(10)
        freezing = pool.submit(tell, db, member_id, LineState.SUSPENDED)
        answer, taken = redeeming.result(), freezing.result()

    assert (answer.status_code, taken.line.state) == (201, LineState.SUSPENDED)
    assert (redeemed(), wallet(member_id).balance, wallet(member_id).state) == (1, 70, State.FROZEN)


def test_of_redemptions_and_a_cancellation_at_once_each_comes_wholly_before_or_not_at_all(
    app, db, programme, member_id
):
    offers = [given_offer(programme, "perk", value_fen=10) for _ in range(4)]
    quotes = [caller(app, member_token(member_id)).quote(offer).json["id"] for offer in offers]
    tokens = [member_token(member_id) for _ in offers]
    barrier = threading.Barrier(5)

    def redeem(number):
        barrier.wait(10)
        return caller(app, tokens[number]).post("/v1/redemptions", {"quote": quotes[number]})

    def cancel():
        barrier.wait(10)
        return tell(db, member_id, LineState.CANCELLED)

    with ThreadPoolExecutor(5) as pool:
        ending = pool.submit(cancel)
        answers = list(pool.map(redeem, range(4)))
        ending.result()

    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 401, 403, 409}
    assert (wallet(member_id).state, redeemed()) == (State.CLOSED, len(done))
    assert wallet(member_id).balance == 100 - 10 * len(done)


def test_an_undone_gift_and_a_cancellation_at_once_give_the_points_back_once(db, programme, member_id):
    given_member(db, programme, phone=PHONE)
    with database.begin() as session:
        gift = gifts.give(session, db, member_id, PHONE, 60, clock.now())
    barrier = threading.Barrier(2)

    def undo():
        barrier.wait(10)
        with database.begin() as session:
            return gifts.undo(session, member_id, gift.gift_id, clock.now())

    def cancel():
        barrier.wait(10)
        return tell(db, member_id, LineState.CANCELLED)

    with ThreadPoolExecutor(2) as pool:
        undoing, ending = pool.submit(undo), pool.submit(cancel)
        ending.result()
        assert isinstance(undoing.exception(), gifts.GiftNotUndoable | None)

    assert (wallet(member_id).balance, wallet(member_id).held) == (100, 0)

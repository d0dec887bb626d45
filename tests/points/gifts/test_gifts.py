"""Gifts: set aside, undone, sent, arrived or come back - whatever dies between, once, whole, with their last days."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Barrier
from unittest.mock import patch

import pytest
from sqlalchemy import select, text

from app.proof import findings
from app.wiring import wire
from base import clock, database, jobs
from base.database import StillRunning
from base.errors import Problem
from base.notices import notices
from points import ledger, lots, policies, programmes
from points.gifts import gifts, job
from points.gifts.gifts import GiftLimitReached, GiftNotUndoable, GiftToOneself, GiftUnknown, ReceiverUnknown
from points.gifts.models import RECEIVED, RETURNED, SENT, UNDONE, WAITING, Gift
from points.kinds import Kind, State
from points.members import members
from points.models import PostingRow
from points.postings import Wallet
from points.refusals import MemberClosed, MemberFrozen, MemberTooNew, NotEnoughPoints
from tests.given import given_member, given_merged, given_points, given_programme

PHONE, OTHER = "13700001111", "13700002222"
AT = datetime(2026, 3, 10, 4, tzinfo=UTC)
LATER = AT + gifts.TO_UNDO


@contextmanager
def at(moment):
    with clock.stopped(moment):
        yield


@pytest.fixture
def pair(db):
    """A giver with 100 points and a receiver with none, on one day."""
    programme = given_programme()
    with at(AT):
        giver = given_member(db, programme, points=100, phone=PHONE)
        return giver, given_member(db, programme, phone=OTHER)


def give(config, member_id, points=60, *, to=OTHER, moment=AT) -> Gift:
    with at(moment), database.begin() as session:
        return gifts.give(session, config, member_id, to, points, moment)


def run(config, gift, moment=LATER) -> None:
    with at(moment):
        job.run(config, gift.member_id, gift.gift_id)


def found(gift) -> Gift:
    with database.begin() as session:
        return session.get_one(Gift, (gift.member_id, gift.gift_id))


def wallet(member_id) -> Wallet:
    with database.begin() as session:
        return ledger.read(session, member_id)


def set_state(member_id, state) -> None:
    with database.begin() as session:
        ledger.set_state(session, member_id, state)


def kinds_of(member_id) -> list[str]:
    with database.begin() as session:
        rows = session.scalars(
            select(PostingRow.kind).where(PostingRow.member_id == member_id).order_by(PostingRow.seq)
        )
        return [Kind(kind).name for kind in rows]


def promises() -> int:
    with database.begin() as session:
        return session.scalar(text("select count(*) from outbox where task = 'gift'")) or 0


def books_fault(*, rule) -> list[str]:
    with database.begin() as session:
        return [finding.text for finding in findings(session) if finding.rule == rule]


def messages(config) -> list[tuple[str, str]]:
    with database.begin() as session:
        return [(m.receiver, m.text) for m in notices.latest(session, config.seal_key)]


# The whole way


def test_a_gift_waits_then_leaves_then_arrives_with_its_last_days(db, pair):
    giver, receiver = pair
    soon = AT.date() + timedelta(days=20)
    with at(AT):
        given_points(giver, 30, last_day=soon)
    gift = give(db, giver, 60)

    waiting = found(gift).state, wallet(giver).held
    run(db, gift)
    under_way = found(gift).state, wallet(giver).held, wallet(receiver).balance, promises()
    run(db, gift)

    assert waiting == (WAITING, 60)
    assert under_way == (SENT, 0, 0, 2)  # the first promise is still there: the worker was not asked
    assert found(gift).state == RECEIVED
    assert (wallet(giver).balance, wallet(receiver).balance) == (70, 60)
    assert wallet(receiver).lots.given == (30, 30)
    assert wallet(receiver).lots.keys[0] == lots.key(soon, policies.BILL_POINTS)


def test_the_worker_brings_a_gift_to_its_end(db, pair):
    giver, receiver = pair
    gift = give(db, giver)

    with at(AT):
        jobs.drain(db.database_url)
    early = found(gift).state
    with at(LATER):
        jobs.drain(db.database_url)

    assert (early, found(gift).state) == (WAITING, RECEIVED)
    assert (wallet(receiver).balance, promises()) == (60, 0)


def test_both_are_told_and_neither_sees_the_others_number(db, pair):
    gift = give(db, pair[0])
    run(db, gift)
    run(db, gift)

    told = messages(db)

    assert [receiver for receiver, _ in told] == [PHONE, OTHER, PHONE]
    assert not [said for receiver, said in told if (OTHER if receiver == PHONE else PHONE) in said]
    assert all("****" in said for _, said in told)


# Undoing


def test_a_gift_that_is_undone_is_back_in_its_lots(db, pair):
    giver, receiver = pair
    before = wallet(giver).lots
    gift = give(db, giver)

    with at(LATER - timedelta(seconds=1)), database.begin() as session:
        gifts.undo(session, giver, gift.gift_id, clock.now())
    run(db, gift)

    assert found(gift).state == UNDONE
    assert (wallet(giver).balance, wallet(giver).lots.keys, wallet(receiver).balance) == (100, before.keys, 0)
    assert promises() == 0


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_after_its_time_a_gift_cannot_be_undone(db, pair, steps):
    gift = give(db, pair[0])
    for _ in range(steps):
        run(db, gift)

    with pytest.raises(GiftNotUndoable), database.begin() as session:
        gifts.undo(session, pair[0], gift.gift_id, LATER)


def test_nobody_but_the_giver_undoes_a_gift(db, pair):
    gift = give(db, pair[0])

    with pytest.raises(GiftUnknown), database.begin() as session:
        gifts.undo(session, pair[1], gift.gift_id, AT)


# Refused


@pytest.mark.parametrize(
    ("state", "refusal"),
    [(State.FROZEN, MemberFrozen), (State.CLOSED, MemberClosed), (State.NEW, MemberTooNew)],
)
def test_a_barred_line_gives_nothing(db, pair, state, refusal):
    set_state(pair[0], state)

    with pytest.raises(refusal):
        give(db, pair[0])


def test_a_line_under_the_minimum_tenure_gives_nothing(db):
    programme = given_programme(minimum_tenure_days=90)
    giver = given_member(db, programme, points=10, joined_on=AT.date())
    given_member(db, programme, phone=OTHER)

    with pytest.raises(MemberTooNew):
        give(db, giver, 5, moment=AT + timedelta(days=89))


def test_unknown_barred_and_foreign_numbers_give_one_answer(db, pair):
    foreign = given_programme("other")
    with database.begin() as session:
        programme = programmes.by_code(session, "gotone")
    numbers = {"nobody": "13799999999", "of another programme": "13700003333"}
    given_member(db, foreign, phone=numbers["of another programme"])
    for digit, state in enumerate((State.FROZEN, State.CLOSED)):
        numbers[state.name] = f"1370000444{digit}"
        set_state(given_member(db, programme, phone=numbers[state.name]), state)
    numbers["merged"] = "13700004449"
    given_merged(given_member(db, programme, phone=numbers["merged"]), pair[1])
    left = given_member(db, programme, phone="13700005555")
    numbers["left"] = "13700005555"
    with database.begin() as session:
        members.leave(session, left, AT.date())

    told = {}
    for who, number in numbers.items():
        with pytest.raises(ReceiverUnknown) as refused:
            give(db, pair[0], to=number)
        told[who] = refused.value.facts

    assert set(map(str, told.values())) == {"{}"}
    assert (wallet(pair[0]).held, kinds_of(pair[0])) == (0, ["EARN"])


def test_who_a_number_belongs_to_is_asked_last(db, pair):
    for number in (OTHER, "13799999999"):
        with pytest.raises(NotEnoughPoints):
            give(db, pair[0], 101, to=number)


def test_nobody_gives_to_themselves(db, pair):
    with pytest.raises(GiftToOneself):
        give(db, pair[0], to=PHONE)


def test_five_gifts_a_day_undone_ones_too_and_anew_tomorrow(db, pair):
    giver, _ = pair
    first = give(db, giver, 1)
    with database.begin() as session:
        gifts.undo(session, giver, first.gift_id, AT)
    for _ in range(4):
        give(db, giver, 1)

    with pytest.raises(GiftLimitReached) as refused:
        give(db, giver, 1)
    midnight = clock.start_of(AT.date() + timedelta(days=1), "Asia/Shanghai")
    with pytest.raises(GiftLimitReached):
        give(db, giver, 1, moment=midnight - timedelta(seconds=1))

    assert refused.value.facts["gifts_left"] == 0
    assert give(db, giver, 1, moment=midnight).state == WAITING


def test_twenty_thousand_points_a_day_what_was_undone_does_not_count(db, pair):
    giver, _ = pair
    with at(AT):
        given_points(giver, 50_000)
    first = give(db, giver, 20_000)
    with pytest.raises(GiftLimitReached):
        give(db, giver, 1)
    with database.begin() as session:
        gifts.undo(session, giver, first.gift_id, AT)

    give(db, giver, 15_000)

    with pytest.raises(GiftLimitReached) as refused:
        give(db, giver, 5_001)
    assert refused.value.facts == {"gifts_left": 3, "points_left": 5_000}
    give(db, giver, 5_000)


# Races


def at_once(count, deed):
    """The same deed from many threads, let go together; what each returned or was refused with."""
    barrier = Barrier(count)

    def one(number):
        barrier.wait(10)
        try:
            return deed(number)
        except Problem as refusal:
            return type(refusal)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_of_twenty_gifts_of_the_whole_balance_one_succeeds(db, pair):
    wire(db, pool_size=24)
    with at(AT):
        told = at_once(20, lambda _: _give_all(db, pair[0], 100))

    assert sorted(map(str, (one for one in told if isinstance(one, type)))) == [str(NotEnoughPoints)] * 19
    assert (wallet(pair[0]).balance, wallet(pair[0]).held) == (0, 100)


def test_of_twenty_small_gifts_five_succeed(db, pair):
    wire(db, pool_size=24)
    with at(AT):
        told = at_once(20, lambda _: _give_all(db, pair[0], 1))

    assert sum(isinstance(one, Gift) for one in told) == 5
    assert {one for one in told if isinstance(one, type)} <= {GiftLimitReached, StillRunning}
    assert wallet(pair[0]).held == 5


def _give_all(config, member_id, points):
    with database.begin() as session:
        return gifts.give(session, config, member_id, OTHER, points, AT)


def test_undoing_and_sending_at_once_end_in_one_of_both(db, pair):
    gift = give(db, pair[0])

    def either(number):
        with database.begin() as session:
            if number:
                gifts.undo(session, pair[0], gift.gift_id, LATER - timedelta(seconds=1))
            else:
                job.send(session, db, pair[0], gift.gift_id, LATER)

    with at(LATER):
        at_once(2, either)
    run(db, gift)
    run(db, gift)

    assert found(gift).state in (UNDONE, RECEIVED)
    assert wallet(pair[0]).balance + wallet(pair[1]).balance == 100


def test_many_workers_at_every_step_do_it_once(db, pair):
    gift = give(db, pair[0])

    with at(LATER):
        at_once(6, lambda _: job.run(db, gift.member_id, gift.gift_id))
        at_once(6, lambda _: job.run(db, gift.member_id, gift.gift_id))

    assert found(gift).state == RECEIVED
    assert kinds_of(pair[0]) == ["EARN", "HOLD", "GIFT_OUT"]
    assert kinds_of(pair[1]) == ["GIFT_IN"]


def test_who_wants_to_return_a_gift_that_is_just_arriving_finds_it_arrived(db, pair):
    gift = give(db, pair[0])
    run(db, gift)

    def come_back() -> None:
        with database.begin() as session:
            job.come_back(session, db, gift.member_id, gift.gift_id, LATER, MemberClosed())

    with at(LATER), ThreadPoolExecutor(1) as pool:
        with database.begin() as session:
            job.arrive(session, db, gift.member_id, gift.gift_id, LATER)
            session.flush()
            other = pool.submit(come_back)
            time.sleep(0.3)
        other.result(5)

    assert found(gift).state == RECEIVED
    assert (wallet(pair[0]).balance, wallet(pair[1]).balance) == (40, 60)


def test_two_who_give_to_each_other_never_wait_in_a_ring(db, pair):
    with at(AT):
        given_points(pair[1], 100)
    both = [give(db, pair[0]), give(db, pair[1], to=PHONE)]

    with at(LATER):
        for _ in range(2):
            told = at_once(2, lambda number: job.run(db, both[number].member_id, both[number].gift_id))

    assert told == [None, None]
    assert [found(gift).state for gift in both] == [RECEIVED, RECEIVED]


# Not delivered


@pytest.mark.parametrize("barred", [0, 1], ids=["giver", "receiver"])
@pytest.mark.parametrize("state", [State.FROZEN, State.CLOSED])
def test_a_line_barred_while_a_gift_waits_ends_it_before_it_leaves(db, pair, barred, state):
    gift = give(db, pair[0])
    set_state(pair[barred], state)

    run(db, gift)
    run(db, gift)

    assert found(gift).state == RETURNED
    assert kinds_of(pair[0]) == ["EARN", "HOLD", "RELEASE"]
    assert (wallet(pair[0]).balance, kinds_of(pair[1])) == (100, [])


@pytest.mark.parametrize("state", [State.CLOSED, State.MERGED])
def test_what_a_receiver_no_longer_takes_comes_back(db, pair, state):
    giver, receiver = pair
    before = wallet(giver).lots
    gift = give(db, giver)
    run(db, gift)
    if state is State.MERGED:
        with database.begin() as session:
            programme = programmes.by_code(session, "gotone")
        given_merged(receiver, given_member(db, programme))
    else:
        set_state(receiver, state)

    run(db, gift)
    run(db, gift)

    assert (found(gift).state, found(gift).reason) == (RETURNED, f"Member{state.name.title()}")
    assert kinds_of(giver) == ["EARN", "HOLD", "GIFT_OUT", "GIFT_RETURN"]
    assert (wallet(giver).balance, wallet(giver).lots.keys) == (100, before.keys)


def test_under_way_a_gift_lands_on_a_line_that_was_suspended_meanwhile(db, pair):
    gift = give(db, pair[0])
    run(db, gift)
    set_state(pair[1], State.FROZEN)

    run(db, gift)

    assert (found(gift).state, wallet(pair[1]).balance) == (RECEIVED, 60)


def test_a_lot_that_lapsed_under_way_lands_with_grace(db, pair):
    giver, receiver = pair
    with at(AT):
        given_points(giver, 30, last_day=AT.date() + timedelta(days=1))
    gift = give(db, giver, 30)
    run(db, gift)

    run(db, gift, AT + timedelta(days=5))

    assert [lots.last_day(key) for key in wallet(receiver).lots.keys] == [AT.date() + timedelta(days=35)]


# A worker that dies


class Dead(Exception):
    """The worker is gone."""


DEATHS = {
    "before leaving": (0, "points.gifts.job.ledger.post"),
    "after leaving, before the promise": (0, "points.gifts.job.outbox.put"),
    "before arriving": (1, "points.gifts.job.ledger.post"),
    "after arriving, before it is told": (1, "points.gifts.job.telling.tell"),
    "before coming back": (2, "points.gifts.job.come_back"),
    "after coming back, before it is told": (2, "points.gifts.job.telling.tell"),
}


@pytest.mark.parametrize("place", DEATHS)
def test_a_worker_may_die_anywhere_and_the_next_one_ends_it(db, pair, place):
    step, deed = DEATHS[place]
    gift = give(db, pair[0])
    if step:
        run(db, gift)
    if step == 2:
        set_state(pair[1], State.CLOSED)
    before = found(gift).state, kinds_of(pair[0]), kinds_of(pair[1]), promises()

    with patch(deed, side_effect=Dead), pytest.raises(Dead):
        run(db, gift)
    after = found(gift).state, kinds_of(pair[0]), kinds_of(pair[1]), promises()
    while found(gift).state in (WAITING, SENT):
        run(db, gift)

    assert after == before
    assert found(gift).state == (RETURNED if step == 2 else RECEIVED)
    assert kinds_of(pair[0]) == ["EARN", "HOLD", "GIFT_OUT"] + ["GIFT_RETURN"] * (step == 2)
    assert kinds_of(pair[1]) == ["GIFT_IN"] * (step != 2)


def test_a_receiver_that_opens_again_before_the_return_gets_it_once(db, pair):
    gift = give(db, pair[0])
    run(db, gift)
    set_state(pair[1], State.CLOSED)
    with patch("points.gifts.job.come_back", side_effect=Dead), pytest.raises(Dead):
        run(db, gift)
    set_state(pair[1], State.OPEN)

    run(db, gift)
    with at(LATER), database.begin() as session:  # the first worker wakes up
        job.come_back(session, db, gift.member_id, gift.gift_id, LATER, MemberClosed())

    assert found(gift).state == RECEIVED
    assert (wallet(pair[0]).balance, wallet(pair[1]).balance) == (40, 60)


def test_a_job_that_comes_too_early_promises_itself_again(db, pair):
    gift = give(db, pair[0])
    with database.begin() as session:
        session.execute(text("delete from outbox"))

    run(db, gift, AT)
    run(db, gift, AT)

    assert (found(gift).state, promises()) == (WAITING, 1)


# The books


FORGED = {
    "a gift that says it arrived": "update gift set state = 'received', end_seq = 1",
    "a gift that says it was undone": "update gift set state = 'undone', sent_seq = null, end_seq = 2",
    "a gift of more": "update gift set points = points + 1",
    "a sending that is another posting": "update gift set sent_seq = 2",
    "a hold that is another posting": "update gift set hold_seq = 1",
    "a gift for somebody else": "update gift set receiver_id = receiver_id + 1, state = 'received', end_seq = 1",
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_gift_is_found(db, pair, owner, forgery):
    gift = give(db, pair[0])
    run(db, gift)
    owner.execute(text("create temp table kept as select * from gift"))

    owner.execute(text(FORGED[forgery]))
    told = books_fault(rule="gift")

    owner.execute(text("delete from gift"))
    owner.execute(text("insert into gift select * from kept"))
    assert told


def test_a_gift_that_is_gone_leaves_a_gap_in_transit(db, pair, owner):
    gift = give(db, pair[0])
    run(db, gift)
    owner.execute(text("create temp table kept as select * from gift"))

    owner.execute(text("delete from gift"))
    told = books_fault(rule="transit")

    owner.execute(text("insert into gift select * from kept"))
    assert told == [
        "postings say 60 are under way, gifts 0",
        "1 postings of gifts, where gifts tell of 0",
    ]

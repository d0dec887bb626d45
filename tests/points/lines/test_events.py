"""Events of lines: freeze, thaw, end, begin again - each once, and no point is lost without a posting."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from base import clock, database, outbox
from points import ledger, lots, programmes
from points.deeds import Request
from points.gifts import gifts, job
from points.gifts.models import RETURNED, Gift
from points.kinds import FOREVER, Kind, State
from points.lines import log, matrix
from points.lines.events import LineEventChanged, LineEventImpossible
from points.lines.matrix import Action, Answer
from points.lines.states import LineState
from points.members import members
from points.members.members import BadCustomerId, BadPhone
from points.members.models import Member
from points.refusals import MemberClosed, MemberFrozen, MemberMerged
from tests.given import ZONE, given_member, given_points, given_programme, secrets_of
from tests.points.lines.telling import days, messages, tell, tell_it, today, told, wallet
from tests.points.test_ledger import ask

PHONE, OTHER = "13700001111", "13700002222"
BARRED = [LineState.SUSPENDED, LineState.PRE_CANCELLED, LineState.TRANSFER]


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100, phone=PHONE)


def hold(member_id, points, ends_at):
    with database.begin() as session:
        asked = ask(member_id, f"hold {points}", Kind.HOLD, points, at=clock.now())._replace(ends_at=ends_at)
        return ledger.post(session, asked).seq


def events_of(member_id):
    with database.begin() as session:
        return log.history(session, member_id)


@pytest.mark.parametrize("state", BARRED)
def test_a_barred_line_spends_nothing_and_its_points_do_not_move(db, member_id, state):
    before = wallet(member_id)

    taken = tell(db, member_id, state)

    assert wallet(member_id)._replace(state=State.OPEN) == before
    assert (wallet(member_id).state, taken.line.state, taken.line.since) == (State.FROZEN, state, today())
    with pytest.raises(MemberFrozen), database.begin() as session:
        ledger.post(session, ask(member_id, "spend", Kind.REDEEM, 10, at=clock.now()))


@pytest.mark.parametrize("state", BARRED)
def test_what_lapsed_meanwhile_lives_thirty_days_more_after_the_return(db, member_id, state):
    given_points(member_id, 40, last_day=today() + days(3))
    tell(db, member_id, state)

    with clock.stopped(clock.now() + days(10)):
        taken = tell(db, member_id, LineState.ACTIVE)
        back = today()

    found = wallet(member_id)
    assert (found.state, found.balance, taken.line.state) == (State.OPEN, 140, LineState.ACTIVE)
    assert lots.last_day(found.lots.keys[0]) == back + days(30)
    assert found.lots.left(0) == 40


def test_a_programme_may_let_lapse_what_ends_during_a_suspension(db, programme, member_id):
    given_points(member_id, 40, last_day=today() + days(3))
    with database.begin() as session:
        cell = (LineState.SUSPENDED, Action.LAPSE, Answer.YES)
        matrix.add(session, programme.programme_id, today(), *cell)
    tell(db, member_id, LineState.SUSPENDED)

    with clock.stopped(clock.now() + days(10)):
        tell(db, member_id, LineState.ACTIVE)
        given_points(member_id, 1)  # any deed posts what has lapsed

    assert wallet(member_id).balance == 101


def test_from_one_barred_state_to_another_the_points_stay_frozen(db, member_id):
    for state in BARRED:
        tell(db, member_id, state)

        assert wallet(member_id).state is State.FROZEN
    assert tell(db, member_id, LineState.ACTIVE).line.state is LineState.ACTIVE
    assert wallet(member_id).state is State.OPEN


def test_an_event_counts_once_by_its_id(db, member_id):
    event = told(LineState.SUSPENDED, today() - days(2))
    tell_it(db, member_id, event)
    tell(db, member_id, LineState.ACTIVE)

    again = tell_it(db, member_id, event)

    assert again.repeated
    assert (again.line.state, wallet(member_id).state) == (LineState.ACTIVE, State.OPEN)
    assert len(events_of(member_id)) == 2


@pytest.mark.parametrize(
    "change", [{"state": LineState.TRANSFER}, {"since": today() - days(1)}, {"reason": "lost"}]
)
def test_an_event_is_never_edited(db, member_id, change):
    event = told(LineState.SUSPENDED, today())
    tell_it(db, member_id, event)

    with pytest.raises(LineEventChanged):
        tell_it(db, member_id, replace(event, **change))

    assert wallet(member_id).state is State.FROZEN


def test_an_event_of_an_earlier_day_is_kept_and_changes_nothing(db, member_id):
    tell(db, member_id, LineState.SUSPENDED, today() - days(10))
    tell(db, member_id, LineState.ACTIVE, today() - days(2))

    late = tell(db, member_id, LineState.TRANSFER, today() - days(5))

    assert not late.event.applied
    assert (late.line.state, wallet(member_id).state) == (LineState.ACTIVE, State.OPEN)
    assert [event.applied for event in events_of(member_id)] == [False, True, True]


def test_the_same_said_again_is_kept_and_since_when_stays(db, member_id):
    tell(db, member_id, LineState.SUSPENDED, today() - days(5))

    again = tell(db, member_id, LineState.SUSPENDED, today() - days(1))

    assert not again.event.applied
    assert again.line.since == today() - days(5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": today() + days(1)},
        {"since": today() - days(20_000)},
        {"state": LineState.NEW},
        {"state": LineState.REJOINED},
        {"clearing_day": today() + days(9)},
        {"to_customer": "C9"},
        {"state": LineState.CANCELLED, "clearing_day": today()},
    ],
)
def test_what_cannot_have_happened_is_refused(db, member_id, wrong):
    with pytest.raises(LineEventImpossible):
        tell_it(db, member_id, replace(told(LineState.SUSPENDED), **wrong))

    assert (wallet(member_id).state, events_of(member_id)) == (State.OPEN, [])


@pytest.mark.parametrize(
    ("wrong", "refusal"), [({"to_customer": "no such id!"}, BadCustomerId), ({"phone": "12a"}, BadPhone)]
)
def test_a_malformed_customer_or_number_is_refused(db, member_id, wrong, refusal):
    with pytest.raises(refusal):
        tell(db, member_id, LineState.CANCELLED, **wrong)


# The end


def test_a_cancelled_line_keeps_its_points_frozen_until_the_day_that_the_member_was_told(db, member_id):
    taken = tell(db, member_id, LineState.CANCELLED)

    with database.begin() as session:
        member = members.by_id(session, member_id)
    assert (wallet(member_id).state, wallet(member_id).balance) == (State.CLOSED, 100)
    assert (member.left_on, taken.line.clearing_day) == (today(), today() + days(30))
    (text,) = messages(db)
    assert "100" in text
    assert str(today() + days(30)) in text


def test_the_clearing_day_may_be_stated(db, member_id):
    taken = tell(db, member_id, LineState.CANCELLED, clearing_day=today() + days(7))

    assert taken.line.clearing_day == today() + days(7)


def test_nobody_is_told_of_points_that_are_not_there(db, programme):
    tell(db, given_member(db, programme), LineState.CANCELLED)

    assert messages(db) == []


def test_a_hold_with_an_end_is_ended_and_one_without_stays_until_its_job_ends_it(db, member_id):
    hold(member_id, 30, clock.now() + timedelta(hours=2))
    without_end = hold(member_id, 20, FOREVER)

    tell(db, member_id, LineState.CANCELLED)

    assert (wallet(member_id).balance, wallet(member_id).held) == (80, 20)
    with database.begin() as session:
        back = Request(
            member_id, ledger.key("t", "r"), Kind.RELEASE, 0, clock.now(), ZONE, rev_of=without_end
        )
        ledger.post(session, back)
    with pytest.raises(MemberClosed), database.begin() as session:
        ledger.post(session, ask(member_id, "spend", Kind.REDEEM, 10, at=clock.now()))
    assert (wallet(member_id).balance, wallet(member_id).held) == (100, 0)


def test_a_hold_whose_time_is_over_is_no_obstacle(db, member_id):
    hold(member_id, 30, clock.now() + timedelta(hours=2))

    with clock.stopped(clock.now() + days(1)):
        tell(db, member_id, LineState.CANCELLED)
        given = wallet(member_id)

    assert given.state is State.CLOSED


def test_a_gift_that_waits_is_taken_back(db, programme, member_id):
    receiver = given_member(db, programme, phone=OTHER)
    with database.begin() as session:
        gift = gifts.give(session, db, member_id, OTHER, 60, clock.now())

    tell(db, member_id, LineState.CANCELLED)
    with clock.stopped(clock.now() + timedelta(minutes=11)):
        job.run(db, member_id, gift.gift_id)

    with database.begin() as session:
        found = session.get_one(Gift, (member_id, gift.gift_id))
        promised = outbox.promised_later(session, **gifts.promise(gift))
    assert (found.state, found.reason, promised) == (RETURNED, "giver's line ended", False)
    assert (wallet(member_id).balance, wallet(member_id).held, wallet(receiver).balance) == (100, 0, 0)


@pytest.mark.parametrize("state", [*BARRED])
def test_nothing_but_joining_again_follows_a_cancellation(db, member_id, state):
    tell(db, member_id, LineState.CANCELLED, today() - days(3))

    with pytest.raises(MemberClosed):
        tell(db, member_id, state, today() - days(1))
    late = tell(db, member_id, state, today() - days(5))
    twice = tell(db, member_id, LineState.CANCELLED, today())

    assert (late.event.applied, twice.event.applied) == (False, False)
    assert twice.line.since == today() - days(3)
    assert wallet(member_id).state is State.CLOSED


def test_what_lapsed_during_a_suspension_leaves_by_a_posting_when_the_line_is_cancelled(db, member_id):
    given_points(member_id, 40, last_day=today() + days(3))
    tell(db, member_id, LineState.SUSPENDED)

    with clock.stopped(clock.now() + days(10)):
        tell(db, member_id, LineState.CANCELLED)
        with database.begin() as session:
            swept = Request(member_id, ledger.key("t", "x"), Kind.EXPIRE, 0, clock.now(), ZONE)
            answer = ledger.post(session, swept)

    assert [(p.kind, p.amount) for p in answer.postings] == [(Kind.EXPIRE, 40)]
    assert wallet(member_id).balance == 100


# Beginning again


def customer(member_id):
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def memberships(programme, customer_id):
    with database.begin() as session:
        rows = session.scalars(
            select(Member)
            .where(Member.programme_id == programme.programme_id, Member.customer_id == customer_id)
            .order_by(Member.member_id)
        )
        return list(rows)


def test_a_customer_who_comes_back_is_another_member_and_the_old_wallet_stays_closed(
    db, programme, member_id
):
    tell(db, member_id, LineState.CANCELLED, today() - days(9))
    event = told(LineState.ACTIVE, today() - days(2), reason="back", phone=OTHER)

    taken = tell_it(db, member_id, event)
    again = tell_it(db, member_id, event)

    old, new = memberships(programme, customer(member_id))
    assert (old.member_id, old.left_on) == (member_id, today() - days(9))
    assert (new.joined_on, new.left_on) == (today() - days(2), None)
    assert (taken.event.member_id, again.event.member_id, again.repeated) == (
        new.member_id,
        new.member_id,
        True,
    )
    assert (wallet(old.member_id).state, wallet(old.member_id).balance) == (State.CLOSED, 100)
    assert (wallet(new.member_id).state, wallet(new.member_id).balance) == (State.OPEN, 0)
    with database.begin() as session:
        found = members.by_phone(session, secrets_of(db), programme.programme_id, OTHER)
    assert found is not None
    assert found.member_id == new.member_id


def test_who_joined_again_is_as_new(db, member_id):
    tell(db, member_id, LineState.CANCELLED, today() - days(9))
    with database.begin() as session:
        programmes.by_code(session, "gotone").minimum_tenure_days = 90

    taken = tell(db, member_id, LineState.ACTIVE, today() - days(2))

    assert (taken.line.state, taken.line.from_day) == (LineState.REJOINED, today() + days(88))


def test_an_event_belongs_to_the_membership_that_its_day_lies_in(db, programme, member_id):
    tell(db, member_id, LineState.CANCELLED, today() - days(9))
    new = tell(db, member_id, LineState.ACTIVE, today() - days(2)).event.member_id

    late = tell(db, new, LineState.SUSPENDED, today() - days(15))
    fresh = tell(db, member_id, LineState.SUSPENDED, today() - days(1))
    between = tell(db, member_id, LineState.ACTIVE, today() - days(5))

    assert (late.event.member_id, late.event.applied) == (member_id, False)
    assert (fresh.event.member_id, fresh.line.state) == (new, LineState.SUSPENDED)
    assert (between.event.member_id, between.event.applied) == (member_id, False)
    assert len(memberships(programme, customer(member_id))) == 2
    assert (wallet(member_id).state, wallet(new).state) == (State.CLOSED, State.FROZEN)


def test_a_completed_transfer_closes_the_old_owner_and_starts_the_next_one_as_new(db, programme, member_id):
    tell(db, member_id, LineState.TRANSFER, today() - days(2))
    with database.begin() as session:
        programmes.by_code(session, "gotone").minimum_tenure_days = 90

    done = tell(db, member_id, LineState.CANCELLED, to_customer="C-next", phone=OTHER, reason="transferred")

    (owner,) = memberships(programme, "C-next")
    assert done.event.successor_id == owner.member_id
    assert (done.line.state, wallet(member_id).state) == (LineState.CANCELLED, State.CLOSED)
    assert (wallet(owner.member_id).state, wallet(owner.member_id).balance) == (State.OPEN, 0)
    assert tell(db, owner.member_id, LineState.ACTIVE).line.state is LineState.NEW


def test_a_transfer_to_somebody_who_is_a_member_leaves_that_membership_as_it_is(db, programme, member_id):
    other = given_member(db, programme, points=7)

    done = tell(db, member_id, LineState.CANCELLED, to_customer=customer(other))

    assert done.event.successor_id == other
    assert (wallet(other).balance, events_of(other)) == (7, [])


def test_a_transfer_that_is_withdrawn_gives_the_points_back(db, member_id):
    tell(db, member_id, LineState.TRANSFER, today() - days(2))

    taken = tell(db, member_id, LineState.ACTIVE)

    assert taken.line.state is LineState.ACTIVE
    assert wallet(member_id).state is State.OPEN


@pytest.mark.unapproved
def test_a_merged_member_has_no_line_of_its_own(db, member_id):
    with database.begin() as session:
        ledger.set_state(session, member_id, State.MERGED)

    with pytest.raises(MemberMerged):
        tell(db, member_id, LineState.SUSPENDED)


# Several at once


def at_once(count, deed):
    barrier = Barrier(count)

    def run(number):
        barrier.wait(10)
        return deed(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_one_event_from_many_connections_is_kept_once(db, member_id):
    event = told(LineState.SUSPENDED)

    answers = at_once(6, lambda number: tell_it(db, member_id, event))

    assert sorted(answer.repeated for answer in answers) == [False] + [True] * 5
    assert len(events_of(member_id)) == 1


def test_two_returns_at_once_date_what_lapsed_anew_once(db, member_id):
    given_points(member_id, 40, last_day=today() + days(3))
    tell(db, member_id, LineState.SUSPENDED)

    with clock.stopped(clock.now() + days(10)):
        answers = at_once(2, lambda number: tell(db, member_id, LineState.ACTIVE))

    assert sorted(answer.event.applied for answer in answers) == [False, True]
    assert wallet(member_id).balance == 140
    assert wallet(member_id).seq == 4  # two earnings, out and in


def test_two_returns_of_a_cancelled_customer_at_once_make_one_member(db, programme, member_id):
    tell(db, member_id, LineState.CANCELLED, today() - days(9))

    answers = at_once(4, lambda number: tell(db, member_id, LineState.ACTIVE))

    assert len({answer.event.member_id for answer in answers}) == 1
    assert len(memberships(programme, customer(member_id))) == 2


def test_two_lines_transferred_at_once_to_one_customer_make_one_member(db, programme, member_id):
    other = given_member(db, programme, points=7)

    answers = at_once(
        2, lambda number: tell(db, (member_id, other)[number], LineState.CANCELLED, to_customer="C-next")
    )

    (owner,) = memberships(programme, "C-next")
    assert {answer.event.successor_id for answer in answers} == {owner.member_id}

"""Clearing of cancelled lines: by a posting, after the day that was told, once, and never of a line that goes on."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from base import clock, database
from points import deeds, ledger, lots, postings
from points.deeds import Request
from points.kinds import FOREVER, Kind, Side, State
from points.lines import closing
from points.lines.states import LineState
from points.refusals import LineStillOpen, MemberMerged
from points.wallets import wallets
from tests.given import ZONE, given_member, given_points, given_programme
from tests.points.lines.telling import days, tell, today, wallet
from tests.points.test_ledger import ask

AT = datetime(2026, 3, 1, tzinfo=UTC)
LOT, LATER_LOT = lots.key(date(2027, 1, 31), 1), lots.key(date(2028, 1, 31), 2)


@pytest.fixture
def programme(db):
    return given_programme()


def clear(programme, on, after=0):
    with database.begin() as session:
        return closing.step(session, programme, on, clock.now(), after)


def postings_of(member_id):
    with database.begin() as session:
        return wallets.postings(session, member_id, before=None, limit=50)


def test_what_is_left_is_cleared_from_the_day_on_and_not_before(db, programme):
    member_id = given_member(db, programme, points=100)
    given_points(member_id, 50, last_day=lots.NO_END)
    tell(db, member_id, LineState.CANCELLED)

    early = clear(programme, today() + days(29))
    with clock.stopped(clock.now() + days(30)):
        done = clear(programme, today())
        again = clear(programme, today())

    assert (early.members, early.points) == (0, 0)
    assert (done.members, done.points, again.members, again.points) == (1, 150, 0, 0)
    assert wallet(member_id).balance == 0
    newest = postings_of(member_id)[0]
    assert (newest.kind, newest.amount, newest.to_class) == (Kind.CLOSE_OUT, 150, Side.LAPSED)


def test_what_comes_back_after_the_clearing_is_recorded_and_cleared_by_the_next_run(db, programme):
    member_id = given_member(db, programme, points=100)
    with database.begin() as session:
        held = ask(member_id, "hold", Kind.HOLD, 30, at=clock.now())._replace(ends_at=FOREVER)
        seq = ledger.post(session, held).seq
    tell(db, member_id, LineState.CANCELLED)

    with clock.stopped(clock.now() + days(30)):
        first = clear(programme, today())
        with database.begin() as session:
            back = Request(member_id, ledger.key("t", "r"), Kind.RELEASE, 0, clock.now(), ZONE, rev_of=seq)
            ledger.post(session, back)
        recorded = wallet(member_id).balance
        second = clear(programme, today())

    assert (first.points, recorded, second.points) == (70, 30, 30)
    assert (wallet(member_id).balance, wallet(member_id).held) == (0, 0)


@pytest.mark.parametrize("state", [LineState.ACTIVE, LineState.SUSPENDED, LineState.PRE_CANCELLED])
def test_a_line_that_goes_on_is_not_touched(db, programme, state):
    member_id = given_member(db, programme, points=100)
    tell(db, member_id, state)

    with clock.stopped(clock.now() + days(400)):
        done = clear(programme, today())

    assert (done.looked_at, wallet(member_id).balance) == (0, 100)


def test_another_programme_is_not_touched(db, programme):
    member_id = given_member(db, programme, points=100)
    tell(db, member_id, LineState.CANCELLED)

    with clock.stopped(clock.now() + days(31)):
        done = clear(given_programme("mzone"), today())

    assert (done.looked_at, wallet(member_id).balance) == (0, 100)


def test_steps_go_on_after_the_last_member_and_miss_nobody(db, programme, monkeypatch):
    monkeypatch.setattr(closing, "STEP", 2)
    gone = [given_member(db, programme, points=10) for _ in range(5)]
    for member_id in gone:
        tell(db, member_id, LineState.CANCELLED)

    with clock.stopped(clock.now() + days(31)):
        sizes, last = [], 0
        while last is not None:
            step = clear(programme, today(), last)
            sizes.append(step.members)
            last = step.last_member

    assert sizes == [2, 2, 1, 0]
    assert {wallet(member_id).balance for member_id in gone} == {0}


# The deed


def given_wallet(state=State.CLOSED, debt=0):
    wallet = postings.empty(7, State.OPEN, AT)
    for number, key in enumerate((LOT, LATER_LOT)):
        earn = Request(7, UUID(int=number), Kind.EARN, 50, AT, ZONE, lot_key=key)
        wallet = deeds.run(wallet, earn).wallet
    return wallet._replace(state=state, debt=debt)


CLOSE = Request(7, UUID(int=9), Kind.CLOSE_OUT, 0, AT, ZONE)


def test_all_live_points_lapse_in_one_posting():
    outcome = deeds.run(given_wallet(), CLOSE)

    assert [(p.kind, p.amount, [i.key for i in p.lots]) for p in outcome.postings] == [
        (Kind.CLOSE_OUT, 100, [LOT, LATER_LOT])
    ]
    assert outcome.wallet.balance == 0


def test_what_is_owed_is_repaid_first():
    outcome = deeds.run(given_wallet(debt=30), CLOSE)

    assert [(p.kind, p.amount) for p in outcome.postings] == [(Kind.REPAY, 30), (Kind.CLOSE_OUT, 70)]
    assert (outcome.wallet.balance, outcome.wallet.debt) == (0, 0)


def test_what_has_lapsed_by_itself_lapses_as_ever_and_the_rest_is_cleared():
    later = CLOSE._replace(at=datetime(2027, 6, 1, tzinfo=UTC))

    outcome = deeds.run(given_wallet(), later)

    assert [(p.kind, p.amount) for p in outcome.postings] == [(Kind.EXPIRE, 50), (Kind.CLOSE_OUT, 50)]


def test_an_empty_wallet_is_cleared_by_nothing():
    assert deeds.run(postings.empty(7, State.CLOSED, AT), CLOSE).postings == ()


@pytest.mark.parametrize("state", [State.OPEN, State.NEW, State.FROZEN])
def test_only_a_closed_wallet_is_cleared(state):
    with pytest.raises(LineStillOpen):
        deeds.run(given_wallet(state), CLOSE)


def test_a_merged_wallet_is_not_cleared():
    with pytest.raises(MemberMerged):
        deeds.run(given_wallet(State.MERGED), CLOSE)

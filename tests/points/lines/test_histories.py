"""Made-up histories of a line, events late and twice among spending and earning: wallet and line never part."""

import random
from datetime import timedelta

import pytest

from app.proof import findings
from base import clock, database
from base.errors import Problem
from points import ledger, lots
from points.kinds import Kind, State
from points.lines import closing, log, standing, states
from points.lines.states import REPORTED, WALLET_OF, LineState
from points.members import members
from tests.given import ZONE, given_member, given_points, given_programme
from tests.points.lines.telling import tell_it, today, told, wallet
from tests.points.test_ledger import ask


def line_of(member_id, programme):
    with database.begin() as session:
        member, found = members.by_id(session, member_id), ledger.read(session, member_id)
        return standing.of(session, member, found.state, programme, today())


def spend(member_id, number):
    with database.begin() as session:
        ledger.post(session, ask(member_id, f"spend {number}", Kind.REDEEM, 1, at=clock.now()))


def earn(member_id, number):
    last_day = clock.day(clock.now(), ZONE) + timedelta(days=5 + number % 30)
    given_points(member_id, 10, last_day=min(last_day, lots.NO_END))


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_told_and_done_wallet_and_line_agree_and_no_point_is_lost(db, seed):
    chance = random.Random(seed)
    programme = given_programme()
    member_id = given_member(db, programme, points=50)
    begun, before, earned, spent = clock.now(), [], 50, 0
    for number in range(30):
        with clock.stopped(begun + timedelta(days=number)):
            frozen = line_of(member_id, programme).is_frozen
            try:
                if chance.random() < 0.4:
                    state = chance.choice(REPORTED if number > 20 else REPORTED[:4])
                    since = today() - timedelta(days=chance.choice([0, 0, 1, 3]))
                    event = chance.choice(before) if before and chance.random() < 0.2 else told(state, since)
                    member_id_then = tell_it(db, member_id, event).event.member_id
                    before.append(event)
                    if member_id_then != member_id and event.state is LineState.ACTIVE:
                        break  # joined again: another wallet
                elif chance.random() < 0.5:
                    spend(member_id, number)
                    spent += 1
                    assert not frozen
                else:
                    earn(member_id, number)
                    earned += 10
            except Problem:
                pass
            line = line_of(member_id, programme)
            assert wallet(member_id).state is WALLET_OF[line.state]
    with database.begin() as session:
        assert list(findings(session)) == []
        kept = log.history(session, member_id, limit=100)
        if wallet(member_id).state is not State.CLOSED:
            latest = states.in_order(kept)[-1:] or [None]
            assert latest[0] is None or WALLET_OF[LineState(latest[0].state)] is wallet(member_id).state
        rows = session.connection().exec_driver_sql(
            "select coalesce(sum(amount) filter (where kind = %s), 0), coalesce(sum(amount) filter (where kind = %s), 0), "
            "coalesce(sum(amount) filter (where kind = %s), 0) from posting where member_id = %s",
            (int(Kind.EARN), int(Kind.REDEEM), int(Kind.EXPIRE), member_id),
        )
        assert tuple(map(int, rows.one())) == (earned, spent, earned - spent - wallet(member_id).balance)


def test_the_same_history_told_to_a_line_that_was_cancelled_ends_cleared(db):
    programme = given_programme()
    member_id = given_member(db, programme, points=50)
    tell_it(db, member_id, told(LineState.SUSPENDED, today() - timedelta(days=2)))
    tell_it(db, member_id, told(LineState.CANCELLED))

    with clock.stopped(clock.now() + timedelta(days=31)), database.begin() as session:
        closing.step(session, programme, today(), clock.now(), 0)

    assert (wallet(member_id).balance, wallet(member_id).state) == (0, State.CLOSED)

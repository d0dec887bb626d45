"""Lines that are suspended and resumed: no point is lost, none is spent meanwhile."""

from datetime import timedelta

import pytest

from base import clock, database
from points import ledger
from points.kinds import Kind, State
from points.members import members
from points.refusals import MemberFrozen
from tests.given import given_member, given_points, given_programme
from tests.points.test_ledger import ask


def test_points_that_lapse_during_a_suspension_come_back_with_grace(db):
    programme = given_programme()
    member_id = given_member(db, programme, points=50)
    given_points(member_id, 100, last_day=clock.now().date() + timedelta(days=3))
    with database.begin() as session:
        members.suspend(session, member_id)

    later = clock.now() + timedelta(days=40)
    with database.begin() as session:
        members.resume(session, programme, member_id, later)
        members.resume(session, programme, member_id, later)

    with database.begin() as session:
        wallet = ledger.read(session, member_id)
        spent = ledger.post(
            session, ask(member_id, "all of it", Kind.REDEEM, 150, at=later + timedelta(days=29))
        )
    assert (wallet.state, wallet.balance) == (State.OPEN, 150)
    assert spent.deed is not None
    assert spent.deed.balance_after == 0


def test_a_suspended_line_spends_nothing(db):
    member_id = given_member(db, given_programme(), points=50)
    with database.begin() as session:
        members.suspend(session, member_id)

    with pytest.raises(MemberFrozen), database.begin() as session:
        ledger.post(session, ask(member_id, "spend", Kind.REDEEM, 10, at=clock.now()))

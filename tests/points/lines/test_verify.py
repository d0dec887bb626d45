"""Whoever changes a line behind the application's back is found: each case is planted, and its member named."""

import pytest
from sqlalchemy import text

from app.proof import findings
from base import database
from points.lines.states import LineState
from tests.given import given_member, given_programme
from tests.owner import forget_everything, owner
from tests.points.lines.telling import days, tell, today

PLANTED = {
    "thawed": "update wallet set state = 2 where member_id = :frozen",
    "frozen without a word": "update wallet set state = 3 where member_id = :thawed",
    "closed without a word": "update wallet set state = 4 where member_id = :thawed",
    "back from the dead": "update wallet set state = 2 where member_id = :gone",
    "frozen after the end": "update wallet set state = 3 where member_id = :gone",
    "never left": "update member set left_on = null where member_id = :gone",
    "another state": "update line_event set state = 'active' where member_id = :frozen",
    "another day": "update line_event set since = since - 1 where member_id = :frozen",
    "another reason": "update line_event set reason = 'lost' where member_id = :frozen",
    "another actor": "update line_event set actor = 'nobody' where member_id = :frozen",
    "another clearing day": "update line_event set clearing_day = clearing_day + 1 where member_id = :gone",
    "another hash": "update line_event set hash = sha256(hash) where member_id = :frozen",
    "the first event gone": "delete from line_event where member_id = :thawed and nth = 1",
    "the return gone": "delete from line_event where member_id = :thawed and nth = 2",
    "the wallet gone": "delete from wallet where member_id = :frozen",
}


@pytest.fixture
def lines(db):
    """A suspended line, one that is back, one that was cancelled."""
    programme = given_programme()
    found = {name: given_member(db, programme) for name in ("frozen", "thawed", "gone")}
    tell(db, found["frozen"], LineState.SUSPENDED)
    tell(db, found["thawed"], LineState.SUSPENDED, today() - days(2))
    tell(db, found["thawed"], LineState.ACTIVE)
    tell(db, found["gone"], LineState.CANCELLED)
    return found


def found_now():
    with database.begin() as session:
        return list(findings(session))


@pytest.mark.parametrize("what", PLANTED)
def test_what_was_done_to_a_line_is_found_and_whose_it_is(db, lines, what):
    assert found_now() == []
    (whose,) = [name for name in lines if f":{name}" in PLANTED[what]]
    with owner(db) as connection:
        connection.execute(text(PLANTED[what]), {whose: lines[whose]})

    found = [one for one in found_now() if one.rule == "line"]

    forget_everything(db)
    assert {one.place for one in found} == {f"member {lines[whose]}"}

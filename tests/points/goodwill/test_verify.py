"""A wrong row of goodwill is planted, and `verify` names it."""

import pytest

from app.proof import findings
from base import clock, database
from base.approvals import approvals
from points.goodwill import goodwill, verify
from points.goodwill.goodwill import Asked
from tests.given import given_bonus_rule, given_member, given_person, given_programme
from tests.owner import forget_everything, owner

PLANTED = {
    "more points": ("update bonus set points = 90", "are not those that were approved"),
    "another member": ("update bonus set member_id = 5", "are not those that were approved"),
    "no approval": ("update bonus set ref = 'apr_0000000000001'", "it names no approval"),
    "nothing given": ("delete from bonus", "it was approved and nothing was given"),
    "before the approval": (
        "update bonus set at = at - interval '1 day'",
        "it was given before it was approved",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_wrong_is_found(db, name):
    programme = given_programme()
    given_bonus_rule(programme, "sorry", "goodwill", points=100)
    member_id, asked = given_member(db, programme), Asked("sorry", 70, "a long outage", "T-17")
    with database.begin() as session:
        proposal = goodwill.propose(session, given_person("support"), member_id, asked, clock.now()).proposal
    with database.begin() as session:
        seen = proposal.content_hash.hex()
        approvals.approve(session, given_person("checker"), proposal.proposal_id, seen, clock.now())
    with database.begin() as session:
        before = list(findings(session))
    statement, text = PLANTED[name]

    with owner(db) as connection:
        connection.exec_driver_sql(statement)
    with database.begin() as session:
        found = [one for one in verify.findings(session) if text in one.text]

    forget_everything(db)
    assert not before
    assert found

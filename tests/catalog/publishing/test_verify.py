"""What was done to an offer round the rules is planted, and `verify` names it."""

import pytest

from app.proof import findings
from base import clock, database, ids
from catalog.offers.models import EXTENSION
from catalog.publishing import life
from tests.catalog.publishing.setting_up import approve, proposed_draft, versions
from tests.given import given_member, given_person, given_programme
from tests.owner import forget_everything, owner

PLANTED = {
    "another cost": ("update offer set cost_fen = 1", "is not what was approved"),
    "another start": ("update offer set from_at = from_at - interval '1 hour'", "is not what was approved"),
    "an approval that is none": ("update offer set proposal_id = 5", "no second person approved it"),
    "no version": ("delete from offer", "it was approved and no version was made"),
    "a pause nobody did": (
        "update offer_state set paused_by = 5",
        "offer.paused by staff:5 is not in the audit",
    ),
    "an end nobody did": (
        "update offer_state set state = 'ended', ended_by = 6",
        "offer.ended by staff:6 is not in the audit",
    ),
    "a second checker away": (
        "delete from endorsement where person_id = (select max(person_id) from endorsement)",
        "it takes 2 checkers, and 1 approved it",
    ),
    "another content endorsed": ("update endorsement set at = at + interval '9 days'", "not in time"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_wrong_is_found(db, name):
    member = ids.public("mbr", given_member(db, given_programme()))
    case = {"member": member, "reason": "a rival's offer", "expected": "stays"}
    _, proposal = proposed_draft({"approval_class": EXTENSION, "case": case})
    for _ in range(2):
        approve(given_person("checker"), proposal)
    with database.begin() as session:
        (offer,) = versions()
        life.pause(session, given_person("editor"), offer.offer_id, "wrong price", clock.now())
    with database.begin() as session:
        before = list(findings(session))
    statement, text = PLANTED[name]

    with owner(db) as connection:
        connection.exec_driver_sql(statement)
    with database.begin() as session:
        found = [one for one in findings(session) if text in one.text]

    forget_everything(db)
    assert not before
    assert found

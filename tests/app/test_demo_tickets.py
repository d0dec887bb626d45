"""The demo's tickets are at every stage, and everything about them is told by the rules."""

from sqlalchemy import select

from admin.contacts.models import Contact
from admin.tickets.models import Ticket
from app import demo_tickets
from base import clock, database
from tests.given import given_member, given_person, given_programme


def test_there_is_a_ticket_at_each_stage_one_that_climbed_and_contacts(db):
    programme = given_programme()
    shown, *_ = [given_member(db, programme) for _ in range(6)]

    with database.begin() as session:
        demo_tickets.make(session, db, shown, given_person("support"), clock.now())

    with database.begin() as session:
        rows = session.scalars(select(Ticket)).all()
        stages = sorted(row.stage for row in rows)
        touches = len(session.scalars(select(Contact)).all())
        assert stages == ["answered", "closed", "closed", "in-work", "in-work", "received", "received"]
        assert [row.tries for row in rows if row.member_id == shown and row.stage == "closed"] == [3]
        assert [row.level for row in rows if row.level] == [1]
        assert [row.reopened for row in rows].count(True) == 1
        assert touches == 7

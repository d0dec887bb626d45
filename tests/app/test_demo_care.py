"""The demo's care: visits written down, tasks at every state, a service to prove, and nothing that the rules would not allow."""

from sqlalchemy import func, select

from admin.care.models import CareTask
from admin.contacts.models import Contact
from admin.proofs.models import ProofRun
from app import demo_care
from base import clock, database
from tests.given import given_member, given_person, given_programme, given_tier


def test_there_are_visits_tasks_at_every_state_and_a_service_to_prove(db):
    programme = given_programme()
    for _ in range(5):
        given_tier(given_member(db, programme), "diamond")

    with database.begin() as session:
        demo_care.make(session, db, given_person("support"), given_person("checker"), clock.now())

    with database.begin() as session:
        states = {row.state for row in session.scalars(select(CareTask))}
        visits = session.scalar(select(func.count()).where(Contact.purpose == "visit"))
        proofs = session.scalars(select(ProofRun.service)).all()
    assert states == {"open", "done", "not-reached"}
    assert visits == len(demo_care.VISITED)
    assert proofs == ["care:back-from-roaming"]

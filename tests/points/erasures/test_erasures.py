"""A person is erased by two others: nothing leads to the person any more, and every sum is as it was."""

import pytest
from sqlalchemy import select, text

from app.proof import findings
from base import clock, database, ids, vault
from base.approvals import approvals
from base.auth.principals import Staff
from points import ledger
from points.erasures import erasures
from points.members import attributes, members
from points.members.attributes import BIRTHDAY
from points.members.models import Member, MemberFacts, Preference
from points.preferences import preferences
from points.preferences.preferences import INTERESTS
from tests.given import (
    LONG_AGO,
    caller,
    given_member,
    given_person,
    given_programme,
    secrets_of,
    staff_token,
)
from tests.owner import owner

PHONE, NAME = "13812345678", "Canary Zhang"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def person(db, programme):
    """A member with points, and all that may be known of somebody."""
    member_id = given_member(db, programme, points=300, phone=PHONE)
    at = clock.now()
    with database.begin() as session:
        vault.put(session, db.seal_key, member_id, {vault.NAME: NAME, vault.EMAIL: "c@x.test"}, at, "import")
        attributes.add_many(session, {(member_id, BIRTHDAY, LONG_AGO): "06-15"})
        preferences.say(session, db, member_id, INTERESTS, ["travel"], consent=True, channel="hall", at=at)
    return member_id


def leave(member_id):
    with database.begin() as session:
        members.leave(session, member_id, clock.now().date())


def propose(member_id, maker=None):
    with database.begin() as session:
        return erasures.propose(
            session,
            maker or given_person("support"),
            ids.public("mbr", member_id),
            "request",
            "T-1",
            clock.now(),
        ).proposal


def approve(proposal, checker=None):
    with database.begin() as session:
        approvals.approve(
            session,
            checker or given_person("security"),
            proposal.proposal_id,
            proposal.content_hash.hex(),
            clock.now(),
        )


def whole_database(db):
    """Every row of every table, as text."""
    with owner(db) as connection:
        names = connection.scalars(
            text(
                "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"
            )
        ).all()
        return {
            name: "\n".join(connection.scalars(text(f"select t::text from {name} t")))
            for name in sorted(names)
        }


def test_nothing_leads_from_the_person_to_the_member_and_the_points_are_as_they_were(db, programme, person):
    with database.begin() as session:
        customer = members.by_id(session, person).customer_id
        wallet = ledger.read(session, person)
    leave(person)

    approve(propose(person))

    with database.begin() as session:
        assert members.find_many(session, programme.programme_id, [customer]) == {}
        assert members.by_phone(session, secrets_of(db), programme.programme_id, PHONE) is None
        assert members.phone_of(session, secrets_of(db), person) is None
        assert vault.is_erased(session, person)
        with pytest.raises(vault.PersonErased):
            vault.opened(session, db.seal_key, person)
        with pytest.raises(vault.PersonErased):
            preferences.latest(session, db, person)
        facts = session.get_one(MemberFacts, person)
        assert (facts.birthday, facts.interests) == (None, [])
        assert ledger.read(session, person).balance == wallet.balance
        digest = members.digest(secrets_of(db), PHONE)
        assert list(findings(session)) == []
    stored = whole_database(db)
    for trace in (customer, PHONE, NAME, digest.hex(), "06-15", "travel"):
        assert not [name for name, rows in stored.items() if trace in rows], trace


def test_a_customer_who_is_still_there_is_not_erased(db, person):
    with pytest.raises(erasures.MemberStillThere):
        propose(person)


def test_who_came_back_meanwhile_is_not_erased(db, programme, person):
    leave(person)
    proposal = propose(person)
    with database.begin() as session:
        customer = members.by_id(session, person).customer_id
        enrolment = members.Enrolment(customer, clock.now().date())
        members.join_again(session, programme, secrets_of(db), enrolment)

    with pytest.raises(erasures.MemberStillThere):
        approve(proposal)

    with database.begin() as session:
        assert vault.opened(session, db.seal_key, person)[vault.NAME] == NAME


def test_nobody_erases_alone_and_nobody_twice(db, person):
    leave(person)
    both = given_person("support", "security")
    proposal = propose(person, both)
    with pytest.raises(approvals.OwnProposal):
        approve(proposal, Staff(both.staff_id, both.roles))
    with database.begin() as session:
        assert not vault.is_erased(session, person)

    other = propose(person)
    approve(proposal)

    with pytest.raises(vault.PersonErased):
        approve(other)
    with pytest.raises(vault.PersonErased):
        propose(person)


def test_nothing_of_a_person_can_be_put_again(db, person):
    leave(person)
    approve(propose(person))

    with database.begin() as session, pytest.raises(vault.PersonErased):
        vault.put(session, db.seal_key, person, {vault.NAME: NAME}, clock.now(), "import")


def test_the_number_of_an_erased_person_is_free_for_another_one(db, programme, person):
    leave(person)
    approve(propose(person))

    other = given_member(db, programme, phone=PHONE)

    with database.begin() as session:
        found = members.by_phone(session, secrets_of(db), programme.programme_id, PHONE)
    assert found is not None
    assert found.member_id == other


@pytest.mark.parametrize(
    ("reason", "ticket"), [("boredom", "T-1"), ("request", "13812345678"), ("request", "")]
)
def test_an_erasure_needs_a_reason_and_a_case(db, person, reason, ticket):
    leave(person)
    with database.begin() as session, pytest.raises(erasures.BadErasure):
        erasures.propose(
            session, given_person("support"), ids.public("mbr", person), reason, ticket, clock.now()
        )


def test_over_http_one_proposes_and_another_approves_what_was_seen(app, db, person):
    support, security = caller(app, staff_token("support")), caller(app, staff_token("security"))
    body = {"member": ids.public("mbr", person), "reason": "request", "ticket": "T-1"}
    early = support.post("/v1/erasures", body)
    leave(person)

    made = support.post("/v1/erasures", body)
    own = support.post(f"/v1/erasures/{made.json['id']}/approve", {"content_hash": made.json["content_hash"]})
    done = security.post(
        f"/v1/erasures/{made.json['id']}/approve", {"content_hash": made.json["content_hash"]}
    )

    assert (early.status_code, early.json["type"]) == (409, "/problems/member-still-there")
    assert (made.status_code, own.status_code, done.status_code) == (201, 403, 200)
    assert done.json["state"] == "approved"
    seen = security.get(f"/v1/members/{ids.public('mbr', person)}").json
    assert seen["erased"]
    assert seen["customer_id"].startswith("erased-")
    assert set(seen["personal"].values()) == {None}
    refused = security.post(
        f"/v1/members/{ids.public('mbr', person)}/reveals",
        {"fields": ["name"], "reason": "complaint", "case": "T-1"},
    )
    assert refused.status_code == 409


def test_verify_finds_an_erasure_by_halves_and_one_that_nobody_decided(db, programme, person):
    leave(person)
    approve(propose(person))
    nobody = given_member(db, programme)
    with database.begin() as session:
        key = session.get_one(vault.VaultKey, nobody)
        kept = key.wrapped, key.shredded_at

    def found():
        with database.begin() as session:
            return {(f.place, f.text) for f in findings(session) if f.rule == "erasure"}

    with owner(db) as connection:
        connection.exec_driver_sql(
            "update member_facts set birthday = '06-15' where member_id = %s", (person,)
        )
        connection.exec_driver_sql(
            "update vault_key set wrapped = null, shredded_at = now() where member_id = %s", (nobody,)
        )
    wrong = found()
    with owner(db) as connection:
        connection.exec_driver_sql("update member_facts set birthday = null where member_id = %s", (person,))
        connection.exec_driver_sql(
            "update vault_key set wrapped = %s, shredded_at = %s where member_id = %s", (*kept, nobody)
        )

    assert (ids.public("mbr", person), "still there: birthday or interests") in wrong
    assert (ids.public("mbr", nobody), "no two persons decided it") in wrong
    with database.begin() as session:
        assert session.scalars(select(Preference)).all()
        assert session.scalars(select(Member)).all()

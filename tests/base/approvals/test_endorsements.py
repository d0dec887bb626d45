"""Several checkers for one proposal: by the rule, and by the database where the rule is gone round."""

from datetime import timedelta

import pytest
from sqlalchemy import exc

from base import clock, database
from base.approvals import approvals, endorsements
from base.approvals.approvals import OtherContent, OwnProposal, ProposalDecided, ProposalExpired
from base.approvals.endorsements import EndorsedAlready
from tests.given import given_person

KIND = "paint"


@pytest.fixture
def done(monkeypatch, db):  # in this order: the kind is still known when `verify` looks
    did: list[dict[str, object]] = []
    monkeypatch.setattr(approvals, "_kinds", dict(approvals._kinds))
    approvals.register(
        approvals.Kind(
            KIND,
            lambda session, proposal, at: did.append(proposal.said),
            "adjustments:propose",
            "adjustments:approve",
            checkers=lambda said: said["persons"],
        )
    )
    return did


def propose(persons):
    with database.begin() as session:
        content, maker = {"persons": persons}, given_person("support", "checker")
        case = approvals.propose(session, maker, KIND, content, member_id=0, at=clock.now())
        return maker, case.proposal


def approve(person, proposal, *, at=None, seen=None):
    with database.begin() as session:
        seen = proposal.content_hash.hex() if seen is None else seen
        case = approvals.approve(session, person, proposal.proposal_id, seen, at or clock.now())
        return case.state(at or clock.now())


def test_the_last_of_so_many_persons_does_it_and_each_counts_once(done):
    maker, proposal = propose(3)
    persons = [given_person("checker") for _ in range(4)]

    states = [approve(persons[0], proposal), approve(persons[1], proposal)]
    for wrong, person, how in (
        (EndorsedAlready, persons[0], {}),
        (OwnProposal, maker, {}),
        (OtherContent, persons[2], {"seen": "0" * 64}),
        (ProposalExpired, persons[2], {"at": proposal.ends_at + timedelta(seconds=1)}),
    ):
        with pytest.raises(wrong):
            approve(person, proposal, **how)
    before = list(done)
    states.append(approve(persons[2], proposal))
    with pytest.raises(ProposalDecided):
        approve(persons[3], proposal)

    assert (states, before, len(done)) == (["proposed", "proposed", "approved"], [], 1)
    with database.begin() as session:
        assert endorsements.persons(session, proposal.proposal_id) == [p.staff_id for p in persons[:3]]


def test_a_no_ends_it_whoever_said_yes_before(done):
    _, proposal = propose(2)
    persons = [given_person("checker") for _ in range(2)]
    approve(persons[0], proposal)

    with database.begin() as session:
        approvals.reject(session, persons[0], proposal.proposal_id, clock.now(), "I looked again")
    with pytest.raises(ProposalDecided):
        approve(persons[1], proposal)

    assert done == []


def test_the_database_refuses_the_maker_another_content_and_one_person_twice(done):
    maker, proposal = propose(2)
    person = given_person("checker")
    approve(person, proposal)
    row = "insert into endorsement values (%(p)s, {0}, {1}, now(), {2}, null)"
    wrong = [
        row.format("%(maker)s", "%(maker)s", "%(hash)s"),
        row.format("%(person)s", "%(maker)s", "%(hash)s"),
        row.format("77", "78", "%(hash)s"),
        row.format("77", "%(maker)s", "sha256('x')"),
    ]
    facts = {"p": proposal.proposal_id, "hash": proposal.content_hash}
    facts |= {"maker": maker.staff_id, "person": person.staff_id}

    for statement in wrong:
        with pytest.raises(exc.IntegrityError), database.begin() as session:
            session.connection().exec_driver_sql(statement, facts)

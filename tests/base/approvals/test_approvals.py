"""Proposals: two persons, one content, one decision - by the rule, and by the database where the rule is gone round."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, exc, pool, select, text
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals import approvals
from base.approvals import verify as approvals_verify
from base.approvals.approvals import (
    NotAPerson,
    NotTheMaker,
    OtherContent,
    OwnProposal,
    ProposalDecided,
    ProposalExpired,
    ProposalUnknown,
)
from base.approvals.models import Decision, Proposal
from base.auth.permissions import STAFF_ROLES
from base.auth.principals import ANONYMOUS, Member, Service
from base.errors import Conflict, NotAllowed, Problem
from base.models import AuditRow
from tests.given import given_person

KIND = "paint"  # nothing of the product: what an approval does is counted
WEEK = timedelta(days=7)


@pytest.fixture
def done(db, monkeypatch):
    """The contents whose effect was done; proposing and approving take the permissions of adjustments."""
    did: list[dict[str, object]] = []
    monkeypatch.setattr(approvals, "_kinds", dict(approvals._kinds))
    approvals.register(
        approvals.Kind(
            KIND,
            lambda session, proposal, at: did.append(proposal.said),
            "adjustments:propose",
            "adjustments:approve",
        )
    )
    return did


@pytest.fixture
def whole(db):
    """A connection of the owner of the tables, whose transactions can be rolled back."""
    engine = create_engine(db.database_owner_url or "", poolclass=pool.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def maker(db):
    return given_person("support")


@pytest.fixture
def checker(db):
    return given_person("checker")


def propose(maker, *, at=None, colour="red", member_id=0):
    with database.begin() as session:
        content = {"colour": colour}
        return approvals.propose(
            session, maker, KIND, content, member_id=member_id, at=at or clock.now()
        ).proposal


def approve(checker, proposal, *, at=None, seen=None):
    with database.begin() as session:
        seen = proposal.content_hash.hex() if seen is None else seen
        return approvals.approve(session, checker, proposal.proposal_id, seen, at or clock.now())


def state(proposal, at=None):
    with database.begin() as session:
        return approvals.by_id(session, proposal.proposal_id).state(at or clock.now())


def test_what_one_proposes_another_approves_and_it_is_done(done, maker, checker):
    proposal = propose(maker)
    waiting = state(proposal), list(done)

    approve(checker, proposal)

    assert waiting == ("proposed", [])
    assert (state(proposal), done) == ("approved", [{"kind": KIND, "colour": "red"}])


@pytest.mark.attack("A7")
def test_of_all_pairs_of_roles_only_maker_and_checker_can(done):
    persons = {role: (given_person(role), given_person(role)) for role in STAFF_ROLES}
    could = set()

    for proposes, approves in itertools.product(STAFF_ROLES, repeat=2):
        try:
            approve(persons[approves][1], propose(persons[proposes][0]))
            could.add((proposes, approves))
        except NotAllowed:
            pass

    assert (could, len(done)) == ({("support", "checker")}, 1)


def test_who_may_do_both_never_does_both_to_one_proposal(done):
    both, other = given_person("support", "checker"), given_person("support", "checker")
    proposal = propose(both)

    with pytest.raises(OwnProposal):
        approve(both, proposal)
    with pytest.raises(OwnProposal), database.begin() as session:
        approvals.reject(session, both, proposal.proposal_id, clock.now())
    approve(other, proposal)

    assert len(done) == 1


def test_a_system_or_a_member_neither_proposes_nor_approves(done, maker):
    everything = frozenset({"adjustments:propose", "adjustments:approve"})
    proposal = propose(maker)

    for somebody in (Service("k", 1, everything), Member(1, 1), ANONYMOUS):
        with pytest.raises(NotAPerson):
            propose(somebody)
        with pytest.raises(NotAPerson):
            approve(somebody, proposal)

    assert (done, state(proposal)) == ([], "proposed")


@pytest.mark.parametrize("seen", ["", "00" * 32, "of another"])
@pytest.mark.attack("A7")
def test_an_approval_names_the_very_content(done, maker, checker, seen):
    proposal, other = propose(maker), propose(maker, colour="green")

    with pytest.raises(OtherContent):
        approve(checker, proposal, seen=other.content_hash.hex() if seen == "of another" else seen)

    assert (done, state(proposal)) == ([], "proposed")


@pytest.mark.parametrize("first", ["approved", "rejected", "withdrawn"])
def test_what_was_decided_stays_decided(done, maker, checker, first):
    proposal = propose(maker)
    deeds = {
        "approved": lambda session: approvals.approve(
            session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now()
        ),
        "rejected": lambda session: approvals.reject(
            session, checker, proposal.proposal_id, clock.now(), "no"
        ),
        "withdrawn": lambda session: approvals.withdraw(session, maker, proposal.proposal_id, clock.now()),
    }
    with database.begin() as session:
        deeds[first](session)

    for deed in deeds.values():
        with pytest.raises(ProposalDecided) as refused, database.begin() as session:
            deed(session)
        assert refused.value.facts == {"state": first}

    assert (state(proposal), len(done)) == (first, first == "approved")


def test_only_the_maker_withdraws(done, maker):
    proposal = propose(maker)

    with pytest.raises(NotTheMaker), database.begin() as session:
        approvals.withdraw(session, given_person("support"), proposal.proposal_id, clock.now())
    assert state(proposal) == "proposed"


def test_after_its_time_a_proposal_has_expired(done, maker, checker):
    at = clock.now() - WEEK
    proposal, last = propose(maker, at=at), propose(maker, at=at)

    approve(checker, last, at=at + WEEK - timedelta(microseconds=1))
    with pytest.raises(ProposalExpired):
        approve(checker, proposal, at=at + WEEK)
    with pytest.raises(ProposalExpired), database.begin() as session:
        approvals.withdraw(session, maker, proposal.proposal_id, at + WEEK)

    assert (state(proposal, at + WEEK), state(last, at + WEEK), len(done)) == ("expired", "approved", 1)


def test_what_the_effect_refuses_leaves_the_proposal_open(db, done, maker, checker, monkeypatch):
    class NoPaint(Conflict):
        """There is no paint."""

    def refuse(session, proposal, at):
        raise NoPaint()

    proposal = propose(maker)
    before = approvals._kinds[KIND]
    approvals.register(approvals.Kind(KIND, refuse, before.proposes, before.approves))
    with pytest.raises(NoPaint):
        approve(checker, proposal)
    open_still = state(proposal)
    approvals.register(before)

    approve(checker, proposal)

    assert (open_still, state(proposal)) == ("proposed", "approved")


@pytest.mark.attack("A7")
def test_of_many_checkers_at_once_one_decides(done, maker):
    proposal, checkers = propose(maker), [given_person("checker") for _ in range(8)]
    barrier = threading.Barrier(8)

    def one(number):
        barrier.wait(10)
        try:
            if number % 2:
                with database.begin() as session:
                    approvals.reject(session, checkers[number], proposal.proposal_id, clock.now())
                return "rejected"
            return approve(checkers[number], proposal).decision.verdict
        except Problem as refusal:
            return type(refusal)

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(one, range(8)))

    assert told.count(ProposalDecided) == 7
    assert [said for said in told if said != ProposalDecided] == [state(proposal)]
    assert len(done) == (state(proposal) == "approved")


def test_a_slow_approval_is_waited_for_and_wins(done, maker, checker):
    proposal, other = propose(maker), given_person("checker")

    with ThreadPoolExecutor(1) as threads:
        with database.begin() as session:
            approvals.approve(
                session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now()
            )
            second = threads.submit(approve, other, proposal)
            assert not second.done()
        with pytest.raises(ProposalDecided):
            second.result(10)

    assert len(done) == 1


# Round the rule: the database itself


def refused_by_database(statement, **values):
    with pytest.raises(exc.DBAPIError) as refused, database.begin() as session:
        session.execute(text(statement), values)
    return refused.value.orig.sqlstate


DECIDE = (
    "insert into decision (proposal_id, maker_id, person_id, at, verdict, content_hash) "
    "values (:proposal, :maker, :person, now(), :verdict, :hash)"
)
CHECK, FOREIGN, TWICE, RIGHT = "23514", "23503", "23505", "42501"


@pytest.mark.attack("A7")
def test_the_database_refuses_a_maker_who_is_the_checker(done, maker, checker):
    proposal = propose(maker)
    mine = {"proposal": proposal.proposal_id, "maker": maker.staff_id, "hash": proposal.content_hash}
    other = propose(maker, colour="green")

    told = {
        "own approval": refused_by_database(DECIDE, **mine, person=maker.staff_id, verdict="approved"),
        "own rejection": refused_by_database(DECIDE, **mine, person=maker.staff_id, verdict="rejected"),
        "another's withdrawal": refused_by_database(
            DECIDE, **mine, person=checker.staff_id, verdict="withdrawn"
        ),
        "a made-up maker": refused_by_database(
            DECIDE, **(mine | {"maker": checker.staff_id}), person=maker.staff_id, verdict="approved"
        ),
        "another content": refused_by_database(
            DECIDE, **(mine | {"hash": other.content_hash}), person=checker.staff_id, verdict="approved"
        ),
        "no proposal": refused_by_database(
            DECIDE, **(mine | {"proposal": 1}), person=checker.staff_id, verdict="approved"
        ),
        "another word": refused_by_database(DECIDE, **mine, person=checker.staff_id, verdict="perhaps"),
    }
    approve(checker, proposal)
    told["a second one"] = refused_by_database(DECIDE, **mine, person=checker.staff_id, verdict="rejected")

    assert told == {
        "own approval": CHECK,
        "own rejection": CHECK,
        "another's withdrawal": CHECK,
        "a made-up maker": FOREIGN,
        "another content": FOREIGN,
        "no proposal": FOREIGN,
        "another word": CHECK,
        "a second one": TWICE,
    }


def test_a_content_that_does_not_fit_its_hash_is_refused(done, maker):
    proposal = propose(maker)

    state = refused_by_database(
        "insert into proposal (proposal_id, member_id, maker_id, at, ends_at, kind, content, content_hash) "
        "select :id, member_id, maker_id, at, ends_at, kind, content || ' ', content_hash from proposal",
        id=ids.new_id(),
    )

    assert state == CHECK
    assert proposal.content == '{"colour":"red","kind":"paint"}'


@pytest.mark.parametrize("table", ["proposal", "decision"])
def test_neither_a_proposal_nor_a_decision_can_be_edited(done, maker, checker, table):
    approve(checker, propose(maker))
    columns = Proposal.__table__.c if table == "proposal" else Decision.__table__.c

    told = {refused_by_database(f"update {table} set {column.name} = {column.name}") for column in columns}
    told.add(refused_by_database(f"delete from {table}"))

    assert told == {RIGHT}


FORGED = {
    "a content": "update proposal set content = replace(content, 'red', 'rot')",
    "a checker": "update decision set person_id = maker_id",
    "a maker": "update decision set maker_id = maker_id + 1",
    "a time": "update decision set at = at + interval '8 days'",
}


CONSTRAINTS = {
    "proposal": "proposal_content",
    "decision": "decision_two_persons, drop constraint decision_of_proposal",
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_approval_is_found_even_where_the_constraints_are_gone(done, maker, checker, whole, forgery):
    approve(checker, propose(maker))

    with whole.begin() as planting:  # the constraints come back when this is rolled back
        for table, constraint in CONSTRAINTS.items():
            whole.execute(text(f"alter table {table} drop constraint {constraint}"))
        whole.execute(text(FORGED[forgery]))
        told = [finding.rule for finding in approvals_verify.findings(Session(whole))]
        planting.rollback()

    assert set(told) == {"approval"}


# On record


def test_each_step_is_on_record_with_who_and_what(done, maker, checker):
    first, second, third = propose(maker, member_id=7), propose(maker), propose(maker)
    approve(checker, first)
    with database.begin() as session:
        approvals.reject(session, checker, second.proposal_id, clock.now(), "no")
        approvals.withdraw(session, maker, third.proposal_id, clock.now())

    with database.begin() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.audit_id)).all()

    assert [(row.actor, row.action) for row in rows] == [
        *[(maker.actor, "paint.proposed")] * 3,
        (checker.actor, "paint.approved"),
        (checker.actor, "paint.rejected"),
        (maker.actor, "paint.withdrawn"),
    ]
    assert {row.subject for row in rows} == {
        approvals.reference(p.proposal_id) for p in (first, second, third)
    }
    assert rows[3].facts == {"member": ids.public("mbr", 7), "content_hash": first.content_hash.hex()}


def test_proposals_are_listed_by_state_member_and_kind(done, maker, checker):
    old = propose(maker, at=clock.now() - 2 * WEEK)
    approved, waiting, about = propose(maker), propose(maker), propose(maker, member_id=7)
    approve(checker, approved)

    def listed(kind=KIND, **only):
        with database.begin() as session:
            cases = approvals.listed(session, [kind], clock.now(), limit=10, **only)
            return [case.proposal.proposal_id for case in cases]

    assert listed() == [p.proposal_id for p in (about, waiting, approved, old)]
    assert listed(state="proposed") == [about.proposal_id, waiting.proposal_id]
    assert listed(state="expired") == [old.proposal_id]
    assert listed(state="approved") == [approved.proposal_id]
    assert listed(member_id=7) == [about.proposal_id]
    assert listed(before=waiting.proposal_id) == [approved.proposal_id, old.proposal_id]
    assert listed(kind="other") == []
    with pytest.raises(ProposalUnknown), database.begin() as session:
        approvals.by_id(session, waiting.proposal_id, "other")

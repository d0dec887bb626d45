"""jifen adjust and jifen merge: two persons with two passwords, or nothing moves."""

import json

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import database, ids, jobs
from base.approvals.approvals import OtherContent, OwnProposal, ProposalDecided
from points import ledger
from points.members import members
from points.members.members import MemberUnknown
from tests.given import given_member, given_person, given_programme
from tests.second_factor import typed

MAKER, CHECKER = "maker@example.test", "checker@example.test"
WHY = ("--text", "a long outage", "--ticket", "T-17")
GOODWILL = ("--reason", "goodwill", *WHY)


@pytest.fixture
def run(cli, db):
    """run(*words, password=...): a command, with the password on standard input; --json is read."""
    given_person("support", "checker", email=MAKER)
    given_person("support", "checker", email=CHECKER)

    def command(*words, password="a long password"):
        return CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words, password))

    return command


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


def customer_of(member_id):
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def balance(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def proposed(run, member, *more):
    told = run("adjust", "propose", member, "up", 30, *GOODWILL, "--as", MAKER, "--json", *more)
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def approve(run, proposal, who=CHECKER, **more):
    return run(
        "adjust", "approve", proposal["id"], "--hash", proposal["content_hash"], "--as", who, "--json", **more
    )


def test_one_proposes_and_another_approves(run, member_id):
    proposal = proposed(run, customer_of(member_id))
    listed = run("adjust", "list")

    done = approve(run, proposal)

    assert proposal["id"] in listed.stdout
    assert proposal["content_hash"] in listed.stdout
    assert (done.exit_code, json.loads(done.stdout)["state"]) == (0, "approved")
    assert balance(member_id) == 130
    assert proposal["id"] not in run("adjust", "list").stdout
    assert [
        row["id"] for row in json.loads(run("adjust", "list", "--state", "all", "--json").stdout)["data"]
    ] == [proposal["id"]]


def test_a_shell_does_not_make_two_persons_of_one(run, member_id):
    proposal = proposed(run, ids.public("mbr", member_id))

    refused = approve(run, proposal, MAKER)

    assert isinstance(refused.exception, OwnProposal)
    assert balance(member_id) == 100


def test_a_wrong_password_opens_nothing(run, member_id):
    proposal = proposed(run, ids.public("mbr", member_id))

    refused = approve(run, proposal, password="wrong")

    assert refused.exit_code != 0
    assert "Mail address or password is not right." in str(refused.exception)
    assert balance(member_id) == 100


def test_the_content_that_was_seen_is_named(run, member_id):
    proposal = proposed(run, ids.public("mbr", member_id))

    unseen = run("adjust", "approve", proposal["id"], "--as", CHECKER)
    other = approve(run, proposal | {"content_hash": "0" * 64})

    assert unseen.exit_code == 2
    assert "--hash" in unseen.output
    assert isinstance(other.exception, OtherContent)
    assert balance(member_id) == 100


def test_it_is_rejected_or_withdrawn_once(run, member_id):
    first, second = (proposed(run, ids.public("mbr", member_id)) for _ in range(2))

    rejected = run("adjust", "reject", first["id"], "--note", "no outage", "--as", CHECKER)
    withdrawn = run("adjust", "withdraw", second["id"], "--as", MAKER)
    late = approve(run, first)

    assert "rejected" in rejected.stdout
    assert "withdrawn" in withdrawn.stdout
    assert isinstance(late.exception, ProposalDecided)


def test_the_same_key_is_the_same_proposal(run, member_id):
    member = ids.public("mbr", member_id)

    assert proposed(run, member, "--key", "one") == proposed(run, member, "--key", "one")
    assert proposed(run, member) != proposed(run, member)


def test_a_customer_of_several_programmes_needs_one_named(run, db, programme, member_id):
    from tests.given import LONG_AGO, secrets_of

    other = given_programme("other")
    with database.begin() as session:
        customer = members.Enrolment(customer_of(member_id), LONG_AGO)
        members.enrol_many(session, other, secrets_of(db), [customer])
    words = ("adjust", "propose", customer_of(member_id), "up", 30, *GOODWILL, "--as", MAKER)

    assert run(*words).exit_code == 2
    assert run(*words, "--programme", "gotone").exit_code == 0
    unknown = run("adjust", "propose", "nobody", "up", 30, *GOODWILL, "--as", MAKER)
    assert isinstance(unknown.exception, MemberUnknown)


def test_two_members_become_one(run, db, programme, member_id):
    survivor = given_member(db, programme, points=5)
    told = run(
        "merge", "propose", customer_of(member_id), customer_of(survivor), *WHY, "--as", MAKER, "--json"
    )
    proposal = json.loads(told.stdout)

    done = run(
        "merge", "approve", proposal["id"], "--hash", proposal["content_hash"], "--as", CHECKER, "--json"
    )
    jobs.drain(db.database_url)

    assert json.loads(done.stdout)["moved"]["points"] == 100
    assert balance(survivor) == 105

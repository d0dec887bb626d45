"""jifen extend: a preview that keeps nothing, and two persons with two passwords, or nothing lasts longer."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import clock, database
from base.approvals.approvals import OwnProposal
from points import extensions, ledger, lots
from points.extensions import ShorterLife
from points.models import ExtensionRow
from tests.app.commands.test_expiry import LAPSED, LONG_AGO, told
from tests.given import given_member, given_person, given_points, given_programme
from tests.points.test_expiry import given_crowd
from tests.second_factor import typed

MAKER, CHECKER = "maker@example.test", "checker@example.test"


@pytest.fixture
def run(cli, db):
    """run(*words): a command with the password on standard input."""
    given_person("editor", "checker", email=MAKER)
    given_person("editor", "checker", email=CHECKER)
    return lambda *words: CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words))


def which(*days, to=None):
    to = to or clock.now().date() + timedelta(days=30)
    words = ("--from", days[0], "--until", days[1]) if days else ("--without-end",)
    return ("--programme", "gotone", "--class", 1, *words, "--to", to)


def propose(run, *days, **more):
    words = (*which(*days, **more), "--reason", "a good year", "--as", MAKER, "--json")
    return told(run("extend", "propose", *words))


def approve(run, proposal, who=CHECKER):
    seen = proposal["content_hash"]
    return run("extend", "approve", proposal["id"], "--hash", seen, "--as", who, "--json")


def rows() -> list[ExtensionRow]:
    with database.begin() as session:
        return list(session.query(ExtensionRow))


def test_a_preview_counts_members_points_and_worth_and_keeps_nothing(run, db):
    programme = given_programme()
    today = clock.now().date()
    for _ in range(3):
        given_points(given_member(db, programme), 500, last_day=today + timedelta(days=9))
    given_points(given_member(db, programme), 70, last_day=today + timedelta(days=40))
    given_crowd(programme, 2, LAPSED, when=LONG_AGO)
    run("expire", "--as-of", today, "--quiet")

    found = told(run("extend", "preview", *which(LAPSED, today + timedelta(days=9)), "--json", "--quiet"))

    assert found == {
        "members": 3, "points": 1_500, "value_fen": 1_500,
        "lapsed_members": 2, "lapsed_points": 10, "lapsed_value_fen": 10,
    }  # fmt: skip
    assert rows() == []
    assert json.loads(run("extend", "list", "--state", "all", "--json").stdout)["data"] == []


def test_what_one_proposed_and_another_approved_counts_and_what_lapsed_comes_back(run):
    programme = given_programme()
    members = given_crowd(programme, 3, LAPSED, when=LONG_AGO)
    run("expire", "--as-of", clock.now().date(), "--quiet")

    proposal = propose(run, LAPSED, LAPSED)
    listed = run("extend", "list").stdout
    assert rows() == []
    done = told(approve(run, proposal))
    too_soon = told(run("restore", "--json", "--quiet"))
    with clock.stopped(clock.now() + extensions.LEAD):
        first = run("restore", "--json", "--quiet")
        second = run("restore", "--programme", "gotone", "--json", "--quiet")

    assert proposal["id"] in listed
    (row,) = rows()
    assert (done["state"], done["counts_from"]) == ("approved", row.announced_at.isoformat())
    assert (row.announced_by, row.approval) == (proposal["proposed_by"], proposal["id"])
    assert row.reason == "a good year"
    assert too_soon["restored"] == {"gotone": 0}
    assert (first.exit_code, told(first)["restored"]) == (0, {"gotone": 15})
    assert told(second)["restored"] == {"gotone": 0}
    with database.begin() as session:
        assert [w.balance for w in ledger.read_many(session, members)] == [5, 5, 5]


def test_nobody_announces_alone(run):
    given_programme()
    proposal = propose(run)

    own = approve(run, proposal, MAKER)
    old_way = run("extend", *which(), "--reason", "a good year", "--by", "li")

    assert isinstance(own.exception, OwnProposal)
    assert old_way.exit_code == 2
    assert rows() == []


def test_a_first_end_is_announced_and_a_sooner_one_that_waited_is_refused(run, db):
    programme = given_programme()
    given_points(given_member(db, programme), 10, last_day=lots.NO_END)
    sooner = propose(run)
    later = propose(run, to=clock.now().date() + timedelta(days=60))

    told(approve(run, later))
    refused = approve(run, sooner)

    assert isinstance(refused.exception, ShorterLife)
    assert [(row.from_day, row.until_day) for row in rows()] == [(lots.NO_END, lots.NO_END)]


def test_it_is_rejected_or_withdrawn(run):
    given_programme()
    first, second = propose(run), propose(run)

    rejected = run("extend", "reject", first["id"], "--note", "too dear", "--as", CHECKER)
    withdrawn = run("extend", "withdraw", second["id"], "--as", MAKER)

    assert "rejected" in rejected.stdout
    assert "withdrawn" in withdrawn.stdout
    assert rows() == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--without-end", "--from", "2026-01-01", "--until", "2026-01-02"),
        ("--from", "2026-01-01"),
        ("--until", "2026-01-01"),
    ],
)
@pytest.mark.parametrize("verb", [("preview",), ("propose", "--reason", "x", "--as", MAKER)])
def test_either_two_days_or_points_without_an_end_are_named(run, verb, words):
    given_programme()
    to = clock.now().date() + timedelta(days=30)

    result = run("extend", *verb, "--programme", "gotone", "--class", 1, "--to", to, *words)

    assert result.exit_code == 2
    assert "say either" in result.output

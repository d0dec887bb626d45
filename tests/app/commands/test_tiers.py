"""jifen tiers, tier-policy, tier-grant, import managers: counts, two persons, harmless twice."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import clock, database
from base.notices import notices
from points.care import care
from points.members import members
from points.tiers import tiers
from tests.app.commands.test_expiry import told
from tests.given import ZONE, given_earned, given_ladder, given_member, given_person, given_programme
from tests.second_factor import typed

MAKER, CHECKER = "maker@example.test", "checker@example.test"


@pytest.fixture
def run(cli, db):
    """run(*words): a command with the password on standard input."""
    given_person("support", "editor", "checker", email=MAKER)
    given_person("checker", email=CHECKER)
    return lambda *words: CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words))


@pytest.fixture
def today():
    return clock.day(clock.now(), ZONE)


@pytest.fixture
def member_id(db):
    programme = given_programme()
    given_ladder(programme)
    return given_member(db, programme)


def customer(member_id) -> str:
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def test_all_members_are_evaluated_told_and_counted_and_twice_changes_nothing(run, db, member_id, today):
    given_earned(member_id, 3_000, today - timedelta(days=1))

    first = told(run("tiers", "--as-of", today, "--json", "--quiet"))
    second = told(run("tiers", "--as-of", today, "--json", "--quiet"))

    assert first["evaluated"] == {"gotone": {"members": 1, "changes": 1}}
    assert second["evaluated"] == {"gotone": {"members": 1, "changes": 0}}
    with database.begin() as session:
        assert len(notices.latest(session, db.seal_key)) == 1


def test_a_new_ladder_can_be_evaluated_without_a_word(run, db, member_id, today):
    given_earned(member_id, 3_000, today - timedelta(days=1))

    run("tiers", "--as-of", today, "--no-notices", "--quiet")

    with database.begin() as session:
        assert notices.latest(session, db.seal_key) == []


def test_a_day_that_has_not_come_and_one_before_the_last_run_are_refused(run, member_id, today):
    assert run("tiers", "--as-of", today + timedelta(days=2)).exit_code == 2
    run("tiers", "--as-of", today, "--quiet")

    assert type(run("tiers", "--as-of", today - timedelta(days=1)).exception).__name__ == "LaterRun"


def test_a_ladder_and_a_grant_come_by_two_persons_on_the_command_line(run, member_id, today):
    proposed = told(
        run(
            "tier-policy", "propose", "--programme", "gotone", "--ladder", "star", "--from", today, "--window", 12,
            "--hold", 12, "--step", "star1:0:一星:1 star", "--step", "star2:500:二星:2 stars", "--reason", "stars",
            "--as", MAKER, "--json",
        )
    )  # fmt: skip
    approved = told(
        run(
            "tier-policy",
            "approve",
            proposed["id"],
            "--hash",
            proposed["content_hash"],
            "--as",
            CHECKER,
            "--json",
        )
    )
    until = today + timedelta(days=30)
    grant = told(
        run(
            "tier-grant",
            "propose",
            customer(member_id),
            "star2",
            "--until",
            until,
            "--reason",
            "x",
            "--as",
            MAKER,
            "--json",
        )
    )
    given = told(
        run("tier-grant", "approve", grant["id"], "--hash", grant["content_hash"], "--as", CHECKER, "--json")
    )
    end = told(run("tier-grant", "revoke", grant["id"], "--reason", "y", "--as", MAKER, "--json"))

    assert (approved["state"], given["state"], end["action"]) == ("approved", "approved", "revoke")
    with database.begin() as session:
        assert tiers.codes(session, member_id, today) == ["star2"]
    assert run("tier-policy", "propose", "--programme", "gotone", "--ladder", "star", "--from", today, "--hold", 1,
               "--step", "star1", "--reason", "x", "--as", MAKER).exit_code == 2  # fmt: skip


def test_a_file_says_who_looks_after_whom(run, member_id, tmp_path, today):
    file = tmp_path / "managers.csv"
    file.write_text(f"customer_id,person,reason\n{customer(member_id)},{CHECKER},handed over\n")

    first = run("import", "managers", file, "--json", "--quiet")
    second = run("import", "managers", file, "--json", "--quiet")

    assert (json.loads(first.stdout)["posted"], json.loads(second.stdout)["already_there"]) == (1, 1)
    with database.begin() as session:
        assert care.manager_of(session, member_id, today).reason == "handed over"

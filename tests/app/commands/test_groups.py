"""jifen groups: the same rules as over HTTP, safe to repeat, refusals with exit code 2."""

import json
import os
import subprocess
import sys

import pytest

from base import clock, database
from points import programmes
from points.members import members
from tests.conftest import ROOT
from tests.given import ZONE, given_member, given_programme


@pytest.fixture
def customers(db):
    """Customer ids of a company and of two people, in one programme."""
    programme = given_programme()
    made = [given_member(db, programme) for _ in range(3)]
    with database.begin() as session:
        return [members.by_id(session, member_id).customer_id for member_id in made]


@pytest.fixture
def groups(cli):
    return lambda *words: cli("groups", *words, "--programme", "gotone")


def test_a_group_is_set_up_given_a_spender_and_listed(customers, groups):
    company, ann, _ = customers
    groups("setup", company, "--name", "Acme 集团", "--class", "top")
    groups("contact", company, ann, "--rank", "senior")
    for cap in (500, 500, 800):
        assert groups("spender", company, ann, "--cap", cap).exit_code == 0

    told = json.loads(groups("list", "--json").stdout)
    text = groups("list").stdout

    (group,) = told["groups"]
    assert (group["customer_id"], group["name"], group["class"]) == (company, "Acme 集团", "top")
    (contact,) = group["contacts"]
    assert (contact["customer_id"], contact["rank"]) == (ann, "senior")
    assert (contact["allowance"]["cap_points"], contact["allowance"]["left_points"]) == (800, 800)
    assert "Acme 集团" in text
    assert f"800 of 800 points left until {contact['allowance']['resets_on']}" in text


def test_a_spender_and_a_contact_end(customers, groups):
    company, ann, _ = customers
    groups("setup", company, "--name", "Acme", "--class", "a")
    groups("contact", company, ann, "--rank", "senior")
    groups("spender", company, ann, "--cap", 5)

    ended = json.loads(groups("spender", company, ann, "--end", "--json").stdout)
    gone = json.loads(groups("contact", company, ann, "--end", "--json").stdout)

    assert [one["allowance"] for one in ended["contacts"]] == [None]
    assert gone["contacts"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("spender", "{company}", "{ann}"),
        ("spender", "{company}", "{ann}", "--cap", "5", "--end"),
        ("spender", "{company}", "{ann}", "--cap", "-5"),
        ("spender", "{company}", "{ann}", "--cap", "much"),
        ("contact", "{company}", "{ann}"),
        ("contact", "{company}", "{ann}", "--rank", "boss"),
        ("setup", "{company}", "--name", "x", "--class", "z"),
        ("setup", "{company}", "--name", "x"),
    ],
)
def test_wrong_use_is_2(customers, groups, words):
    company, ann, _ = customers

    assert groups(*(word.format(company=company, ann=ann) for word in words)).exit_code == 2


def test_a_refusal_is_2_and_named_without_a_traceback(customers, db):
    company, ann, _ = customers
    environment = os.environ | {
        "DATABASE_URL": db.database_url or "", "DATABASE_OWNER_URL": db.database_owner_url or "",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "groups", "spender", company, ann, "--cap", "5", "--programme", "gotone"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no such group.")
    assert "Traceback" not in done.stderr


def test_somebody_who_left_the_operator_can_still_be_ended(customers, groups, db):
    company, ann, _ = customers
    groups("setup", company, "--name", "Acme", "--class", "a")
    groups("contact", company, ann, "--rank", "senior")
    with database.begin() as session:
        found = members.find_many(session, programmes.by_code(session, "gotone").programme_id, [ann])
        members.leave(session, found[ann], clock.day(clock.now(), ZONE))

    assert groups("contact", company, ann, "--end").exit_code == 0

"""Merchants and tills from the command line."""

import json
import re

import pytest

from base import database
from merchants.tills import tills
from tests.given import given_outlet, given_shop


@pytest.fixture
def shop(db):
    return given_shop()


def state(code):
    from base import clock

    with database.begin() as session:
        terminal = tills.by_code(session, code)
        found = tills.of_merchant(session, terminal.merchant_id, clock.now())
        return next(one.state for one in found if one.terminal.code == code)


def test_a_till_is_added_paired_anew_and_revoked(cli, shop):
    added = cli("terminals", "add", "--merchant", "tea").output
    paired = cli("terminals", "pair", "tea-2").output
    before = state("tea-2")
    revoked = cli("terminals", "revoke", "tea-2").output
    lines = [json.loads(line) for line in cli("terminals", "list", "--merchant", "tea", "--json").output.splitlines()]  # fmt: skip

    codes = re.findall(r"code (\d{6})", added + paired)
    assert len(set(codes)) == 2
    assert (before, revoked) == ("waiting", "tea-2: revoked\n")
    assert [(one["code"], one["state"]) for one in lines] == [("tea-1", "paired"), ("tea-2", "revoked")]


def test_of_several_outlets_one_is_named(cli, shop):
    given_outlet(shop)

    unnamed = cli("terminals", "add", "--merchant", "tea")
    named = re.findall(r"out_\w+", unnamed.output)
    added = cli("terminals", "add", "--merchant", "tea", "--outlet", named[1], "--kind", "pos")

    assert (unnamed.exit_code, len(named), added.exit_code) == (2, 2, 0)


def test_merchants_are_listed_shown_and_stepped(cli, shop):
    listed = cli("merchants", "list").output
    unsaid = cli("merchants", "step", "tea", "suspended")
    suspended = cli("merchants", "step", "tea", "suspended", "--note", "complaints")
    shown = json.loads(cli("merchants", "show", "tea", "--json").output)

    assert re.search(r"tea +active", listed)
    assert unsaid.exit_code != 0
    assert suspended.exit_code == 0
    assert (shown["stage"], shown["steps"][0]["note"], shown["steps"][0]["by"]) == (
        "suspended", "complaints", "operator",
    )  # fmt: skip
    assert cli("merchants", "list", "--stage", "active").output == ""


def test_an_unknown_till_or_merchant_is_told(cli, shop):
    assert "no such till" in str(cli("terminals", "revoke", "nobody-1").exception)
    assert "no such merchant" in str(cli("merchants", "show", "nobody").exception)

"""jifen books: a trial balance of zero, a journal that is the same bytes again; breakage kept, and restated by a policy."""

import csv
import json
from datetime import timedelta

import pytest

from base import clock
from base.money import parse_yuan
from tests.admin.books.conftest import trade
from tests.given import ZONE, closed

__all__ = ["trade"]  # a fixture


@pytest.fixture
def month(trade):
    """A month with a use, its undoing, and a statement."""
    redemption = trade.issued()
    trade.voided(trade.accepted(redemption))
    trade.accepted(redemption)
    closed(trade.shop, clock.day(clock.now(), ZONE), clock.now() + timedelta(days=1))
    return f"{clock.day(clock.now(), ZONE):%Y-%m}"


def test_the_trial_balance_is_zero_and_says_every_account(cli, month):
    told = cli("books", "--month", month, "--json")

    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    closing = {one["account"]: one["closing_fen"] for one in found["accounts"]}
    assert closing["voucher_liability"] == 0
    assert closing["payable_due:tea"] + closing["payable_open:tea"] == -2_055
    (total,) = found["totals"]
    assert (total["opening_fen"], total["closing_fen"]) == (0, 0)
    assert total["debits_fen"] == total["credits_fen"] > 0


def test_it_is_told_to_people_in_yuan_with_a_total(cli, month):
    told = cli("books", "--month", month)

    assert told.exit_code == 0
    assert any(line.startswith("fee_income") and "-0.42" in line for line in told.stdout.splitlines())
    assert told.stdout.splitlines()[-1].split()[0] == "total"


def test_one_merchants_accounts_alone(cli, month):
    found = json.loads(cli("books", "--month", month, "--merchant", "tea", "--json").stdout)

    assert {one["account"] for one in found["accounts"]} >= {"payable_open:tea"}
    assert all(one["account"].endswith(":tea") for one in found["accounts"])


def test_the_journal_is_the_same_bytes_again_and_adds_up_to_the_balance(cli, month, tmp_path):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"

    for file in (first, second):
        assert cli("books", "--month", month, "--export", file, "--quiet").exit_code == 0

    assert first.read_bytes() == second.read_bytes()
    rows = list(csv.DictReader(first.open(encoding="utf-8")))
    assert sum(_fen(row["debit"]) for row in rows) == sum(_fen(row["credit"]) for row in rows) > 0
    accounts = json.loads(cli("books", "--month", month, "--json").stdout)["accounts"]
    for one in accounts:
        own = [row for row in rows if row["account"] == one["account"]]
        assert sum(_fen(row["debit"]) for row in own) == one["debits_fen"]
        assert sum(_fen(row["credit"]) for row in own) == one["credits_fen"]
    assert {row["event"] for row in rows} >= {"voucher-issued", "voucher-accepted", "acceptance-voided"}
    assert not list(tmp_path.glob("*.part"))


def _fen(text):
    return parse_yuan(text or "0")


def test_a_month_before_anything_happened_is_empty_and_the_next_opens_with_this_ones_closing(cli, month):
    year, number = map(int, month.split("-"))
    after = f"{year + number // 12}-{number % 12 + 1:02d}"

    before, this, then = (
        json.loads(cli("books", "--month", one, "--json").stdout)["accounts"]
        for one in ("2020-01", month, after)
    )

    assert all(one["closing_fen"] == 0 for one in before)
    assert {one["account"]: one["closing_fen"] for one in this if one["closing_fen"]} == {
        one["account"]: one["opening_fen"] for one in then if one["opening_fen"]
    }


@pytest.mark.parametrize("wrong", ["2026", "2026-13", "2026-1", "x", "2026-11-01"])
def test_a_month_is_written_in_one_way(cli, db, wrong):
    told = cli("books", "--month", wrong)

    assert told.exit_code != 0

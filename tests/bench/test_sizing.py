"""The arithmetic of docs/scale.md: straight lines from the costs, and a page that holds what it comes to."""

import pytest

from bench import results, sizing
from bench.sizing import DEEDS, GUESS, assumed, loads, machines, year_bytes

EACH = (
    "python_ms",
    "server_ms",
    "statements",
    "rows",
    "kept_bytes",
    "wal_bytes",
    "wal_full_bytes",
    "cache_calls",
)


@pytest.fixture
def costs():
    """A deed takes a millisecond of each side, keeps a thousand bytes and logs as many."""
    values = {"python_ms": 1.0, "server_ms": 1.0, "kept_bytes": 1_000.0, "wal_bytes": 1_000.0}
    return {f"cost_{deed}_{what}": values.get(what, 0.0) for deed in DEEDS for what in EACH}


def test_a_month_of_bills_is_spread_over_its_hours(costs):
    bills = next(load for load in loads(1_000_000) if "line_filed" in load.per_s)

    rate = 1_000_000 * assumed("lines") / (assumed("accrual_hours") * 3_600)
    assert bills.per_s == {"line_filed": pytest.approx(rate)}
    assert bills.cores(costs, "server") == pytest.approx(rate / 1_000)
    assert bills.log_bytes_per_s(costs) == pytest.approx(rate * 1_000)


def test_thirty_times_the_members_are_thirty_times_the_load_and_the_bytes(costs):
    for few, many in zip(loads(1_000_000), loads(30_000_000), strict=True):
        assert many.cores(costs, "python") == pytest.approx(30 * few.cores(costs, "python"))
    assert sum(year_bytes(costs, 30_000_000).values()) == pytest.approx(
        30 * sum(year_bytes(costs, 1_000_000).values())
    )


def test_a_year_keeps_its_bill_lines_and_the_members_once(costs):
    kept = year_bytes(costs, 1_000)

    assert kept["members, once"] == 1_000 * 1_000
    assert kept["bill lines with their postings"] == 1_000 * assumed("lines") * 12 * 1_000


def test_bytes_ask_for_machines_where_processors_do_not(costs):
    costs |= {f"cost_{deed}_server_ms": 0.0 for deed in DEEDS}

    found = machines(costs, 30_000_000)

    assert found.node_cores == 0
    assert found.nodes == -(-found.node_bytes // assumed("node_bytes"))


def test_there_are_two_web_machines_however_few_the_members(costs):
    assert machines(costs, 1_000).web_machines == 2


def test_every_assumption_says_where_it_comes_from():
    assert all(one.source.startswith(GUESS) or "operator" in one.source for one in sizing.ASSUMED.values())


def test_the_page_has_what_the_results_come_to():
    page = sizing.PAGE.read_text("utf-8")

    assert sizing.written(page, results.load()) == page, "run: python -m bench.sizing"
    assert set(sizing.TABLES) <= set(sizing.MARK.findall(page))

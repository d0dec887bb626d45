"""The table of rules: whole, balanced, shown as it is, and fed by a question for each event."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.books import points, rules
from admin.books.facts import SOURCES
from admin.books.rules import ACCOUNTS, RULES
from admin.books.sources.question import KEY
from tests.admin.books.tables import table

PAGE = Path(__file__).parents[3] / "docs" / "settlement.md"
BY_DAY = {*points.EVENTS.values(), points.TRUED_UP}


def test_the_page_shows_exactly_this_table():
    page = PAGE.read_text("utf-8")

    assert table() in page


def test_every_event_has_one_question_or_is_summed_by_day():
    asked = [source.event for source in SOURCES]

    assert len(set(asked)) == len(asked)
    assert {*asked, *BY_DAY} == {*RULES}


def test_every_account_of_a_rule_is_known_and_every_known_one_is_used():
    used = {
        account for rule in RULES.values() for move in rule.moves for account in (move.debit, move.credit)
    }

    assert used == {*ACCOUNTS}


def test_no_amount_is_called_like_a_column_of_every_question():
    assert not {name for rule in RULES.values() for name in rule.amounts} & {*KEY}


@given(st.sampled_from(sorted(RULES)), st.data())
def test_whatever_the_amounts_an_event_is_balanced_line_by_line(event, data):
    amounts = {name: data.draw(st.integers(-(10**15), 10**15)) for name in RULES[event].amounts}

    lines = list(rules.lines(event, amounts, "tea", "leaf"))

    assert all(line.fen > 0 and line.debit != line.credit for line in lines)
    assert sum(line.fen for line in lines) == sum(abs(amounts[move.amount]) for move in RULES[event].moves)


@pytest.mark.parametrize(
    ("deed", "undone"),
    [
        ("voucher-accepted", "acceptance-voided"),
        ("merchant-points-issued", "merchant-points-reversed"),
        ("bill-credited", "bill-credit-reversed"),
        ("benefit-given", "benefit-reversed"),
        ("reserve-in", "reserve-out"),
        ("points-earned", "points-unearned"),
    ],
)
def test_what_undoes_an_event_is_its_mirror(deed, undone):
    amounts = {name: 7 * (nth + 1) for nth, name in enumerate(RULES[deed].amounts)}

    there = list(rules.lines(deed, amounts, "tea", "leaf"))
    back = list(rules.lines(undone, amounts, "tea", "leaf"))

    assert back == [rules.Line(line.credit, line.debit, line.fen) for line in there]

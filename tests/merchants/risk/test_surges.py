"""An outlet that accepts far more than it usually does is told of; a busy one, a new one and a small one are not."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from base import clock, database
from merchants.risk import alerts, surges
from merchants.risk.models import Alert
from tests.given import given_shop, given_taken

DAY = timedelta(days=1)


@given(st.integers(0, 10_000), st.lists(st.integers(0, 10_000), min_size=1, max_size=28))
def test_far_above_is_what_a_person_would_reckon_with_fractions(today, before):
    mean = Fraction(sum(before), len(before))
    variance = sum((count - mean) ** 2 for count in before) / len(before)

    assert surges.is_far_above(today, before) == (today > mean and (today - mean) ** 2 > 9 * variance)


def given_days(shop, at, today: int, before: list[int]) -> None:
    for ago, count in enumerate([today, *before]):
        for nth in range(count):
            given_taken(shop, at - ago * DAY - timedelta(minutes=5 + nth))


def raised() -> list[Alert]:
    with database.begin() as session:
        return list(session.scalars(select(Alert)))


@pytest.mark.attack("A10")
@pytest.mark.unapproved
def test_one_outlet_of_four_stands_out_and_is_told_once_a_day(db):
    at = clock.now()
    given_days(given_shop("far"), at, 24, [5, 6, 5, 4, 5, 6, 5, 5])
    given_days(given_shop("busy"), at, 24, [20, 23, 21, 25, 22, 24, 19])
    given_days(given_shop("new"), at, 24, [1, 1])
    given_days(given_shop("small"), at, 9, [1, 1, 1, 1, 1, 1, 1])

    with database.begin() as session:
        first, again = surges.walk(session, at), surges.walk(session, at)

    assert (first, again) == (1, 1)
    (alert,) = raised()
    assert (alert.rule, alert.facts["accepted"], alert.facts["usual"]) == (alerts.OUTLET_SURGE, 24, 5)

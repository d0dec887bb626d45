"""Satisfaction as a share with its interval: against published arithmetic, and what holds of every one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.analytics import satisfaction

# statsmodels 0.14 proportion_confint(satisfied, rated, method="wilson"), rounded to basis points.
KNOWN = {
    (45, 50): (7864, 9565),
    (0, 30): (0, 1135),
    (30, 30): (8865, 10_000),
    (930, 1000): (9125, 9442),
    (1, 40): (44, 1288),
}
COUNTS = st.integers(1, 10_000).flatmap(lambda rated: st.tuples(st.integers(0, rated), st.just(rated)))


@pytest.mark.parametrize("counted", KNOWN)
def test_the_interval_is_wilsons(counted):
    assert satisfaction.interval_bp(*counted) == KNOWN[counted]


@given(COUNTS)
def test_an_interval_holds_its_share_stays_a_share_and_mirrors(counted):
    satisfied, rated = counted
    low, high = satisfaction.interval_bp(satisfied, rated)

    assert 0 <= low <= round(10_000 * satisfied / rated) <= high <= 10_000
    assert satisfaction.interval_bp(rated - satisfied, rated) == (10_000 - high, 10_000 - low)


@given(st.integers(0, 60))
def test_below_thirty_ratings_there_is_no_share_and_from_thirty_on_there_is(rated):
    found = satisfaction.block(rated, rated)

    assert (found["share_bp"] is None) == (found["interval_bp"] is None) == (rated < 30)
    assert (found["status"] == "refused") == bool(found["reasons"]) == (rated < 30)

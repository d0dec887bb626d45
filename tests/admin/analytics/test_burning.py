"""How points are burnt by age, and what of a lot is expected to lapse: cases reckoned by hand, and rules for all."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.analytics import burning
from admin.analytics.burning import Flow, burn, month_of, not_burnt
from points import lots

JAN = month_of(date(2026, 1, 1))
BILLS = 1


def flows(*rows, bucket=0, issued=JAN):
    """(month after issue, given, burnt, gone)."""
    return [Flow(bucket, BILLS, issued, issued + after, *numbers) for after, *numbers in rows]


def test_hazards_by_age_reckoned_by_hand():
    found = burn(flows((0, 1000, 100, 0), (1, 0, 90, 0), (2, 0, 0, 10), (3, 0, 400, 0)), JAN + 4)

    # 1,000 given, 100 burnt in the month of issue; then 90 of 900; nothing of 810, of which 10 go otherwise; 400 of 800.
    assert found.hazards(BILLS)[0] == pytest.approx([0.1, 0.1, 0.0, 0.5])


def test_only_the_last_months_count_and_the_present_one_not_yet():
    rows = flows((0, 1000, 0, 0), (1, 0, 500, 0), (2, 0, 100, 0), (3, 0, 400, 0))

    found = burn(rows, JAN + 3, months=1)

    assert found.hazards(BILLS)[0] == pytest.approx([0, 0, 0.2])


def test_what_came_before_the_window_is_live_at_its_opening():
    found = burn(
        [Flow(0, BILLS, JAN - 40, JAN - 1, 800, 0, 0), Flow(0, BILLS, JAN - 40, JAN, 0, 80, 0)], JAN + 2
    )

    assert found.hazards(BILLS)[0][40:42] == pytest.approx([0.1, 0.0])


def test_an_age_that_nobody_has_seen_is_as_the_younger_one_and_a_class_without_history_never_burns():
    found = burn(flows((0, 1000, 100, 0), (1, 0, 900, 0), (2, 0, 0, 0)), JAN + 3)

    assert found.hazards(BILLS)[0] == pytest.approx([0.1, 1.0])
    assert found.hazards(2)[0] == pytest.approx([0.0])
    assert not found.known(2)


def test_a_redemption_that_was_undone_in_another_month_is_no_negative_burning():
    found = burn(flows((0, 1000, 500, 0), (1, 0, -500, 0), (2, 0, 0, 0)), JAN + 3)

    assert found.hazards(BILLS)[0] == pytest.approx([0.5, 0.0, 0.0])


def test_what_is_expected_to_lapse_is_what_no_age_burns():
    hazards = np.array([[0.0, 0.1, 0.2, 0.5]])

    whole = not_burnt(hazards, JAN, date(2026, 1, 31), date(2026, 3, 31))
    half = not_burnt(hazards, JAN, date(2026, 2, 14), date(2026, 2, 28))
    beyond = not_burnt(hazards, JAN, date(2026, 3, 31), date(2026, 5, 31))
    endless = not_burnt(hazards, JAN, date(2026, 1, 31), lots.NO_END)

    assert whole == pytest.approx([0.9 * 0.8])
    assert half == pytest.approx([0.9**0.5])
    assert beyond == pytest.approx([0.5 * 0.5])
    assert endless == pytest.approx([0.0])


def test_buckets_are_what_an_interval_draws_by():
    rows = [one for bucket in range(200) for one in flows((0, 100, bucket % 2 * 40, 0), bucket=bucket)]

    drawn = burn(rows, JAN + 1).hazards(BILLS, burning.draws_of())[:, 0]

    assert drawn.mean() == pytest.approx(0.2, abs=0.005)
    assert 0.010 < drawn.std() < 0.020  # 0.2 / sqrt(200) = 0.014


def test_it_is_kept_and_read_again_as_it_was():
    found = burn(flows((0, 1000, 100, 0), (1, 0, 90, 0), bucket=7), JAN + 2)

    again = burning.from_facts(found.to_facts())

    assert again.hazards(BILLS).tolist() == found.hazards(BILLS).tolist()
    assert again.to_facts() == found.to_facts()


MOVES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 500), st.integers(0, 500), st.integers(0, 200)), max_size=8
)


@given(MOVES, st.integers(0, 199))
def test_a_hazard_is_a_share_whatever_came_and_went(rows, bucket):
    found = burn(flows(*rows, bucket=bucket), JAN + 30)

    for hazards in (found.hazards(BILLS), found.hazards(BILLS, burning.draws_of()[:20])):
        assert ((hazards >= 0) & (hazards <= 1)).all()


@given(
    st.lists(st.floats(0, 0.9), min_size=1, max_size=40),
    st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
)
def test_the_later_the_last_day_the_less_is_left(hazards, on, last_day):
    later = date(last_day.year + 1, last_day.month, min(last_day.day, 28))

    sooner, afterwards = (not_burnt(np.array([hazards]), JAN, on, day)[0] for day in (last_day, later))

    assert 0 <= afterwards <= sooner + 1e-12 <= 1 + 1e-12

"""Landmarks and pooled logistic: by hand, weighted, and refused."""

import numpy as np
import pytest

from admin.analytics.histories import from_members
from admin.analytics.landmark import landmark
from admin.analytics.person_months import histories_of
from admin.analytics.pooled import pooled_logistic
from tests.months import given_months


def test_only_those_still_there_count_and_in_the_arm_they_are_in_by_then():
    # Landmark 3, two months after it. Redeemed by then: members 0 and 1; member 4 redeems later; member 5 is gone.
    histories = from_members([0, 0, 0, 0, 0, 0], [3, 6, 4, 6, 6, 1], [1, 0, 1, 0, 0, 1], [0, 2, -1, -1, 4, 0])

    found = landmark(histories, 3, 2, fewest_leavers=1)

    assert (found.n, found.n_exposed) == (5, 2)
    assert found.risk_exposed == pytest.approx(1 / 2)
    assert found.risk_unexposed == pytest.approx(1 / 3)
    assert found.difference_pp == pytest.approx(100 / 6)
    low, high = found.interval_pp
    spread = 100 * np.sqrt(1 / 4 / 2 + 1 / 3 * 2 / 3 / 3)
    assert (high - low) / 2 == pytest.approx(1.959964 * spread, rel=1e-6)
    assert found.weighted_difference_pp is None


def test_weights_take_out_the_choice_that_is_recorded():
    found = landmark(histories_of(given_months(members=8000, months=14, seed=4)), 2, 4)

    assert found.difference_pp < -1.5
    assert found.weighted_difference_pp > found.difference_pp + 0.5
    assert found.cox.exposed.coef < 0


@pytest.mark.parametrize(
    ("redeemed", "at", "code"),
    [(-1, 2, "one_arm_empty"), (0, 2, "few_treated_leavers"), (0, 5, "one_arm_empty")],
)
def test_what_cannot_be_compared_is_refused(redeemed, at, code):
    histories = from_members([0, 0, 0], [3, 4, 4], [1, 1, 0], [redeemed, -1, -1])

    found = landmark(histories, at, 2)

    assert [reason.code for reason in found.refused] == [code]
    assert found.difference_pp is None


def test_records_that_end_too_early_are_refused():
    histories = from_members([0] * 4, [3, 4, 4, 4], [1, 0, 0, 0], [0, -1, 0, -1])

    found = landmark(histories, 2, 12, fewest_leavers=1)

    assert [reason.code for reason in found.refused] == ["short_follow_up"]


def test_pooled_logistic_finds_the_covariates_and_refuses_one_arm():
    found = pooled_logistic(given_months(members=5000))

    assert found.coef["keen"] == pytest.approx(-0.7, abs=3.5 * found.se_robust["keen"])
    assert found.coef["exposed"] == pytest.approx(0, abs=3.5 * found.se_robust["exposed"])
    assert found.odds_ratio == pytest.approx(np.exp(found.coef["exposed"]))
    none = pooled_logistic(given_months(members=100, redeem=-50))
    assert [reason.code for reason in none.refused] == ["one_arm_empty"]
    few = pooled_logistic(given_months(members=100, months=4))
    assert [reason.code for reason in few.refused] == ["few_treated_leavers"]

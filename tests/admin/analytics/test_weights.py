"""Chances of redeeming and the weights made of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin.analytics import products
from admin.analytics.cox import NoFiniteAnswer
from admin.analytics.weights import Propensity, clustered, logistic, standardised_differences, truncated
from tests.months import given_months


@given(st.integers(0, 2**32 - 1), st.integers(0, 700), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_products_in_pieces_are_products(seed, rows, columns):
    random = np.random.default_rng(seed)
    x, y, weight = random.normal(size=(rows, columns)), random.normal(size=(rows, 2)), random.random(rows)

    assert products.gram(x, weight) == pytest.approx((x.T * weight) @ x, abs=1e-9)
    assert products.crossed(x, y) == pytest.approx(x.T @ y, abs=1e-9)
    assert products.scores(x, x[0] if rows else np.zeros(columns)) == pytest.approx(
        x @ (x[0] if rows else np.zeros(columns)), abs=1e-9
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_slope_of_the_likelihood_is_flat_at_the_answer(seed):
    random = np.random.default_rng(seed)
    x = np.column_stack([np.ones(200), random.normal(size=(200, 2))])
    outcome = random.random(200) < 0.4

    fitted = logistic(x, outcome)

    assert x.T @ (outcome - fitted.fitted) == pytest.approx(np.zeros(3), abs=1e-5)
    assert (clustered(fitted, x, outcome, np.arange(200)) > 0).all()


def test_weights_of_rows_count_as_that_many_rows():
    random = np.random.default_rng(1)
    x = np.column_stack([np.ones(60), random.normal(size=60)])
    outcome, times = random.random(60) < 0.5, random.integers(1, 4, 60)

    weighted = logistic(x, outcome, weight=times.astype(float))
    repeated = logistic(np.repeat(x, times, axis=0), np.repeat(outcome, times))

    assert weighted.coef == pytest.approx(repeated.coef)
    assert weighted.se == pytest.approx(repeated.se)


def test_perfect_separation_and_a_repeated_column_have_no_finite_answer():
    x = np.linspace(-1, 1, 50)
    with pytest.raises(NoFiniteAnswer, match="separation"):
        logistic(np.column_stack([np.ones(50), x]), x > 0.1)
    outcome = np.arange(50) % 3 == 0
    with pytest.raises(NoFiniteAnswer, match="not_converged"):
        logistic(np.column_stack([np.ones(50), x, x]), outcome)


def test_chances_sum_to_one_over_what_is_affordable():
    sample = given_months(members=600, months=10)
    random = np.random.default_rng(2)
    able = {name: random.random(sample.rows) < 0.6 for name in sample.kinds}
    sample = replace(sample, can=able)

    fitted = Propensity.of(sample, np.arange(sample.rows))
    chance, none = fitted.of_rows(sample, np.arange(sample.rows))

    assert chance.sum(axis=1) + none == pytest.approx(np.ones(sample.rows), abs=1e-5)
    for index, name in enumerate(sample.kinds):
        assert (chance[~able[name], index] == 0).all()
        assert (chance[able[name], index] > 0).all()


def test_a_repeated_covariate_does_no_harm_and_one_that_tells_everything_is_refused():
    sample = given_months(members=600, months=10)
    rows = np.arange(sample.rows)
    twice = replace(sample, covariates=dict(sample.covariates) | {"again": sample.covariates["keen"]})
    telling = replace(sample, covariates={"told": (sample.kind == 0).astype(np.float32)})

    one, other = (Propensity.of(each, rows).of_rows(each, rows)[1] for each in (sample, twice))
    assert one == pytest.approx(other, abs=1e-3)
    with pytest.raises(NoFiniteAnswer, match="separation"):
        Propensity.of(telling, rows)


def test_a_kind_that_nobody_redeemed_has_no_chance():
    sample = given_months(members=300, months=6)
    sample = replace(sample, kinds=(*sample.kinds, "gold"))

    chance, _ = Propensity.of(sample, np.arange(sample.rows)).of_rows(sample, np.arange(sample.rows))

    assert (chance[:, 2] == 0).all()


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=300))
def test_truncated_weights_are_never_above_their_percentile(values):
    weight = np.array(values)

    cut, cap = truncated(weight)

    assert (cut <= cap).all()
    assert (cut[weight <= cap] == weight[weight <= cap]).all()


def test_standardised_differences_are_in_standard_deviations():
    found = standardised_differences(
        np.array([1.0, 0, 2]), np.array([0.0, 0, 2]), np.array([4.0, 0, 1]), np.array([4.0, 0, 1]), "abc"
    )

    assert found == {"a": 0.5, "b": 0, "c": 0}

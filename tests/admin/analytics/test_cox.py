"""Time-varying Cox: against brute force, a worked example, and members whose redemption does nothing."""

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest

from admin.analytics import cox
from admin.analytics.histories import from_members, of_rows
from admin.analytics.person_months import histories_of
from admin.analytics.raw_gap import raw_gap
from tests.months import given_months


def efron_by_hand(start, stop, event, x, coef):
    """The definition, one denominator at a time."""
    total = 0.0
    for t in np.unique(stop[event]):
        at_risk = (start < t) & (t <= stop)
        leaving = event & (stop == t)
        risk, gone = np.exp(x[at_risk] @ coef).sum(), np.exp(x[leaving] @ coef).sum()
        d = leaving.sum()
        total += (x[leaving] @ coef).sum()
        total -= sum(math.log(risk - k / d * gone) for k in range(d))
    return total


def climbed(value, size):
    """The top of a concave function by ever smaller steps: slow, and shares no code with ours."""
    best, step = np.zeros(size), 1.0
    while step > 1e-8:
        tries = [best + step * np.array(move) for move in itertools.product((-1, 0, 1), repeat=size)]
        top = max(tries, key=value)
        best, step = (top, step) if value(top) > value(best) else (best, step / 2)
    return best


def small_file(seed, members=30, terms=1):
    """Random rows with many ties, late entries, gaps and a changing exposure."""
    rng = np.random.default_rng(seed)
    rows = []
    for member in range(members):
        begin = rng.integers(0, 3)
        for _ in range(rng.integers(1, 4)):
            end = begin + rng.integers(1, 4)
            rows.append([member, begin, end, 0, *rng.integers(0, 2, 1), *rng.normal(size=terms - 1)])
            begin = end + rng.integers(0, 2)
        rows[-1][3] = rng.random() < 0.6
    table = np.array(rows, dtype=float)
    return table[:, 0].astype(int), table[:, 1], table[:, 2], table[:, 3] == 1, table[:, 4:]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("terms", [1, 2])
def test_the_answer_maximises_the_likelihood_as_defined(seed, terms):
    member, start, stop, event, x = small_file(seed, terms=terms)

    fitted = cox.fit(start, stop, event, x, member)

    def value(coef):
        return efron_by_hand(start, stop, event, x, coef)

    assert fitted.coef == pytest.approx(climbed(value, terms), abs=1e-6)
    assert fitted.log_likelihood == pytest.approx(value(fitted.coef), abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_the_standard_error_is_the_curvature_at_the_top(seed):
    member, start, stop, event, x = small_file(seed)

    fitted = cox.fit(start, stop, event, x, member)

    h = 1e-4
    up, here, down = (efron_by_hand(start, stop, event, x, fitted.coef + move) for move in (h, 0, -h))
    assert fitted.se[0] == pytest.approx(((2 * here - up - down) / h**2) ** -0.5, rel=1e-5)


def scores_by_hand(member, start, stop, event, x, coef):
    """Each member's share of the slope: what changes when only that member's rows count a little more."""
    scores = np.zeros((member.max() + 1, x.shape[1]))
    weight = np.exp(x @ coef)
    for t in np.unique(stop[event]):
        at_risk, leaving = (start < t) & (t <= stop), event & (stop == t)
        d = leaving.sum()
        for k in range(d):
            share = at_risk * weight * np.where(leaving, 1 - k / d, 1)
            mean = (share[:, None] * x).sum(axis=0) / share.sum()
            for row in np.flatnonzero(at_risk):
                scores[member[row]] += (leaving[row] / d - share[row] / share.sum()) * (x[row] - mean)
    return scores


@pytest.mark.parametrize("seed", range(4))
def test_the_robust_error_sums_residuals_by_member(seed):
    member, start, stop, event, x = small_file(seed, terms=2)

    fitted = cox.fit(start, stop, event, x, member)

    scores = scores_by_hand(member, start, stop, event, x, fitted.coef)
    h, size = 1e-4, np.eye(2)
    information = np.array(
        [
            [
                -sum(
                    a * b * efron_by_hand(start, stop, event, x, fitted.coef + a * h * i + b * h * j)
                    for a, b in itertools.product((1, -1), repeat=2)
                )
                / (4 * h**2)
                for j in size
            ]
            for i in size
        ]
    )
    inverse = np.linalg.inv(information)
    assert scores.sum(axis=0) == pytest.approx([0, 0], abs=1e-8)
    assert fitted.se_robust == pytest.approx(
        np.sqrt(np.diag(inverse @ scores.T @ scores @ inverse)), rel=1e-4
    )


def test_a_worked_example_has_its_known_answer():
    # Five members, exposed ones leave at 1 and 3, the others at 2 and stay: with r = e^b the likelihood is
    # r/(2r+3) * 1/(r+3) * r/(r+2); its slope is 0 where 2 = 2r/(2r+3) + r/(r+3) + r/(r+2).
    stop, event = np.array([1.0, 2, 3, 4, 4]), np.array([True, True, True, False, False])
    exposed = np.array([[1.0], [0], [1], [0], [0]])

    fitted = cox.fit(np.zeros(5), stop, event, exposed, np.arange(5))

    r = math.exp(fitted.coef[0])
    assert 2 * r / (2 * r + 3) + r / (r + 3) + r / (r + 2) == pytest.approx(2, abs=1e-9)


def test_tied_leavers_share_their_denominators():
    # One of two exposed and one of two others leave together: r / ((2r+2) (2r+2 - (r+1)/2)) is highest at 1.
    stop, event = np.array([1.0, 1, 2, 2]), np.array([True, True, False, False])

    fitted = cox.fit(np.zeros(4), stop, event, np.array([[1.0], [0], [1], [0]]), np.arange(4))

    assert fitted.coef[0] == pytest.approx(0, abs=1e-9)
    assert fitted.log_likelihood == pytest.approx(-math.log(4 * 3))


def answer(found):
    assert found.exposed is not None, found.refused
    return found.exposed


def given_members_whose_redeeming_does_nothing(seed, members=20_000, months=24):
    """Leave or redeem at rates that never change; who leaves in a month does not redeem in it."""
    rng = np.random.default_rng(seed)
    leave = rng.geometric(0.06, members) - 1
    redeem = rng.geometric(0.08, members) - 1
    exit_month = np.minimum(leave, months - 1)
    redeemed = np.where(redeem < leave, redeem, -1)
    redeemed = np.where(redeemed > exit_month, -1, redeemed)
    return np.zeros(members, dtype=int), exit_month, leave < months, redeemed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_effect_is_found_where_there_is_none_though_the_raw_gap_is_large(seed):
    histories = from_members(*given_members_whose_redeeming_does_nothing(seed))

    low, high = answer(cox.time_varying(histories)).hr_interval

    gap = raw_gap(histories)
    assert gap.difference_pp is not None
    assert gap.difference_pp < -25
    assert gap.tenure_difference is not None
    assert gap.tenure_difference > 8
    assert low < 1 < high
    assert high - low < 0.2
    assert answer(cox.ever(histories)).hr < 0.6


@pytest.mark.parametrize("months", [1, 2])
def test_moving_the_exposure_forward_breaks_the_estimate(months):
    entry, exit_month, left, redeemed = given_members_whose_redeeming_does_nothing(1)
    earlier = np.where(redeemed < 0, -1, np.maximum(redeemed - months, 0))

    found = cox.time_varying(from_members(entry, exit_month, left, earlier))

    assert answer(found).hr_interval[1] < 0.97


def test_a_covariate_behind_both_is_taken_out():
    rng = np.random.default_rng(5)
    keen = rng.random(20_000) < 0.5
    leave = rng.geometric(np.where(keen, 0.03, 0.09)) - 1
    redeem = rng.geometric(np.where(keen, 0.12, 0.04)) - 1
    exit_month = np.minimum(leave, 23)
    redeemed = np.where(redeem <= np.minimum(leave - 1, exit_month), redeem, -1)

    found = cox.time_varying(
        from_members(np.zeros(20_000), exit_month, leave < 24, redeemed, covariates={"keen": keen})
    )

    assert answer(found).hr < 0.8
    low, high = found.adjusted["exposed"].hr_interval
    assert low < 1 < high
    assert found.adjusted["keen"].hr == pytest.approx(math.log(0.97) / math.log(0.91), abs=0.04)


def test_both_errors_agree_where_the_model_is_true():
    histories = from_members(*given_members_whose_redeeming_does_nothing(4))

    term = answer(cox.time_varying(histories))

    assert term.se_robust == pytest.approx(term.se, rel=0.05)


def given_rows(events, exposed):
    return of_rows(range(len(events)), [0] * len(events), range(1, len(events) + 1), events, exposed)


@pytest.mark.parametrize(
    ("events", "exposed", "codes"),
    [
        ([1, 0, 1], [0, 0, 0], ["one_arm_empty"]),
        ([1, 0, 1], [1, 1, 1], ["one_arm_empty"]),
        ([1, 1, 0, 0], [1, 1, 0, 0], ["separation", "few_treated_leavers"]),
        ([1, 1, 0, 0], [0, 0, 1, 1], ["separation", "few_treated_leavers"]),
        ([0, 0, 0, 0], [0, 0, 1, 1], ["separation", "few_treated_leavers"]),
        ([1, 1, 1, 0], [0, 1, 1, 0], ["few_treated_leavers"]),
    ],
)
def test_where_there_is_no_answer_a_reason_stands_instead(events, exposed, codes):
    found = cox.time_varying(given_rows(events, exposed))

    assert found.exposed is None
    assert [reason.code for reason in found.refused] == codes


def test_forty_nine_exposed_leavers_are_too_few_and_fifty_are_enough():
    few = cox.time_varying(given_rows([1] * 98 + [0, 0], [0, 1] * 50))
    enough = cox.time_varying(given_rows([1] * 100 + [0, 0], [0, 1] * 51))

    assert [(reason.code, reason.found, reason.limit) for reason in few.refused] == [
        ("few_treated_leavers", 49, 50)
    ]
    assert few.exposed is None
    assert enough.exposed_events == 50
    assert enough.exposed is not None


def test_a_repeated_covariate_costs_the_adjusted_figure_only():
    entry, exit_month, left, redeemed = given_members_whose_redeeming_does_nothing(1, members=3000)
    tier = np.arange(3000) % 3
    histories = from_members(entry, exit_month, left, redeemed, covariates={"a": tier, "b": 2 * tier + 1})

    found = cox.time_varying(histories)

    assert found.exposed is not None
    assert found.adjusted == {}
    assert [reason.code for reason in found.reasons] == ["adjusted_refused", "not_converged"]


def test_what_follows_from_the_time_alone_is_left_out_and_costs_the_others_nothing():
    sample = given_months(members=2000, months=14, seed=2)
    young = (sample.tenure < 6).astype(np.float32)

    with_it = cox.time_varying(
        histories_of(replace(sample, covariates={"young": young, **sample.covariates}))
    )
    without = cox.time_varying(histories_of(sample))

    assert with_it.reasons == ()
    assert with_it.adjusted == without.adjusted
    assert set(with_it.adjusted) == {"exposed", "keen"}


def test_half_a_million_rows_take_seconds():
    histories = from_members(*given_members_whose_redeeming_does_nothing(1, members=300_000))

    begun = time.perf_counter()
    found = cox.time_varying(histories)

    assert histories.rows > 400_000
    assert found.exposed is not None
    assert time.perf_counter() - begun < 10

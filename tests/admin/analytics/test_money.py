"""What a retained member costs: hand-computed cases, rules that hold whatever the sums, and honesty about zero."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin.analytics import money
from admin.analytics.money import ArmSums, bucket_draws
from admin.analytics.refusals import Reason
from tests.sparse import examples

BUCKETS, MONTHS = 40, 3


def same_buckets(at_risk, leavers, cost, points, buckets=BUCKETS):
    """Sums in which every bucket holds the same, so that draws change nothing."""
    return ArmSums(
        *(np.tile(np.array(part, float), (buckets, 1, 1)) for part in (at_risk, leavers, cost, points))
    )


def by_hand():
    """Of 100 controls 10 leave in each of two months, of 100 redeemers 5; a redemption costs 1,000 fen, later ones less."""
    return same_buckets(
        at_risk=[[100, 90], [100, 95]],
        leavers=[[10, 9], [5, 4.75]],
        cost=[[0, 9_000], [100_000, 0]],
        points=[[0, 27_000], [300_000, 0]],
    )


def test_a_case_reckoned_by_hand():
    found = money.money({"club": by_hand()}, bucket_draws(BUCKETS, 400, 1), margin_fen=20_000)["kinds"][
        "club"
    ]

    # Controls: 0 + 0.9 * 9,000 / 90 = 90 fen; redeemers: 1,000. Leave: 1 - 0.9 * 0.9 = 19 %, 1 - 0.95 * 0.95 = 9.75 %.
    assert found["incremental_cost_fen"] == 910
    assert found["cost_per_retained_fen"] == round(910 / 0.0925) == 9838
    assert found["cost_interval_fen"] == [9838, 9838]
    assert found["incremental_points"] == 3000 - 270
    assert found["points_per_retained"] == round(2730 / 0.0925)
    assert found["points_burnt"] == 3000
    assert found["net_value_fen"] == round(0.0925 * 20_000 - 910) == 940
    assert found["net_value_per_1000_points_fen"] == 313
    assert found["break_even_margin_fen"] == 9838
    assert found["retained_per_1000_points"] == round(0.0925 / 3, 6)
    assert found["status"] == "ok"
    assert "9,838 fen" in found["text"]["en"]


def test_gross_cost_overstates_where_controls_redeem_later():
    sums = by_hand()
    never = ArmSums(sums.at_risk, sums.leavers, sums.cost * [[[0], [1]]], sums.points)

    draws = bucket_draws(BUCKETS, 10, 1)
    apart, alike = (money.money({"club": one}, draws)["kinds"]["club"] for one in (never, sums))

    assert apart["incremental_cost_fen"] == 1000 > alike["incremental_cost_fen"]


def drawn(risk_control, risk_treated, seed=3, members=40, cost=1_000.0, buckets=BUCKETS):
    """Sums of members who leave by chance in one month, `members` in each bucket and arm."""
    rng = np.random.Generator(np.random.PCG64(seed))
    at_risk = np.full((buckets, 2, 1), float(members))
    leavers = np.stack([rng.binomial(members, risk, buckets) for risk in (risk_control, risk_treated)], 1)[
        ..., None
    ]
    spent = at_risk * np.array([0.0, cost])[None, :, None]
    return ArmSums(at_risk, leavers.astype(float), spent, spent * 3)


def test_an_effect_that_may_be_nothing_has_a_lower_bound_and_no_price():
    found = money.money({"bill": drawn(0.2, 0.2)}, bucket_draws(BUCKETS, 400, 1), margin_fen=50_000)["kinds"][
        "bill"
    ]

    assert found["cost_per_retained_fen"] is None
    assert found["cost_interval_fen"] is None
    assert found["break_even_margin_fen"] is None
    assert found["at_least_fen"] > 1000
    assert found["status"] == "caution"
    assert [one["code"] for one in found["reasons"]] == ["interval_touches_zero"]
    assert "at least" in found["text"]["en"]
    assert "至少" in found["text"]["zh"]


def test_where_even_the_best_end_keeps_nobody_it_says_so():
    found = money.money({"bill": drawn(0.1, 0.3)}, bucket_draws(BUCKETS, 400, 1))["kinds"]["bill"]

    assert found["cost_per_retained_fen"] is found["at_least_fen"] is None
    assert found["text"]["en"] == "No retained customer shown."
    assert [one["code"] for one in found["reasons"]] == ["no_retained_shown"]


def test_what_costs_nothing_more_has_no_lower_bound():
    found = money.money({"bill": drawn(0.2, 0.2, cost=0.0)}, bucket_draws(BUCKETS, 400, 1))["kinds"]["bill"]

    assert found["at_least_fen"] is None
    assert "costs_no_more" in [one["code"] for one in found["reasons"]]


def test_kinds_are_ranked_by_the_value_of_their_points():
    draws = bucket_draws(BUCKETS, 400, 1)
    kinds = {"bill": drawn(0.3, 0.28), "club": drawn(0.3, 0.1, seed=5), "merchant": drawn(0.3, 0.2, seed=7)}

    found = money.money(kinds, draws, margin_fen=20_000)
    without = money.money(kinds, draws)

    assert found["ranking"] == without["ranking"] == ["club", "merchant", "bill"]
    assert found["ranked_by"] == "net_value_per_1000_points"
    assert without["ranked_by"] == "break_even_margin"
    assert found["kinds"]["club"]["probability_best"] > 0.95
    assert sum(one["probability_best"] for one in found["kinds"].values()) == pytest.approx(1)
    assert without["kinds"]["club"]["net_value_fen"] is None


def test_where_points_are_not_told_nothing_is_said_per_point():
    kinds = {"bill": drawn(0.3, 0.28), "club": drawn(0.3, 0.1, seed=5)}
    kinds = {
        name: ArmSums(one.at_risk, one.leavers, one.cost, one.cost * np.nan) for name, one in kinds.items()
    }

    found = money.money(kinds, bucket_draws(BUCKETS, 100, 1), margin_fen=20_000)

    assert found["ranked_by"] == "net_value"
    assert found["ranking"] == ["club", "bill"]
    assert found["kinds"]["club"]["probability_best"] > 0.9
    assert found["kinds"]["club"]["cost_per_retained_fen"] > 0
    for name in (
        "points_per_retained",
        "points_burnt",
        "retained_per_1000_points",
        "net_value_per_1000_points_fen",
    ):
        assert found["kinds"]["club"][name] is None
    json.dumps(found, allow_nan=False)


def test_the_first_draws_are_kept_together_and_quadrants_count_all_of_them():
    random = np.random.default_rng(3)
    sums = by_hand()
    shaken = ArmSums(
        sums.at_risk, sums.leavers * random.uniform(0, 2.2, (BUCKETS, 1, 1)), sums.cost * random.uniform(-4, 6, (BUCKETS, 1, 1)), sums.points
    )  # fmt: skip
    shaken.leavers[:, 1] = sums.leavers[:, 0] * random.uniform(0.2, 1.8, (BUCKETS, 1))
    draws = bucket_draws(BUCKETS, 400, 1)

    found = money.money({"club": shaken}, draws)["kinds"]["club"]

    drawn = shaken.drawn(draws)
    stays, costs = -drawn.risk_difference, drawn.cost
    assert found["cloud"]["retained_per_1000"] == pytest.approx(1000 * stays[: money.CLOUD], abs=0.05)
    assert found["cloud"]["cost_per_1000_fen"] == pytest.approx(1000 * costs[: money.CLOUD], abs=0.5)
    assert sum(found["quadrants"].values()) == pytest.approx(1)
    assert found["quadrants"]["kept_at_a_cost"] == np.mean((stays > 0) & (costs > 0))
    assert found["quadrants"]["nobody_at_no_cost"] == np.mean((stays <= 0) & (costs <= 0))
    assert 0 < found["quadrants"]["nobody_at_a_cost"] < 1


def test_a_kind_whose_trials_were_refused_has_no_number_and_the_same_reason():
    found = money.money(
        {"bill": drawn(0.3, 0.1), "club": drawn(0.3, 0.1)},
        bucket_draws(BUCKETS, 50, 1),
        refused={"club": [Reason("few_treated_leavers", 12, 50)]},
    )

    assert found["kinds"]["club"]["status"] == "refused"
    assert found["kinds"]["club"]["cost_per_retained_fen"] is None
    assert found["kinds"]["club"]["reasons"][0]["code"] == "few_treated_leavers"
    assert found["ranking"] == ["bill"]


def test_an_empty_arm_is_refused_and_not_divided_by():
    sums = drawn(0.3, 0.1)
    empty = ArmSums(*(part * [[[1], [0]]] for part in (sums.at_risk, sums.leavers, sums.cost, sums.points)))

    found = money.money({"club": empty}, bucket_draws(BUCKETS, 50, 1))

    assert found["status"] == found["kinds"]["club"]["status"] == "refused"
    assert [one["code"] for one in found["kinds"]["club"]["reasons"]] == ["one_arm_empty"]


def test_the_same_sums_and_seed_give_the_same_bytes():
    kinds = {"bill": drawn(0.3, 0.2), "club": drawn(0.3, 0.1, seed=5)}

    first, again = (
        json.dumps(money.money(kinds, bucket_draws(BUCKETS, 100, 9)), sort_keys=True) for _ in range(2)
    )

    assert first == again


SUMS = st.integers(0, 2**32 - 1).map(lambda seed: _any_sums(np.random.Generator(np.random.PCG64(seed))))


def _any_sums(rng):
    at_risk = rng.integers(20, 60, (20, 2, MONTHS)).astype(float)
    leavers = np.floor(at_risk * rng.uniform(0, 0.4, (1, 2, MONTHS)))
    cost = at_risk * rng.uniform(0, 2_000, (1, 2, MONTHS))
    return ArmSums(at_risk, leavers, cost, cost + at_risk)


@given(SUMS, st.integers(1, 10**6))
@settings(max_examples=examples(60), deadline=None)
def test_a_price_is_shown_exactly_where_the_interval_lies_below_zero(sums, margin):
    draws = bucket_draws(20, 60, 1)
    low, high = np.percentile(sums.drawn(draws).risk_difference, [2.5, 97.5])

    found = money.money({"any": sums}, draws, margin_fen=margin)["kinds"]["any"]

    assert (found["cost_per_retained_fen"] is not None) == (high < 0)
    if high >= 0 > low and found["incremental_cost_fen"] > 0:
        assert found["at_least_fen"] == round(float(sums.whole().cost[0]) / -low)
    if low >= 0:
        assert found["at_least_fen"] is None


@given(SUMS)
@settings(max_examples=40, deadline=None)
def test_scaling_all_weights_or_merging_buckets_changes_nothing(sums):
    doubled = ArmSums(*(getattr(sums, name) * 2 for name in ("at_risk", "leavers", "cost", "points")))
    merged = ArmSums(
        *(getattr(sums, name).sum(0, keepdims=True) for name in ("at_risk", "leavers", "cost", "points"))
    )

    for name in ("risk_difference", "cost", "points", "burnt"):
        own = getattr(sums.whole(), name)
        assert getattr(doubled.whole(), name) == pytest.approx(own)
        assert getattr(merged.whole(), name) == pytest.approx(own)


@given(SUMS)
@settings(max_examples=40, deadline=None)
def test_swapping_the_arms_turns_cost_and_risk_around(sums):
    swapped = ArmSums(*(getattr(sums, name)[:, ::-1] for name in ("at_risk", "leavers", "cost", "points")))

    for name in ("risk_difference", "cost", "points"):
        assert getattr(swapped.whole(), name) == pytest.approx(-getattr(sums.whole(), name))


RUNS, MEMBERS_A_BUCKET, COST, TRUE_RISKS = 200, 120, 1_000.0, (0.30, 0.20)


def _simulated(seed, risks, members=MEMBERS_A_BUCKET, buckets=100):
    """A year of members of whom each kind's buyers leave with a known risk and cost what was drawn for each of them.

    Members of a bucket share a shock, so that buckets are what varies together.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    at_risk, leavers, cost = (np.zeros((buckets, 2, 12)) for _ in range(3))
    for arm, risk in enumerate(risks):
        hazard = 1 - (1 - risk) ** (1 / 12)
        left = np.full(buckets, members)
        for month in range(12):
            at_risk[:, arm, month] = left
            cost[:, arm, month] = (
                (rng.gamma(4, COST / 4 * 1.0, buckets) * left if arm and not month else 0.0)
                if month == 0
                else left * rng.gamma(2, 10, buckets)
            )
            gone = rng.binomial(left, hazard)
            leavers[:, arm, month] = gone
            left = left - gone
    return ArmSums(at_risk, leavers, cost, cost * 3)


def _truth(risks):
    """What the simulator puts in: survival times expected cost, reckoned apart from the estimator."""
    spent = []
    for arm, risk in enumerate(risks):
        keeps = (1 - risk) ** (1 / 12)
        spent.append(arm * COST + sum(keeps**month * 20 for month in range(1, 12)))
    return (spent[1] - spent[0]) / (risks[0] - risks[1])


def test_the_interval_of_the_cost_covers_the_truth():
    truth, draws, inside = _truth(TRUE_RISKS), bucket_draws(100, 400, 1), 0

    for seed in range(RUNS):
        found = money.money({"club": _simulated(seed, TRUE_RISKS)}, draws)["kinds"]["club"]
        low, high = found["cost_interval_fen"]
        inside += low <= truth <= high

    assert 0.90 <= inside / RUNS <= 0.99  # 200 runs of a 95 % interval: 3 standard errors are 4.6 points


def test_at_least_is_said_in_every_run_whose_interval_holds_zero():
    draws, touching = bucket_draws(100, 200, 1), 0

    for seed in range(RUNS):
        sums = _simulated(seed, (0.3, 0.29), members=20)
        low, high = np.percentile(sums.drawn(draws).risk_difference, [2.5, 97.5])
        found = money.money({"club": sums}, draws)["kinds"]["club"]
        if low < 0 <= high:
            touching += 1
            assert found["cost_per_retained_fen"] is None
            assert "at least" in found["text"]["en"]

    assert touching > RUNS / 2

"""A randomised holdout outranks all else, unless its arms are not as drawn."""

import numpy as np
import pytest

from admin.analytics import holdout
from admin.analytics.protocol import Options
from admin.analytics.report import retention_report
from tests.months import given_months, months_of

SHORT = Options(horizon=4, draws=30, variants=False)


def with_arms(arm_of_member, names=("control", "asked"), **facts):
    sample = given_months(members=len(arm_of_member), months=9, **facts)
    return given_months(
        members=len(arm_of_member),
        months=9,
        arm=arm_of_member[sample.member].astype(np.int8),
        arms=names,
        **facts,
    )


def test_the_difference_of_two_arms_is_as_by_hand():
    arm = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    last = np.array([1, 3, 3, 3, 0, 3, 3, 3])
    member = np.repeat(np.arange(8), last + 1)
    month = np.concatenate([np.arange(one + 1) for one in last])
    left = (month == last[member]) & (last[member] < 3)
    kind = np.where((member == 5) & (month == 0), 0, -1)
    sample = months_of(member, month, left, kind, arm=arm[member].astype(np.int8), arms=("asked", "control"))

    found = holdout.block([sample], 4)

    assert found["arms"] == {"asked": 4, "control": 4}
    assert found["srm_p"] == 1
    assert found["difference_pp"] == pytest.approx(0)
    assert found["complier_difference_pp"] is None  # nobody more redeemed among those asked


def test_a_split_that_was_not_drawn_so_blocks_the_result_and_the_verdict():
    arms = (np.arange(5000) < 2800).astype(int)

    report = retention_report(with_arms(arms), SHORT)

    assert report["holdout"]["status"] == "refused"
    assert report["holdout"]["reasons"][0]["code"] == "sample_ratio"
    assert report["holdout"]["difference_pp"] is None
    assert report["verdict"]["code"] == "cannot_say"


def test_the_experiment_decides_where_there_is_one():
    arms = np.random.default_rng(1).integers(0, 2, 4000)

    report = retention_report(with_arms(arms, seed=6), SHORT)

    assert report["holdout"]["status"] == "ok"
    assert report["verdict"]["evidence"] == "experiment"
    low, high = report["holdout"]["interval_pp"]
    assert report["verdict"]["code"] == ("no_effect_shown" if low < 0 < high else report["verdict"]["code"])


@pytest.mark.parametrize(
    ("one", "other", "chance"), [(500, 500, 1), (5100, 4900, 0.0455), (51_000, 49_000, 0)]
)
def test_the_chance_of_a_split(one, other, chance):
    assert holdout.split_chance(one, other) == pytest.approx(chance, abs=1e-4)


def test_without_arms_there_is_no_block_and_with_one_arm_it_is_refused():
    assert "holdout" not in retention_report(given_months(members=200), SHORT)
    assert holdout.block([with_arms(np.zeros(50, dtype=int), ("control",))], 4)["status"] == "refused"

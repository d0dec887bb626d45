"""The months around a redemption: after it they add up to the effect, before it nothing is found unless something was there."""

from dataclasses import replace

import numpy as np
import pytest

from admin.analytics import study_blocks, trial_blocks, trials
from admin.analytics.event_study import BEFORE, MONTHS
from admin.analytics.follow import Followed
from admin.analytics.person_months import some_rows
from admin.analytics.protocol import Options
from admin.analytics.simulation import panel
from admin.analytics.simulation.scenarios import SCENARIOS
from admin.analytics.sources import gather
from admin.analytics.trial_rows import Arms, TrialRows
from tests.admin.analytics import lived
from tests.months import given_months

OPTIONS = Options(first=0, last=11, draws=100, variants=False)
SHORT = Options(horizon=4, draws=50, variants=False)


def studied(sample, options=SHORT):
    found = trial_blocks.answer(gather(sample), options)
    return study_blocks.event_study_block(found, options), found


@pytest.fixture(scope="module")
def simulated():
    return {name: studied(panel.draw(SCENARIOS[name], 15_000, 7), OPTIONS) for name in ("main", "null")}


def errors(after):
    """About half the width of each interval over 1.96."""
    return (np.array(after["high"]) - np.array(after["low"])) / 3.92


def test_the_months_after_add_up_to_the_effect_and_each_is_true_within_its_error(simulated):
    block, found = simulated["main"]
    after = block["leaving"]
    whole, _ = lived.differences(SCENARIOS["main"], 20_000, 5, lambda state: np.zeros(len(state.tier)))
    true = -100 * np.diff(whole[0])

    assert after["month"] == list(range(12))
    assert sum(after["difference_pp"]) == pytest.approx(found.headline.difference_pp(12)[0])
    assert sum(after["treated"]) == pytest.approx(100 * found.headline.risks(12)[0][0])
    assert (np.abs(after["difference_pp"] - true) <= 3.5 * errors(after)).all()
    assert after["high"][0] < 0  # most of it happens early


def test_where_redeeming_does_nothing_no_month_shows_anything(simulated):
    block, _ = simulated["null"]

    for one in (block, *block["kinds"].values()):
        if one["leaving"] is None:
            continue
        after = one["leaving"]
        outside = [not low <= 0 <= high for low, high in zip(after["low"], after["high"], strict=True)]
        assert sum(outside) <= 2
        assert (np.abs(after["difference_pp"]) <= 4 * errors(after)).all()


@pytest.mark.parametrize("name", ["main", "null"])
def test_before_a_redemption_weighted_groups_are_alike_month_by_month(simulated, name):
    block, _ = simulated[name]

    assert block["status"] == "ok"
    assert set(block["before"]) == {"engagement", "balance"}
    for before in block["before"].values():
        assert before["month"] == list(range(-6, 1))
        assert np.abs(before["difference"]).max() < 0.1


def test_the_months_before_are_those_of_the_definition():
    sample = given_months(members=300, months=10, seed=4, redeem=-1.5)
    random = np.random.default_rng(2)
    sample = replace(
        sample, covariates={**sample.covariates, "usage": random.normal(size=sample.rows).astype(np.float32)}
    )
    there = random.random(sample.rows) < 0.95
    there[sample.first_rows] = True
    sample = some_rows(sample, there)
    models = trials.fit(sample, SHORT)

    found = trials.sums(sample, models, SHORT).total

    followed = Followed(sample)
    propensity = models.by_washout[None]
    rows = TrialRows.of(sample, followed, propensity, models.window, None, 0)
    arms = Arms(rows, models.caps)
    place = propensity.terms.names.index("usage")
    centre, scale = propensity.terms.centre[place], propensity.terms.scale[place]
    for arm, (chosen, weight) in enumerate((arms.treated[0], (rows.controls, arms.control))):
        weights, values = np.zeros(len(MONTHS)), np.zeros(len(MONTHS))
        for trial, mine in zip(chosen, weight, strict=True):
            row = rows.row[trial]
            for nth in range(len(MONTHS)):
                back = BEFORE - nth
                earlier = [
                    one
                    for one in range(row + 1)
                    if sample.member[one] == sample.member[row]
                    and sample.month[one] == sample.month[row] - back
                ]
                if earlier and earlier[0] == row - back:
                    weights[nth] += mine
                    values[nth] += mine * (sample.covariates["usage"][earlier[0]] - centre) / scale
        assert found["before_weight"][:, 0, arm].sum(axis=0) == pytest.approx(weights)
        assert found["before:usage"][:, 0, arm].sum(axis=0) == pytest.approx(values, abs=1e-4)


def test_what_went_before_and_the_weights_did_not_see_is_told():
    # Whoever used much three months ago redeems now; what was used last month says nothing of it.
    sample = given_months(members=5000, months=12, seed=6, redeem=-50)
    random = np.random.default_rng(2)
    usage = random.normal(size=sample.rows)
    ago = np.arange(sample.rows) - 3
    known = (ago >= 0) & (sample.member[np.maximum(ago, 0)] == sample.member)
    redeems = random.random(sample.rows) < 1 / (1 + np.exp(2.5 - 1.5 * np.where(known, usage[ago], 0)))
    sample = replace(
        sample,
        kind=np.where(redeems, 0, -1).astype(np.int8),
        covariates={**sample.covariates, "usage": usage.astype(np.float32)},
    )

    block, _ = studied(sample)

    (reason,) = block["reasons"]
    assert (block["status"], reason["code"], reason["limit"]) == ("caution", "unlike_before", 0.1)
    before = dict(zip(MONTHS, block["before"]["usage"]["difference"], strict=True))
    assert before[-3] == pytest.approx(reason["found"])
    assert all(abs(before[month]) < 0.1 for month in (-2, -1, 0))


def test_months_of_which_few_were_in_view_have_no_figure():
    sample = given_months(members=3000, months=9, seed=5)
    sample = replace(sample, covariates={"usage": sample.covariates["keen"]})

    block, _ = studied(replace(sample), replace(SHORT, last=5))

    before = block["before"]["usage"]
    few = [n < 200 for n in before["n_treated"]]
    assert few[0]
    assert not few[-1]
    assert np.isnan(before["difference"]).tolist() == few
    assert np.isnan(before["low"]).tolist() == few


def test_without_anything_recorded_before_it_says_so_and_who_left_when_is_told_all_the_same():
    block, _ = studied(given_months(members=4000, months=10, seed=2))

    assert [reason["code"] for reason in block["reasons"]] == ["nothing_before"]
    assert block["before"] == {}
    assert len(block["leaving"]["month"]) == 4


def test_of_what_is_refused_no_month_is_shown():
    block, found = studied(given_months(members=150, months=10, seed=2))

    assert (block["status"], block["leaving"], block["before"]) == ("refused", None, {})
    assert [reason["code"] for reason in block["reasons"]] == [one.code for one in found.refused["any"]]


def test_files_of_intervals_count_from_the_month_after():
    block, _ = studied(given_months(members=4000, months=12, seed=2), replace(SHORT, lag=1))

    assert block["leaving"]["month"] == [1, 2, 3, 4]

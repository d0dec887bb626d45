"""The truth: forked lives with the same luck; frozen answers agree with a small recomputation within its error."""

import json

import pytest

from admin.analytics.simulation import truth
from admin.analytics.simulation.scenarios import KINDS, SCENARIOS, Scenario

MEMBERS = 2_000
ALLOWED_ERRORS = 4


@pytest.fixture(scope="module")
def small():
    return {name: truth.compute(SCENARIOS[name], MEMBERS, seed=5) for name in ("main", "null", "feedback")}


def effect(block, headline="itt", kind=None):
    return (block if kind is None else block["kinds"][kind])[headline]["risk_difference_pp"]


def test_every_scenario_has_a_frozen_truth_of_its_own_world():
    for scenario in SCENARIOS.values():
        found = truth.stored(scenario)
        assert found is not None, f"{scenario.name}: {truth.COMMAND}"
        assert (found["members"], found["trials"], found["horizon"]) == (truth.MEMBERS, [0, 11], 12)
    assert json.loads(truth.FROZEN.read_text("utf-8"))["made_by"] == truth.COMMAND


def test_a_frozen_truth_is_not_used_for_another_world():
    assert truth.stored(Scenario("main", "another world of the same name", gamma=0.1)) is None


@pytest.mark.parametrize("name", ["main", "feedback"])
def test_the_frozen_truth_agrees_with_a_small_one_within_its_error(small, name):
    kept = truth.stored(SCENARIOS[name])

    for kind in (None, *KINDS):
        for headline in ("itt", "per_protocol"):
            here = small[name] if kind is None else small[name]["kinds"][kind]
            error = here[headline]["se_pp"]
            assert 0 < error < 0.5
            difference = effect(small[name], headline, kind) - effect(kept, headline, kind)
            assert abs(difference) <= ALLOWED_ERRORS * error, (kind, headline)


def test_without_an_effect_the_truth_is_exactly_0(small):
    for kind in (None, *KINDS):
        for headline in ("itt", "per_protocol"):
            assert effect(small["null"], headline, kind) == 0
            assert effect(truth.stored(SCENARIOS["null"]), headline, kind) == 0
    assert small["null"]["ranking"] == []
    assert small["null"]["itt"]["cost_per_retained_fen"] is None
    assert small["null"]["itt"]["incremental_cost_fen"] > 0


def test_redeeming_now_does_less_than_against_never(small):
    for name in ("main", "feedback"):
        assert effect(small[name], "per_protocol") < effect(small[name]) < 0


def test_kinds_rank_by_what_they_do_to_leaving(small):
    assert small["main"]["ranking"] == ["club", "merchant", "bill"]


def test_what_works_through_engagement_alone_is_an_effect(small):
    assert effect(small["main"]) < effect(small["feedback"]) < -1


def test_the_same_seed_gives_the_same_truth():
    first, again, other = (truth.compute(SCENARIOS["main"], 300, seed) for seed in (1, 1, 2))

    assert first == again
    assert first["itt"] != other["itt"]


def test_only_an_unseen_trait_has_a_strength(small):
    pulled = truth.compute(SCENARIOS["mirage"], MEMBERS, seed=5)

    assert small["main"]["trait"] is None
    assert effect(pulled) == 0
    assert pulled["trait"]["redeem_odds"] == pytest.approx(2.18, abs=0.1)
    assert pulled["trait"]["leave_odds"] > 2


def test_freezing_keeps_the_scenarios_that_are_not_asked_for(tmp_path):
    path = tmp_path / "truth.json"
    truth.freeze({"null": SCENARIOS["null"]}, 200, path)

    truth.freeze({"late": SCENARIOS["late"]}, 200, path)

    assert set(json.loads(path.read_text("utf-8"))["scenarios"]) == {"null", "late"}
    assert truth.stored(SCENARIOS["null"], path)["members"] == 200

"""The examination: who answers right passes, who is off is missed by name, finished runs are not made again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from admin.analytics.simulation import checks, experiments, goals, selftest, truth
from admin.analytics.simulation.experiments import AS_NOTICED, BLIND, PLAIN, RANKS, Case, Notebook, perform
from admin.analytics.simulation.scenarios import KINDS, SCENARIOS, UnknownScenario

NULL = Case("null", 300)


def headline(difference_pp, half_pp=1.0, *, status="ok"):
    return {
        "status": status,
        "reasons": [],
        "risk_difference_pp": difference_pp,
        "se_pp": half_pp / 2,
        "interval_pp": [difference_pp - half_pp, difference_pp + half_pp],
        "risk_treated": 0.4,
        "risk_control": 0.5,
    }


def answering(scenario, off_pp=0.0, *, refused=(), code="no_effect_shown"):
    """Estimators that know the truth of a scenario and miss it by so much."""
    known = truth.stored(SCENARIOS[scenario])

    def both(block):
        return {
            name: headline(
                block[name]["risk_difference_pp"] + off_pp, status="refused" if name in refused else "ok"
            )
            for name in ("itt", "per_protocol")
        }

    report = {
        "raw_gap": {"difference_pp": -42.0},
        "verdict": {"code": code},
        "trials": both(known) | {"kinds": {kind: both(known["kinds"][kind]) for kind in KINDS}},
    }
    return lambda sample, options: report


def examined(case, runs, estimate):
    answers = [perform(case, seed, 20, estimate) for seed in range(1, runs + 1)]
    return {(goal.of, goal.what): goal for goal in goals.judged(case, answers)}


def found(case, runs, estimate, word):
    return next(goal for (_, what), goal in examined(case, runs, estimate).items() if word in what)


def test_who_knows_the_truth_passes_every_goal():
    for name in ("null", "main", "feedback", "late"):
        met = [goal.met for goal in examined(Case(name, 300), 3, answering(name)).values()]

        assert met
        assert all(met)


def test_who_refuses_everything_has_shown_nothing():
    for name in ("null", "main", "feedback"):
        silent = answering(name, refused=("itt", "per_protocol"))

        assert found(Case(name, 300), 3, silent, "bias, one redemption now").met is False


@pytest.mark.parametrize("off_pp", [-4.0, 4.0])
def test_who_is_off_is_missed_by_name(off_pp):
    for name, what in (("null", "bias, one redemption now"), ("main", "bias, against never")):
        goal = found(Case(name, 300), 3, answering(name, off_pp), what)

        assert goal.met is False
        assert goal.found == pytest.approx(off_pp)


def test_a_little_off_is_open_with_few_runs_and_missed_with_all(monkeypatch):
    few = found(NULL, 3, answering("null", 0.8), "bias, one redemption now")
    assert (few.met, few.by_chance) == (True, True)

    monkeypatch.setattr(goals, "WHOLE", 3)

    whole = found(NULL, 3, answering("null", 0.8), "bias, one redemption now")
    assert (whole.met, whole.by_chance) == (False, False)


def test_works_out_of_nothing_is_a_miss():
    goal = found(NULL, 4, answering("null", code="works"), "works")

    assert goal.met is False
    assert goal.found == 1


def test_an_interval_that_never_holds_the_truth_is_a_miss():
    goal = found(NULL, 5, answering("null", 1.5), "cover, one redemption now")

    assert (goal.met, goal.found) == (False, 0)


def test_broken_support_must_be_refused():
    support = Case("support", 300)

    assert found(support, 3, answering("support", refused=["per_protocol"]), "refused").met
    assert found(support, 3, answering("support"), "refused").met is False


def test_against_never_may_go_unanswered_and_is_then_not_measured():
    goal = found(NULL, 2, answering("null", refused=["per_protocol"]), "bias, against never")

    assert (goal.found, goal.met, goal.runs) == (None, None, 0)


def test_kinds_in_the_wrong_order_are_a_miss():
    right = answering("main")

    def turned(sample, options):
        report = json.loads(json.dumps(right(sample, options)))
        kinds = report["trials"]["kinds"]
        kinds["bill"], kinds["club"] = kinds["club"], kinds["bill"]
        return report

    case = Case("main", 300, RANKS)
    assert found(case, 2, right, "ranked right").met
    assert found(case, 2, turned, "ranked right").met is False


def test_a_cost_per_retained_where_nobody_is_shown_to_be_retained_is_a_miss():
    def answers(cost):
        report = answering("null")(None, None)
        money = {"cost_per_retained_fen": cost, "cost_interval_fen": None, "at_least_fen": 500}
        return lambda sample, options: report | {"money": {"kinds": {"bill": money}}}

    assert found(NULL, 2, answers(None), "at least").met
    assert found(NULL, 2, answers(900), "at least").met is False


def test_the_strength_of_a_trait_lies_between_the_tipping_points_of_the_interval():
    weak, strong = goals.tipping_range(headline(-4.4, 1.0) | {"risk_control": 0.52})
    assert 1 < weak < 2.37 < strong < 3

    assert goals.tipping_range(headline(0.2, 1.0))[0] == 1
    assert found(Case("mirage", 300), 2, answering("mirage", -4.4), "tipping point around").met
    assert found(Case("mirage", 300), 2, answering("mirage", -9), "tipping point around").found == 0
    assert found(Case("unseen", 300), 2, answering("unseen", -4.4), "tipping point above").met


def test_what_is_hidden_is_not_shown_to_the_estimators():
    shown, hidden = (Case("contracts", 200, variant).sample(1) for variant in (PLAIN, BLIND))

    assert shown.covariates.keys() >= experiments.CONTRACT_COLUMNS
    assert not experiments.CONTRACT_COLUMNS & hidden.covariates.keys()
    assert (shown.kind == hidden.kind).all()
    assert (Case("late", 200, AS_NOTICED).sample(1).rows) > Case("late", 200).sample(1).rows


def test_finished_runs_are_not_made_again(tmp_path):
    notebook, asked = tmp_path / "runs.jsonl", []
    right = answering("null")

    def counted(sample, options):
        asked.append(options.seed)
        return right(sample, options)

    planned = [(NULL, 2)]
    first = selftest.examine(planned, notebook, draws=20, estimate=counted)
    asked.clear()
    more = selftest.examine([(NULL, 3)], notebook, draws=20, estimate=counted)

    assert (first.made, first.found) == (2, 0)
    assert (more.made, more.found) == (1, 2)
    # The same-bytes check asks twice more, each time.
    assert asked == [3, checks.SEED, checks.SEED]


def test_a_half_written_line_and_other_codes_runs_count_for_nothing(tmp_path):
    notebook = tmp_path / "runs.jsonl"
    book = Notebook(notebook)
    book.keep(NULL, 1, 20, {"seconds": 1})
    book.keep(NULL, 2, 20, {"seconds": 2})
    lines = notebook.read_text("utf-8").splitlines()
    notebook.write_text(
        lines[0].replace(book.code, "0" * 16) + "\n" + lines[1] + "\n" + lines[1][:40], "utf-8"
    )

    again = Notebook(notebook)

    assert again.finished(NULL, 1, 20) is None
    assert again.finished(NULL, 2, 20) == {"seconds": 2}
    assert again.finished(NULL, 2, 50) is None


def test_all_cases_have_goals_and_a_truth():
    planned = selftest.plan()

    assert {(case.scenario, case.variant) for case, _ in planned} == set(goals._OF)
    assert {case.scenario for case, _ in planned} == set(SCENARIOS)
    assert all(runs == goals.WHOLE for case, runs in selftest.plan(full=True) if case.scenario == "null")
    assert [(case.members, runs) for case, runs in selftest.plan(only="support", runs=9, members=500)] == [
        (500, 9)
    ]
    with pytest.raises(UnknownScenario):
        selftest.plan(only="best")


def test_the_table_has_a_line_for_each_goal_with_found_limit_and_word():
    lines = selftest.table(
        selftest.Result(tuple(goals.judged(NULL, [perform(NULL, 1, 20, answering("null", 9))])), 1, 0)
    )

    (bias,) = [line for line in lines if "bias, one redemption now" in line]
    assert bias.split()[:2] == ["G1", "null"]
    assert "9.00" in bias
    assert "+-0.50 pp" in bias
    assert bias.endswith("MISSED")


def test_the_command_exits_1_when_a_goal_is_missed(cli, tmp_path, monkeypatch):
    words = ("analytics", "selftest", "--scenario", "null", "--members", 300, "--runs", 2, "--quiet")

    monkeypatch.setattr(
        selftest.examine,
        "__kwdefaults__",
        {**selftest.examine.__kwdefaults__, "estimate": answering("null", 9)},
    )
    missed = cli(*words, "--out", tmp_path / "off.jsonl", "--json")
    monkeypatch.setattr(
        selftest.examine, "__kwdefaults__", {**selftest.examine.__kwdefaults__, "estimate": answering("null")}
    )
    met = cli(*words, "--out", tmp_path / "right.jsonl", "--json")

    assert (missed.exit_code, met.exit_code) == (1, 0), met.output
    assert json.loads(missed.stdout)["passed"] is False
    assert {goal["goal"] for goal in json.loads(met.stdout)["goals"]} == {"G1", "G4", "G10"}


def test_a_scenario_that_is_none_is_wrong_use(cli, tmp_path):
    result = cli("analytics", "selftest", "--scenario", "best", "--out", tmp_path / "runs.jsonl")

    assert result.exit_code == 2
    assert "There is no scenario of that name" in result.output


def test_cox_and_kaplan_meier_agree_with_lifelines_on_simulated_members(tmp_path):
    (goal,) = checks.oracle_agrees()
    assert goal.met
    assert goal.found < 1e-6

    frozen = json.loads(checks.ORACLE.read_text("utf-8"))
    frozen["cox_time_varying"]["exposed"] += 1e-4
    changed = tmp_path / "lifelines.json"
    changed.write_text(json.dumps(frozen), "utf-8")
    assert checks.oracle_agrees(changed)[0].met is False


# The estimators themselves, at a size that runs in seconds


@pytest.fixture(scope="module")
def real():
    """One real run of each scenario, two where a thing is hidden; 8,000 members."""
    cases = [(name, PLAIN) for name in ("null", "main", "support", "mirage")]
    cases += [("contracts", BLIND), ("contracts", PLAIN), ("late", AS_NOTICED), ("late", PLAIN)]
    return {case: perform(Case(case[0], 8_000, case[1]), 3, 50) for case in cases}


def error(real, name, variant=PLAIN, which="itt"):
    answer = real[name, variant][which]
    true = truth.stored(SCENARIOS[name])[which]["risk_difference_pp"]
    return answer["difference_pp"] - true, answer["se_pp"]


def test_out_of_a_gap_from_nothing_the_estimators_make_nothing(real):
    assert real["null", PLAIN]["raw_gap_pp"] < -38

    for which in ("itt", "per_protocol"):
        off, se = error(real, "null", which=which)
        assert abs(off) <= 3.5 * se < 8


def test_what_is_true_is_found_within_the_error(real):
    for name in ("main", "late"):
        for which in ("itt", "per_protocol"):
            off, se = error(real, name, which=which)
            assert abs(off) <= 3.5 * se + 0.5
    assert real["main", PLAIN]["verdict"] == "works"
    effects = {kind: block["itt"]["difference_pp"] for kind, block in real["main", PLAIN]["kinds"].items()}
    assert effects["merchant"] < effects["bill"]


def test_never_redeeming_that_hardly_exists_is_refused(real):
    assert real["support", PLAIN]["per_protocol"]["status"] == "refused"
    assert real["support", PLAIN]["per_protocol"]["difference_pp"] is None


def test_an_unseen_trait_fools_the_estimators_and_the_tipping_point_tells(real):
    off, se = error(real, "mirage")

    assert off < -2 * se
    weak, strong = goals.tipping_range(real["mirage", PLAIN]["itt"])
    assert 1 < weak < strong < 4


def test_what_is_hidden_is_missed(real):
    blind, seeing = error(real, "contracts", BLIND)[0], error(real, "contracts")[0]
    assert blind > seeing + 0.5

    assert error(real, "late", AS_NOTICED)[0] < -5


def test_the_same_members_and_seed_give_the_same_bytes():
    goal = checks.same_bytes(experiments.estimated)
    assert goal.met

    shaken = np.random.default_rng()

    def unsteady(sample, options):
        return experiments.estimated(sample, replace(options, seed=int(shaken.integers(1 << 30))))

    assert checks.same_bytes(unsteady).met is False

"""The refuse rules: a status and a reason instead of a number, each of them once."""

from dataclasses import replace

import numpy as np
import pytest

from admin.analytics import judging, trials
from admin.analytics.histories import from_members, of_rows
from admin.analytics.person_months import some_rows
from admin.analytics.protocol import Options
from admin.analytics.refusals import TEXTS, Reason
from admin.analytics.report import as_text, retention_report
from tests.months import given_months

SHORT = Options(horizon=4, draws=30, variants=False)
MONTHS = slice(0, 4)


@pytest.fixture(scope="module")
def whole():
    """Models and sums that break no rule."""
    sample = given_months(members=9000, months=12)
    models = trials.fit(sample, SHORT)
    total = trials.sums(sample, models, SHORT)
    assert judging.refusals(total, models, 0, SHORT, 11) == []
    assert judging.refusals_per_protocol(total, 0, MONTHS) == []
    return models, total


def changed(sums, name, how, where="total"):
    """The sums with one array changed."""
    arrays = getattr(sums, where)
    return replace(sums, **{where: arrays | {name: how(arrays[name].copy())}})


def scaled(factor, place=0):
    def how(values):
        values[place] = values[place] * factor
        return values

    return how


@pytest.mark.parametrize(
    ("code", "name", "how", "where"),
    [
        ("few_treated_leavers", "leavers", scaled(np.array([0.0, 1.0])), "total"),
        ("one_arm_empty", "n", scaled(np.array([0.0, 1.0])), "total"),
        ("low_effective_sample", "square", scaled(100.0), "total"),
        ("imbalance", "balance_weighted", lambda values: values + np.array([1e5, 0])[:, None], "total"),
        ("heavy_weight", "heaviest", scaled(1000.0), "most"),
    ],
)
def test_sums_that_break_a_rule_are_refused(whole, code, name, how, where):
    models, total = whole

    found = judging.refusals(changed(total, name, how, where), models, 0, SHORT, 11)

    assert [reason.code for reason in found] == [code]
    assert found[0].limit is not None


def test_few_trials_rare_redemption_and_a_new_price_are_refused(whole):
    models, total = whole

    few = judging.refusals(changed(total, "n", scaled(0.001)), models, 0, SHORT, 11)
    rare = judging.refusals(
        total, replace(models, median=dict.fromkeys(models.contrasts, 0.001)), 0, SHORT, 11
    )
    new = judging.refusals(total, models, 1, replace(SHORT, changed={"bill": 7}), 11)
    old = judging.refusals(total, models, 1, replace(SHORT, changed={"bill": 5, "club": 9}), 11)

    assert "few_treated_trials" in [reason.code for reason in few]
    assert rare == [Reason("rare_exposure", 0.001, 0.002)]
    assert new == [Reason("recent_rule_change", 4, 6)]
    assert old == []


@pytest.mark.parametrize(
    ("code", "name", "how", "where"),
    [
        ("one_arm_empty", "kept_n", lambda values: values * 0, "total"),
        ("low_effective_sample", "kept_square", lambda values: values * 100, "total"),
        ("heavy_weight", "kept_heaviest", lambda values: values * 1000, "most"),
    ],
)
def test_too_few_who_keep_from_redeeming_are_refused(whole, code, name, how, where):
    _, total = whole

    found = judging.refusals_per_protocol(changed(total, name, how, where), 0, MONTHS)

    assert [reason.code for reason in found] == [code]


def test_where_nearly_everybody_redeems_never_cannot_be_compared():
    sample = given_months(members=3000, months=16, redeem=1.0, leave=-3)

    report = retention_report(sample, replace(SHORT, horizon=10))

    block = report["trials"]["per_protocol"]
    assert block["status"] == "refused"
    assert block["risk_difference_pp"] is None
    assert {reason["code"] for reason in block["reasons"]} & {"heavy_weight", "one_arm_empty"}


@pytest.mark.parametrize(
    ("code", "source", "options"),
    [
        ("needs_person_months", of_rows([0, 1], [0, 0], [30, 40], [1, 0], [0, 1], unit="day"), SHORT),
        ("short_follow_up", given_months(members=50, months=3), SHORT),
        ("one_arm_empty", given_months(members=50, months=8, redeem=-50), SHORT),
        ("one_arm_empty", from_members([0, 0], [9, 8], [1, 0], [-1, -1]), SHORT),
    ],
)
def test_a_source_that_carries_no_trial_is_answered_with_the_reason(code, source, options):
    report = retention_report(source, options)

    assert report["trials"]["status"] == "refused"
    assert [reason["code"] for reason in report["trials"]["itt"]["reasons"]] == [code]
    assert report["trials"]["itt"]["risk_difference_pp"] is None
    assert (report["verdict"]["code"], report["verdict"]["evidence"]) == ("cannot_say", "none")
    assert report["verdict"]["text"]["en"].endswith(TEXTS[code][0])
    assert TEXTS[code][1] in as_text(report, "zh-CN")


def test_a_covariate_that_tells_who_redeems_is_refused_as_separation():
    sample = given_months(members=900, months=10)
    sample = replace(sample, covariates={"told": (sample.kind >= 0).astype(np.float32)})

    report = retention_report(sample, SHORT)

    assert [reason["code"] for reason in report["trials"]["itt"]["reasons"]] == ["separation"]


def test_every_reason_is_told_in_both_languages():
    assert all(english and chinese and english != chinese for english, chinese in TEXTS.values())


def test_an_estimate_that_hangs_on_a_few_who_are_still_in_view_is_refused_everywhere_and_told_in_words():
    # Whoever redeemed is out of view three months later, but for a handful.
    sample = given_months(members=3000, months=12, seed=3)
    rows = np.arange(sample.rows)
    redeemed = np.where(sample.kind >= 0, rows, sample.rows)
    first = np.minimum.reduceat(redeemed, sample.first_rows)[sample.member]
    few = some_rows(sample, (rows < first + 3) | (sample.member < 12))

    report = retention_report(few, Options(horizon=6, draws=200, landmarks=(), variants=False))

    for name in ("itt", "per_protocol"):
        block = report["trials"][name]
        assert block["status"] == "refused", name
        assert "few_at_risk" in [reason["code"] for reason in block["reasons"]]
        assert block["risk_difference_pp"] is None
    assert report["verdict"]["code"] == "cannot_say"
    assert {report[name]["status"] for name in ("waterfall", "sensitivity")} == {"refused"}
    assert all(as_text(report, tongue) for tongue in ("en", "zh-CN"))


def test_a_landmark_says_why_it_has_nothing_with_the_given_traits():
    sample = given_months(members=3000, months=10, seed=4)
    twice = replace(sample, covariates=sample.covariates | {"again": sample.covariates["keen"]})

    (block,) = retention_report(twice, replace(SHORT, landmarks=(3,)), fewest_leavers=5)["landmark"]

    assert block["adjusted"] is None
    assert block["status"] == "caution"
    assert "adjusted_refused" in [reason["code"] for reason in block["reasons"]]


def test_a_control_says_which_rule_it_breaks():
    sample = given_months(members=3000, months=10, seed=4)
    never = replace(sample, negative_control=np.zeros(sample.rows, dtype=bool))

    block = retention_report(never, replace(SHORT, landmarks=()))["sensitivity"]["negative_control"]

    assert block["status"] == "refused"
    assert [reason["code"] for reason in block["reasons"]] == ["few_treated_leavers"]

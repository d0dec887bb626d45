"""The report: its blocks, its refusals, and its words."""

import json

import numpy as np
import pytest

from admin.analytics.histories import NEVER, from_members, of_rows
from admin.analytics.protocol import Options
from admin.analytics.refusals import TEXTS
from admin.analytics.report import as_text, retention_report

FORBIDDEN = ["prove", "caused", "no effect ", "证明"]


def given_members_whose_redeeming_does_nothing(members=4000, **facts):
    random = np.random.default_rng(3)
    leave, redeem = random.geometric(0.06, members) - 1, random.geometric(0.08, members) - 1
    return from_members(
        np.zeros(members),
        np.minimum(leave, 23),
        leave < 24,
        np.where(redeem < np.minimum(leave, 24), redeem, -1),
        **facts,
    )


def test_the_report_is_plain_data_and_always_the_same():
    first = json.dumps(
        retention_report(given_members_whose_redeeming_does_nothing()), sort_keys=True, allow_nan=False
    )
    second = json.dumps(
        retention_report(given_members_whose_redeeming_does_nothing()), sort_keys=True, allow_nan=False
    )

    assert first == second


def test_every_block_has_a_status_and_reasons():
    report = retention_report(given_members_whose_redeeming_does_nothing(), run={"as_of": "today"})

    assert report.pop("schema") == "jifen.retention/1"
    run = report.pop("run")
    assert (run["as_of"], run["seed"], run["draws"], run["protocol"]["horizon"]) == ("today", 1, 400, 12)
    assert set(report) == {
        "input", "raw_gap", "km_ever", "km", "cox_ever", "cox_time_varying", "pooled_logistic", "landmark", "trials",
        "cuts", "event_study", "diagnostics", "sensitivity", "waterfall", "why_they_differ", "verdict",
    }  # fmt: skip
    landmarks = {f"landmark {one['at']}": one for one in report.pop("landmark")}
    effects = {name: report["trials"][name] for name in ("itt", "per_protocol")}
    for name, block in (report | landmarks | effects).items():
        assert block["status"] in ("ok", "caution", "refused"), name
        for reason in block["reasons"]:
            assert set(reason) == {"code", "found", "limit", "text"}
            assert set(reason["text"]) == {"en", "zh"}


def test_a_large_raw_gap_stands_beside_a_check_that_shows_no_effect():
    report = retention_report(given_members_whose_redeeming_does_nothing())

    assert report["raw_gap"]["label"] == "raw gap - not an effect"
    assert report["raw_gap"]["status"] == "caution"
    assert report["raw_gap"]["difference_pp"] < -25
    low, high = report["cox_time_varying"]["hr_interval"]
    assert low < 1 < high
    assert report["cox_ever"]["hr"] < 0.6
    assert report["cox_ever"]["reasons"][-1]["code"] == "wrong_on_purpose"
    assert 0.1 < report["why_they_differ"]["share_of_time_before_redeeming"] < 0.9
    assert report["verdict"]["code"] == "no_effect_shown"
    low, high = report["trials"]["itt"]["interval_pp"]
    assert low < 0 < high
    assert report["waterfall"]["immortal_time_pp"] < -25


@pytest.mark.parametrize(
    ("language", "gap", "estimate", "caution"),
    [
        ("en", "Raw gap - not an effect: ", "Estimated effect of ", "more months in which to redeem"),
        ("zh-CN", "原始差距——不是效果：", "估计效果（", "越有机会兑换"),
    ],
)
def test_the_page_puts_raw_gap_with_its_caution_and_the_estimate_on_adjoining_lines(
    language, gap, estimate, caution
):
    lines = as_text(retention_report(given_members_whose_redeeming_does_nothing()), language).splitlines()

    at = next(i for i, line in enumerate(lines) if line.startswith(gap))
    assert caution in lines[at]
    assert lines[at + 1].startswith(estimate)


def test_an_interval_that_holds_no_difference_reads_no_effect_shown():
    report = retention_report(given_members_whose_redeeming_does_nothing())

    assert "no effect shown" in as_text(report, "en")
    assert "未显示出效果" in as_text(report, "zh-CN")


def test_a_fall_in_leaving_is_told_with_its_interval():
    random = np.random.default_rng(3)
    redeem, sooner = random.geometric(0.1, 4000) - 1, random.geometric(0.06, 4000) - 1
    leave = np.where(sooner <= redeem, sooner, redeem + random.geometric(0.03, 4000))
    redeemed = np.where(redeem < np.minimum(leave, 24), redeem, NEVER)
    histories = from_members(np.zeros(4000), np.minimum(leave, 23), leave < 24, redeemed)

    report = retention_report(histories)

    hr = report["cox_time_varying"]["hr"]
    low, high = report["cox_time_varying"]["hr_interval"]
    assert high < 1
    sentence = (
        "in the same month of membership, those who had already redeemed left "
        f"{100 * (1 - hr):.0f} % less often "
        f"(95 % interval: {100 * (1 - low):.0f} % less often to {100 * (1 - high):.0f} % less often)."
    )
    assert sentence in as_text(report, "en")
    assert sentence.rstrip(".") in report["why_they_differ"]["text"]["en"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_never_says_what_it_may_not(language):
    for histories in (
        given_members_whose_redeeming_does_nothing(),
        from_members([0, 0], [3, 4], [1, 0], [1, NEVER]),
    ):
        text = as_text(retention_report(histories), language).lower().replace("no effect shown", "")

        assert not [word for word in FORBIDDEN if word in text]


@pytest.mark.parametrize("redeemed", [NEVER, 1])
def test_with_one_arm_everything_is_refused_and_nothing_fails(redeemed):
    report = retention_report(from_members([0, 0], [3, 4], [1, 0], [redeemed] * 2))

    for name in ("raw_gap", "km_ever", "cox_ever", "why_they_differ"):
        assert report[name]["status"] == "refused", name
        assert "one_arm_empty" in [reason["code"] for reason in report[name]["reasons"]]
    assert report["raw_gap"]["difference_pp"] is None
    assert report["cox_ever"]["hr"] is None
    assert json.dumps(report, allow_nan=False)
    assert "no figure" in as_text(report, "en")
    assert "无法给出数字" in as_text(report, "zh-CN")


def test_too_few_leavers_after_redeeming_are_told_with_the_number_needed():
    report = retention_report(from_members([0] * 4, [3, 4, 5, 6], [1, 1, 0, 1], [1, NEVER, 2, NEVER]))

    assert "(Found 1, needed 50.)" in as_text(report, "en")
    assert "（现有 1，需要 50。）" in as_text(report, "zh-CN")


def test_nobody_leaving_is_refused_and_not_an_error():
    report = retention_report(from_members([0, 0], [3, 4], [0, 0], [1, NEVER]))

    assert report["cox_time_varying"]["status"] == "refused"
    assert report["km"]["at"]["6"] == {"exposed": None, "unexposed": None}


def test_curves_are_read_at_the_times_asked_for():
    report = retention_report(given_members_whose_redeeming_does_nothing(), Options(at=(3, 6.5), horizon=6))

    assert list(report["km"]["at"]) == ["3", "6.5"]
    assert report["km_ever"]["rmst"]["horizon"] == 6
    assert report["km_ever"]["rmst"]["difference"] > 0
    assert set(report["km"]["exposed"]) == {"time", "at_risk", "events", "survival", "low", "high"}


def test_covariates_stand_beside_the_exposure():
    tier = np.arange(4000) % 3
    report = retention_report(given_members_whose_redeeming_does_nothing(covariates={"tier": tier}))

    assert set(report["cox_time_varying"]["adjusted"]) == {"exposed", "tier"}
    assert set(report["cox_time_varying"]["adjusted"]["tier"]) == {
        "coef",
        "se",
        "se_robust",
        "hr",
        "hr_interval",
    }
    assert "With the given traits held equal: " in as_text(report, "en")


def test_notes_name_what_was_left_out():
    histories = of_rows(
        [0, 1],
        [0, 2],
        [3, 4],
        [1, 0],
        [0, 1],
        dropped_covariates=("land",),
        excluded=({"reason": "x", "count": 3},),
    )

    text = as_text(retention_report(histories), "en")

    assert "Columns not used, constant: land." in text
    assert "Left out: 3 (x)." in text
    assert TEXTS["late_entry"][0] in text

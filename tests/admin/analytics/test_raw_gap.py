"""The raw gap: hand-computed shares, means and intervals."""

import math

import numpy as np
import pytest

from admin.analytics.histories import NEVER, from_members, of_rows
from admin.analytics.protocol import Options
from admin.analytics.raw_gap import CAUTION, LABEL, by_kind, raw_gap, t_quantile, welch
from admin.analytics.report import as_text, retention_report
from admin.analytics.sources import gather
from tests.months import given_months, months_of


def test_the_gap_is_redeemed_minus_not_redeemed():
    # 1 of 4 redeemers left, 3 of 5 others; tenures 10, 10, 10, 4 and 10, 10, 1, 2, 3 months.
    histories = from_members(
        [0] * 9, [9, 9, 9, 3, 9, 9, 0, 1, 2], [0, 0, 0, 1, 0, 0, 1, 1, 1], [3, 3, 3, 3] + [NEVER] * 5
    )

    gap = raw_gap(histories)

    half = 100 * 1.959964 * math.sqrt(0.25 * 0.75 / 4 + 0.6 * 0.4 / 5)
    assert (gap.n_ever, gap.n_never, gap.left_ever, gap.left_never) == (4, 5, 0.25, 0.6)
    assert gap.difference_pp == pytest.approx(-35)
    assert gap.interval_pp == pytest.approx((-35 - half, -35 + half), abs=1e-4)
    assert (gap.tenure_ever, gap.tenure_never) == (8.5, 5.2)
    assert gap.tenure_difference == pytest.approx(3.3)
    assert [reason.code for reason in gap.reasons] == ["not_an_effect"]


def test_the_gap_of_a_kind_is_against_who_never_redeemed_anything():
    # Who redeemed clubs too counts for both kinds; who redeemed before the records began counts for none and is no "never".
    sample = months_of(
        [0, 0, 1, 1, 2, 3, 3, 4, 5, 5],
        [0, 1, 0, 1, 0, 0, 1, 0, 0, 1],
        [0, 1, 0, 0, 1, 0, 0, 1, 0, 0],
        [0, -1, 0, 1, -1, 1, -1, -1, -1, -1],
        ("bill", "club"),
        before=[0, 0, 0, 0, 0, 1],
    )
    gathered = gather(sample)

    found = by_kind(gathered.histories, gathered.of_kind)

    bill, club = found["bill"], found["club"]
    assert (bill.n_ever, bill.n_never, bill.left_ever, bill.left_never) == (2, 2, 0.5, 1.0)
    assert (club.n_ever, club.n_never, club.left_ever, club.difference_pp) == (2, 2, 0.0, -100)
    assert (club.tenure_ever, club.tenure_never, club.tenure_difference) == (2, 1, 1)
    assert bill.interval_pp == pytest.approx(
        (-50 - 100 * 1.959964 * math.sqrt(0.25 / 2), -50 + 100 * 1.959964 * math.sqrt(0.25 / 2)), abs=1e-4
    )


def test_intervals_that_tell_kinds_have_their_gaps_whatever_their_unit():
    rows = {"start": [0, 3, 0, 0], "stop": [3, 9, 5, 7], "event": [0, 0, 1, 1], "exposed": [0, 1, 0, 0]}
    histories = of_rows([0, 0, 1, 2], **rows, kind=[-1, 0, -1, -1], kinds=("club",), unit="day")

    gathered = gather(histories)
    found = by_kind(gathered.histories, gathered.of_kind)

    assert gathered.sample is None
    assert (found["club"].n_ever, found["club"].n_never, found["club"].difference_pp) == (1, 2, -100)


def test_no_gap_of_a_kind_leaves_without_its_caution():
    report = retention_report(
        given_months(members=300, months=6), Options(draws=20, variants=False, horizon=3)
    )

    for gap in report["raw_gap"]["kinds"].values():
        assert (gap["status"], gap["label"], gap["caution"]) == ("caution", LABEL["en"], CAUTION)
        assert gap["reasons"][0]["code"] == "not_an_effect"
    page = as_text(report, "en").splitlines()
    told = [line for line in page if line.startswith("Raw gap by kind - not an effect")]
    assert len(told) == 2
    assert all(CAUTION["en"] in line for line in told)


def test_a_redemption_in_the_last_month_counts():
    histories = from_members([0, 0], [5, 5], [1, 1], [5, NEVER])

    assert raw_gap(histories).n_ever == 1


def test_welch_agrees_with_a_published_example():
    # Student's sleep data, as R prints it (t.test(extra ~ group)): -3.3654832 to 0.2054832.
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])

    assert welch(first, second) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


@pytest.mark.parametrize(
    ("freedom", "value"),
    [(1, 12.7062047), (2, 4.3026527), (5, 2.5705818), (30, 2.0422725), (1000, 1.9623390)],
)
def test_students_t_agrees_with_its_table(freedom, value):
    assert t_quantile(freedom) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("redeemed", [NEVER, 2])
def test_one_arm_alone_gives_no_gap(redeemed):
    gap = raw_gap(from_members([0, 0], [5, 5], [1, 0], [redeemed, redeemed]))

    assert gap.difference_pp is None
    assert gap.interval_pp is None
    assert gap.tenure_difference is None
    assert [reason.code for reason in gap.reasons] == ["one_arm_empty"]


def test_one_member_in_an_arm_has_no_interval_of_tenure():
    assert raw_gap(from_members([0, 0, 0], [5, 6, 7], [1, 0, 0], [2, NEVER, NEVER])).tenure_interval is None


def test_late_entry_is_told():
    gap = raw_gap(from_members([3, 0], [5, 5], [1, 0], [4, NEVER]))

    assert [(reason.code, reason.found) for reason in gap.reasons][1:] == [("late_entry", 1)]


def test_the_label_and_the_caution_are_in_both_languages():
    assert LABEL["en"] == "raw gap - not an effect"
    assert "不是效果" in LABEL["zh"]
    assert "more months in which to redeem" in CAUTION["en"]
    assert "越有机会兑换" in CAUTION["zh"]

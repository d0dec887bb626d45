"""jifen retention of files: options, JSON, exit codes, the airline's records."""

import json
from pathlib import Path

import numpy as np
import pytest

from admin.analytics.report import retention_report
from app.commands.retention import retention
from tests.months import given_months

AIRLINE = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "airline"


@pytest.fixture(scope="module")
def months_file(tmp_path_factory):
    """Person-months of members whose redeeming does nothing."""
    sample = given_months(members=1500, months=14)
    names = (*sample.kinds, "")
    lines = ["id,month,left,redeemed_kind,keen,cost_fen,points"]
    for row in range(sample.rows):
        kind, cost = names[sample.kind[row]], 500 * (sample.kind[row] >= 0)
        lines.append(
            f"m{sample.member[row]},{sample.month[row]},{sample.left[row]:d},{kind},"
            f"{sample.covariates['keen'][row]:.3f},{cost},{cost}"
        )
    path = tmp_path_factory.mktemp("retention") / "months.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_file_of_person_months_is_answered_with_every_block(cli, months_file):
    result = cli("retention", months_file, "--horizon", "6", "--at", "3,6", "--draws", "40", "--json")

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert list(report) == sorted(report)
    assert {
        "cox_ever", "cox_time_varying", "cuts", "diagnostics", "event_study", "input", "km", "km_ever", "landmark", "money", "of",
        "pooled_logistic", "raw_gap", "run", "schema", "sensitivity", "trials", "verdict", "waterfall",
        "why_they_differ",
    } == set(report)  # fmt: skip
    assert report["of"] == "months.csv"
    assert report["schema"] == "jifen.retention/1"
    assert (report["run"]["draws"], report["run"]["seed"]) == (40, 1)
    assert len(report["run"]["input_sha256"]) == 64
    assert set(report["trials"]["itt"]["at"]) == {"3", "6"}
    assert set(report["trials"]["kinds"]) == {"bill", "club"}
    parts = report["waterfall"]
    assert parts["raw_gap_pp"] == pytest.approx(
        parts["immortal_time_pp"] + parts["measured_choice_pp"] + parts["effect_pp"], abs=1e-5
    )


def test_the_same_file_and_seed_give_the_same_bytes(cli, months_file):
    one, other = (
        cli("retention", months_file, "--draws", "40", "--json", "--quiet").stdout for _ in range(2)
    )

    assert one == other


def test_the_choices_of_the_protocol_are_heard(cli, months_file):
    result = cli(
        "retention", months_file, "--horizon", "4", "--washout", "3", "--trials", "2:6", "--min-history", "1",
        "--draws", "40", "--covariates", "keen", "--margin-fen", "9000", "--json", "--quiet",
    )  # fmt: skip

    report = json.loads(result.stdout)
    trials = report["trials"]
    assert (trials["horizon"], trials["washout"], trials["first"], trials["last"]) == (4, 3, 2, 6)
    assert report["run"]["protocol"]["covariates"] == ["keen"]
    assert report["money"]["margin_fen"] == 9000


@pytest.mark.parametrize(
    "arguments",
    [
        ("--washout", "0"),
        ("--trials", "5"),
        ("--trials", "2026-13:"),
        ("--at", "6,x"),
        ("--landmarks", "-3"),
        ("--unit", "week"),
    ],
)
def test_wrong_use_is_exit_2(cli, months_file, arguments):
    assert cli("retention", months_file, *arguments).exit_code == 2


def test_bad_input_is_an_error_with_its_rows_and_nothing_is_printed(tmp_path, cli):
    path = tmp_path / "bad.csv"
    path.write_text("id,month,left,redeemed_kind\na,1,0,\na,1,0,\n")

    result = cli("retention", path)

    assert result.exit_code != 0
    assert result.stdout == ""
    assert type(result.exception).__name__ == "HistoryMonthTwice"
    assert result.exception.facts["rows"] == [3]


def test_missing_values_may_be_left_out_and_are_counted(tmp_path, cli):
    path = tmp_path / "holes.csv"
    path.write_text("id,month,left,redeemed_kind,age\na,1,0,,\nb,1,0,bill,3\nc,1,1,,4\n")

    assert cli("retention", path).exit_code != 0
    result = cli("retention", path, "--drop-missing", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["input"]["excluded"] == [
        {"count": 1, "reason": "missing_value", "rows": 1}
    ]


def test_days_are_described_but_not_tried(tmp_path, cli):
    path = tmp_path / "days.csv"
    path.write_text("id,start,stop,event,exposed\na,0,300,1,0\nb,0,90,0,0\nb,90,800,1,1\n")

    result = cli("retention", path, "--unit", "day", "--horizon", "100")

    assert result.exit_code == 0
    assert "--unit month" in result.stdout
    assert "Caution: " in result.stdout


def test_every_option_has_its_words():
    assert all(
        one.help or one.name in ("landmarks", "draws", "seed", "language") for one in retention.params[1:]
    )


@pytest.mark.slow
def test_the_airline_records_begin_with_the_raw_gap_and_say_what_is_left(tmp_path, cli):
    if not AIRLINE.is_dir():
        pytest.skip(f"the public airline records are not at {AIRLINE}: see docs/airline-records.md")
    from bench import airline_histories

    intervals, months = airline_histories.write(AIRLINE, tmp_path / "made")

    one = json.loads(cli("retention", months, "--draws", "100", "--json", "--quiet").stdout)
    other = json.loads(cli("retention", intervals, "--draws", "100", "--json", "--quiet").stdout)

    assert (one["input"]["members"], one["input"]["leavers"]) == (15_821, 1_151)
    assert one["raw_gap"]["difference_pp"] == pytest.approx(-8.5, abs=0.05)
    assert one["raw_gap"]["tenure_difference"] == pytest.approx(16, abs=0.5)
    for report in (one, other):
        assert report["verdict"]["code"] == "no_effect_shown"
        assert report["verdict"]["text"]["en"].startswith("Whether redeeming keeps members: no effect shown;")
        assert report["verdict"]["text"]["en"].count(". ") == 0
        low, high = report["trials"]["itt"]["interval_pp"]
        assert low < 0 < high
        assert np.abs([low, high]).max() < 1.5


def test_a_report_of_few_members_refuses_and_does_not_fail():
    report = retention_report(given_months(members=8, months=14))

    assert report["trials"]["itt"]["status"] == "refused"
    assert report["verdict"]["code"] == "cannot_say"
    json.dumps(report, allow_nan=False)

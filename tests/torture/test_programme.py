"""The parts of the fault programme by themselves: the plan, the history, the judgement, the report."""

import itertools
import json
from copy import deepcopy

import pytest

from tests.torture import __main__ as programme
from tests.torture import child, plan, report, summary
from tests.torture.history import ACKNOWLEDGED, REFUSED, UNKNOWN, History, Operation, answer_of, judge, read
from tests.torture.load import Load

EMPTY: report.Report = {
    "seed": 7, "commit": "abc", "seconds": 1_200.0, "machine": {"cores": 2}, "ended": True, "operations": 1_000, "acknowledged": 900,
    "refused": 90, "unknown": 10, "unsettled": 0, "lost": [], "doubled": [], "wrong": [], "not_run": {}, "controls": {"plain UPDATE": True},
    "snapshots": {"taken": 9, "broken": 0, "findings": []}, "verify": {"postings": 1_000, "findings": []},
    "tampering": {"wanted": 105, "done": 105, "found": 105},
    "faults": [{"fault": "db-kill", "at_s": 3.0, "done": 2, "slowest_back_s": 1.5, "seen": {"down_s": 2.0}, "wrong": []}],
}  # fmt: skip


def operation(number: int, answer: str, about: str = "quote 1") -> Operation:
    return Operation(number, "redeem", f"key {number}", "/v1/redemptions", {}, "member:1", about, answer)


# The plan


def test_the_same_seed_gives_the_same_plan_and_another_one_another():
    assert plan.drawn(7, 1_200) == plan.drawn(7, 1_200) != plan.drawn(8, 1_200)


def test_a_plan_has_each_fault_in_turn_none_at_the_time_of_another_and_none_too_late():
    steps = plan.drawn(7, 1_200)

    assert {step.fault for step in steps[: len(plan.FAULTS)]} == set(plan.FAULTS)
    assert all(one.at_s + one.seconds < other.at_s for one, other in itertools.pairwise(steps))
    assert steps[-1].at_s + steps[-1].seconds <= 1_200


def test_twenty_minutes_have_time_for_each_fault_and_for_what_comes_behind_them():
    steps = plan.drawn(7, programme.for_faults(1_200))

    assert plan.left_out(steps) == []
    assert all(step.seconds == plan.FAULTS[step.fault][1] for step in steps)
    assert programme.for_faults(60) < programme.for_faults(60, bare=True) < 60


def test_what_a_short_run_has_no_time_for_is_said_and_what_is_no_fault_is_refused():
    few = plan.drawn(7, 40)

    assert len(plan.left_out(few)) + len({step.fault for step in few}) == len(plan.FAULTS)
    assert plan.left_out(plan.drawn(7, 1_200)) == []
    with pytest.raises(ValueError, match="no such fault: earthquake"):
        plan.drawn(7, 60, ["earthquake"])


# History and judgement


def test_503_and_silence_may_be_told_and_any_other_failure_may_not():
    load = Load(None, None, [], 7)
    load.told = [(1.0, "redeem", status, 0.1) for status in (0, 201, 409, 500, 500, 503, 504)]

    assert load.never_to_be_told() == ["redeem was told 500, 2 times", "redeem was told 504, 1 times"]


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (201, {}, ACKNOWLEDGED),
        (409, {"type": "/problems/still-running"}, UNKNOWN),
        (409, {"type": "/problems/not-enough-points"}, REFUSED),
        (422, None, REFUSED),
        (503, {}, UNKNOWN),
        (500, {}, UNKNOWN),
    ],
)
def test_only_a_clear_yes_is_one_and_only_a_clear_no(status, body, meant):
    assert answer_of(status, body) == meant


def test_each_operation_is_in_the_file_before_its_answer_is_known(tmp_path):
    history = History(tmp_path / "history.jsonl")

    sent = history.send("redeem", "k", "/v1/redemptions", {"quote": "q"}, "member:1", "q")
    before = read(history.file)
    history.told(sent, 0, None)
    history.told(sent, 201, {})

    assert [line.get("send") for line in before] == ["redeem"]
    assert [line.get("told") for line in read(history.file)] == [None, UNKNOWN, ACKNOWLEDGED]
    assert (sent.tries, history.unknown(), history.counts()) == (
        2,
        [],
        {ACKNOWLEDGED: 1, REFUSED: 0, UNKNOWN: 0},
    )


@pytest.mark.parametrize(
    ("answers", "effects", "lost", "doubled"),
    [
        ([ACKNOWLEDGED], 1, 0, 0),
        ([ACKNOWLEDGED], 0, 1, 0),
        ([ACKNOWLEDGED], 2, 0, 1),
        ([REFUSED], 0, 0, 0),
        ([REFUSED], 1, 0, 1),
        ([UNKNOWN], 0, 0, 0),
        ([UNKNOWN], 1, 0, 0),
        ([UNKNOWN], 2, 0, 1),
        ([ACKNOWLEDGED, REFUSED, REFUSED], 1, 0, 0),
        ([ACKNOWLEDGED, UNKNOWN], 2, 0, 0),
        ([ACKNOWLEDGED, ACKNOWLEDGED], 1, 1, 0),
    ],
)
def test_as_many_effects_as_acknowledgements_and_at_most_the_unknown_ones_more(
    answers, effects, lost, doubled
):
    asked = [operation(number, answer) for number, answer in enumerate(answers)]

    found = judge(asked, {"redeem": lambda _: {"quote 1": effects}})

    assert (len(found.lost), len(found.doubled)) == (lost, doubled)


# The report


@pytest.mark.parametrize(
    "change",
    [
        {"lost": ["redeem quote 1"]},
        {"doubled": ["redeem quote 1"]},
        {"unsettled": 1},
        {"wrong": ["a payout has two transfers"]},
        {"controls": {"plain UPDATE": False}},
        {"tampering": {"wanted": 105, "done": 105, "found": 104}},
        {"tampering": {"wanted": 105, "done": 100, "found": 100}},
        {"ended": False},
        {"verify": {"postings": 1, "findings": [{"rule": "gapless"}]}},
        {"snapshots": {"taken": 9, "broken": 1, "findings": [{"rule": "gapless"}]}},
        {"faults": [{**EMPTY["faults"][0], "wrong": ["no success within 5 s"]}]},
    ],
)
def test_a_run_is_whole_only_if_nothing_at_all_is_wrong(change):
    assert report.whole(EMPTY)
    assert not report.whole(EMPTY | change)
    assert "things are not as they must be" in report.table(EMPTY | change)


def test_a_run_that_left_something_out_does_not_say_that_all_is_whole():
    assert report.table(EMPTY).endswith("all whole")
    assert report.table(EMPTY | {"not_run": {"db-dark": "no time for it in so short a run"}}).endswith(
        "all whole of what was run; 1 were not"
    )


def test_reports_are_summed_up_as_rows_of_a_page(tmp_path, capsys):
    left_out = {"controls": "left out", "tampering": "left out"}
    other = deepcopy(EMPTY) | {"seed": 8, "controls": {}, "tampering": {}, "not_run": left_out}
    for one in (EMPTY, other):
        report.write(one, tmp_path / f"{one['seed']}.json")

    summary.main([str(tmp_path / "7.json"), str(tmp_path / "8.json")])
    printed = capsys.readouterr().out

    assert json.loads((tmp_path / "7.json").read_text()) == EMPTY
    assert (
        "| seed 7, `abc`, 20 min, 2 cores | 1,000 | 900 | 90 | 10 | 0 | 0 | 0 of 9 | 1 of 1 | 105 of 105 | yes |"
        in printed
    )
    assert "| not run | not run | yes, 2 checks not run |" in printed
    assert "| F8 | db-kill | 2 | 4 | 2.0 s | 1.5 s | 0 |" in printed


def test_a_planted_fault_for_which_there_was_no_time_was_not_caught():
    lines = [{"control": "plain UPDATE", "caught": True, "evidence": "x"}, {"tampered": 100, "missed": []}]

    said = child.summed(lines, 105)

    assert [name for name, found in said["controls"].items() if found] == ["plain UPDATE"]
    assert said["tampering"] == {"wanted": 105, "done": 100, "found": 100, "missed": []}

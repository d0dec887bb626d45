"""`jifen simulate`: a file of person-months that reads back as drawn, the truth beside it, named errors."""

import json

import duckdb
import numpy as np
import pytest

from admin.analytics import person_month_files
from admin.analytics.simulation import files, panel, truth
from admin.analytics.simulation.scenarios import SCENARIOS


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_file_reads_back_as_it_was_drawn(tmp_path, suffix):
    out = tmp_path / f"members{suffix}"
    files.simulate(SCENARIOS["contracts"], 300, 24, 7, out)

    read = person_month_files.read(out)

    drawn = panel.draw(SCENARIOS["contracts"], 300, 7)
    assert (read.members, read.rows) == (300, drawn.rows)
    order = [read.kinds.index(name) for name in drawn.kinds]
    assert (read.kind == np.array([*order, -1])[drawn.kind]).all()
    for name in ("month", "tenure", "left", "cost_fen", "points"):
        assert (getattr(read, name) == getattr(drawn, name)).all(), name
    for name, values in drawn.covariates.items():
        assert (read.covariates[name] == values).all(), name
    for name, values in drawn.can.items():
        assert (read.can[name] == values).all(), name


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("members.csv", "members.parquet"):
            files.simulate(SCENARIOS["main"], 200, 24, 7, tmp_path / folder / name)

    for name in ("members.csv", "members.parquet", "truth.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_truth_beside_the_file_is_the_frozen_one(tmp_path):
    files.simulate(SCENARIOS["main"], 50, 24, 9, tmp_path / "members.csv")

    beside = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    assert beside["of"] == {
        "file": "members.csv",
        "members": 50,
        "months": 24,
        "seed": 9,
        "rows": beside["of"]["rows"],
    }
    assert beside["itt"] == truth.stored(SCENARIOS["main"])["itt"]


def test_a_shorter_window_has_the_truth_of_the_trials_that_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(truth.compute, "__defaults__", (500, truth.SEED))

    files.simulate(SCENARIOS["main"], 50, 14, 9, tmp_path / "members.csv")

    assert json.loads((tmp_path / "truth.json").read_text("utf-8"))["trials"] == [0, 1]


def test_members_are_numbered_through_all_blocks(tmp_path):
    out = tmp_path / "members.parquet"

    files.simulate(SCENARIOS["main"], 20_010, 24, 7, out)

    with duckdb.connect() as reading:
        ids, last = reading.execute(f"select count(distinct id), max(id) from '{out}'").fetchone()
    assert (ids, last) == (20_010, "m00020010")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scenario", "best"), "There is no scenario of that name"),
        (("--members", "0"), "--members"),
        (("--months", "12"), "So few months"),
        (("--months", "1000"), "--months"),
        (("--seed", "-1"), "--seed"),
        (("--out", "members.txt"), ".csv or .parquet"),
        (("--out", "nowhere/members.csv"), "folder"),
    ],
)
def test_what_cannot_be_is_said_by_name(cli, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)

    result = cli("simulate", "--out", "members.csv", "--members", 10, *words)

    assert result.exit_code == 2
    assert said in result.output
    assert not list(tmp_path.rglob("*.csv"))


def test_the_command_says_what_it_made(cli, tmp_path):
    out = tmp_path / "members.csv"

    result = cli("simulate", "--scenario", "null", "--members", 100, "--out", out, "--json", "--quiet")

    made = json.loads(result.stdout)
    assert made["scenario"] == "null"
    assert made["rows"] == len(out.read_text("utf-8").splitlines()) - 1
    assert "100 members" in cli("simulate", "--members", 100, "--out", out).stdout

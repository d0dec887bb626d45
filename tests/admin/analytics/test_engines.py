"""DuckDB and PostgreSQL alone make the same panel and the same cells, to the last one."""

import numpy as np
import pytest

from admin.analytics import cells, engines, panel, parts
from bench import snapshots
from tests.admin.analytics.panels import made

LIVELY = 900


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    """A programme in which all happens that a panel has rules for."""
    return snapshots.write(tmp_path_factory.mktemp("lively") / "snapshot", LIVELY, months=14, seed=3)


@pytest.fixture(scope="module")
def answers(lively, config, tmp_path_factory):
    """What each engine says to each query, in two parts."""
    from tests.engines import wire_again

    wire_again(config)
    seen = panel.window(lively, lively.programmes[0])
    found = {}
    for name in (engines.DUCKDB, engines.POSTGRESQL):
        with engines.over(lively, seen, tmp_path_factory.mktemp(name), name) as engine:
            assert engine.name == name
            found[name] = {
                query: [engine.ask(query, seen, *part) for part in ((0, 120), (120, 200))]
                for query in (panel.rows, cells.counts)
            }
    return found


@pytest.mark.parametrize("query", [panel.rows, cells.counts])
def test_every_row_and_every_cell_is_the_same_on_both_engines(answers, query):
    for ours, theirs in zip(answers[engines.DUCKDB][query], answers[engines.POSTGRESQL][query], strict=True):
        assert list(ours) == list(theirs)
        for name, column in ours.items():
            np.testing.assert_array_equal(column, theirs[name], err_msg=name)


def test_the_programme_compared_is_a_lively_one(answers):
    rows = answers[engines.DUCKDB][panel.rows][0]

    assert len(rows["month"]) > 3_000
    assert set(np.unique(rows["kind"])) == {-1, 0, 1, 2, 3, 4}
    for name in ("left_here", "involuntary", "can_club", "risk", "rank_1", "told_tier"):
        assert len(np.unique(rows[name])) > 1, name


def test_cells_count_every_row_of_the_panel_once(answers):
    for rows, counted in zip(
        *(answers[engines.DUCKDB][query] for query in (panel.rows, cells.counts)), strict=True
    ):
        assert counted["rows_"].sum() == len(rows["month"])
        assert counted["leavers"].sum() == rows["left_here"].sum()
        assert counted["cost_"].sum() == rows["cost_fen"].sum()
        assert counted["affordable"].sum() == sum(
            rows[name].sum() for name in rows if name.startswith("can_")
        )


def test_a_part_that_its_cells_do_not_count_is_never_written(lively, tmp_path, monkeypatch):
    monkeypatch.setattr(
        cells,
        "counts",
        lambda of, low, high: panel.rows(of, low, high).replace(
            "select member_id", "select 0 as rows_, 0 as leavers, 0 as points_, 0 as cost_, member_id"
        ),
    )

    with pytest.raises(parts.PanelWrong, match="cells"):
        made(tmp_path, lively)
    assert list(tmp_path.rglob("*.npz")) == []


def test_a_panel_broken_off_goes_on_with_the_parts_that_are_missing_and_is_the_same(
    lively, tmp_path, monkeypatch
):
    monkeypatch.setattr(parts, "MEMBERS", LIVELY // 4)
    whole = made(tmp_path / "whole", lively)
    real, asked = engines._DuckDB.ask, []

    def dies(self, query, of, low, high):
        asked.append((query, low))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return real(self, query, of, low, high)

    monkeypatch.setattr(engines._DuckDB, "ask", dies)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "again", lively)
    broken = sorted(path.name for path in (tmp_path / "again").rglob("*.npz"))
    again = made(tmp_path / "again", lively)

    assert len(whole.ranges) >= 4
    assert broken == ["part-000-050.npz"]
    assert [low for query, low in asked if query is panel.rows] == [0, 50, 50, 100, 150]
    for low, high in whole.ranges:
        one, other = (folder / f"part-{low:03}-{high:03}.npz" for folder in (whole.folder, again.folder))
        assert one.read_bytes() == other.read_bytes()

"""Simulated person-months as a file: CSV or Parquet by its suffix, and the truth beside it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from admin.analytics.person_months import PersonMonths
from admin.analytics.simulation import panel, truth
from admin.analytics.simulation.scenarios import KINDS, Scenario
from admin.analytics.simulation.world import BLOCK
from base import progress
from base.errors import Invalid

SUFFIXES = {".csv": "(format csv, header)", ".parquet": "(format parquet, compression zstd)"}
TRUTH = "truth.json"
FEWEST_MONTHS = truth.HORIZON + 1


class SimulationFileOfOtherKind(Invalid):
    """The name of the file must end in .csv or .parquet."""

    zh = "文件名必须以 .csv 或 .parquet 结尾。"


class SimulationFolderMissing(Invalid):
    """The folder of the file does not exist."""

    zh = "文件所在的文件夹不存在。"


class SimulationTooShort(Invalid):
    """So few months hold no trial with its whole horizon."""

    zh = "月数太少，放不下一次完整观察期的比较。"


def simulate(
    scenario: Scenario, members: int, months: int, seed: int, out: Path, *, quiet: bool = True
) -> dict[str, Any]:
    """Write the members' months to `out` and the truth to truth.json beside it; what was written, in figures.

    The same arguments give the same bytes. Raises a named `Invalid` for a file or a length that cannot be.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise SimulationFileOfOtherKind(file=out.name)
    if not out.parent.is_dir():
        raise SimulationFolderMissing(folder=str(out.parent))
    if months < FEWEST_MONTHS:
        raise SimulationTooShort(months=months, at_least=FEWEST_MONTHS)
    rows = leavers = redemptions = 0
    with (
        tempfile.TemporaryDirectory(prefix="jifen-simulate-") as folder,
        duckdb.connect(str(Path(folder) / "rows.duckdb"), config={"threads": 1}) as rows_db,
        progress.bar(members, "simulate", quiet=quiet) as bar,
    ):
        first = 0
        for piece in panel.chunks(scenario, members, seed, months, size=BLOCK):
            _add(rows_db, _columns(piece, first))
            first += piece.members
            rows, leavers = rows + piece.rows, leavers + int(piece.left.sum())
            redemptions += int((piece.kind >= 0).sum())
            bar.advance(piece.members)
        target = str(out).replace("'", "''")
        rows_db.execute(f"copy months to '{target}' {SUFFIXES[out.suffix.lower()]}")
    known = _truth(scenario, months, quiet)
    made = {"file": out.name, "members": members, "months": months, "seed": seed, "rows": rows}
    text = json.dumps(known | {"of": made}, indent=1, sort_keys=True)
    (out.parent / TRUTH).write_text(text + "\n", "utf-8")
    return {"scenario": scenario.name, **made, "leavers": leavers, "redemptions": redemptions}


def _truth(scenario: Scenario, months: int, quiet: bool) -> truth.Block:
    trials = min(truth.TRIALS, months - truth.HORIZON)
    kept = truth.stored(scenario) if trials == truth.TRIALS else None
    return kept or truth.compute(scenario, trials=trials, quiet=quiet)


def _columns(piece: PersonMonths, first: int) -> dict[str, NDArray[Any]]:
    numbers = piece.member.astype(np.int64) + first + 1
    columns: dict[str, NDArray[Any]] = {
        "number": numbers,
        "month": piece.month,
        "left": piece.left.astype(np.int8),
        "kind": piece.kind,
        "tenure": piece.tenure,
    }
    columns |= {f"can_{kind}": can.astype(np.int8) for kind, can in piece.can.items()}
    columns |= {name: getattr(piece, name) for name in ("cost_fen", "points")}
    return columns | dict(piece.covariates)


def _add(rows_db: duckdb.DuckDBPyConnection, columns: Mapping[str, NDArray[Any]]) -> None:
    rows_db.register("piece", columns)
    kinds = " ".join(f"when {index} then '{kind}'" for index, kind in enumerate(KINDS))
    chosen = {
        "number": "format('m{:08d}', number) as id",
        "kind": f"case kind {kinds} end as redeemed_kind",
    }
    select = "select " + ", ".join(chosen.get(name, f'"{name}"') for name in columns) + " from piece"
    there = rows_db.execute("select count(*) from duckdb_tables() where table_name = 'months'").fetchone()
    rows_db.execute(f"insert into months {select}" if there == (1,) else f"create table months as {select}")
    rows_db.unregister("piece")

"""The panel on the disk, in parts of members by bucket: made once for a snapshot, read as often as estimators ask.

A part is written whole or not at all, so a panel that was broken off goes on with the parts that are missing. Each part
has been held against its cells. All rows of a member lie in one part; parts and rows come in the same order each time.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admin.analytics import cells, engines, known, panel, prices
from admin.analytics.engines import WIDE, Engine, Table
from admin.analytics.panel import Window
from admin.analytics.person_months import OWN_BUCKETS, PersonMonths
from admin.analytics.snapshot import Snapshot
from admin.analytics.snapshot_queries import BUCKETS, KINDS
from base import clock
from base.progress import Bar

CODE = 1  # counted up when the same snapshot makes another panel than before
MEMBERS = 50_000
UNUSED_S = 6 * 3600
CITY = "city"
SMALL = {"kind": np.int8, "left_here": np.bool_, "involuntary": np.bool_, "redeemed_before": np.bool_}


class PanelWrong(AssertionError):
    """The rows of a part are not what its cells count: a mistake in this program."""


@dataclass(frozen=True)
class Panel:
    """A finished panel: iterate over it, as often as needed, for PersonMonths of some members at a time.

    `by_month`: rows, leavers, redemptions by kind. `priced` kinds were on offer: of others nobody knows who could have had
    them. `months_priced` are those of which some price is held. `dropped` covariates never vary.
    """

    folder: Path
    of: Window
    tiers: tuple[str, ...]
    ladders: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...]
    members: int
    rows: int
    leavers: int
    kinds: tuple[str, ...]
    priced: frozenset[str]
    months_priced: frozenset[int]
    covariates: tuple[str, ...]
    dropped: tuple[str, ...]
    by_month: tuple[Mapping[str, int], ...]

    def __iter__(self) -> Iterator[PersonMonths]:
        first = 0
        for low, high in self.ranges:
            table = load(self, low, high)
            if len(table["month"]):
                chunk = self._person_months(table, first)
                first += chunk.members
                yield chunk

    def _person_months(self, table: Table, first: int) -> PersonMonths:
        starts = np.flatnonzero(np.diff(table["member_id"], prepend=-1))
        member = np.cumsum(np.diff(table["member_id"], prepend=table["member_id"][:1]) != 0, dtype=np.int32)
        place = np.full(len(KINDS) + 1, -1, dtype=np.int8)
        place[[KINDS.index(kind) for kind in self.kinds]] = range(len(self.kinds))
        few = self.members <= OWN_BUCKETS
        own = np.arange(first, first + len(starts), dtype=np.int32)
        return PersonMonths(
            ids=None,
            member=member,
            month=table["month"].astype(np.int32),
            tenure=table["tenure"].astype(np.int32),
            left=table["left_here"].astype(np.bool_),
            kind=place[table["kind"]],
            kinds=self.kinds,
            can={kind: self._can(kind, table) for kind in self.kinds},
            covariates=known.covariates(table, self.tiers, self.ladders, self.covariates),
            redeemed_before=table["redeemed_before"][starts].astype(np.bool_),
            bucket=own if few else table["bucket"][starts].astype(np.int32),
            cost_fen=table["cost_fen"].astype(np.int64),
            points=table["points"].astype(np.int64),
            involuntary=table["involuntary"].astype(np.bool_),
            dropped_covariates=self.dropped,
            groups={CITY: known.city(table)},
        )

    def _can(self, kind: str, table: Table) -> NDArray[np.bool_]:
        """Who could have had a kind; of one without a price nobody can tell.

        It counts for everybody in months of which no price is held at all. In the others it begins no trial: else
        whoever could afford nothing would be held against those who redeemed.
        """
        if kind in self.priced:
            return np.asarray(table[f"can_{kind}"], dtype=np.bool_)
        return np.isin(table["month"], sorted(self.months_priced), invert=True)


def ranges(members: int) -> tuple[tuple[int, int], ...]:
    """Buckets from and below, so that about MEMBERS members come together."""
    width = max(1, min(BUCKETS, BUCKETS * MEMBERS // max(members, 1)))
    return tuple((low, min(low + width, BUCKETS)) for low in range(0, BUCKETS, width))


def make(under: Path, snapshot: Snapshot, of: Window, bar: Bar, engine: str | None = None) -> Panel:
    """The panel of a programme, from the parts that are there and those that are made now; `bar` advances once a part."""
    wanted = ranges(snapshot.rows["member"])
    folder = under / _key(snapshot, of)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.utime(folder)
    missing = [one for one in wanted if not _tally(folder, *one).exists()]
    bar.advance(len(wanted) - len(missing))
    if missing:
        scratch = folder / f"scratch-{secrets.token_hex(4)}"
        scratch.mkdir(exist_ok=True)
        try:
            with engines.over(snapshot, of, scratch, engine) as running:
                for low, high in missing:
                    _part(folder, running, of, low, high)
                    bar.advance()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    tallies = [json.loads(_tally(folder, *one).read_bytes()) for one in wanted]
    return _whole(folder, snapshot, of, wanted, tallies)


def sweep(under: Path) -> None:
    """Panels that nobody has asked for in hours go; from their snapshots they can be made again.

    Never at once: another run, of another seed or started a second time, may be reading the same one.
    """
    for folder in under.iterdir():
        with suppress(OSError):
            if clock.now().timestamp() - folder.stat().st_mtime > UNUSED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _key(snapshot: Snapshot, of: Window) -> str:
    said = json.dumps([CODE, snapshot.sha256, asdict(of)], default=str, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def _part(folder: Path, engine: Engine, of: Window, low: int, high: int) -> None:
    rows, counted = engine.ask(panel.rows, of, low, high), engine.ask(cells.counts, of, low, high)
    for measure, column in (
        ("rows_", None),
        ("leavers", "left_here"),
        ("points_", "points"),
        ("cost_", "cost_fen"),
    ):
        found = len(rows["month"]) if column is None else int(rows[column].sum())
        if found != int(counted[measure].sum()):
            raise PanelWrong(
                f"buckets {low} to {high}: {measure} {found}, cells {int(counted[measure].sum())}"
            )
    tally = {
        "rows": len(rows["month"]),
        "members": len(np.unique(rows["member_id"])),
        "leavers": int(rows["left_here"].sum() - rows["involuntary"].sum()),
        "spans": known.spans(rows, of.ladders),
        "months": _by_month(counted),
    }
    kept = {name: column.astype(_type(name)) for name, column in rows.items()}
    _save(_file(folder, low, high), lambda file: np.savez(file, allow_pickle=False, **kept))
    said = json.dumps(tally, sort_keys=True).encode()
    _save(_tally(folder, low, high), lambda file: file.write(said))


def _type(name: str) -> Any:
    return SMALL.get(name, np.bool_ if name.startswith("can_") else np.int64 if name in WIDE else np.int32)


def _by_month(counted: Table) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for month, kind, rows, leavers in zip(
        *(counted[name].tolist() for name in ("month", "kind", "rows_", "leavers")), strict=True
    ):
        mine = found.setdefault(str(month), {"rows": 0, "leavers": 0})
        mine["rows"] += rows
        mine["leavers"] += leavers
        if kind >= 0:
            mine[KINDS[kind]] = mine.get(KINDS[kind], 0) + rows
    return found


def _whole(
    folder: Path,
    snapshot: Snapshot,
    of: Window,
    wanted: tuple[tuple[int, int], ...],
    tallies: list[dict[str, Any]],
) -> Panel:
    months: dict[str, dict[str, int]] = {}
    for tally in tallies:
        for month, counts in tally["months"].items():
            mine = months.setdefault(month, {})
            for name, count in counts.items():
                mine[name] = mine.get(name, 0) + count
    kinds = tuple(kind for kind in KINDS if any(kind in counts for counts in months.values()))
    used, dropped = known.varying([tally["spans"] for tally in tallies], snapshot.tiers, snapshot.ladders)
    rows, members, leavers = (
        sum(tally[name] for tally in tallies) for name in ("rows", "members", "leavers")
    )
    by_kind = prices.by_kind(snapshot.table("price"), of.programme_id)
    priced = frozenset(by_kind)
    months_priced = frozenset(month for months_of in by_kind.values() for month in months_of)
    by_month = tuple(
        {"month": int(month)} | counts
        for month, counts in sorted(months.items(), key=lambda one: int(one[0]))
    )
    return Panel(
        folder, of, snapshot.tiers, snapshot.ladders, wanted, members, rows, leavers, kinds, priced, months_priced, used, dropped, by_month
    )  # fmt: skip


def load(of: Panel, low: int, high: int) -> Table:
    """The rows of one part, column by column."""
    with np.load(_file(of.folder, low, high)) as found:
        return {name: found[name] for name in found.files}


def _file(folder: Path, low: int, high: int) -> Path:
    return folder / f"part-{low:03}-{high:03}.npz"


def _tally(folder: Path, low: int, high: int) -> Path:
    """Written after the part itself: where it is there, the part is whole."""
    return folder / f"part-{low:03}-{high:03}.json"


def _save(path: Path, write: Any) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(unfinished, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)

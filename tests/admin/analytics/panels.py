"""Small snapshots written by hand, and the panel that comes out of them: what a test of a rule reads like a given."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path

from admin.analytics import panel, parts, snapshot
from admin.analytics.snapshot_queries import COLUMNS, KINDS
from base.progress import Bar, bar

PROGRAMME = 7
FIRST = date(2024, 1, 1)
LAST = date(2025, 3, 31)  # the last record: months up to December 2024 are decided


def month(text: str) -> int:
    """2024-03 -> the number of the month."""
    year, number = text.split("-")
    return int(year) * 12 + int(number) - 1


def day(text: str) -> int:
    """The number of a day."""
    return (date.fromisoformat(text) - panel.EPOCH).days


def member(
    number: int = 1, joined: str = "2023-06", left: str = "", merged: str = "", involuntary: int = 0
) -> tuple[int, ...]:
    """A row of the table of members."""
    ends = (month(text) if text else -1 for text in (left, merged))
    return (number, PROGRAMME, number % 200, month(joined), *ends, involuntary, 330106)


def redeemed(
    when: str, kind: str = "bill", points: int = 300, cost: int = 290, undone: str = "", of: int = 1
) -> tuple[int, ...]:
    """A row of the table of redemptions."""
    return (of, month(when), KINDS.index(kind), points, cost, month(undone) if undone else -1)


def bills(first: str, last: str, of: int = 1, fen: int = 5_000) -> list[tuple[int, ...]]:
    """A bill on the tenth of each month, first and last included."""
    rows = []
    for number in range(month(first), month(last) + 1):
        on = day(f"{number // 12}-{number % 12 + 1:02}-10")
        rows.append((of, number, fen, on, on))
    return rows


def given(
    folder: Path, *, first: date = FIRST, last: date = LAST, **tables: Sequence[tuple[int, ...]]
) -> snapshot.Snapshot:
    """A snapshot with these rows of members, bills, facts, redemptions and prices, taken on the day after the last record."""
    folder.mkdir(parents=True)
    told = {}
    for name in (*COLUMNS, "price"):
        rows = tables.get(name, ())
        data = "".join(f"{','.join(map(str, row))}\n" for row in rows).encode()
        (folder / f"{name}.csv").write_bytes(data)
        told[name] = {"rows": len(rows), "sha256": hashlib.sha256(data).hexdigest()}
    manifest = {
        "as_of": f"{last + timedelta(days=1)}T00:00:00+00:00",
        "programmes": [
            {"programme_id": PROGRAMME, "code": "gotone", "zone": "UTC", "first_day": str(first), "last_day": str(last), "has_bills": bool(tables.get("bill"))}
        ],
        "tiers": ["blue", "gold"],
        "ladders": ["star"],
        "tables": told,
    }  # fmt: skip
    said = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    (folder / snapshot.MANIFEST).write_text(
        json.dumps(manifest | {"sha256": hashlib.sha256(said).hexdigest()})
    )
    return snapshot.read(folder)


def quiet() -> Bar:
    """A bar that shows nothing."""
    with bar(1, "", quiet=True) as shown, nullcontext():
        return shown


def made(
    under: Path, taken: snapshot.Snapshot, engine: str | None = None, undone: str = panel.KEPT
) -> parts.Panel:
    """The panel of the first programme of a snapshot."""
    of = taken.programmes[0]
    seen = panel.window(taken, of, undone)
    assert seen is not None
    return parts.make(under, taken, seen, quiet(), engine)


def rows(under: Path, taken: snapshot.Snapshot, undone: str = panel.KEPT) -> list[dict[str, int]]:
    """The rows of the panel as dictionaries, by member and month."""
    of = made(under, taken, undone=undone)
    found: list[dict[str, int]] = []
    for low, high in of.ranges:
        table = parts.load(of, low, high)
        names = list(table)
        found += [dict(zip(names, map(int, row), strict=True)) for row in zip(*table.values(), strict=True)]
    return sorted(found, key=lambda row: (row["member_id"], row["month"]))

"""A snapshot of a made-up programme, written as a real one is: members who earn, redeem and leave, month by month.

The model is the one of the research simulator in small: engagement, tier and balance drive redemption and leaving, and
redemption of a kind lowers leaving for a while. On top come the untidy things that a panel must get right: late joiners,
members who only fall silent, undone redemptions, several kinds in one month, merges, dated grades and tiers.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admin.analytics import panel, snapshot
from admin.analytics.snapshot import Snapshot
from admin.analytics.snapshot_queries import COLUMNS, LADDER

PROGRAMME, OTHER = 11, 12
FIRST = 2023 * 12  # January 2023
PRICES = {0: 300, 1: 500, 2: 900, 3: 1_500, 4: 700}
BASE = {0: -3.1, 1: -4.3, 2: -5.0, 3: -5.5, 4: -4.6}
EFFECT = {0: -0.15, 1: -0.60, 2: -1.0, 3: -0.3, 4: -0.2}
Ints = NDArray[np.int64]


def write(
    folder: Path,
    members: int,
    months: int = 24,
    seed: int = 7,
    untidy: bool = True,
    programme: int = PROGRAMME,
) -> Snapshot:
    """A whole snapshot under `folder` whose panel has `months` decided months; the same seed, the same bytes."""
    folder.mkdir(parents=True)
    tables = _tables(members, months + 3, np.random.Generator(np.random.PCG64(seed)), untidy, programme)
    last = FIRST + months + 2
    told: dict[str, Any] = {}
    for name, rows in tables.items():
        _csv(folder / f"{name}.csv", rows)
        with open(folder / f"{name}.csv", "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        told[name] = {"rows": len(rows[0]), "sha256": digest}
    end = datetime((last + 1) // 12, (last + 1) % 12 + 1, 1, tzinfo=UTC)
    first_day = f"{FIRST // 12}-{FIRST % 12 + 1:02}-01"
    made = {
        "code": "bench",
        "zone": "UTC",
        "first_day": first_day,
        "last_day": f"{end:%Y-%m-%d}",
        "has_bills": True,
    }
    manifest = {
        "schema": snapshot.SCHEMA,
        "as_of": end.isoformat(),
        "programmes": [{"programme_id": one} | made for one in (programme, OTHER)],
        "tiers": ["blue", "gold"],
        "ladders": ["star"],
        "columns": {name: list(columns) for name, columns in COLUMNS.items()},
        "tables": told,
    }
    said = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    manifest["sha256"] = hashlib.sha256(said).hexdigest()
    (folder / snapshot.MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
    return snapshot.read(folder)


def _tables(
    n: int, months: int, draw: np.random.Generator, untidy: bool, programme: int
) -> dict[str, list[Ints]]:
    ids = np.sort(draw.choice(2**40, n, replace=False)) if n < 10_000 else np.arange(1, n + 1) * 4_001
    joined = FIRST - draw.integers(0, 60, n)
    late = draw.random(n) < (0.15 if untidy else 0)
    joined[late] = FIRST + draw.integers(0, months - 6, late.sum())
    left, parts = np.full(n, -1), defaultdict(list)
    for table, rows in _lives(n, months, draw, ids, joined, left, untidy):
        parts[table].append(rows)
    silent = (draw.random(n) < 0.2) & (left >= 0) & untidy  # nobody noticed that they had gone
    merged = np.where((draw.random(n) < 0.003) & (left < 0) & untidy, FIRST + draw.integers(3, months, n), -1)
    member = [
        ids, np.where(draw.random(n) < 0.02, OTHER, programme), _bucket(ids), joined, np.where(silent, -1, left), merged,
        (draw.random(n) < 0.05).astype(np.int64), draw.choice([330102, 330106, 330203, 0], n),
    ]  # fmt: skip
    price = [
        (one, kind, month, points + 20 * (untidy and month % 2))
        for one in (programme, OTHER)
        for kind, points in PRICES.items()
        for month in range(FIRST, FIRST + months)
        if not (kind == 3 and month < FIRST + 4)
    ]
    tables = {name: [np.concatenate(columns) for columns in zip(*parts[name], strict=True)] for name in parts}
    return {"member": member} | tables | {"price": [np.array(column) for column in zip(*price, strict=True)]}


def _lives(
    n: int, months: int, draw: np.random.Generator, ids: Ints, joined: Ints, left: Ints, untidy: bool
) -> Iterator[tuple[str, tuple[Ints, ...]]]:
    value = draw.choice(3, n, p=(0.5, 0.35, 0.15))
    engaged = draw.normal(size=n) + 0.4 * (value - 0.65)
    balance = draw.gamma(2, 120, n).astype(np.int64)
    memory = np.zeros((len(PRICES), n))
    there = np.ones(n, dtype=np.bool_)
    yield "fact", (ids, np.zeros(n, np.int64), np.full(n, FIRST - 3), balance // 2)
    yield "fact", (ids, np.full(n, 2), np.full(n, FIRST - 2), 1 + value // 2)
    for month in range(FIRST, FIRST + months):
        here = np.flatnonzero(there & (joined <= month) & (left < 0))
        if untidy:
            told = here[draw.random(len(here)) < 0.03]
            yield (
                "fact",
                (
                    ids[told],
                    np.ones(len(told), np.int64),
                    np.full(len(told), month),
                    draw.integers(0, 5, len(told)),
                ),
            )
            yield (
                "fact",
                (
                    ids[told],
                    np.full(len(told), LADDER),
                    np.full(len(told), month),
                    draw.integers(0, 4, len(told)),
                ),
            )
        base = 0.55 * engaged[here] + 0.25 * value[here] + 0.0003 * np.minimum(balance[here], 2_500)
        odds = np.stack(
            [
                np.exp(BASE[k] + base * 1.1) * (balance[here] >= PRICES[k] + 20 * (untidy and month % 2))
                for k in PRICES
            ]
        )
        share = np.cumsum(odds, axis=0) / (1 + odds.sum(axis=0))
        chosen = (draw.random(len(here)) >= share).sum(axis=0)
        memory *= 0.94
        for kind, points in PRICES.items():
            who = here[chosen == kind]
            memory[kind, who] = 1
            yield "redemption", _redeemed(ids[who], month, kind, points, draw, untidy)
            balance[who] -= points
        score = (
            -2.75
            - 0.75 * engaged[here]
            - 0.30 * value[here]
            + np.array(list(EFFECT.values())) @ memory[:, here]
        )
        gone = draw.random(len(here)) < 1 / (1 + np.exp(-score))
        left[here[gone]] = month
        first = panel.first_day(month)
        bill = np.rint(
            5_000 * np.exp(0.5 * value[here] + 0.25 * engaged[here] + 0.3 * draw.normal(size=len(here)))
        )
        bill = bill.astype(np.int64)
        day = first + draw.integers(0, 28, len(here)) if untidy else np.full(len(here), first)
        yield "bill", (ids[here], np.full(len(here), month), bill, day, day)
        balance[here] += bill // 50
        yield "fact", (ids[here], np.zeros(len(here), np.int64), np.full(len(here), month + 1), balance[here])
        took = np.zeros(n, dtype=np.bool_)
        took[here[chosen < len(PRICES)]] = True
        engaged = 0.85 * engaged + 0.06 * (value - 0.65) + 0.25 * took + 0.45 * draw.normal(size=n)


def _redeemed(
    who: Ints, month: int, kind: int, points: int, draw: np.random.Generator, untidy: bool
) -> tuple[Ints, ...]:
    n = len(who)
    undone = np.where(draw.random(n) < 0.04, month + draw.integers(0, 3, n), -1) if untidy else np.full(n, -1)
    rows = [
        (
            who,
            np.full(n, month),
            np.full(n, kind),
            np.full(n, points),
            np.full(n, points * (9 - kind)),
            undone,
        )
    ]
    if untidy:  # some take a second thing in the same month, of another kind and with as many or more points
        also = who[draw.random(n) < 0.1]
        more = len(also)
        other = (kind + 1 + draw.integers(0, 3, more)) % len(PRICES)
        taken = points * draw.integers(1, 3, more)
        rows.append((also, np.full(more, month), other, taken, taken * 5, np.full(more, -1)))
    return tuple(np.concatenate(columns) for columns in zip(*rows, strict=True))


def _bucket(ids: Ints) -> Ints:
    mixed = (ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return (mixed % np.uint64(200)).astype(np.int64)


def _csv(path: Path, columns: list[Ints]) -> None:
    """Whole numbers as CSV; a million rows a second or so."""
    with open(path, "w") as file:
        for start in range(0, len(columns[0]), 500_000):
            texts = [
                column[start : start + 500_000].astype(np.int64).astype("U20").tolist() for column in columns
            ]
            file.writelines(f"{row}\n" for row in map(",".join, zip(*texts, strict=True)))

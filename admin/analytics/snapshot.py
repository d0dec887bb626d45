"""Snapshots: what the analysis reads, copied out of the database at one moment into a folder that never changes.

One REPEATABLE READ transaction that only reads, so every table tells of the same moment whatever is written meanwhile. A
folder is made under a name that nobody looks for and renamed when all of it is on the disk: half a snapshot is never used,
and one that was broken off is begun anew, for its moment is over. The manifest holds the moment, the number of rows and
the SHA-256 of each table, and one of all.
"""

import hashlib
import json
import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from admin.analytics import prices
from admin.analytics.snapshot_queries import COLUMNS, LADDERS, PROGRAMMES, QUERIES, TIERS
from base import clock, database
from base.config import Config
from base.errors import Conflict
from base.progress import Bar

MANIFEST, SCHEMA = "manifest.json", "jifen.snapshot/1"
KEPT = 7
STEPS = len(QUERIES) + 1
STALE_S = 6 * 3600


class SnapshotBroken(Conflict):
    """A snapshot on the disk is not the one that its manifest tells of."""

    zh = "磁盘上的快照与其清单不一致。"
    next_en, next_zh = (
        "Remove its folder and run again: jifen retention --fresh",
        "请删除该目录后重新运行：jifen retention --fresh",
    )


class Of(NamedTuple):
    """A programme in a snapshot; days of its first and last record, None without any; whether it holds bills."""

    programme_id: int
    code: str
    zone: str
    first_day: date | None
    last_day: date | None
    has_bills: bool


@dataclass(frozen=True)
class Snapshot:
    """A whole snapshot: its folder, the moment, its hash, programmes, codes of told tiers (numbered from 1), ladders."""

    folder: Path
    as_of: datetime
    sha256: str
    programmes: tuple[Of, ...]
    tiers: tuple[str, ...]
    ladders: tuple[str, ...]
    rows: dict[str, int]

    def table(self, name: str) -> Path:
        """The file of a table: CSV of whole numbers, without a header, columns as COLUMNS and prices.COLUMNS say."""
        return self.folder / f"{name}.csv"

    def of(self, programme_id: int) -> Of | None:
        """One programme of it."""
        return next((one for one in self.programmes if one.programme_id == programme_id), None)


def place(config: Config) -> Path:
    """The folder of all snapshots of this installation."""
    return config.data_dir / "analytics" / "snapshots"


def take(config: Config, bar: Bar) -> Snapshot:
    """Copy everything as it stands at this moment; `bar` advances STEPS."""
    under = place(config)
    under.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(under)
    unfinished = under / f".{secrets.token_hex(8)}"
    unfinished.mkdir(mode=0o700)
    try:
        manifest = _copy(unfinished, bar)
        _write(unfinished / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True, default=str).encode())
        made = under / f"{clock.now():%Y%m%dT%H%M%S%f}-{manifest['sha256'][:12]}"
        unfinished.rename(made)
        _to_disk(under)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    for old in _folders(under)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return read(made)


def latest(config: Config, programme_id: int) -> Snapshot | None:
    """The newest whole snapshot that tells of a programme."""
    for folder in _folders(place(config)):
        with suppress(SnapshotBroken):
            found = read(folder)
            if found.of(programme_id):
                return found
    return None


def by_hash(config: Config, sha256: str) -> Snapshot | None:
    """The snapshot with this hash, where it is still on this machine."""
    for folder in _folders(place(config)):
        if folder.name.endswith(f"-{sha256[:12]}"):
            with suppress(SnapshotBroken):
                return read(folder)
    return None


def read(folder: Path) -> Snapshot:
    """A snapshot of a folder, by its manifest; SnapshotBroken. What the tables hold is proven by `prove`."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        said = manifest.pop("sha256")
        programmes = tuple(_programme(one) for one in manifest["programmes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotBroken(snapshot=folder.name) from error
    if said != _digest(manifest):
        raise SnapshotBroken(snapshot=folder.name)
    return Snapshot(
        folder,
        datetime.fromisoformat(manifest["as_of"]),
        said,
        programmes,
        tuple(manifest["tiers"]),
        tuple(manifest["ladders"]),
        {name: table["rows"] for name, table in manifest["tables"].items()},
    )


def prove(snapshot: Snapshot) -> None:
    """Reckon the hash of every table again; SnapshotBroken names the first that differs."""
    told = json.loads((snapshot.folder / MANIFEST).read_bytes())["tables"]
    for name, table in sorted(told.items()):
        try:
            with open(snapshot.table(name), "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SnapshotBroken(snapshot=snapshot.folder.name, table=name) from error
        if found != table["sha256"]:
            raise SnapshotBroken(snapshot=snapshot.folder.name, table=name)


def _copy(folder: Path, bar: Bar) -> dict[str, Any]:
    url = database.engine().url.render_as_string(hide_password=False)
    engine = database.new_engine(url, pool_size=1, statement_timeout_ms=0)
    try:
        with engine.connect() as connection:
            driver: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]
            driver.isolation_level, driver.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
            driver.execute("set local statement_timeout = 0")
            # The moment is that of the first statement that reads; the clock may stand still, for a history that is being made.
            programmes = [
                Of(*row)._asdict() for row in driver.execute(PROGRAMMES.encode(), prepare=False).fetchall()
            ]
            as_of = clock.now()
            tables = {}
            for name, query in QUERIES.items():
                tables[name] = _table(driver, query, folder / f"{name}.csv")
                bar.advance()
            tiers, ladders = (
                [code for (code,) in driver.execute(query.encode())] for query in (TIERS, LADDERS)
            )
            catalogue = prices.read(driver)
            driver.rollback()
            # Reckoned when the transaction is over: nobody waits for it, and no server cuts it off.
            tables["price"] = _rows(prices.lowest(catalogue, as_of), folder / "price.csv")
            bar.advance()
            manifest = {
                "schema": SCHEMA,
                "as_of": as_of.isoformat(),
                "programmes": json.loads(json.dumps(programmes, default=str)),
                "tiers": tiers,
                "ladders": ladders,
                "columns": {name: list(columns) for name, columns in COLUMNS.items()},
                "tables": tables,
            }
            return manifest | {"sha256": _digest(manifest)}
    finally:
        engine.dispose()


def _table(driver: psycopg.Connection, query: str, path: Path) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    with driver.cursor() as cursor, open(path, "xb", buffering=2**20) as file:
        with cursor.copy(f"copy ({query}) to stdout (format csv)".encode()) as copied:
            for block in copied:
                data = bytes(block)
                digest.update(data)
                rows += data.count(b"\n")
                file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return {"rows": rows, "sha256": digest.hexdigest()}


def _rows(rows: list[tuple[int, ...]], path: Path) -> dict[str, Any]:
    data = "".join(f"{','.join(map(str, row))}\n" for row in rows).encode()
    _write(path, data)
    return {"rows": len(rows), "sha256": hashlib.sha256(data).hexdigest()}


def _write(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(manifest: dict[str, Any]) -> str:
    said = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def _programme(said: dict[str, Any]) -> Of:
    first, last = (
        date.fromisoformat(said[name]) if said[name] else None for name in ("first_day", "last_day")
    )
    return Of(said["programme_id"], said["code"], said["zone"], first, last, said["has_bills"])


def _folders(under: Path) -> list[Path]:
    """Whole snapshots, the newest first: their names begin with the moment."""
    if not under.is_dir():
        return []
    return sorted((one for one in under.iterdir() if not one.name.startswith(".")), reverse=True)


def _sweep(under: Path) -> None:
    """What a process that died left unfinished long ago."""
    for one in under.glob(".*"):
        with suppress(OSError):
            if clock.now().timestamp() - one.stat().st_mtime > STALE_S:
                shutil.rmtree(one, ignore_errors=True)

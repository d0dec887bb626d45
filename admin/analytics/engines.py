"""Who runs the SQL of the panel: DuckDB where it is installed, else PostgreSQL alone. Both over the same snapshot.

PostgreSQL is handed the rows of the members in question with the query itself, as arrays: the application's role may make
no table, not even for a while, and needs none.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from admin.analytics import panel, prices
from admin.analytics.panel import Window
from admin.analytics.snapshot import Snapshot
from admin.analytics.snapshot_queries import BUCKETS, COLUMNS
from base import database

Column = NDArray[np.integer[Any]]
Table = dict[str, Column]
Query = Callable[[Window, int, int], str]
DUCKDB, POSTGRESQL = "duckdb", "postgresql"
CALENDAR = ("month", "first_day", "last_day")
TABLES: Mapping[str, tuple[str, ...]] = {**COLUMNS, "price": prices.COLUMNS, "calendar": CALENDAR}
WIDE = frozenset({"member_id", "points", "cost_fen", "balance", "bill_fen", "bills_fen"})  # may need 64 bits
MEMORY = "1GB"
THREADS = 2
IN_MEMORY_ROWS = 2_000_000
AT_ONCE = 200_000  # members whose panel is made in one pass


class Engine(Protocol):
    """Runs a query over the tables of a snapshot for the members of some buckets."""

    name: str

    def ask(self, query: Query, of: Window, low: int, high: int) -> Table:
        """The columns of the answer by name, whole numbers."""


def installed() -> str:
    """The engine that would be taken here."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        return POSTGRESQL
    return DUCKDB


@contextmanager
def over(snapshot: Snapshot, of: Window, scratch: Path, name: str | None = None) -> Iterator[Engine]:
    """An engine with the tables of a snapshot; what it needs on the disk lies in `scratch` and goes with it."""
    if (name or installed()) == DUCKDB:
        with _duckdb(snapshot, of, scratch) as engine:
            yield engine
    else:
        with _postgresql(snapshot, of) as engine:
            yield engine


class _DuckDB:
    name = DUCKDB

    def __init__(self, connection: Any, width: int) -> None:
        self._connection, self._width = connection, width
        self._made = (0, 0)

    def ask(self, query: Query, of: Window, low: int, high: int) -> Table:
        if not self._made[0] <= low < high <= self._made[1]:
            self._make(of, low, max(high, min(low + self._width, BUCKETS)))
        found = self._connection.execute(query(of, low, high)).fetchnumpy()
        return {name: np.asarray(column) for name, column in found.items()}

    def _make(self, of: Window, low: int, high: int) -> None:
        """The panel of some buckets as a table, for each pass over the tables of all members costs."""
        self._made = (0, 0)
        self._connection.execute("drop table if exists panel")
        narrow = ", ".join(
            name if name in WIDE else f"cast({name} as integer) as {name}" for name in panel.columns(of)
        )
        self._connection.execute(
            f"create temp table panel as with {panel.tables(of, low, high)} select {narrow} from panel"
        )
        self._made = (low, high)


@contextmanager
def _duckdb(snapshot: Snapshot, of: Window, scratch: Path) -> Iterator[Engine]:
    import duckdb

    few = sum(snapshot.rows.values()) < IN_MEMORY_ROWS
    file = Path(":memory:") if few else scratch / "tables.duckdb"
    file.unlink(missing_ok=True)
    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "threads": THREADS,
        "temp_directory": str(scratch / "spill"),
    }
    with duckdb.connect(str(file), config=settings) as connection:
        for name, columns in TABLES.items():
            if name == "calendar":
                months = [list(column) for column in zip(*panel.calendar(of), strict=True)]
                given = ", ".join(f"unnest(?::bigint[]) as {column}" for column in CALENDAR)
                connection.execute(f"create table calendar as select {given}", months)
            else:
                types = ", ".join(f"'{column}': 'BIGINT'" for column in columns)
                connection.execute(
                    f"create table {name} as select * from read_csv(?, header = false, delim = ',', quote = '', "
                    f"escape = '', auto_detect = false, columns = {{{types}}})",
                    [str(snapshot.table(name))],
                )
        yield _DuckDB(connection, max(1, BUCKETS * AT_ONCE // max(snapshot.rows["member"], 1)))
    file.unlink(missing_ok=True)


class _PostgreSQL:
    name = POSTGRESQL

    def __init__(self, tables: dict[str, Table], connection: Any) -> None:
        self._tables, self._connection = tables, connection

    def ask(self, query: Query, of: Window, low: int, high: int) -> Table:
        member = self._tables["member"]
        wanted = (member["bucket"] >= low) & (member["bucket"] < high)
        mine = np.sort(member["member_id"][wanted & (member["programme_id"] == of.programme_id)])
        given, values = [], []
        for name, table in self._tables.items():
            columns = list(table.values())
            if name not in ("price", "calendar"):
                keep = np.isin(table["member_id"], mine)
                columns = [column[keep] for column in columns]
            arrays = ", ".join("%b::bigint[]" for _ in columns)
            given.append(f"{name} as materialized (select * from unnest({arrays}) as t ({', '.join(table)}))")
            values += [column.tolist() for column in columns]
        asked = f"{', '.join(given)}, {panel.tables(of, low, high)} {query(of, low, high)}"
        with self._connection.cursor() as cursor:
            cursor.execute(f"with {asked}".encode(), values)
            names = [column.name for column in cursor.description]
            found = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, len(names))
        return {name: found[:, at].copy() for at, name in enumerate(names)}


@contextmanager
def _postgresql(snapshot: Snapshot, of: Window) -> Iterator[Engine]:
    tables = {
        name: _read(snapshot.table(name), columns) for name, columns in TABLES.items() if name != "calendar"
    }
    months = np.array(panel.calendar(of), dtype=np.int64)
    tables["calendar"] = {name: months[:, at] for at, name in enumerate(CALENDAR)}
    url = database.engine().url.render_as_string(hide_password=False)
    engine = database.new_engine(url, pool_size=1, statement_timeout_ms=0)
    try:
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            # Of arrays PostgreSQL knows no statistics: it would take loops for joins of a few rows. Said for one
            # transaction: behind a pooler the session is somebody else's afterwards.
            driver.execute(  # type: ignore[union-attr]
                "set local enable_nestloop = off; set local jit = off; set local work_mem = '128MB'; "
                "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
            )
            yield _PostgreSQL(tables, driver)
    finally:
        engine.dispose()


def _read(path: Path, columns: tuple[str, ...]) -> Table:
    if path.stat().st_size == 0:
        return {name: np.empty(0, dtype=np.int64) for name in columns}
    found = np.loadtxt(path, dtype=np.int64, delimiter=",", ndmin=2)
    return {name: found[:, at] for at, name in enumerate(columns)}

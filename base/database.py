"""The database: one engine per process, one transaction per edge.

An edge (a view, a command, a job) writes `with begin() as session:`; leaving commits, raising rolls back.
Rules take the session first and never commit.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeVar, cast

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper
from sqlalchemy import BigInteger, DateTime, Engine, Table, create_engine, event, exc, text
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached, sessionmaker

from base.errors import Conflict, Problem, Unavailable


class Base(DeclarativeBase):
    """All tables. Moments carry their zone."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True), int: BigInteger}


class StillRunning(Conflict):
    """Another request is changing the same thing at this moment."""

    zh = "另一个请求正在处理同一内容。"
    next_en, next_zh = "Wait a second and send the same request again.", "请稍等一秒后原样重发。"
    clerk_en, clerk_zh = "I'm still checking. Please keep the picture open.", "还在确认，请保持二维码打开。"
    then = "wait"


class NotConnected(Unavailable):
    """The database does not answer."""

    zh = "数据库暂时没有应答。"
    next_en = "Send the same request with the same key in a few seconds: it is done once at most."
    next_zh = "请几秒后用同一个 Idempotency-Key 原样重发：最多只会执行一次。"
    clerk_en, clerk_zh = "I'm still checking. Please keep the picture open.", "还在确认，请保持二维码打开。"
    then = "wait"


Copied = TypeVar("Copied", bound=Base)
_AFTER = "after the commit"
_sessions: sessionmaker[Session] | None = None


def connect(url: str, *, pool_size: int = 8, statement_timeout_ms: int = 5_000) -> Engine:
    """Make this the process's database. Deadlines: connect 2 s, lock 1 s, statement as given, idle in transaction 10 s."""
    global _sessions
    if _sessions is not None:
        _sessions.kw["bind"].dispose()
    engine = new_engine(url, pool_size=pool_size, statement_timeout_ms=statement_timeout_ms)
    _sessions = sessionmaker(engine, expire_on_commit=False)
    return engine


def new_engine(url: str, *, pool_size: int = 8, statement_timeout_ms: int = 5_000) -> Engine:
    """An engine with our deadlines; never more than pool_size connections, one second to wait for one."""
    options = (
        f"-c lock_timeout=1000 -c statement_timeout={statement_timeout_ms} "
        "-c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
    )
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=1,
        pool_recycle=1800,
        pool_use_lifo=True,  # the one given back last: it has prepared and planned the most
        connect_args={
            "connect_timeout": 2,
            "options": options,
            "application_name": "jifen",
            "prepare_threshold": 3,
        },
    )
    event.listen(engine, "connect", _whole_numbers_are_bigint)
    event.listen(engine, "handle_error", _all_connections_are_gone)
    return engine


def _whole_numbers_are_bigint(driver: psycopg.Connection, record: Any) -> None:
    # By itself psycopg picks the smallest type for each value, so that one statement becomes many prepared ones.
    for dumper in (Int8Dumper, Int8BinaryDumper):
        driver.adapters.register_dumper(int, dumper)


def _all_connections_are_gone(context: Any) -> None:
    # After a restart of the server every pooled connection is dead: one failure throws them all away.
    if context.is_disconnect:
        context.invalidate_pool_on_disconnect = True


def engine() -> Engine:
    """The engine of this process; `connect` must have been called."""
    if _sessions is None:
        raise RuntimeError("base.database.connect was not called")
    bound: Engine = _sessions.kw["bind"]
    return bound


def driver(session: Session) -> psycopg.Connection:
    """The driver's connection of this transaction, for the few places where each statement's overhead counts."""
    found: psycopg.Connection = session.connection().connection.driver_connection  # type: ignore[assignment]
    return found


def rows(session: Session, statement: str, values: Any = ()) -> list[Any]:
    """All rows of a statement, their columns by name, over the driver itself: for what is asked with every request.

    As with any other statement, what the session has not written yet is written first.
    """
    session.flush()
    with driver(session).cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(statement, values, prepare=True, binary=True).fetchall()


def columns(kind: type[Base], of: str = "") -> str:
    """The names of a table's columns for a statement in words, `of` an alias: never `*`, which a column more would break."""
    table = cast(Table, kind.__table__)
    return ", ".join(f"{of}.{one.name}" if of else one.name for one in table.columns)


def copies(session: Session, kind: type[Copied], statement: str, values: Any = ()) -> list[Copied]:
    """The rows of a statement that returns `columns(kind)`, as objects which no session follows: to be read, never changed.

    For what is asked with every request; otherwise a session's own objects do.
    """
    return [kind(**row._asdict()) for row in rows(session, statement, values)]


def insert(
    session: Session,
    row: Base,
    *,
    unless_there: tuple[str, ...] | None = None,
    refusal: type[Problem] = Conflict,
) -> None:
    """Write one row at once, all of whose columns have a value; it is the session's then.

    With `unless_there` the refusal where there is one with the same of these columns. What a unit of work would reckon out
    for one row is known here, so nothing is reckoned.
    """
    table = cast(Table, type(row).__table__)
    values = {column.name: getattr(row, column.name) for column in table.columns}
    statement = pg_insert(table)
    if unless_there:
        statement = statement.on_conflict_do_nothing(index_elements=unless_there)
    written = session.connection().execute(statement.returning(*table.primary_key), values)
    if written.one_or_none() is None:
        raise refusal()
    make_transient_to_detached(row)
    session.add(row)


@contextmanager
def begin() -> Iterator[Session]:
    """One transaction. What the database itself refuses becomes a named error: not connected, still running."""
    engine()
    assert _sessions is not None
    with _named_errors(), _sessions.begin() as session:
        yield session
    for deed in session.info.pop(_AFTER, ()):
        deed()


def after_commit(session: Session, deed: Callable[[], None]) -> None:
    """Have something done once the transaction of `begin` has committed, and not at all otherwise.

    For what may be lost (a cache): a process that dies in between has not done it. It must not raise.
    """
    session.info.setdefault(_AFTER, []).append(deed)


@contextmanager
def reading() -> Iterator[Session]:
    """A session that reads: each statement by itself, with no BEGIN and COMMIT to be sent around them.

    It sees what a transaction of `begin` would see, for there too each statement has a snapshot of its own.
    """
    with _named_errors(), Session(_one_by_one(engine()), expire_on_commit=False) as session:
        yield session


@lru_cache(1)
def _one_by_one(of: Engine) -> Engine:
    """The same pool, whose connections commit each statement while they are lent out for reading."""
    return of.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def alone() -> Iterator[psycopg.Connection]:
    """A connection on which each statement is a transaction of its own: for work that is one statement, often done.

    A row that it changes is locked no longer than the statement takes, and a session's own work is saved.
    """
    with _named_errors():
        pooled = engine().raw_connection()
        driver: psycopg.Connection = pooled.driver_connection  # type: ignore[assignment]
        try:
            driver.autocommit = True
            yield driver
        finally:
            if driver.closed:
                pooled.invalidate()
            else:
                driver.autocommit = False
            pooled.close()


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.TimeoutError, exc.InterfaceError) as error:
        raise _named(getattr(error, "orig", None)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:  # by way of `driver`
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            engine().pool.dispose()  # the server went away: no pooled connection lives
        raise _named(error) from error


def _named(error: BaseException | None) -> Exception:
    state = getattr(error, "sqlstate", None) or ""
    if state in ("55P03", "40001", "40P01"):
        return StillRunning(retry_after_s=1)
    if state == "57014":
        return Unavailable("The database took too long.", retry_after_s=2)
    return NotConnected(retry_after_s=2)


def array(values: Iterable[object]) -> str:
    """An array as its text, for `%s::text::bigint[]` and the like: several times as fast to send as a list."""
    found = list(values)
    if found and None not in found:
        joined = '","'.join(map(str, found))
        if "\\" not in joined and joined.count('"') == 2 * (len(found) - 1):
            return f'{{"{joined}"}}'
    return "{" + ",".join(map(_element, found)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", r"\\").replace('"', r"\"") + '"'


def answers(session: Session) -> bool:
    """Whether the database answers at all."""
    return bool(session.scalar(text("select 1")) == 1)

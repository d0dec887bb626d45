"""The database: one engine per process, one transaction per edge.

An edge (a view, a command, a job) writes `with begin() as session:`; leaving commits, raising rolls back.
Rules take the session first and never commit.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, lru_cache
from itertools import islice
from typing import Any, ClassVar, TypeVar, cast

import psycopg
import structlog
from psycopg.rows import namedtuple_row
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper
from sqlalchemy import (
    BigInteger,
    DateTime,
    Engine,
    Table,
    create_engine,
    event,
    exc,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import (
    DeclarativeBase,
    Session,
    make_transient_to_detached,
    sessionmaker,
)
from sqlalchemy.orm.util import identity_key

from base import lending, pooler, walled
from base.deadlines import CONNECT_S, watchdog
from base.errors import Conflict, Problem, Unavailable
from base.failpoints import failpoint


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
log = structlog.get_logger()
_AFTER = "after the commit"
_KEPT = "kept"
_sessions: sessionmaker[Session] | None = None


def connect(
    url: str, *, pool_size: int = 8, statement_timeout_ms: int = 5_000, each_s: float | None = None
) -> Engine:
    """Make this the process's database. Deadlines: connect 2 s, lock 1 s, statement as given, idle in transaction 10 s.

    Besides, a connection is shut when what it was lent for has a deadline that passed, and without one after `each_s`.
    """
    global _sessions
    if _sessions is not None:
        _sessions.kw["bind"].dispose()
    engine = new_engine(url, pool_size=pool_size, statement_timeout_ms=statement_timeout_ms)
    lending.watch(engine, each_s)
    _sessions = sessionmaker(engine, expire_on_commit=False)
    event.listen(_sessions, "after_begin", walled.begin)
    return engine


def new_engine(url: str, *, pool_size: int = 8, statement_timeout_ms: int = 5_000) -> Engine:
    """An engine with our deadlines; never more than pool_size connections, one second to wait for one.

    Behind a pooler the deadlines are those that the pooler gives (base/pooler.py).
    """
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
            "connect_timeout": CONNECT_S,
            "options": options,
            "application_name": "jifen",
            "prepare_threshold": 3,
        },
    )
    event.listen(engine, "connect", pooler.connected)
    event.listen(engine, "connect", _whole_numbers_are_bigint)
    event.listen(engine, "checkout", lending.still_open)
    event.listen(engine, "handle_error", _all_connections_are_gone)
    return engine


def _whole_numbers_are_bigint(driver: psycopg.Connection, record: Any) -> None:
    # By itself psycopg picks the smallest type for each value, so that one statement becomes many prepared ones.
    for dumper in (Int8Dumper, Int8BinaryDumper):
        driver.adapters.register_dumper(int, dumper)


def _all_connections_are_gone(context: Any) -> None:
    # After a restart of the server every pooled connection is dead: one failure throws them all away. One that the
    # watchdog shut says nothing of the others.
    if context.is_disconnect:
        context.invalidate_pool_on_disconnect = not lending.is_late() or watchdog.is_away


def take_time(session: Session, seconds: int = 0) -> None:
    """Each statement of this transaction may take so long, and all of them together; 0: as long as they like."""
    driver(session).execute(f"set local statement_timeout = '{int(seconds)}s'")
    driver(session).execute("set local idle_in_transaction_session_timeout = 0")
    watchdog.extend(driver(session), seconds or None)


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


def side_by_side(
    session: Session, kinds: Sequence[type[Base]], statement: str, values: Any = ()
) -> list[tuple[Any, ...]]:
    """The rows of a statement that returns the columns of several tables, one table's after the other's, as copies of each.

    Where an outer join found nothing, None: the first column, of the key, is empty.
    """
    session.flush()
    tables = [(kind, [one.name for one in cast(Table, kind.__table__).columns]) for kind in kinds]
    with driver(session).cursor() as cursor:
        return [
            tuple(_beside(tables, iter(row)))
            for row in cursor.execute(statement, values, prepare=True, binary=True)
        ]


def _beside(tables: list[tuple[type[Base], list[str]]], row: Iterator[Any]) -> Iterator[Base | None]:
    for kind, names in tables:
        values = list(islice(row, len(names)))
        yield None if values[0] is None else kind(**dict(zip(names, values, strict=True)))


def own(session: Session, kind: type[Copied], key: int) -> Copied | None:
    """The session's own row of a key, as `session.get` finds it, held on to; for what is asked with every request."""
    place = identity_key(kind, key)
    if place not in session.identity_map:
        read = copies(session, kind, _by_key(kind), (key,))
        if read and place not in session.identity_map:  # or it was new, and is there since reading wrote it
            make_transient_to_detached(read[0])
            session.add(kept(session, read[0]))
    found: Copied | None = session.identity_map.get(place)
    return found and kept(session, found)


@cache
def _by_key(kind: type[Base]) -> str:
    table = cast(Table, kind.__table__)
    (key,) = table.primary_key
    return f"select {columns(kind)} from {table.name} where {key.name} = %s"


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
        failpoint("before_commit")
    failpoint("after_commit_before_reply")
    for deed in session.info.pop(_AFTER, ()):
        deed()


def kept(session: Session, row: Copied) -> Copied:
    """A row that the session holds on to: it forgets by itself what nobody uses any more, and would ask again."""
    session.info.setdefault(_KEPT, set()).add(row)
    return row


def bring(session: Session, kind: type[Base], keys: Iterable[Any]) -> None:
    """Read the rows of these keys (None is none) in one question, so that whoever then asks for one by one asks nothing more."""
    asked = {key for key in keys if key is not None}
    if not asked:
        return
    primary = cast(Table, kind.__table__).primary_key.columns.values()
    place = primary[0] if len(primary) == 1 else tuple_(*primary)
    for row in session.scalars(select(kind).where(place.in_(asked))):
        kept(session, row)


def after_commit(session: Session, deed: Callable[[], None]) -> None:
    """Have something done once the transaction of `begin` has committed, and not at all otherwise.

    For what may be lost (a cache): a process that dies in between has not done it. It must not raise.
    """
    session.info.setdefault(_AFTER, []).append(deed)


@contextmanager
def reading() -> Iterator[Session]:
    """A session that reads: each statement by itself, with no BEGIN and COMMIT to be sent around them.

    It sees what a transaction of `begin` would see, for there too each statement has a snapshot of its own. Whoever is
    behind the wall gets one, for the wall stands in a transaction alone.
    """
    if walled.standing() is not None:
        with begin() as session:
            yield session
        return
    with _named_errors(), Session(_one_by_one(engine()), expire_on_commit=False) as session:
        yield session


@lru_cache(1)
def _one_by_one(of: Engine) -> Engine:
    """The same pool, whose connections commit each statement while they are lent out for reading."""
    return of.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def alone() -> Iterator[psycopg.Connection]:
    """A connection on which each statement is a transaction of its own: for work that is one statement, often done.

    A row that it changes is locked no longer than the statement takes, and a session's own work is saved. Whoever is
    behind the wall gets one transaction for all.
    """
    if walled.standing() is not None:
        with begin() as session:
            yield driver(session)
        return
    with _named_errors():
        pooled = engine().raw_connection()
        lent: psycopg.Connection = pooled.driver_connection  # type: ignore[assignment]
        try:
            lent.autocommit = True
            yield lent
        finally:
            if lent.closed:
                pooled.invalidate()
            else:
                lent.autocommit = False
            pooled.close()


@contextmanager
def _named_errors() -> Iterator[None]:
    if watchdog.is_away or lending.is_late():
        raise NotConnected(retry_after_s=_soon())
    try:
        yield
    except (exc.OperationalError, exc.TimeoutError, exc.InterfaceError) as error:
        raise _named(getattr(error, "orig", None)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:  # by way of `driver`
        gone = error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
        if gone and (not lending.is_late() or watchdog.is_away):
            engine().pool.dispose()  # the server went away: no pooled connection lives
        raise _named(error) from error
    except (exc.ProgrammingError, psycopg.ProgrammingError) as error:
        held = getattr(error, "orig", error)
        if walled.standing() is None or getattr(held, "sqlstate", None) != "42501":
            raise
        # A query let somebody on whom the database did not: nothing is lost but the condition that the query lacks.
        log.error("wall_held", refused=str(held).partition("\n")[0])
        raise walled.OutOfReach() from error


def _named(error: BaseException | None) -> Exception:
    state = getattr(error, "sqlstate", None) or ""
    if state in ("55P03", "40001", "40P01"):
        return StillRunning(retry_after_s=1)
    if state == "57014":
        return Unavailable("The database took too long.", retry_after_s=_soon())
    return NotConnected(retry_after_s=_soon())


def _soon() -> int:
    """Not all at the same moment (s)."""
    return 1 + secrets.randbelow(4)


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


def is_pooled() -> bool:
    """Whether a pooler stands between this process and PostgreSQL, so that no session is its own."""
    with begin() as session:
        return pooler.is_between(driver(session))


def answers(session: Session) -> bool:
    """Whether the database answers at all."""
    return bool(session.scalar(text("select 1")) == 1)

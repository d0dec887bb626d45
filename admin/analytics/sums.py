"""Figures taken of whole days and kept as sums by area, so that a page of any area reads a few rows and reckons little.

Everything kept here adds up: what a province has is the sum of its cities, its counties and of those of whom only the
province is known. Taking is slow and done by a command or a job, in one snapshot of the database; reading is cheap.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.analytics.models import AreaSum, FiguresRun
from base import clock, database, ids
from base.errors import Conflict, NotFound
from base.version import VERSION
from points.models import Programme

LIABILITY, PREMIUM, MIX, ROLL_UP = "liability", "premium", "mix", "roll-up"
DAY = timedelta(days=1)
PART = 20_000  # members read at once
AT_ONCE = 5_000  # rows written at once


class DayNotOver(Conflict):
    """Figures are taken of days that are over."""

    zh = "只能统计已经结束的日期。"
    next_en, next_zh = "Ask for yesterday or an earlier day.", "请选择昨天或更早的日期。"


class NoFiguresYet(NotFound):
    """These figures were not taken yet."""

    zh = "这些数据尚未统计。"
    next_en = "Run `jifen figures`, or wait for the next night; the worker takes them once a day is over."
    next_zh = "请运行 jifen figures，或等到次日；工作进程会在一天结束后自动统计。"


class Sums(NamedTuple):
    """What things come to: how many, points, and two amounts in fen."""

    count: int = 0  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    points: int = 0
    value_fen: int = 0
    cost_fen: int = 0

    def plus(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Sums()
Rows = Mapping[tuple[str, str], Sums]  # (area, key) -> sums
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of a programme, both ends included."""

    programme: Programme
    first: date
    last: date

    @property
    def since(self) -> datetime:
        """The first moment."""
        return clock.start_of(self.first, self.programme.zone)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return clock.start_of(self.last + DAY, self.programme.zone)

    def check_over(self) -> "Days":
        """The same days; DayNotOver."""
        if clock.now() < self.until:
            raise DayNotOver(day=str(self.last))
        return self


@contextmanager
def snapshot() -> Iterator[Session]:
    """One view of the database for as long as it takes, which nothing is written to."""
    with database.begin() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text("set transaction read only"))
        database.take_time(session)
        session.execute(text("set local work_mem = '64MB'"))  # a part of the members is sorted in memory
        yield session


def parts(session: Session, programme_id: int) -> list[tuple[int, int]]:
    """Ranges of members, above the first number up to the second one."""
    found = session.connection().exec_driver_sql(
        "select member_id from (select member_id, row_number() over (order by member_id) n from member "
        "where programme_id = %s) m where n %% %s = 0 order by 1",
        (programme_id, PART),
    )
    ends = [*found.scalars(), 2**63 - 1]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def gathered(rows: Iterable[Sequence[Any]]) -> dict[tuple[str, str], Sums]:
    """Rows of area, key, count, points, value, cost added up."""
    found: dict[tuple[str, str], Sums] = {}
    for area, key, *numbers in rows:
        place = (str(area), str(key))
        found[place] = found.get(place, NOTHING).plus(Sums(*map(int, numbers)))
    return found


def merged(first: Rows, second: Rows) -> dict[tuple[str, str], Sums]:
    """Both together."""
    found = dict(first)
    for place, numbers in second.items():
        found[place] = found.get(place, NOTHING).plus(numbers)
    return found


def keep(session: Session, days: Days, topic: str, facts: Mapping[str, Any], rows: Rows) -> FiguresRun:
    """Keep figures; the same sums and facts of the same days are the row that is there already."""
    kept = sorted((area, key, *numbers) for (area, key), numbers in rows.items() if any(numbers))
    said = json.dumps([facts, kept], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    same = {
        "programme_id": days.programme.programme_id,
        "topic": topic,
        "from_day": days.first,
        "until_day": days.last,
        "content_hash": hashlib.sha256(said.encode()).digest(),
    }
    values = same | {"run_id": ids.new_id(), "at": clock.now(), "code_version": VERSION, "facts": dict(facts)}
    made: FiguresRun | None = session.scalar(
        insert(FiguresRun).values(values).on_conflict_do_nothing().returning(FiguresRun)
    )
    if made is None:
        return session.scalars(select(FiguresRun).filter_by(**same)).one()
    names = ("area", "key", *Sums._fields)
    for start in range(0, len(kept), AT_ONCE):
        batch = [
            {"run_id": made.run_id} | dict(zip(names, row, strict=True))
            for row in kept[start : start + AT_ONCE]
        ]
        session.execute(insert(AreaSum), batch)
    return made


def latest(session: Session, programme_id: int, topic: str, on: date | None = None) -> FiguresRun | None:
    """The figures of the latest days that end on a day or before it (None: on any); of those taken anew the newest."""
    asked = select(FiguresRun).where(FiguresRun.programme_id == programme_id, FiguresRun.topic == topic)
    if on is not None:
        asked = asked.where(FiguresRun.until_day <= on)
    return session.scalar(asked.order_by(FiguresRun.until_day.desc(), FiguresRun.run_id.desc()).limit(1))


def there(session: Session, programme_id: int, topic: str, on: date | None = None) -> FiguresRun:
    """The same; NoFiguresYet."""
    found = latest(session, programme_id, topic, on)
    if found is None:
        raise NoFiguresYet(topic=topic)
    return found


def of_days(session: Session, days: Days, topic: str) -> FiguresRun:
    """The figures of exactly these days, of those taken anew the newest; NoFiguresYet."""
    asked = select(FiguresRun).where(
        FiguresRun.programme_id == days.programme.programme_id,
        FiguresRun.topic == topic,
        FiguresRun.from_day == days.first,
        FiguresRun.until_day == days.last,
    )
    found = session.scalar(asked.order_by(FiguresRun.run_id.desc()).limit(1))
    if found is None:
        raise NoFiguresYet(topic=topic)
    return found


def before(session: Session, days: Days, topic: str) -> FiguresRun | None:
    """The figures of the same days that were taken last, else those of the days before."""
    return latest(session, days.programme.programme_id, topic, days.last)


def within(session: Session, run_id: int, area: str) -> dict[str, Sums]:
    """What the members of an area and of all that it contains come to, by key."""
    totals = [func.sum(getattr(AreaSum, name)) for name in Sums._fields]
    asked = select(AreaSum.key, *totals).where(AreaSum.run_id == run_id).group_by(AreaSum.key)
    if area:
        asked = asked.where(AreaSum.area.startswith(area, autoescape=True))
    return {key: Sums(*map(int, numbers)) for key, *numbers in session.execute(asked)}


def by_area(session: Session, run_id: int, area: str, length: int) -> dict[str, dict[str, Sums]]:
    """The same for each area within it whose code has so many digits; who is known less closely stands under the
    shorter code.
    """
    cut = func.left(AreaSum.area, length).label("cut")
    totals = [func.sum(getattr(AreaSum, name)) for name in Sums._fields]
    asked = select(cut, AreaSum.key, *totals).where(AreaSum.run_id == run_id).group_by(cut, AreaSum.key)
    if area:
        asked = asked.where(AreaSum.area.startswith(area, autoescape=True))
    found: dict[str, dict[str, Sums]] = {}
    for code, key, *numbers in session.execute(asked):
        found.setdefault(code, {})[key] = Sums(*map(int, numbers))
    return found


def rows_of(session: Session, run_id: int) -> Iterator[tuple[str, str, int]]:
    """Area, key and points of each sum, in order."""
    asked = select(AreaSum.area, AreaSum.key, AreaSum.points).where(AreaSum.run_id == run_id)
    yield from session.execute(asked.order_by(AreaSum.area, AreaSum.key))

"""Days on which banks are open or closed against their weekday, kept by the operator from what is decreed each year."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, csv_files
from base.csv_files import BadCell
from base.errors import Invalid
from merchants.cycles import Calendar
from merchants.models import BusinessDay

COLUMNS = ("day", "state")
OPEN, CLOSED = "open", "closed"


class CalendarWrong(Invalid):
    """A file of business days has lines that cannot be; nothing was taken from it."""

    zh = "营业日历文件有误，未导入任何内容。"
    next_en, next_zh = "Correct these lines and take the file in again.", "请更正这些行后重新导入。"


def load(session: Session, *, first: date = date.min, last: date = date.max) -> Calendar:
    """What merchants/cycles.py asks for: the exceptions from a day to a day, both included."""
    rows = session.scalars(
        select(BusinessDay).where(BusinessDay.day.between(first, last)).order_by(BusinessDay.day)
    )
    return {row.day: row.is_open for row in rows}


def put(session: Session, days: Mapping[date, bool], actor: str) -> int:
    """Say of days that banks are open or closed; how many of them are said anew. The same again changes nothing."""
    known = load(session)
    fresh = {day: is_open for day, is_open in days.items() if known.get(day) is not is_open}
    if not fresh:
        return 0
    wanted = insert(BusinessDay).values([{"day": day, "is_open": said} for day, said in fresh.items()])
    session.execute(
        wanted.on_conflict_do_update(index_elements=["day"], set_={"is_open": wanted.excluded.is_open})
    )
    said = {str(day): "open" if is_open else "closed" for day, is_open in sorted(fresh.items())}
    audit.write(session, actor, "business-days.said", "business-days", **said)
    return len(fresh)


def read(path: Path) -> dict[date, bool]:
    """What a CSV file of `day` (YYYY-MM-DD) and `state` (open, closed) says. CalendarWrong with line and reason."""
    said: dict[date, bool] = {}
    wrong: dict[int, str] = {}
    for row in csv_files.opened(path, COLUMNS).rows():
        try:
            day, state = csv_files.day(row.cells, "day"), row.cells.get("state", "")
            if row.error or state not in (OPEN, CLOSED) or day in said:
                raise BadCell(
                    row.error
                    or ("day: twice in the file" if day in said else "state: must be open or closed")
                )
            said[day] = state == OPEN
        except BadCell as error:
            wrong[row.line_no] = str(error)
    if wrong:
        raise CalendarWrong("; ".join(f"line {number}: {why}" for number, why in list(wrong.items())[:20]))
    return said

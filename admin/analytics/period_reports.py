"""Reports of ten days and of months: the roll-up of every area as CSV, made once when the period is over and kept as made.

A period is 2026-11 (a month) or 2026-11-1, -2, -3 (its first ten days, its second ten, the rest). Made again it is the
same file, byte for byte, for it is the one that was kept. Cells that a spreadsheet would take for formulas are made harmless.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.analytics import roll_up, sums
from admin.analytics.models import PeriodReport
from admin.analytics.sums import Days, Progress
from base import clock, csv_files, database
from base.errors import Invalid
from base.version import VERSION
from points.members import areas
from points.models import Programme
from points.policies import month_end

PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])(?:-([123]))?", re.ASCII)
TEN_DAYS = {"1": (1, 10), "2": (11, 20), "3": (21, 31)}
FIGURES = (
    "opening", "joined", "left", "left_involuntary", "members", "exit_rate_bp", "loyal", "loyalty_bp", "rated", "satisfied",
    "satisfaction_bp", "vip_rated", "vip_satisfied", "vip_satisfaction_bp", "silent", "silent_bp", "vip", "vip_named", "vip_covered_bp", "groups", "groups_not_served", "points_earned", "points_redeemed",
    "redemptions", "cost_fen", "points_lapsing",
)  # fmt: skip
COLUMNS = (
    "programme",
    "period",
    "from_day",
    "until_day",
    "level",
    "area",
    "name_zh",
    "name_en",
    "rest",
    *FIGURES,
)
TOO_FEW = "too few ratings"
REFUSED = ("satisfaction_bp", "vip_satisfaction_bp")
EVERYWHERE = {"zh-CN": "全部", "en": "All areas"}


class BadPeriod(Invalid):
    """A period is a month as 2026-11, or ten days of it as 2026-11-1, 2026-11-2 or 2026-11-3."""

    zh = "周期应为月份（如 2026-11），或旬（如 2026-11-1、2026-11-2、2026-11-3）。"


def days_of(programme: Programme, period: str) -> Days:
    """The days of a period; BadPeriod."""
    found = PERIOD.fullmatch(period)
    if found is None or found[1] == "0000":
        raise BadPeriod(period=period[:16])
    first = date(int(found[1]), int(found[2]), 1)
    last = month_end(first, 0)
    if found[3]:
        begins, ends = TEN_DAYS[found[3]]
        return Days(programme, first.replace(day=begins), min(last, last.replace(day=min(ends, last.day))))
    return Days(programme, first, last)


def ended_before(day: date) -> tuple[str, str]:
    """The last ten days and the last month that were over when a day began."""
    ten = day - timedelta(days=1)
    while (ten + timedelta(days=1)).day not in (1, 11, 21):
        ten -= timedelta(days=1)
    nth = next(name for name, (begins, ends) in TEN_DAYS.items() if begins <= ten.day <= ends)
    return f"{ten:%Y-%m}-{nth}", f"{month_end(day, -1):%Y-%m}"


def find(session: Session, programme_id: int, period: str) -> PeriodReport | None:
    """A report that was made; None: it was not."""
    return session.get(PeriodReport, (programme_id, period))


def make(programme: Programme, period: str, progress: Progress = lambda n: None) -> PeriodReport:
    """The report of a period: the one that was made, else made now and kept. Two at once keep one. BadPeriod, DayNotOver."""
    days = days_of(programme, period).check_over()
    with database.begin() as session:
        found = find(session, programme.programme_id, period)
    if found is not None:
        return found
    run = roll_up.take(days, progress)
    with database.begin() as session:
        by_area = sums.by_area(session, run.run_id, areas.EVERYWHERE, roll_up.COUNTY)
        names = {row.code: row.names for row in areas.every(session)}
        content = written(days, period, by_area, names)
        values = {
            "programme_id": programme.programme_id, "period": period, "at": clock.now(), "from_day": days.first,
            "until_day": days.last, "code_version": VERSION, "content": content,
            "sha256": hashlib.sha256(content.encode()).digest(),
        }  # fmt: skip
        session.execute(insert(PeriodReport).values(values).on_conflict_do_nothing())
        return session.get_one(PeriodReport, (programme.programme_id, period))


def written(
    days: Days,
    period: str,
    by_area: Mapping[str, Mapping[str, sums.Sums]],
    names: Mapping[str, dict[str, str]],
) -> str:
    """The report as CSV: headquarters, then each province with its cities and counties. Pure."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for code, is_rest, by_key in roll_up.tree(by_area):
        figures = roll_up.figures(by_key)
        place = (days.programme.code, period, days.first, days.last, areas.level(code), code)
        called = names.get(code, {}) if code else EVERYWHERE
        cells = (*place, called.get("zh-CN", ""), called.get("en", ""), int(is_rest), *_cells(figures))
        table.writerow(csv_files.neutralised(cell) if isinstance(cell, str) else cell for cell in cells)
    return out.getvalue()


def _cells(figures: Mapping[str, Any]) -> Iterator[Any]:
    for name in FIGURES:
        value = figures[name]
        yield value if value is not None else TOO_FEW if name in REFUSED else ""


def within(report: PeriodReport, area: str) -> str:
    """The report as it was made; for an area the same rows of the area alone. Pure."""
    if not area:
        return report.content
    head, *rows = csv.reader(io.StringIO(report.content, newline=""))
    place = head.index("area")
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(head)
    table.writerows(row for row in rows if row[place].startswith(area))
    return out.getvalue()


def listed(session: Session, programme_id: int, limit: int = 50) -> list[PeriodReport]:
    """Reports that were made, the latest period first."""
    asked = select(PeriodReport).where(PeriodReport.programme_id == programme_id)
    return list(
        session.scalars(asked.order_by(PeriodReport.until_day.desc(), PeriodReport.period).limit(limit))
    )

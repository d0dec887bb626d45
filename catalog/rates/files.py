"""Rates as a CSV file: every version a line; changed and sent back, what is new in it is a grid to propose."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from base import csv_files
from base.csv_files import BadCell
from base.errors import Invalid
from catalog.rates import checking, proposals, rates
from catalog.rates.models import Rate
from catalog.rates.rates import Row
from catalog.rates.scopes import scope_of
from points.models import Programme

REQUIRED = ("from_day", "points", "per_fen")
SCOPE = ("offer", "kind", "tier", "area")
COLUMNS = (*SCOPE, "from_day", "until_day", "points", "per_fen")


class RatesUnchanged(Invalid):
    """The file says nothing that is not in force already."""

    zh = "文件内容与现有兑换比例一致，没有需要提出的变更。"
    next_en, next_zh = "Add a line with a later first day.", "请添加一行，填写更晚的生效日期。"


@dataclass
class Read:
    """A file as it was read: the new rows with their lines, and the lines that cannot be, each with the reason."""

    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    known: int = 0
    errors: dict[int, str] = field(default_factory=dict)


def written(session: Session, programme_id: int) -> str:
    """Every version that holds on some day as CSV, of each scope the earliest first."""
    versions = _lasting(rates.versions(session, programme_id))
    codes = proposals.codes_of(session, {scope_of(rate) for rate in versions})
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for rate in versions:
        cells = (
            codes.get(rate.offer_id, ""),
            rate.kind or "",
            rate.tier or "",
            rate.area,
            rate.from_day.isoformat(),
            rate.until_day.isoformat() if rate.until_day else "",
            str(rate.points),
            str(rate.per_fen),
        )
        lines.writerow([csv_files.neutralised(cell) for cell in cells])
    return out.getvalue()


def read(session: Session, programme: Programme, path: Path, today: date) -> Read:
    """What a file wants beside the versions that there are; lines that say what is there already are left out.

    FileNotReadable, FileNotUtf8, FileEmpty, FileColumnsWrong. A line without points and per_fen ends its scope's rate.
    """
    opened = csv_files.opened(path, REQUIRED, [name for name in COLUMNS if name not in REQUIRED])
    versions = rates.versions(session, programme.programme_id)
    found, there = Read(), {(scope_of(rate), rate.from_day): rate for rate in _lasting(versions)}
    said: list[tuple[int, dict[str, Any]]] = []
    for line in opened.rows():
        try:
            if line.error:
                raise BadCell(line.error)
            said.append((line.line_no, _said(line.cells)))
        except BadCell as error:
            found.errors[line.line_no] = str(error)
    rows = proposals.rows_of(session, programme, [one for _, one in said])
    ended = {(row.scope, row.from_day) for row in rows if row.ends}
    for (number, _), row in zip(said, rows, strict=True):
        before = there.get((row.scope, row.from_day))
        if before is None or (row.scope, row.from_day) in ended:
            found.rows.append(row)
            found.lines.append(number)
        elif _same(before, row):
            found.known += 1
        else:
            found.errors[number] = (
                f"from_day: the version of {row.from_day} is never edited; choose a later day"
            )
    if found.rows:
        _check(session, programme, found, versions, today)
    return found


def _check(
    session: Session, programme: Programme, found: Read, versions: Sequence[Rate], today: date
) -> None:
    """Put what stands against rows to their lines."""
    if len(found.rows) > checking.MOST_ROWS:
        found.errors[found.lines[-1]] = f"a proposal has at most {checking.MOST_ROWS} new lines"
        return
    wrong = checking.faults(session, programme, found.rows, today, is_new=not versions)
    for pointer, text in wrong.items():
        _, number, name = pointer.split("/")
        found.errors.setdefault(found.lines[int(number)], f"{name}: {text}")
    if not wrong:
        for at, text in checking.outlook(versions, found.rows).against.items():
            found.errors.setdefault(found.lines[at], f"from_day: {text}")


def _lasting(versions: Sequence[Rate]) -> list[Rate]:
    """Without those that were taken back before they began."""
    return [rate for rate in versions if rate.until_day is None or rate.until_day >= rate.from_day]


def _same(rate: Rate, row: Row) -> bool:
    """Whether a line says what is there; an open end may have been given a last day since the file was written."""
    numbers = (rate.points, rate.per_fen) == (row.points, row.per_fen)
    return numbers and row.until_day in (None, rate.until_day)


def _said(cells: Mapping[str, str]) -> dict[str, Any]:
    """A line in the words of a proposal; BadCell."""
    names = {name: csv_files.text(cells, name) if cells.get(name) else None for name in SCOPE}
    numbers = {
        name: csv_files.whole_number(cells, name) if cells.get(name) else None
        for name in ("points", "per_fen")
    }
    return {
        **names,
        "area": names["area"] or "",
        "from_day": csv_files.day(cells, "from_day").isoformat(),
        "until_day": csv_files.day(cells, "until_day").isoformat() if cells.get("until_day") else None,
        **numbers,
    }

"""The airline's two files, read and mapped: members, and for each month what they earned and redeemed.

The rules are stated in docs/airline-records.md: rows of one member-month are summed, then rounded down to
whole points; within a month points are earned first, then redeemed; who redeems more than the files let them
have begins with an opening balance. Nothing here knows a database.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from base import csv_files
from base.csv_files import BadCell, CsvFile
from base.errors import Invalid
from points.policies import month_end

HISTORY_FILE = "Customer Loyalty History.csv"
ACTIVITY_FILE = "Customer Flight Activity.csv"
HISTORY_COLUMNS = (
    "Loyalty Number", "Country", "Province", "City", "Postal Code", "Gender", "Education", "Salary",
    "Marital Status", "Loyalty Card", "CLV", "Enrollment Type", "Enrollment Year", "Enrollment Month",
    "Cancellation Year", "Cancellation Month",
)  # fmt: skip
ACTIVITY_COLUMNS = (
    "Loyalty Number", "Year", "Month", "Total Flights", "Distance", "Points Accumulated", "Points Redeemed",
    "Dollar Cost Points Redeemed",
)  # fmt: skip
FEN_PER_DOLLAR = 100
_POINTS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)


class AirlineRecordsWrong(Invalid):
    """The airline's records cannot be mapped."""

    zh = "航空公司记录无法对应。"


@dataclass(frozen=True, slots=True)
class Month:
    """A month with something in it: whole points, and what the redeemed ones cost the airline."""

    first_day: date
    earned_points: int
    redeemed_points: int
    cost_fen: int


@dataclass(frozen=True, slots=True)
class Traveller:
    """A member with months in order. `opening_points`: what they must have had before the records begin."""

    customer_id: str
    joined_on: date
    left_on: date | None
    opening_points: int
    months: tuple[Month, ...]


@dataclass(frozen=True)
class Records:
    """All of it, with counts of what was seen on the way."""

    travellers: tuple[Traveller, ...]
    first_day: date
    file_hash: bytes
    rows: int
    repeated_rows: int
    member_months: int
    fractional_months: int


@dataclass(slots=True)
class _Sum:
    """What the rows of one member-month add up to, fractions kept."""

    earned: int | Decimal = 0
    redeemed: int = 0
    dollars: int = 0


def read(folder: Path) -> Records:
    """Read both files. Raises what csv_files.opened raises, or AirlineRecordsWrong with the first line at
    fault.

    One bad line refuses all: a month is a sum, and a sum with a row missing would be wrong without a sign.
    """
    history = csv_files.opened(folder / HISTORY_FILE, HISTORY_COLUMNS)
    activity = csv_files.opened(folder / ACTIVITY_FILE, ACTIVITY_COLUMNS)
    terms = _terms(history)
    sums, rows, repeated = _sums(activity, terms)
    totals = [total for months in sums.values() for total in months.values()]
    return Records(
        travellers=tuple(
            _traveller(number, *terms[number], sums.get(number, {})) for number in sorted(terms)
        ),
        first_day=min((_first_day(index) for months in sums.values() for index in months), default=date.min),
        file_hash=sha256(history.sha256 + activity.sha256).digest(),
        rows=rows,
        repeated_rows=repeated,
        member_months=len(totals),
        fractional_months=sum(total.earned % 1 != 0 for total in totals),
    )


def _terms(file: CsvFile) -> dict[str, tuple[date, date | None]]:
    """Loyalty number -> first day of the month of enrolment, last day of the month of cancellation."""
    found: dict[str, tuple[date, date | None]] = {}
    for line_no, cells in _good(file):
        try:
            number = csv_files.text(cells, "Loyalty Number")
            joined_on = _first_day(_month(cells, "Enrollment Year", "Enrollment Month"))
            left_on = None
            if cells["Cancellation Year"] or cells["Cancellation Month"]:
                left_on = month_end(_first_day(_month(cells, "Cancellation Year", "Cancellation Month")), 0)
        except BadCell as error:
            raise _wrong(file, line_no, str(error)) from error
        if number in found:
            raise _wrong(file, line_no, f"Loyalty Number: {number} is there twice")
        if left_on is not None and left_on < joined_on:
            raise _wrong(file, line_no, "Cancellation Year: cancelled before the month of enrolment")
        found[number] = joined_on, left_on
    return found


def _sums(file: CsvFile, known: Mapping[str, object]) -> tuple[dict[str, dict[int, _Sum]], int, int]:
    """Loyalty number -> month -> sums; how many rows there were, and how many repeat another row exactly."""
    sums: dict[str, dict[int, _Sum]] = {}
    distinct: set[tuple[str, ...]] = set()
    rows = 0
    for line_no, cells in _good(file):
        rows += 1
        distinct.add(tuple(cells.values()))
        try:
            number = cells["Loyalty Number"]
            if number not in known:
                raise BadCell(f"Loyalty Number: {number[:40]!r} is not in {HISTORY_FILE}")
            total = sums.setdefault(number, {}).setdefault(_month(cells, "Year", "Month"), _Sum())
            total.earned += _points(cells, "Points Accumulated")
            total.redeemed += _count(cells, "Points Redeemed")
            total.dollars += _count(cells, "Dollar Cost Points Redeemed")
        except BadCell as error:
            raise _wrong(file, line_no, str(error)) from error
    return sums, rows, rows - len(distinct)


def _traveller(number: str, joined_on: date, left_on: date | None, sums: dict[int, _Sum]) -> Traveller:
    months = tuple(
        Month(_first_day(index), int(total.earned), total.redeemed, total.dollars * FEN_PER_DOLLAR)
        for index, total in sorted(sums.items())
        if int(total.earned) or total.redeemed
    )
    return Traveller(number, joined_on, left_on, opening(months), months)


def opening(months: tuple[Month, ...]) -> int:
    """The least balance at the start with which no month ends below nothing; earned first, then redeemed."""
    balance = lowest = 0
    for month in months:
        balance += month.earned_points - month.redeemed_points
        lowest = min(lowest, balance)
    return -lowest


def _good(file: CsvFile) -> Iterator[tuple[int, dict[str, str]]]:
    for row in file.rows():
        if row.error:
            raise _wrong(file, row.line_no, row.error)
        yield row.line_no, row.cells


def _wrong(file: CsvFile, line_no: int, said: str) -> AirlineRecordsWrong:
    return AirlineRecordsWrong(f"{file.path.name}, line {line_no}: {said}")


def _points(cells: Mapping[str, str], column: str) -> int | Decimal:
    value = cells[column]
    if not _POINTS.fullmatch(value):
        raise BadCell(f"{column}: {value[:40]!r} is not a number of points")
    return Decimal(value) if "." in value else int(value)


def _count(cells: Mapping[str, str], column: str) -> int:
    value = csv_files.whole_number(cells, column)
    if not 0 <= value <= 10**12:
        raise BadCell(f"{column}: {value} is out of range")
    return value


def _month(cells: Mapping[str, str], year: str, month: str) -> int:
    """Months since the year 0: year * 12 + month - 1."""
    in_year, of_year = csv_files.whole_number(cells, year), csv_files.whole_number(cells, month)
    if not (1970 <= in_year <= 2100 and 1 <= of_year <= 12):
        raise BadCell(f"{year}, {month}: {in_year}-{of_year} is no month")
    return in_year * 12 + of_year - 1


def _first_day(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)

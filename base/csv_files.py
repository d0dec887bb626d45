"""CSV files from outside, read as a stream: one line is one row, and a bad row never hides the good ones.

A file is looked through once before its first row is given out: its hash, its lines and its encoding are
known by then, so that a file that cannot be read is refused before anything is written. Of a bad row the
reason is kept; an ErrorFile collects bad rows with two more columns, `line` and `error`. Corrected there, it
can be sent again as it is.
"""

import codecs
import csv
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple, TextIO

from base.errors import Invalid

LONGEST_LINE = 65_536  # characters
_LONGEST_BYTES = 4 * LONGEST_LINE + 4
BLOCK = 1 << 20
LARGEST = 2**63 - 1
NOTES = ("line", "error")  # the columns that an error file adds
_UNUSED = "\0"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,39}", re.ASCII)
_DIGITS = re.compile(r"-?[0-9]+", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# What a spreadsheet would take for a formula; the quotes before it are counted so that undoing is exact.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r＝＋－＠]")


class FileNotReadable(Invalid):
    """The file cannot be read."""

    zh = "无法读取该文件。"
    next_en, next_zh = "Check the name of the file and your rights to it.", "请检查文件名和读取权限。"


class FileNotUtf8(Invalid):
    """The file is not UTF-8."""

    zh = "文件不是 UTF-8 编码。"
    next_en, next_zh = "Save the file as UTF-8 and send it again.", "请将文件另存为 UTF-8 后重新提交。"


class FileEmpty(Invalid):
    """The file is empty."""

    zh = "文件是空的。"


class FileColumnsWrong(Invalid):
    """The columns of the file are not those that are expected."""

    zh = "文件的列与要求不符。"


class FileNotWritable(Invalid):
    """The error file cannot be written."""

    zh = "无法写入错误文件。"
    next_en, next_zh = "Name another place with --errors FILE.", "请用 --errors 指定其他位置。"


class BadCell(ValueError):
    """A value of a row is not what its column asks for; the text names the column."""


class Row(NamedTuple):
    """A line of the file: its number in the file, its cells by column, and why it cannot be used, if so."""

    line_no: int
    cells: dict[str, str]
    error: str | None = None


@dataclass(frozen=True)
class CsvFile:
    """A file that can be read: its columns, the hash of its bytes, and how many lines follow the header."""

    path: Path
    columns: tuple[str, ...]
    sha256: bytes
    lines: int
    corrected: bool = False  # an error file that comes back
    stamp: tuple[int, int] = (0, 0)  # size in bytes and moment of the last change
    begins_at: int = 0  # after a byte order mark
    heads: tuple[str, ...] = ()  # what the file itself calls its columns, where that is something else

    def rows(self) -> Iterator[Row]:
        """Every row in order, good or bad; blank lines are left out."""
        for line_no, line in self.numbered():
            yield self.row(line_no, line)

    def numbered(self, after: int = 1) -> Iterator[tuple[int, str]]:
        """Number and text of every line after that one, without its end; blank lines are left out."""
        with open(self.path, encoding="utf-8-sig") as file:
            for line_no, line in _lines(file):
                if line_no > after and not line.isspace():
                    yield line_no, line.rstrip("\n")

    def placed(self, after: int = 1) -> Iterator[tuple[int, str, int, int]]:
        """The same lines, each with its first byte in the file and its length in bytes, for `line_at`."""
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            for line_no, line, at, length in _placed_lines(file, self.begins_at):
                if line_no > after and not line.isspace():
                    yield line_no, line.rstrip("\r\n"), at, length

    def line_at(self, opened: int, at: int, length: int) -> str:
        """The text of a line of the opened file again, by what `placed` told of it."""
        return os.pread(opened, length, at).decode(errors="ignore").rstrip("\r\n")

    def unchanged(self, opened: int) -> bool:
        """Whether the opened file is still as large and as old as it was when it was looked through."""
        found = os.fstat(opened)
        return (found.st_size, found.st_mtime_ns) == self.stamp

    def plain(self, line: str) -> list[str] | None:
        """The cells of a good line without quotation marks, which is what nearly all are; None for any other."""
        if '"' in line or "\0" in line or self.corrected or len(line) > LONGEST_LINE:
            return None
        cells = line.split(",")
        return cells if len(cells) == len(self.columns) else None

    def row(self, line_no: int, line: str) -> Row:
        """The row that a line is, good or bad."""
        if (cells := self.plain(line)) is not None:
            return Row(line_no, dict(zip(self.columns, cells, strict=True)))
        try:
            cells = _split(line)
        except csv.Error as error:
            return Row(line_no, {self.columns[0]: line[:LONGEST_LINE].replace("\0", "")}, str(error))
        if self.corrected:
            cells = [_opened(cell) for cell in cells]
        found = dict(zip(self.columns, cells, strict=False))
        for note in NOTES if self.corrected else ():
            found.pop(note, None)
        if len(cells) != len(self.columns):
            return Row(line_no, found, f"{len(cells)} fields instead of {len(self.columns)}")
        return Row(line_no, found)


def opened(
    path: Path, required: Sequence[str], optional: Sequence[str] = (), names: Mapping[str, str] | None = None
) -> CsvFile:
    """Look the file through. FileNotReadable, FileNotUtf8, FileEmpty or FileColumnsWrong say why it is
    refused.

    `names`: which column each of the file's own stands for, the rest is not used; the hash tells files that are read otherwise.
    """
    try:
        before = path.stat()
        sha256, lines = _looked_through(path)
        with open(path, "rb") as raw:
            begins_at = len(codecs.BOM_UTF8) if raw.read(3) == codecs.BOM_UTF8 else 0
        with open(path, encoding="utf-8-sig") as file:
            head = next((line for _, line in _lines(file)), "")
    except OSError as error:
        raise FileNotReadable(error.strerror or str(error), file=path.name) from error
    if not head.strip():
        raise FileEmpty("it needs a line with the names of its columns" if lines else "", file=path.name)
    heads = _heads(head)
    columns = heads if names is None else _renamed(heads, names)
    _check(columns, heads, required, optional)
    if columns != heads:
        sha256 = hashlib.sha256(sha256 + "\0".join(columns).encode()).digest()
    return CsvFile(
        path,
        columns,
        sha256,
        max(0, lines - 1),
        corrected=set(NOTES) <= set(columns),
        stamp=(before.st_size, before.st_mtime_ns),
        begins_at=begins_at,
        heads=heads,
    )


def header(text: str) -> tuple[str, ...]:
    """The names of the columns in the first line of a file; FileEmpty, FileColumnsWrong."""
    head = text.removeprefix("\ufeff").split("\n", 1)[0].rstrip("\r")
    if not head.strip():
        raise FileEmpty("it needs a line with the names of its columns")
    heads = _heads(head)
    if twice := sorted({name for name in heads if heads.count(name) > 1}):
        raise FileColumnsWrong(f"twice: {', '.join(map(_named, twice))}")
    return heads


class Look:
    """A look through the bytes of a file as they come: its hash, its lines, and whether all of it is UTF-8."""

    def __init__(self) -> None:
        self._digest, self._last = hashlib.sha256(), b"\n"
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._ends = 0

    @property
    def lines(self) -> int:
        """How many there are so far, the header among them."""
        return self._ends + (self._last != b"\n")

    def at(self, block: bytes, *, final: bool = False) -> None:
        """FileNotUtf8 names the first line that is not."""
        self._digest.update(block)
        pending = self._decoder.getstate()[0]
        try:
            self._decoder.decode(block, final=final)
        except UnicodeDecodeError as error:
            raise _not_utf8(self._ends + (pending + block).count(b"\n", 0, error.start) + 1) from error
        self._ends, self._last = self._ends + block.count(b"\n"), block[-1:] or self._last

    def ended(self) -> bytes:
        """The hash of it all; FileNotUtf8 where it ends within a character."""
        self.at(b"", final=True)
        return self._digest.digest()


def _looked_through(path: Path) -> tuple[bytes, int]:
    look = Look()
    with open(path, "rb") as file:
        for block in iter(partial(file.read, BLOCK), b""):
            look.at(block)
    return look.ended(), look.lines


def _not_utf8(line_no: int) -> FileNotUtf8:
    return FileNotUtf8(f"line {line_no} is not UTF-8; save the file as UTF-8")


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Numbered lines. A line that is longer than allowed is cut, so that it fails alone and cheaply."""
    for line_no, line in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), ""), start=1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith("\n"):
            rest = file.readline(LONGEST_LINE + 1)
        yield line_no, line


def _placed_lines(file: TextIO, at: int) -> Iterator[tuple[int, str, int, int]]:
    """As `_lines`, with the first byte of each and its length in bytes, of which no more than allowed is told."""
    for line_no, line in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), ""), start=1):
        rest, length = line, len(line.encode())
        while len(rest) > LONGEST_LINE and not rest.endswith("\n"):
            rest = file.readline(LONGEST_LINE + 1)
            length += len(rest.encode())
        yield line_no, line, at, min(length, _LONGEST_BYTES)
        at += length


def _split(line: str) -> list[str]:
    """The cells of one line; csv.Error says what is wrong with it."""
    if len(line) > LONGEST_LINE:
        raise csv.Error(f"the line is longer than {LONGEST_LINE} characters")
    if "\0" in line:
        raise csv.Error("the line contains a NUL byte")
    try:
        return next(csv.reader((line,), strict=True))
    except csv.Error as error:
        raise csv.Error("a quotation mark is not closed on this line, or text follows it") from error


def _heads(head: str) -> tuple[str, ...]:
    try:
        return tuple(name.strip() for name in _split(head.rstrip("\n")))
    except csv.Error as error:
        raise FileColumnsWrong(f"line 1: {error}") from error


def _renamed(heads: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that the heads stand for; one that is not used has a name that none has that is asked for."""
    notes = NOTES if set(NOTES) <= set(heads) else ()
    return tuple(names.get(head) or (head if head in notes else f"{_UNUSED}{head}") for head in heads)


def _check(
    columns: Sequence[str], heads: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> None:
    allowed = {*required, *optional, *(NOTES if set(NOTES) <= set(columns) else ())}
    faults = {
        "missing": [name for name in required if name not in columns],
        "unknown": sorted({name for name in columns if not name.startswith(_UNUSED)} - allowed),
        "twice": sorted({name for name in columns if columns.count(name) > 1}),
    }
    if any(faults.values()):
        said = "; ".join(
            f"{what}: {', '.join(map(_named, names))}" for what, names in faults.items() if names
        )
        raise FileColumnsWrong(f"{said}; found: {', '.join(map(_named, heads))}")


class ErrorFile:
    """The bad rows of a file; it comes into being with the first of them, in place of an earlier one."""

    def __init__(self, path: Path, columns: Sequence[str], heads: Sequence[str] = ()) -> None:
        self.path, self.count = path, 0
        pairs = zip(columns, heads or columns, strict=True)
        kept = [(name, head) for name, head in pairs if name not in NOTES]
        self._columns = (*(name for name, _ in kept), *NOTES)
        self._heads = (*(head for _, head in kept), *NOTES)
        self._file: TextIO | None = None

    @staticmethod
    def beside(path: Path) -> Path:
        """Where bad rows of a file go when no other place is named: bills.csv -> bills.errors.csv."""
        return path.with_name(f"{path.stem}.errors.csv")

    def add(self, row: Row, error: str) -> None:
        """One bad row with the reason; FileNotWritable."""
        try:
            if self._file is None:
                self._file = open(self.path, "w", encoding="utf-8", newline="", opener=_for_its_owner)  # noqa: SIM115 - closed by __exit__
                csv.writer(self._file).writerow(self._heads)
            noted: Mapping[str, str] = {**row.cells, "line": str(row.line_no), "error": error}
            csv.writer(self._file).writerow([neutralised(noted.get(name, "")) for name in self._columns])
        except OSError as fault:
            raise FileNotWritable(fault.strerror or str(fault), file=str(self.path)) from fault
        self.count += 1

    def __enter__(self) -> "ErrorFile":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _for_its_owner(path: str, flags: int) -> int:
    """Rows are about people: nobody else reads them."""
    opened = os.open(path, flags, 0o600)
    os.fchmod(opened, 0o600)
    return opened


def neutralised(cell: str) -> str:
    """The cell as text that no spreadsheet takes for a formula: a quotation mark before = + - @, tab and carriage return."""
    return "'" + cell if _FORMULA.match(cell) else cell


def _opened(cell: str) -> str:
    return cell[1:] if _NEUTRALISED.match(cell) else cell


def whole_number(cells: Mapping[str, str], column: str, *, default: int | None = None) -> int:
    """A whole number of at most 63 bits in plain digits; BadCell for 1e3, 1_000, +5, full-width digits and
    the like.
    """
    value = cells.get(column, "")
    if len(value) <= 18 and value.isdecimal() and value.isascii():
        return int(value)
    if not value and default is not None:
        return default
    if not _DIGITS.fullmatch(value):
        raise BadCell(f"{column}: {_shown(value)} is not a whole number (digits 0 to 9, nothing else)")
    if len(value) > 20 or not -LARGEST <= int(value) <= LARGEST:
        raise BadCell(f"{column}: {_shown(value)} is too large")
    return int(value)


def day(cells: Mapping[str, str], column: str) -> date:
    """A day as YYYY-MM-DD; BadCell."""
    value = cells.get(column, "")
    found = _day(value) if len(value) == 10 else None
    if found is None:
        raise BadCell(f"{column}: {_shown(value)} is not a day (YYYY-MM-DD)")
    return found


@lru_cache(4096)  # a file has few days and many lines
def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        return None


def text(cells: Mapping[str, str], column: str, *, longest: int = 64) -> str:
    """A text that is not empty, without spaces around it or control characters; BadCell."""
    value = cells.get(column, "")
    if 0 < len(value) <= longest and value.isprintable() and value == value.strip():
        return value
    if not value:
        raise BadCell(f"{column}: is empty")
    if len(value) > longest:
        raise BadCell(f"{column}: longer than {longest} characters")
    raise BadCell(f"{column}: {_shown(value)} has spaces around it or characters that cannot be printed")


def _named(column: str) -> str:
    """The name of a column; in a file without a first line of names the first row is no one else's to see."""
    return _shown(column) if _NAME.fullmatch(column) else "'…'"


def _shown(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")

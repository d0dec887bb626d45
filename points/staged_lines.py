"""Lines of a file on their way into the staging tables and out of them again.

Staged is the line as it is, or, where lines are about persons, where it lies in the file: what is known of people is then
in no table but those that it is meant for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from base import progress
from base.csv_files import CsvFile, Row
from base.errors import Conflict
from base.patience import patiently
from points import staging
from points.imports import Format
from points.staging import Part

BLOCK = 10_000  # lines that are staged at once
BLOCK_CHARACTERS = 4_000_000
CUSTOMER = "customer_id"


class FileChanged(Conflict):
    """The file was changed while it was taken in."""

    zh = "文件在导入过程中被修改。"
    next_en = "What was done before is kept; take the file as it is now in anew."
    next_zh = "此前已导入的内容保留；请重新导入现在的文件。"


@dataclass(frozen=True)
class Source:
    """A file that is taken in, and the number that it is staged under."""

    programme_id: int
    import_id: int
    file: CsvFile


class Line(NamedTuple):
    """A line of the file: its number, its text, and what of it is staged."""

    line_no: int
    text: str
    kept: str


def stage(source: Source, form: Format[Any], *, quiet: bool) -> None:
    """Stage what is not staged yet, a block at a time. FileChanged, and then nothing is staged."""
    upto = patiently(staging.staged_upto, source.import_id)
    total = source.file.lines
    with progress.bar(total, f"{form.kind}, reading", quiet or total <= BLOCK) as bar:
        bar.advance(upto - 1)
        for block in _blocks(lines(source.file, form, upto)):
            patiently(keep, source, form, block)
            bar.advance(block[-1].line_no - upto)
            upto = block[-1].line_no
    with open(source.file.path, "rb") as file:
        if not source.file.unchanged(file.fileno()):
            patiently(staging.clear, source.import_id)  # nothing of it is done yet
            raise FileChanged(file=source.file.path.name)


def _blocks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    block: list[Line] = []
    characters = 0
    for line in lines:
        block.append(line)
        characters += len(line.text)
        if len(block) == BLOCK or characters > BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def keep(session: Session, source: Source, form: Format[Any], block: list[Line]) -> None:
    """Stage a block; rows that cannot be told apart into cells are refused here, all else where it is posted."""
    if staging.staged_upto(session, source.import_id) >= block[-1].line_no:
        return  # the answer of an earlier try was lost
    at, good, bad = source.file.columns.index(CUSTOMER), [], []
    for line in block:
        if (cells := source.file.plain(line.text)) is not None:
            good.append((cells[at], line.line_no, line.kept))
        elif (row := source.file.row(line.line_no, line.text)).error is None:
            good.append((row.cells[CUSTOMER], line.line_no, line.kept))
        else:
            bad.append((line.line_no, row.error))
    customers = {customer for customer, _, _ in good}
    if form.together is not None:
        numbers = form.together(customers)
    else:
        numbers = staging.members_of(session, source.programme_id, customers)
    waiting = [(numbers.get(customer, 0), line_no, kept) for customer, line_no, kept in good]
    staging.keep(session, source.import_id, block[-1].line_no, len(block), waiting, bad)


def lines(file: CsvFile, form: Format[Any], after: int) -> Iterator[Line]:
    """What is read and what is staged of it: the line itself, or where it lies in the file."""
    if form.private:
        for line_no, text, at, length in file.placed(after):
            yield Line(line_no, text, f"{at} {length}")
    else:
        for line_no, text in file.numbered(after):
            yield Line(line_no, text, text)


def rows(session: Session, source: Source, form: Format[Any], part: Part) -> list[Row]:
    """The rows of a part; FileChanged where they lie in a file that is another one by now."""
    staged = staging.lines_of(session, source.import_id, part)
    if not form.private:
        return [source.file.row(line_no, line) for line_no, line in staged]
    with open(source.file.path, "rb", buffering=0) as file:
        opened = file.fileno()
        if not source.file.unchanged(opened):
            raise FileChanged(file=source.file.path.name)
        return [
            source.file.row(line_no, source.file.line_at(opened, *map(int, place.split())))
            for line_no, place in staged
        ]

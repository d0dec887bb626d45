"""Taking a file in, chunk by chunk: good rows are posted, bad rows go to an error file.

A chunk is one transaction with its rows and its counts, so after Ctrl-C or a crash the same command goes on
where it was: what is there already is counted as such and not done twice. A dry run does the same work and
rolls every chunk back. Files in which the same members come again and again, in millions of lines, take the way of
points/staged_imports.py; formats, outcomes and the report are the same.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

from sqlalchemy import exc, update
from sqlalchemy.orm import Session

from base import clock, csv_files, database, ids, progress
from base.csv_files import BadCell, CsvFile, ErrorFile, FileNotWritable, Row
from base.database import StillRunning
from base.failpoints import failpoint
from base.progress import Watch
from points.models import ImportRun, Programme

CHUNK = 500
TRIES = 5
SHOWN_ERRORS = 50
SHOWN_DIFFERENCES = 50

Item = TypeVar("Item")


class What(Enum):
    """What became of a row."""

    POSTED = "posted"
    THERE = "already there"
    REFUSED = "refused"


class Outcome(NamedTuple):
    """What became of a row: the points it brought and under which name they count, or why it was refused.

    `changes`: the columns in which it says otherwise than what was known, where it is no new thing.
    """

    what: What
    points: int = 0
    name: str = ""
    reason: str = ""
    changes: str = ""


class How(TypedDict, total=False):
    """How a file is taken in: where bad rows go (None: beside it), whether nothing is kept, whether nothing is shown.

    `watch`: who is told of the progress instead; `names`: which column each of the file's own stands for.
    """

    errors: Path | None
    dry_run: bool
    quiet: bool
    watch: Watch | None
    names: Mapping[str, str] | None


@dataclass(frozen=True)
class Format(Generic[Item]):
    """How a kind of file is taken in.

    `parse` makes an item of a row's cells or raises BadCell; `take` does a chunk of items in its transaction,
    one outcome each in the same order, and knows repeats within the chunk and what is stored; `identity` says
    which items are about the same thing, `changed` why a second one with other contents is refused.

    For files that are staged: `together` gives each customer of a block a number above 0, and lines of one number are done
    together and in order (left out: the customer's member; 0 where there is none). `private`: lines are about persons, so
    that only their places in the file are staged. `by_day`: what a file says depends on the day, so one that is known is
    looked at again. `earns`: its postings are counted again. `sums`: more that adds up over the rows that were posted.
    """

    kind: str
    required: Sequence[str]
    optional: Sequence[str]
    changed: str
    parse: Callable[[dict[str, str]], Item]
    take: Callable[[Session, Sequence[Item]], Sequence[Outcome]]
    identity: Callable[[Item], object]
    together: Callable[[Iterable[str]], Mapping[str, int]] | None = None
    private: bool = False
    by_day: bool = False
    earns: bool = True
    sums: Callable[[Sequence[Item]], dict[str, int]] | None = None


@dataclass
class Report:
    """Counts of one run. `points` by name (the line type of a bill); `errors`: the first few.

    `changed`: how many of the posted changed what was known; `differences`: the first of them, by line and columns.
    `recounted`: the points of the postings that the run left in the ledger, where they were looked up again;
    `preview`: more of what a dry run found, see points/preview.py; `sums`: what a kind of file adds up besides.
    """

    file: str
    kind: str
    dry_run: bool
    read: int = 0
    posted: int = 0
    already_there: int = 0
    refused: int = 0
    points: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    error_file: str | None = None
    recounted: int | None = None
    preview: dict[str, Any] | None = None
    sums: dict[str, int] = field(default_factory=dict)
    changed: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Every row that was read was posted, was there already, or was refused; and the ledger holds the points."""
        rows = self.read == self.posted + self.already_there + self.refused
        return rows and (self.recounted is None or self.recounted == sum(self.points.values()))

    @property
    def clean(self) -> bool:
        """No row was refused, and the counts add up."""
        return self.adds_up and not self.refused

    def count(self, row: Row, outcome: Outcome) -> None:
        self.read += 1
        if outcome.what is What.POSTED:
            self.posted += 1
            if outcome.name:
                self.points[outcome.name] = self.points.get(outcome.name, 0) + outcome.points
            if outcome.changes:
                self.differ(row.line_no, outcome.changes)
        elif outcome.what is What.THERE:
            self.already_there += 1
        else:
            self.refused += 1
            if len(self.errors) < SHOWN_ERRORS:
                self.errors.append({"line": row.line_no, "error": outcome.reason})

    def differ(self, line_no: int, changes: str) -> None:
        self.changed += 1
        if len(self.differences) < SHOWN_DIFFERENCES:
            self.differences.append({"line": line_no, "changes": changes})


def refused(reason: str) -> Outcome:
    """The outcome of a row that cannot be taken."""
    return Outcome(What.REFUSED, reason=reason)


def run(
    programme: Programme,
    path: Path,
    form: Format[Item],
    *,
    errors: Path | None = None,
    dry_run: bool = False,
    quiet: bool = False,
    watch: Watch | None = None,
    names: Mapping[str, str] | None = None,
) -> Report:
    """Take a file in, opening a transaction for each chunk; refused rows go to the error file. Safe to
    repeat.

    A dry run writes an error file only where `errors` names one. Raises what `csv_files.opened` raises,
    before anything is written; FileNotWritable, and StillRunning when somebody else holds the same members
    for long: chunks that were committed before stay.
    """
    file = csv_files.opened(path, form.required, form.optional, names)
    report = Report(path.name, form.kind, dry_run)
    import_id = None if dry_run else begin(programme, file, report)
    seen: dict[int, int] = {}
    with error_file(file, errors) as bad, progress.bar(file.lines, form.kind, quiet, watch) as bar:
        rows = file.rows()
        while chunk := list(islice(rows, CHUNK)):
            outcomes, report = _done(form, chunk, parsed(form, chunk), report, import_id, seen)
            for row, outcome in zip(chunk, outcomes, strict=True):
                if outcome.what is What.REFUSED and (errors or not dry_run):
                    bad.add(row, outcome.reason)
            bar.advance(len(chunk))
    report.error_file = str(bad.path) if bad.count else None
    if import_id is not None:
        with database.begin() as session:
            mark(session, import_id, report, ended=True)
    return report


def error_file(file: CsvFile, path: Path | None) -> ErrorFile:
    """Where bad rows of a file go; FileNotWritable where that is the file itself."""
    path = path or ErrorFile.beside(file.path)
    if path.exists() and path.samefile(file.path):
        raise FileNotWritable("it is the file that is taken in", file=str(path))
    return ErrorFile(path, file.columns, file.heads)


def parsed(form: Format[Item], rows: Sequence[Row]) -> list[Item | Outcome]:
    """The item that each row is, or its refusal."""
    items: list[Item | Outcome] = []
    for row in rows:
        try:
            items.append(refused(row.error) if row.error else form.parse(row.cells))
        except BadCell as error:
            items.append(refused(str(error)))
    return items


def _done(
    form: Format[Item],
    chunk: list[Row],
    items: list[Item | Outcome],
    before: Report,
    import_id: int | None,
    seen: dict[int, int],
) -> tuple[list[Outcome], Report]:
    """One chunk, its counts in its transaction. Where another run was first, the database is asked again."""
    for tries in range(1, TRIES + 1):
        try:
            with database.begin() as session:
                outcomes = taken(session, form, items)
                failpoint("part_taken")
                if import_id is None:
                    session.rollback()
                    return _dry(form, chunk, items, outcomes, before, seen)
                report = _counted(before, chunk, outcomes)
                mark(session, import_id, report)
            return outcomes, report
        except (StillRunning, exc.IntegrityError):
            if tries == TRIES:
                raise
            time.sleep(0.1 * 2**tries)
    raise AssertionError("not reached")


def taken(session: Session, form: Format[Item], items: Sequence[Item | Outcome]) -> list[Outcome]:
    """The outcome of each item; refusals stay what they are."""
    good = [item for item in items if not isinstance(item, Outcome)]
    done = iter(form.take(session, good))
    return [item if isinstance(item, Outcome) else next(done) for item in items]


def _dry(
    form: Format[Item],
    chunk: list[Row],
    items: list[Item | Outcome],
    outcomes: list[Outcome],
    before: Report,
    seen: dict[int, int],
) -> tuple[list[Outcome], Report]:
    outcomes = [_repeat(form, item, outcome, seen) for item, outcome in zip(items, outcomes, strict=True)]
    return outcomes, _counted(before, chunk, outcomes)


def _repeat(form: Format[Item], item: Item | Outcome, outcome: Outcome, seen: dict[int, int]) -> Outcome:
    """Nothing of a dry run is stored, so repeats across chunks are known by their hashes (about 100 bytes a
    row).
    """
    if isinstance(item, Outcome) or outcome.what is What.REFUSED:
        return outcome
    identity, contents = hash(form.identity(item)), hash(item)
    if identity not in seen:
        seen[identity] = contents
        return outcome
    return Outcome(What.THERE) if seen[identity] == contents else refused(form.changed)


def _counted(before: Report, chunk: list[Row], outcomes: list[Outcome]) -> Report:
    report = deepcopy(before)
    for row, outcome in zip(chunk, outcomes, strict=True):
        report.count(row, outcome)
    return report


def begin(programme: Programme, file: CsvFile, report: Report) -> int:
    """Write down that a file is being taken in; the number of the run."""
    with database.begin() as session:
        row = ImportRun(
            import_id=ids.new_id(),
            programme_id=programme.programme_id,
            kind=report.kind,
            file_hash=file.sha256,
            counts=_counts(report),
            began_at=clock.now(),
            ended_at=None,
        )
        session.add(row)
    return row.import_id


def mark(session: Session, import_id: int, report: Report, *, ended: bool = False) -> None:
    """Write down how far a run is, or that it has ended."""
    session.execute(
        update(ImportRun)
        .where(ImportRun.import_id == import_id, ImportRun.ended_at.is_(None))
        .values(counts=_counts(report), ended_at=clock.now() if ended else None)
    )


def _counts(report: Report) -> dict[str, Any]:
    """What is kept of a run: no row of the file, for rows are about people."""
    kept = ("file", "read", "posted", "already_there", "refused", "points", "recounted")
    return {name: value for name, value in asdict(report).items() if name in kept}

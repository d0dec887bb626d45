"""Files of millions of lines about members who come again and again: staged, sorted by member, done in parts.

The file is read once into the staging table, a block at a time (of rows about persons only where they lie in it); then workers take its parts, each in a transaction with
its mark. Killed anywhere, the same command goes on: a file is known by its hash. A dry run stages under a number of its
own, rolls each part back, and removes what it staged.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import csv_files, database, ids, locks, progress
from base.csv_files import CsvFile, FileNotWritable
from base.database import StillRunning
from base.errors import Conflict, Problem
from base.failpoints import failpoint
from base.patience import patiently
from base.progress import Watch
from points import crew, imports, preview, programmes, staged_lines, staging
from points.imports import SHOWN_ERRORS, Format, Report, What
from points.models import ImportRun, Programme
from points.staged_lines import CUSTOMER, FileChanged, Source
from points.staging import Counts, Part, Share

PART = 1_000  # lines that are posted at once, and the rest of the last member's
WORTH_A_WORKER = 20_000  # lines


class How(imports.How, total=False):
    """The same, by so many processes (None: as many as the file is worth and there are cores); FileChanged where the file
    is not the one of a hash.
    """

    workers: int | None
    sha256: bytes | None


Make = Callable[[Session, Programme], Format[Any]]


class FileBeingTakenIn(Conflict):
    """Another run is taking this file in at this moment."""

    zh = "另一个任务正在导入此文件。"
    next_en = "Wait for its end; the same command then says what became of the file."
    next_zh = "请等待其结束；届时重新执行同一命令即可看到结果。"


@dataclass(frozen=True)
class Job(Source):
    """One run over one file, as each of its workers is told. `make` is a function that a module has by name."""

    dry_run: bool
    make: Make

    def __call__(self, share: Share, told: crew.Told) -> None:
        """Do the parts of a share until none is left, or until nobody listens."""
        programme, form = patiently(self._made)
        after = 0
        while True:
            done = patiently(_next_part, self, programme, form, share, after)
            if done is not None:
                part, counts = done
                if self.dry_run:  # its own transaction was rolled back
                    patiently(staging.mark, self.import_id, part, counts)
                after = part.part_no
                if not told(part.lines):
                    return
            elif after:
                after = 0  # from the front again: a part may have been given up meanwhile
            elif patiently(staging.undone, self.import_id, share):
                time.sleep(0.2)  # somebody who was cut off is still at one
            else:
                return

    def _made(self, session: Session) -> tuple[Programme, Format[Any]]:
        programme = programmes.by_id(session, self.programme_id)
        return programme, self.make(session, programme)


def run(
    programme: Programme,
    path: Path,
    make: Make,
    *,
    errors: Path | None = None,
    dry_run: bool = False,
    quiet: bool = False,
    workers: int | None = 1,
    sha256: bytes | None = None,
    watch: Watch | None = None,
    names: Mapping[str, str] | None = None,
) -> Report:
    """Take a file in, by so many processes (None: as many as it is worth and there are cores). Safe to repeat.

    A file that was taken in without a refusal is known and not read again. FileChanged where it is not the file of a hash.
    Raises what `csv_files.opened` raises before
    anything is written; FileBeingTakenIn; FileNotWritable; and NotConnected, StillRunning or WorkersLost when it stopped
    half way: what is done stays, and the same call goes on.
    """
    form = patiently(make, programme)
    file = csv_files.opened(path, form.required, form.optional, names)
    if sha256 is not None and file.sha256 != sha256:
        raise FileChanged(file=path.name)
    _check_writable(file, errors)
    report = Report(path.name, form.kind, dry_run)
    crew_size = workers or min(os.cpu_count() or 1, 1 + file.lines // WORTH_A_WORKER)
    bars = _Bars(form.kind, quiet, watch)
    if dry_run:
        return _tried(
            Job(programme.programme_id, ids.new_id(), file, True, make), form, report, errors, bars, crew_size
        )
    _remove_left_over()
    with locks.held(f"import {programme.programme_id} {form.kind} {file.sha256.hex()}") as mine:
        if not mine:
            raise FileBeingTakenIn(file=path.name)
        before = patiently(_latest, programme, form.kind, file)
        finished = before is not None and before.ended_at is not None and not before.counts["refused"]
        if before is not None and finished and not form.by_day:
            return _known(report, before)
        going_on = before is not None and before.ended_at is None
        import_id = before.import_id if before and going_on else imports.begin(programme, file, report)
        return _done(
            Job(programme.programme_id, import_id, file, False, make), form, report, errors, bars, crew_size
        )


@dataclass(frozen=True)
class _Bars:
    """How the progress of one kind of file is shown."""

    kind: str
    quiet: bool
    watch: Watch | None


def _done(
    job: Job, form: Format[Any], report: Report, errors: Path | None, bars: _Bars, workers: int
) -> Report:
    try:
        earlier = patiently(staging.totals, job.import_id)
        _work(job, form, bars, workers)
        _tell_refusals(job, report, errors, write=True)
        _count(report, patiently(staging.totals, job.import_id))
        patiently(_close, job, report)
    except BaseException:
        with suppress(Problem):
            _note(job, report)
        raise
    return _without(report, earlier)


def _tried(
    job: Job, form: Format[Any], report: Report, errors: Path | None, bars: _Bars, workers: int
) -> Report:
    with locks.held(_lock(job.import_id)):
        try:
            _work(job, form, bars, workers)
            _tell_refusals(job, report, errors, write=errors is not None)
            _count(report, patiently(staging.totals, job.import_id))
            patiently(_previewed, job, form, report)
        finally:
            patiently(staging.clear, job.import_id)
    return report


def _work(job: Job, form: Format[Any], bars: _Bars, workers: int) -> None:
    """Stage what is not staged yet, and have all parts done."""
    staged_lines.stage(job, form, quiet=bars.quiet or bars.watch is not None)
    patiently(staging.plan, job.import_id, PART)
    so_far = patiently(staging.totals, job.import_id)
    with progress.bar(so_far.read, bars.kind, bars.quiet, bars.watch) as bar:
        bar.advance(so_far.posted + so_far.already_there + so_far.refused)
        if workers > 1:
            crew.run(job, workers, bar.advance)
        else:
            job(staging.ALL, lambda lines: _told(bar, lines))
    if patiently(staging.undone, job.import_id):
        raise StillRunning(retry_after_s=1)


def _told(bar: progress.Bar, lines: int) -> bool:
    bar.advance(lines)
    return True


# A part


def _next_part(
    session: Session, job: Job, programme: Programme, form: Format[Any], share: Share, after: int
) -> tuple[Part, Counts] | None:
    """Do the next part of a share in one transaction with its mark; None where nobody can take one."""
    part = staging.claim(session, job.import_id, share, after)
    if part is None:
        return None
    counts = _take(session, job, programme, form, part)
    failpoint("staged_part_taken")
    if job.dry_run:
        session.rollback()
    else:
        staging.mark(session, job.import_id, part, counts)
    return part, counts


def _take(session: Session, job: Job, programme: Programme, form: Format[Any], part: Part) -> Counts:
    rows = staged_lines.rows(session, job, form, part)
    before = preview.numbers(session, programme, {row.cells[CUSTOMER] for row in rows}) if form.earns else {}
    items = imports.parsed(form, rows)
    outcomes = imports.taken(session, form, items)
    counts = Counts()
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.what is What.POSTED:
            counts.posted += 1
            if outcome.name:
                counts.points[outcome.name] = counts.points.get(outcome.name, 0) + outcome.points
        elif outcome.what is What.THERE:
            counts.already_there += 1
        else:
            counts.refused += 1
            counts.refusals.append((row.line_no, outcome.reason))
    if form.earns:
        counts.recounted = preview.recounted(session, before)
    if job.dry_run and form.sums is not None:
        counts.preview = form.sums([i for i, o in zip(items, outcomes, strict=True) if o.what is What.POSTED])
    elif job.dry_run and form.earns:
        counts.preview = preview.noted(session, before, rows, outcomes)
    elif job.dry_run:
        counts.preview = {
            "changed": [(row.line_no, o.changes) for row, o in zip(rows, outcomes, strict=True) if o.changes]
        }
    return counts


# The report


def _latest(session: Session, programme: Programme, kind: str, file: CsvFile) -> ImportRun | None:
    return session.scalar(
        select(ImportRun)
        .where(
            ImportRun.programme_id == programme.programme_id,
            ImportRun.kind == kind,
            ImportRun.file_hash == file.sha256,
        )
        .order_by(ImportRun.began_at.desc(), ImportRun.import_id.desc())
        .limit(1)
    )


def _known(report: Report, before: ImportRun) -> Report:
    """The file was taken in: every row is there already."""
    report.read = report.already_there = before.counts["read"]
    return report


def _count(report: Report, counts: Counts) -> None:
    report.read, report.posted, report.already_there = counts.read, counts.posted, counts.already_there
    report.refused, report.recounted, report.points = counts.refused, counts.recounted, counts.points


def _without(report: Report, earlier: Counts) -> Report:
    """What an earlier try had posted is there already."""
    report.posted -= earlier.posted
    report.already_there += earlier.posted
    report.recounted = (report.recounted or 0) - earlier.recounted
    report.points = {name: points - earlier.points.get(name, 0) for name, points in report.points.items()}
    return report


def _close(session: Session, job: Job, report: Report) -> None:
    imports.mark(session, job.import_id, report, ended=True)
    staging.clear(session, job.import_id)


def _note(job: Job, report: Report) -> None:
    """How far a run came that was stopped; without patience, for what stopped it may be the database."""
    with database.begin() as session:
        _count(report, staging.totals(session, job.import_id))
        imports.mark(session, job.import_id, report)


def _previewed(session: Session, job: Job, form: Format[Any], report: Report) -> None:
    notes = staging.previews(session, job.import_id)
    if form.sums is not None:
        sums = Counter[str]()
        for note in notes:
            sums.update(note)
        report.sums = dict(sums)
    elif form.earns:
        report.preview = preview.told(session, notes)
    else:
        for line_no, changes in sorted(change for note in notes for change in note["changed"]):
            report.differ(line_no, changes)


def _check_writable(file: CsvFile, errors: Path | None) -> None:
    """Say before the work what would otherwise be said after it."""
    place = imports.error_file(file, errors).path
    if errors is not None and not os.access(place.absolute().parent, os.W_OK):
        raise FileNotWritable("its folder is not there or cannot be written to", file=str(place))


def _tell_refusals(job: Job, report: Report, errors: Path | None, *, write: bool) -> None:
    """The first few in the report, all of them in the error file, in the order of the file."""
    with imports.error_file(job.file, errors) as bad:
        lines = job.file.numbered()
        for line_no, reason in _refusals(job):
            if len(report.errors) < SHOWN_ERRORS:
                report.errors.append({"line": line_no, "error": reason})
            elif not write:
                break
            if write:
                bad.add(next(job.file.row(*line) for line in lines if line[0] == line_no), reason)
    report.error_file = str(bad.path) if bad.count else None


def _refusals(job: Job) -> Iterator[tuple[int, str]]:
    after = 0
    while page := patiently(staging.refusals, job.import_id, after):
        yield from page
        after = page[-1][0]


# Dry runs that were killed


def _remove_left_over() -> None:
    for import_id in patiently(staging.left_over):
        with locks.held(_lock(import_id)) as mine:
            if mine:
                patiently(staging.clear, import_id)


def _lock(import_id: int) -> str:
    return f"import {import_id}"

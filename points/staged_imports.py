"""Files of millions of lines about members who come again and again: staged, sorted by member, done in parts.

The file is read once into the staging table, a block at a time; then workers take its parts, each in a transaction with
its mark. Killed anywhere, the same command goes on: a file is known by its hash. A dry run stages under a number of its
own, rolls each part back, and removes what it staged.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import exc, select
from sqlalchemy.orm import Session

from base import csv_files, database, ids, locks, progress
from base.csv_files import CsvFile, FileNotWritable
from base.database import StillRunning
from base.errors import Conflict, Problem, Unavailable
from points import crew, imports, preview, programmes, staging
from points.imports import CHUNK, SHOWN_ERRORS, TRIES, Format, Report, What
from points.models import ImportRun, Programme
from points.staging import Counts, Part, Share, Waiting

BLOCK = 10_000  # lines that are staged at once
BLOCK_CHARACTERS = 4_000_000
WORTH_A_WORKER = 20_000  # lines
GONE_TRIES = 8  # about a minute for a database that restarts
CUSTOMER = "customer_id"

Result = TypeVar("Result")
Make = Callable[[Session, Programme], Format[Any]]


class FileBeingTakenIn(Conflict):
    """Another run is taking this file in at this moment."""

    zh = "另一个任务正在导入此文件。"
    next_en = "Wait for its end; the same command then says what became of the file."
    next_zh = "请等待其结束；届时重新执行同一命令即可看到结果。"


@dataclass(frozen=True)
class Job:
    """One run over one file, as each of its workers is told. `make` is a function that a module has by name."""

    programme_id: int
    import_id: int
    file: CsvFile
    dry_run: bool
    make: Make

    def __call__(self, share: Share, told: crew.Told) -> None:
        """Do the parts of a share until none is left."""
        with database.begin() as session:
            programme = programmes.by_id(session, self.programme_id)
            form = self.make(session, programme)
        after = 0
        while True:
            part = _patiently(lambda after=after: _next_part(self, programme, form, share, after))  # type: ignore[misc]
            if part is not None:
                after = part.part_no
                if not told(part.lines):
                    return
            elif after:
                after = 0  # from the front again: a part may have been given up meanwhile
            elif _patiently(lambda: _undone(self, share)):
                time.sleep(0.2)  # somebody who was cut off is still at one
            else:
                return


def run(
    programme: Programme,
    path: Path,
    make: Make,
    *,
    errors: Path | None = None,
    dry_run: bool = False,
    quiet: bool = False,
    workers: int | None = 1,
) -> Report:
    """Take a file in, by so many processes (None: as many as it is worth and there are cores). Safe to repeat.

    A file that was taken in without a refusal is known and not read again. Raises what `csv_files.opened` raises before
    anything is written; FileBeingTakenIn; FileNotWritable; and NotConnected, StillRunning or WorkersLost when it stopped
    half way: what is done stays, and the same call goes on.
    """
    with database.begin() as session:
        form = make(session, programme)
    file = csv_files.opened(path, form.required, form.optional)
    _writable(file, errors)
    report = Report(path.name, form.kind, dry_run)
    workers = workers or min(len(os.sched_getaffinity(0)), 1 + file.lines // WORTH_A_WORKER)
    if dry_run:
        job = Job(programme.programme_id, ids.new_id(), file, True, make)
        with locks.alone(_lock(job.import_id)):
            try:
                return _dry(programme, job, form, report, errors, quiet, workers)
            finally:
                _patiently(lambda: _clear(job.import_id))
    _remove_left_over()
    with locks.alone(f"import {programme.programme_id} {form.kind} {file.sha256.hex()}") as alone:
        if not alone:
            raise FileBeingTakenIn(file=path.name)
        before = _patiently(lambda: _latest(programme, form.kind, file))
        if before is not None and before.ended_at is not None and not before.counts["refused"]:
            return _known(report, before)
        if before is None or before.ended_at is not None:
            before_id = imports.begin(programme, file, report)
        else:
            before_id = before.import_id
        job = Job(programme.programme_id, before_id, file, False, make)
        try:
            return _real(programme, job, form, report, errors, quiet, workers)
        except BaseException:
            with suppress(Problem):
                _note(job.import_id, report)
            raise


def _real(
    programme: Programme,
    job: Job,
    form: Format[Any],
    report: Report,
    errors: Path | None,
    quiet: bool,
    workers: int,
) -> Report:
    with database.begin() as session:
        earlier = staging.totals(session, job.import_id)
    _work(programme, job, form.kind, quiet, workers)
    _tell_refusals(job, report, errors, write=True)
    with database.begin() as session:
        whole = replace(report, errors=[], points={})
        _count(whole, staging.totals(session, job.import_id))
        _count(report, staging.totals(session, job.import_id))
        imports.mark(session, job.import_id, whole, ended=True)
        staging.clear(session, job.import_id)
    return _without(report, earlier)


def _dry(
    programme: Programme,
    job: Job,
    form: Format[Any],
    report: Report,
    errors: Path | None,
    quiet: bool,
    workers: int,
) -> Report:
    _work(programme, job, form.kind, quiet, workers)
    _tell_refusals(job, report, errors, write=errors is not None)
    with database.begin() as session:
        _count(report, staging.totals(session, job.import_id))
        report.preview = preview.told(session, staging.previews(job.import_id))
    return report


def _work(programme: Programme, job: Job, kind: str, quiet: bool, workers: int) -> None:
    """Stage what is not staged yet, and have all parts done."""
    _stage(programme, job, kind, quiet)
    with database.begin() as session:
        staging.plan(session, job.import_id, CHUNK)
        so_far = staging.totals(session, job.import_id)
    with progress.bar(so_far.read, kind, quiet) as bar:
        bar.advance(so_far.posted + so_far.already_there + so_far.refused)
        if workers > 1:
            crew.run(job, workers, bar.advance)
        else:
            job(staging.ALL, lambda lines: _told(bar, lines))
    if _undone(job, staging.ALL):
        raise StillRunning(retry_after_s=1)


def _told(bar: progress.Bar, lines: int) -> bool:
    bar.advance(lines)
    return True


# Staging


def _stage(programme: Programme, job: Job, kind: str, quiet: bool) -> None:
    with database.begin() as session:
        upto = staging.staged_upto(session, job.import_id)
    lines = job.file.lines
    with progress.bar(lines, f"{kind}, reading", quiet or lines <= BLOCK) as bar:
        bar.advance(upto - 1)
        for block in _blocks(job.file.numbered(upto)):
            _patiently(lambda block=block: _keep(programme, job, block))  # type: ignore[misc]
            bar.advance(block[-1][0] - upto)
            upto = block[-1][0]


def _blocks(lines: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    block, characters = [], 0
    for line in lines:
        block.append(line)
        characters += len(line[1])
        if len(block) == BLOCK or characters > BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def _keep(programme: Programme, job: Job, block: list[tuple[int, str]]) -> None:
    rows = [(job.file.row(line_no, line), line) for line_no, line in block]
    good = [(row.line_no, row.cells[CUSTOMER], line) for row, line in rows if row.error is None]
    bad = [(row.line_no, row.error) for row, _ in rows if row.error is not None]
    with database.begin() as session:
        members = staging.members_of(session, programme, {customer for _, customer, _ in good})
        waiting = [Waiting(members.get(customer, 0), line_no, line) for line_no, customer, line in good]
        staging.keep(session, job.import_id, block[-1][0], len(block), waiting, bad)


# A part


def _next_part(job: Job, programme: Programme, form: Format[Any], share: Share, after: int) -> Part | None:
    """Do the next part of a share in one transaction with its mark; None where nobody can take one."""
    with database.begin() as session:
        part = staging.claim(session, job.import_id, share, after)
        if part is None:
            return None
        counts = _take(session, job, programme, form, part)
        if not job.dry_run:
            staging.mark(session, job.import_id, part, counts)
            return part
        session.rollback()
    with database.begin() as session:
        staging.mark(session, job.import_id, part, counts)
    return part


def _take(session: Session, job: Job, programme: Programme, form: Format[Any], part: Part) -> Counts:
    rows = [job.file.row(line_no, line) for line_no, line in staging.lines_of(session, job.import_id, part)]
    before = preview.numbers(session, programme, {row.cells[CUSTOMER] for row in rows})
    outcomes = imports.taken(session, form, imports.parsed(form, rows))
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
    counts.recounted = preview.recounted(session, before)
    if job.dry_run:
        counts.preview = preview.noted(session, before, rows, outcomes)
    return counts


def _undone(job: Job, share: Share) -> int:
    with database.begin() as session:
        return staging.undone(session, job.import_id, share)


# The report


def _latest(programme: Programme, kind: str, file: CsvFile) -> ImportRun | None:
    with database.begin() as session:
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
    report.read = before.counts["read"]
    report.already_there = report.read
    return report


def _count(report: Report, counts: Counts) -> None:
    report.read, report.posted, report.already_there = counts.read, counts.posted, counts.already_there
    report.refused, report.recounted, report.points = counts.refused, counts.recounted, counts.points


def _without(report: Report, earlier: Counts) -> Report:
    """What an earlier try had posted is there already."""
    report.posted -= earlier.posted
    report.already_there += earlier.posted
    report.recounted = (report.recounted or 0) - earlier.recounted
    for name, points in earlier.points.items():
        report.points[name] -= points
    return report


def _note(import_id: int, report: Report) -> None:
    """How far a run came that was stopped."""
    with database.begin() as session:
        _count(report, staging.totals(session, import_id))
        imports.mark(session, import_id, report)


def _writable(file: CsvFile, errors: Path | None) -> None:
    """Say before the work what would otherwise be said after it."""
    place = imports.error_file(file, errors).path
    if errors is not None and not os.access(place.absolute().parent, os.W_OK):
        raise FileNotWritable("its folder is not there or cannot be written to", file=str(place))


def _tell_refusals(job: Job, report: Report, errors: Path | None, *, write: bool) -> None:
    """The first few in the report, all of them in the error file, in the order of the file."""
    refusals = staging.refusals(job.import_id)
    with imports.error_file(job.file, errors) as bad:
        lines = job.file.numbered()
        for line_no, reason in refusals:
            if len(report.errors) < SHOWN_ERRORS:
                report.errors.append({"line": line_no, "error": reason})
            elif not write:
                break
            if write:
                bad.add(next(job.file.row(*line) for line in lines if line[0] == line_no), reason)
    report.error_file = str(bad.path) if bad.count else None


# Patience


def _patiently(call: Callable[[], Result]) -> Result:
    """Again where another was first, or where the database is gone for a while."""
    tries = 0
    while True:
        tries += 1
        try:
            return call()
        except (StillRunning, exc.IntegrityError):
            if tries >= TRIES:
                raise
            time.sleep(0.1 * 2**tries)
        except Unavailable:
            if tries >= GONE_TRIES:
                raise
            time.sleep(0.25 * 2**tries)


def _clear(import_id: int) -> None:
    with database.begin() as session:
        staging.clear(session, import_id)


def _remove_left_over() -> None:
    """Dry runs that were killed have left their lines."""
    with database.begin() as session:
        found = staging.left_over(session)
    for import_id in found:
        with locks.alone(_lock(import_id)) as alone:
            if alone:
                _clear(import_id)


def _lock(import_id: int) -> str:
    return f"import {import_id}"

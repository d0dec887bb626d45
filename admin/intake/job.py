"""The worker's side: a file is written out, looked through, tried or taken in by the importer of its kind, and let go of.

Safe to run twice: a lock spares double work, each importer knows what it took before. Whoever asks a job to end is heard
between two of its parts.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from admin.intake import parts, tasks
from admin.intake.kinds import KINDS
from admin.intake.models import CANCELLED, DONE, FAILED, TRY, UNDO, Intake, IntakeJob
from admin.intake.refusals import DataMoved, TouchedSince
from base import clock, csv_files, database, locks
from base.config import Config
from base.csv_files import CsvFile
from base.database import StillRunning
from base.errors import Problem, Unavailable
from points import programmes, taking_back
from points.imports import Report
from points.models import Programme

LATER = timedelta(minutes=1)
COUNTED = ("read", "posted", "already_there", "refused", "changed")
_OF_THE_PLACE = ("file", "error_file", "dry_run")


class Stopped(Exception):
    """Somebody wants this job to end."""


def run(config: Config, job_id: int) -> None:
    """Do what was asked for; while another worker does it, look again a minute later."""
    with locks.held(f"intake job {job_id}") as mine:
        if mine:
            _run(config, job_id)
            return
    with database.begin() as session:
        tasks.promise(session, job_id, clock.now() + LATER)


def _run(config: Config, job_id: int) -> None:
    with database.begin() as session:
        job = tasks.begun(session, job_id, clock.now())
        intake = session.get_one(Intake, job.intake_id) if job else None
        programme = programmes.by_id(session, intake.programme_id) if intake else None
    if job is None or intake is None or programme is None:
        return
    with _workplace(job_id) as folder:
        work = _Work(config, programme, intake, job, folder)
        try:
            work.prepare()
            report = work.done()
        except Stopped:
            with database.begin() as session:
                counts = work.so_far(session) if intake.posting_at or work.posts else None
                tasks.end(session, config, job_id, CANCELLED, clock.now(), counts=counts)
        except (StillRunning, Unavailable):
            raise  # the queue tries again
        except Problem as problem:
            with database.begin() as session:
                said = {"detail": problem.detail, "facts": {k: str(v) for k, v in problem.facts.items()}}
                tasks.end(session, config, job_id, FAILED, clock.now(), reason=problem.type_name(), told=said)
        else:
            parts.keep_errors(config, intake.intake_id, work.errors)
            with database.begin() as session:
                counts = {name: getattr(report, name) for name in COUNTED} | {
                    "sha256": work.file.sha256.hex()
                }
                tasks.end(session, config, job_id, DONE, clock.now(), counts=counts, told=_said(report))


class _Work:
    """One job at its file; `posts`: rows may be in by now."""

    file: CsvFile

    def __init__(
        self, config: Config, programme: Programme, intake: Intake, job: IntakeJob, folder: Path
    ) -> None:
        self._config, self.programme, self.intake, self._job = config, programme, intake, job
        self.kind = KINDS[intake.kind]
        self._path, self.errors = folder / intake.name, folder / ".errors.csv"
        self.posts = False

    def prepare(self) -> None:
        """Have the file here and look it through."""
        parts.write_out(self._config, self.intake.intake_id, self._path)
        self.file = csv_files.opened(self._path, self.kind.required, self.kind.optional, self.intake.names)

    def done(self) -> Report:
        """What was asked for."""
        if self._job.deed == TRY:
            return self._take(tasks.TRYING, dry_run=True)
        return self.taken_back() if self._job.deed == UNDO else self.taken_in()

    def taken_in(self) -> Report:
        """The file itself, once it was seen that it still brings what the dry run said; DataMoved.

        Where rows may be in already, what the file brings is not what it would have brought: then it only goes on.
        """
        parts_of_bar = 1
        if self.intake.posting_at is None:
            parts_of_bar = 2
            self._unmoved(self._take(tasks.CHECKING, dry_run=True, of=parts_of_bar))
            with database.begin() as session:
                tasks.posting(session, self.intake.intake_id, clock.now())
        self.posts = True
        return self._take(tasks.POSTING, dry_run=False, nth=parts_of_bar, of=parts_of_bar)

    def taken_back(self) -> Report:
        """The file is taken back whole, once it was seen that none of its rows was touched since; TouchedSince."""
        found = self._take(tasks.CHECKING, dry_run=True, of=2)
        if found.refused:
            raise TouchedSince(
                rows=found.refused, **{f"line {one['line']}": one["error"] for one in found.errors}
            )
        self.posts = True
        return self._take(tasks.BACK, dry_run=False, nth=2, of=2)

    def _unmoved(self, now: Report) -> None:
        with database.begin() as session:
            before = tasks.told(self._config, tasks.latest(session, self.intake.intake_id, TRY))
        found = _said(now)
        if _compared(before) != _compared(found):
            said: dict[str, Any] = {
                name: f"{before.get(name)} -> {found[name]}"
                for name in COUNTED
                if before.get(name) != found[name]
            }
            raise DataMoved(**said)

    def so_far(self, session: Session) -> dict[str, Any] | None:
        """What became of the rows until a run was ended, as its own log has it."""
        run = taking_back.RUN if self._job.deed == UNDO else self.kind.named
        counts = tasks.logged(session, self.intake, run)
        return {name: counts.get(name, 0) for name in COUNTED} if counts else None

    def _take(self, phase: str, *, dry_run: bool, nth: int = 1, of: int = 1) -> Report:
        watch = _Watch(self._job.job_id, phase, self.file.lines, nth, of)
        how = {
            "dry_run": dry_run,
            "quiet": True,
            "watch": watch,
            "errors": self.errors,
            "names": self.intake.names,
        }
        take = self.kind.back if self._job.deed == UNDO else self.kind.take
        assert take is not None
        return take(self.programme, self._config, self._path, how)


class _Watch:
    """A bar that is a row of the database; the nth of so many rounds over the lines of the file."""

    def __init__(self, job_id: int, phase: str, lines: int, nth: int, of: int) -> None:
        self._job_id, self._phase = job_id, phase
        self._done, self._total = (nth - 1) * lines, of * lines
        self._before, self._lines = self._done, lines

    def begins(self, total: int) -> None:
        """Rows begin to be done."""
        self._tell()

    def advance(self, count: int = 1) -> None:
        """So many more are done; Stopped."""
        self._done = min(self._done + count, self._before + self._lines)
        if count:
            self._tell()

    def _tell(self) -> None:
        with database.begin() as session:
            goes_on = tasks.stands(session, self._job_id, self._phase, self._done, self._total, clock.now())
        if not goes_on:
            raise Stopped()


def _said(report: Report) -> dict[str, Any]:
    """The report as it is kept."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(report), default=str))
    return {name: value for name, value in found.items() if name not in _OF_THE_PLACE}


def _compared(said: Mapping[str, Any]) -> dict[str, Any]:
    """What of a report tells whether the data have moved."""
    return {name: value for name, value in said.items() if name != "recounted"}


@contextmanager
def _workplace(job_id: int) -> Iterator[Path]:
    """A folder of this machine for its owner alone; what a killed run of the same job left there is removed."""
    folder = Path(tempfile.gettempdir()) / f"jifen-intake-{job_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

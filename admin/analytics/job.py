"""Runs by the worker: one that was asked for, to its end; and each night one for every programme.

Safe to run twice and beside another worker: a night's task is one row by its key, a lock spares double work, and the run
itself is written once whoever was first.
"""

from datetime import timedelta

from admin.analytics import runs, snapshot, tasks
from admin.analytics.models import AnalysisTask
from admin.analytics.runs import NothingToCompare
from admin.analytics.snapshot import Snapshot, SnapshotBroken
from base import clock, database, locks
from base.config import Config
from points import programmes

NIGHT_HOURS = range(2, 6)
LATER = timedelta(minutes=1)


def run(config: Config, task_id: int) -> None:
    """Do what was asked for; while another worker does it, look again a minute later."""
    with locks.held(f"analysis task {task_id}") as mine:
        if mine:
            _run(config, task_id)
            return
    with database.begin() as session:
        tasks.promise(session, task_id, clock.now() + LATER)


def nightly(config: Config) -> bool:
    """In the small hours, ask for a run of every programme, once a night; never more to do at once."""
    at = clock.now()
    if at.astimezone(clock.zone(config.zone)).hour not in NIGHT_HOURS:
        return False
    with database.begin() as session:
        for programme in programmes.every(session):
            tasks.put(session, programme.programme_id, tasks.NIGHT, at, night=clock.day(at, config.zone))
    return False


def _run(config: Config, task_id: int) -> None:
    with database.begin() as session:
        task = tasks.begun(session, task_id, clock.now())
        programme = programmes.by_id(session, task.programme_id) if task else None
    if task is None or programme is None:
        return
    progress = _Progress(task_id)
    try:
        taken = _snapshot(config, task, progress)
        progress.goes_on(snapshot.STEPS + runs.steps(taken), taken.sha256)
        found = runs.take(config, programme, taken, progress)
    except (NothingToCompare, SnapshotBroken) as problem:
        with database.begin() as session:
            tasks.end(session, task_id, clock.now(), reason=problem.type_name())
        return
    with database.begin() as session:
        tasks.end(session, task_id, clock.now(), run_id=found.run_id)


def _snapshot(config: Config, task: AnalysisTask, progress: "_Progress") -> Snapshot:
    """The one it was at when it was broken off, else that of this very night, else one taken now."""
    found = snapshot.by_hash(config, task.snapshot_hash.hex()) if task.snapshot_hash else None
    if found is None and task.night is not None:
        last = snapshot.latest(config, task.programme_id)
        found = last if last and clock.day(last.as_of, config.zone) == task.night else None
    if found is None:
        return snapshot.take(config, progress)
    progress.advance(snapshot.STEPS)
    return found


class _Progress:
    """A bar that is a row of the database."""

    def __init__(self, task_id: int) -> None:
        self._task_id, self._done, self._of = task_id, 0, 10 * snapshot.STEPS
        self._snapshot: str | None = None

    def goes_on(self, of: int, snapshot_hash: str) -> None:
        """Now it is known how many steps there are, and with which snapshot."""
        self._of, self._snapshot = of, snapshot_hash
        self.advance(0)

    def advance(self, count: int = 1) -> None:
        """So many more steps are done."""
        self._done += count
        with database.begin() as session:
            tasks.stands(session, self._task_id, self._done, self._of, self._snapshot)

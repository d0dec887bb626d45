"""Replays by the worker: part by part to the end; safe to run twice, and beside a command that does the same."""

import time

from sqlalchemy.orm import Session

from admin.replay import runs
from admin.replay.models import DONE, ReplayRun
from base import database, outbox
from base.approvals.approvals import NO_MEMBER
from base.database import StillRunning

TASK = "replay"
TRIES = 8


def promise(session: Session, run: ReplayRun) -> None:
    """Have the worker do what is left of a run."""
    if run.state != DONE:
        outbox.put(session, NO_MEMBER, TASK, {"replay_id": run.replay_id})


def run(replay_id: int) -> None:
    """Do a run to its end."""
    while patient_step(replay_id).state != DONE:
        pass


def patient_step(replay_id: int) -> ReplayRun:
    """The next part in its own transaction; another process may be at it for a moment. StillRunning after some tries."""
    for tries in range(TRIES):
        try:
            with database.begin() as session:
                return runs.step(session, replay_id)
        except StillRunning:
            if tries == TRIES - 1:
                raise
            time.sleep(0.1 * 2**tries)
    raise AssertionError("not reached")

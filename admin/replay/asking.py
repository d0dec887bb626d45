"""Who may have a proposal replayed and read what came of it: people who work for all areas, for a replay tells of all.

A proposal about a member of another area is not there for them at all, as with approvals.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from admin.replay import job, runs
from admin.replay.models import DONE, ReplayRun
from admin.replay.runs import ReplayUnknown
from base.approvals import approvals
from base.approvals.models import Proposal
from base.auth.principals import Principal, Staff

RUNS, READS = "replays:run", "replays:read"


def ask(session: Session, person: Principal, proposal_id: int, months: int, at: datetime) -> ReplayRun:
    """Have a proposal replayed by the worker; asked for twice, it is the same replay.

    ProposalUnknown, ForHeadquarters, NotReplayed, BadMonths.
    """
    proposal = approvals.own(session, person, proposal_id).proposal
    run = runs.begin(session, proposal, months, at, person.actor)
    job.promise(session, run)
    return run


def find(session: Session, person: Principal, replay_id: int) -> ReplayRun:
    """One replay; ReplayUnknown, also for who works for one area."""
    if not _sees_all(person):
        raise ReplayUnknown()
    return runs.find(session, replay_id)


def listed(session: Session, person: Principal, proposal: Proposal) -> list[ReplayRun]:
    """The replays of a proposal's content that this person may read, the newest first."""
    return runs.of_proposal(session, proposal) if _sees_all(person) else []


def beside(session: Session, person: Principal, proposal: Proposal) -> dict[str, Any]:
    """What the proposal itself shows whoever may read them: its replays with their reports."""
    if not _sees_all(person):
        return {}
    return {"replays": [view(run) for run in listed(session, person, proposal)]}


def view(run: ReplayRun) -> dict[str, Any]:
    """A replay as ReplayedView: plain JSON, for it is stored with the idempotency key. The report once it is done."""
    return {
        "id": runs.reference(run.replay_id),
        "proposal": approvals.reference(run.proposal_id),
        "content_hash": run.content_hash.hex(),
        "months": run.months,
        "from_day": run.from_day.isoformat(),
        "until_day": run.until_day.isoformat(),
        "state": run.state,
        "progress_percent": run.progress_percent,
        "asked_by": run.asked_by,
        "asked_at": run.asked_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "report": run.report if run.state == DONE else None,
    }


def _sees_all(person: Principal) -> bool:
    return READS in person.permissions and isinstance(person, Staff) and not person.area

"""Proof of replays: each is of the content of its proposal, and a report says what it assumes and adds up."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.replay import runs, telling
from admin.replay.models import DONE, ReplayRun
from base.approvals.models import Proposal
from base.findings import Finding


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with replays. Read-only; give it a REPEATABLE READ transaction."""
    rows = session.execute(
        select(ReplayRun, Proposal)
        .outerjoin(Proposal, Proposal.proposal_id == ReplayRun.proposal_id)
        .order_by(ReplayRun.replay_id)
        .execution_options(yield_per=1000)
    )
    for run, proposal in rows:
        for fault in _faults(run, proposal):
            yield Finding("replay-run", runs.reference(run.replay_id), fault)


def _faults(run: ReplayRun, proposal: Proposal | None) -> Iterator[str]:
    if proposal is None or proposal.content_hash != run.content_hash:
        yield "there is no proposal with this content"
    if run.state == DONE and run.report is not None:
        yield from _of_report(run, run.report)


def _of_report(run: ReplayRun, told: dict[str, Any]) -> Iterator[str]:
    if told["content_hash"] != run.content_hash.hex():
        yield "the report is about another content"
    if told["assumption"] != telling.ASSUMPTION:
        yield "the report does not say what it assumes"
    whole = told.get("redeemed") or told["earned"]
    parts = told["mix"] if "mix" in told else told["line_types"]
    for when in ("points_then", "points_new"):
        if sum(part[when] for part in parts) != whole[when]:
            yield f"{when} of the parts do not add up to the whole"

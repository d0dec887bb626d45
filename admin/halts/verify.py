"""Proof of halts: each that ended was ended by two persons' approval of exactly that."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.halts.resuming import KIND
from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.errors import NotFound
from base.findings import Finding
from base.halts import halts
from base.halts.models import Halt


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with halts. Read-only."""
    for halt in session.scalars(select(Halt).where(Halt.ended_at.is_not(None))):
        if not _approved(session, halt):
            yield Finding("halt", halts.reference(halt), "it ended without the approval of two persons")


def _approved(session: Session, halt: Halt) -> bool:
    try:
        number = approvals.parse(halt.approval or "")
    except NotFound:
        return False
    found = session.get(Proposal, number)
    decision = session.get(Decision, number)
    return (
        found is not None
        and decision is not None
        and (found.kind, decision.verdict) == (KIND, APPROVED)
        and found.said["halt"] == halts.reference(halt)
    )

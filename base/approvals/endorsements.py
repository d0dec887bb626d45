"""Proposals that take several checkers: one row for each yes, by different persons, before the last one's decides."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import locks
from base.approvals.models import Endorsement, Proposal
from base.errors import Conflict


class EndorsedAlready(Conflict):
    """You have approved this already; it takes another person as well."""

    zh = "您已同意该申请，还需另一人审批。"
    next_en, next_zh = "Ask another checker.", "请由另一位审批人处理。"


def wait(session: Session, proposal_id: int) -> None:
    """Until the end of the transaction nobody else approves it: of two at once one is the first, the other the second."""
    locks.in_turn(session, f"endorsement:{proposal_id}")


def add(session: Session, person_id: int, proposal: Proposal, at: datetime, note: str | None) -> int:
    """Write one checker's yes down; how many there are with it. EndorsedAlready."""
    seen = {"maker_id": proposal.maker_id, "content_hash": proposal.content_hash, "note": note}
    written = session.scalar(
        insert(Endorsement)
        .values(proposal_id=proposal.proposal_id, person_id=person_id, at=at, **seen)
        .on_conflict_do_nothing()
        .returning(Endorsement.person_id)
    )
    if written is None:
        raise EndorsedAlready()
    return len(persons(session, proposal.proposal_id))


def persons(session: Session, proposal_id: int) -> list[int]:
    """Who has said yes, the first one first."""
    asked = select(Endorsement.person_id).where(Endorsement.proposal_id == proposal_id)
    return list(session.scalars(asked.order_by(Endorsement.at, Endorsement.person_id)))

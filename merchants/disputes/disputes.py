"""Disputes of acceptances: opened once, by the member or the merchant, owned by the first person who takes it, decided, closed.

Sealed statements never change: what is held when it is opened, and released when it is decided for the merchant, are lines
of the next ones (merchants/disputes/holding.py).
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import ids
from base.auth.principals import Principal
from base.errors import Conflict, NotAllowed, NotFound
from merchants import events
from merchants.disputes import holding
from merchants.disputes.models import CLOSED, DECIDED, MEMBER, MERCHANT, OPEN, Dispute
from merchants.models import Acceptance
from points.members import scope

DECIDE_WITHIN = timedelta(days=14)


class DisputeUnknown(NotFound):
    """There is no such dispute."""

    zh = "没有该争议。"


class DisputeTaken(Conflict):
    """Somebody else looks into this dispute already."""

    zh = "该争议已由其他人员受理。"
    next_en, next_zh = (
        "Take another one from the list, or ask who has it.",
        "请受理列表中的其他争议，或联系受理人。",
    )


class DisputeNotTaken(NotAllowed):
    """Only who took this dispute decides it."""

    zh = "只有受理人可以裁定该争议。"
    next_en, next_zh = "Take it first, if nobody has.", "如尚无人受理，请先受理。"


class DisputeDecided(Conflict):
    """This dispute was decided already."""

    zh = "该争议已裁定。"
    next_en, next_zh = "Read the decision; it stands.", "请查看裁定结果；裁定不可更改。"


class DisputeThere(Conflict):
    """There is a dispute of this acceptance already."""

    zh = "该笔核销已有争议。"
    next_en, next_zh = "Look at it; there is one for each acceptance.", "请查看该争议；每笔核销只有一件争议。"


class DisputeOpen(Conflict):
    """This dispute was not decided yet, or is closed already."""

    zh = "该争议尚未裁定，或已结案。"
    next_en, next_zh = "Decide it first.", "请先裁定。"


def open_one(
    session: Session,
    acceptance: Acceptance,
    actor: str,
    at: datetime,
    *,
    side: str = MEMBER,
    said: str = "",
) -> tuple[Dispute, bool]:
    """The dispute of an acceptance, and whether it was opened just now: there is never a second one. A fresh one holds what
    the acceptance moved; AlreadyClawedBack, DisputeTooLate. The voucher must be locked.
    """
    before = of_acceptance(session, acceptance.member_id, acceptance.acceptance_id)
    if before is not None:
        return before, False
    holding.check_free(session, acceptance)
    holding.check_in_time(session, acceptance, at)
    made = session.scalar(
        insert(Dispute)
        .values(
            member_id=acceptance.member_id,
            dispute_id=ids.new_id(),
            acceptance_id=acceptance.acceptance_id,
            voucher_id=acceptance.voucher_id,
            merchant_id=acceptance.merchant_id,
            outlet_id=acceptance.outlet_id,
            amount_fen=acceptance.owed_fen,
            opened_at=at,
            decide_by=at + DECIDE_WITHIN,
            state=OPEN,
            opened_by=actor,
            side=side,
            said=said,
            held=True,
        )
        .returning(Dispute)
    )
    assert made is not None
    holding.hold(session, made, acceptance, at)
    events.dispute_opened(session, made)
    return made, True


def of_acceptance(session: Session, member_id: int, acceptance_id: int) -> Dispute | None:
    """What was said of an acceptance."""
    return session.scalar(
        select(Dispute).where(Dispute.member_id == member_id, Dispute.acceptance_id == acceptance_id)
    )


def of_voucher(session: Session, member_id: int, voucher_id: int) -> list[Dispute]:
    """All disputes about a voucher's uses, the latest first."""
    asked = select(Dispute).where(Dispute.member_id == member_id, Dispute.voucher_id == voucher_id)
    return list(session.scalars(asked.order_by(Dispute.dispute_id.desc())))


def find(session: Session, person: Principal, member_id: int, dispute_id: int) -> Dispute:
    """A dispute of a member whom the person may see; DisputeUnknown."""
    found = session.get(Dispute, (member_id, dispute_id), populate_existing=True)
    if found is None or not scope.sees(session, person, member_id):
        raise DisputeUnknown()
    return found


def listed(
    session: Session,
    person: Principal,
    *,
    state: str | None = OPEN,
    after: int | None = None,
    limit: int = 50,
) -> list[Dispute]:
    """Disputes of members whom the person may see, the oldest first, from after one on; None: in whatever state."""
    asked = select(Dispute).order_by(Dispute.dispute_id).limit(limit)
    if state is not None:
        asked = asked.where(Dispute.state == state)
    if after is not None:
        asked = asked.where(Dispute.dispute_id > after)
    return list(session.scalars(scope.within(person, asked, Dispute.member_id)))


def of_merchant(session: Session, merchant_id: int, member_id: int, dispute_id: int) -> Dispute:
    """A dispute of this merchant's; DisputeUnknown for anybody else's."""
    found = session.get(Dispute, (member_id, dispute_id), populate_existing=True)
    if found is None or found.merchant_id != merchant_id:
        raise DisputeUnknown()
    return found


def of_merchant_listed(
    session: Session, merchant_id: int, *, state: str | None = None, before: int | None = None, limit: int
) -> list[Dispute]:
    """Disputes of a merchant's acceptances, the newest first, from before one on; maybe of one state."""
    asked = select(Dispute).where(Dispute.merchant_id == merchant_id).order_by(Dispute.dispute_id.desc())
    if state is not None:
        asked = asked.where(Dispute.state == state)
    if before is not None:
        asked = asked.where(Dispute.dispute_id < before)
    return list(session.scalars(asked.limit(limit)))


def take(session: Session, dispute: Dispute, staff_id: int, at: datetime) -> Dispute:
    """The person owns it from now on; taking one's own again changes nothing. DisputeTaken."""
    if dispute.handler_id == staff_id:
        return dispute
    return _changed(
        session,
        dispute,
        DisputeTaken(),
        state=OPEN,
        handler_id=None,
        to={"handler_id": staff_id, "taken_at": at},
    )


def decide(
    session: Session, dispute: Dispute, staff_id: int, verdict: str, reason: str, at: datetime
) -> Dispute:
    """For the member or the merchant, with the reason, once; for the merchant what was held is released. DisputeNotTaken,
    DisputeDecided.
    """
    if dispute.handler_id != staff_id:
        raise DisputeNotTaken()
    to = {"state": DECIDED, "verdict": verdict, "reason": reason, "decided_at": at}
    decided = _changed(session, dispute, DisputeDecided(), state=OPEN, handler_id=staff_id, to=to)
    if verdict == MERCHANT:
        holding.release(session, decided, f"staff:{staff_id}", at)
    events.dispute_decided(session, decided, at)
    return decided


def close(session: Session, dispute: Dispute, closing: str, at: datetime) -> Dispute:
    """Nothing is left to do; `closing` says what else was done. DisputeOpen."""
    to = {"state": CLOSED, "closing": closing, "closed_at": at}
    return _changed(session, dispute, DisputeOpen(), state=DECIDED, handler_id=dispute.handler_id, to=to)


def lost(session: Session, member_id: int, voucher_id: int) -> set[int]:
    """The ids of acceptances of a voucher that were decided for the member."""
    asked = select(Dispute.acceptance_id).where(
        Dispute.member_id == member_id, Dispute.voucher_id == voucher_id, Dispute.verdict == MEMBER
    )
    return set(session.scalars(asked))


def _changed(
    session: Session,
    dispute: Dispute,
    refusal: Conflict,
    *,
    state: str,
    handler_id: int | None,
    to: dict[str, object],
) -> Dispute:
    """One conditional UPDATE: of two persons at once the database lets exactly one through."""
    changed = session.scalar(
        update(Dispute)
        .where(
            Dispute.member_id == dispute.member_id,
            Dispute.dispute_id == dispute.dispute_id,
            Dispute.state == state,
            Dispute.handler_id == handler_id if handler_id is not None else Dispute.handler_id.is_(None),
        )
        .values(**to)
        .returning(Dispute)
        .execution_options(populate_existing=True)
    )
    if changed is None:
        raise refusal
    return changed

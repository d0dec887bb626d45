"""A freeze begins: a row of its side, and the wallet stopped. Also where nobody asked for it: a number changed hands.

A number stands for its member. Whoever loses one, or is told another, must show that the one of now is theirs (a code to it)
before points are spent again; so neither the next holder of a recycled number nor the thief of one gets any.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids, outbox
from points import ledger
from points.freezes.models import NUMBER, OF_MEMBER, WalletFreeze
from points.members.models import Member

TASK = "thaw"


def begin(
    session: Session, member_id: int, side: str, reason: str, actor: str, case: str, at: datetime
) -> tuple[WalletFreeze, bool]:
    """The open freeze of this side, and whether it is a fresh one; a thaw of it that waits is called off."""
    ledger.lock(session, [member_id])
    there = next((one for one in standing(session, member_id) if one.side == side), None)
    if there is not None:
        if there.thaw_at is not None:
            outbox.withdraw(session, **promise(there))
            there.thaw_at = None
        return there, False
    fresh = WalletFreeze(
        member_id=member_id,
        freeze_id=ids.new_id(),
        at=at,
        side=side,
        reason=reason,
        actor=actor,
        case_no=case,
    )
    session.add(fresh)
    session.flush()
    ledger.set_stopped(session, member_id, stopped=True)
    return fresh, True


def number_changed(session: Session, members: Sequence[int], actor: str, at: datetime) -> list[int]:
    """These members had numbers that are theirs no more: those of them who have not left are frozen; who was not before."""
    if not members:
        return []
    asked = select(Member.member_id).where(Member.member_id.in_(members), Member.left_on.is_(None))
    here = session.scalars(asked.order_by(Member.member_id)).all()
    return [one for one in here if begin(session, one, OF_MEMBER, NUMBER, actor, "", at)[1]]


def standing(session: Session, member_id: int) -> Sequence[WalletFreeze]:
    """The freezes that are open, the earliest first."""
    asked = select(WalletFreeze).where(WalletFreeze.member_id == member_id, WalletFreeze.ended_at.is_(None))
    return session.scalars(
        asked.order_by(WalletFreeze.freeze_id).execution_options(populate_existing=True)
    ).all()


def promise(row: WalletFreeze) -> dict[str, Any]:
    """The job that ends a freeze after its wait."""
    args = {"member_id": row.member_id, "freeze_id": row.freeze_id}
    return {"member_id": row.member_id, "task": TASK, "args": args}

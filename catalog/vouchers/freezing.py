"""Freezing what is left of a voucher: for a dispute, or by hand or a rule that saw a risk. The till learns no reason.

Each reason is a row; the voucher can be used again once all of them are thawed.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, ids
from base.errors import Conflict
from catalog.vouchers import life
from catalog.vouchers.models import CANCELLED, FROZEN, HELD, ISSUED, Voucher, VoucherFreeze
from catalog.vouchers.refusals import VoucherUnknown
from merchants import acceptances, clawbacks
from merchants.disputes import disputes

FREEZES = "vouchers:freeze"
Key = tuple[int, int]


class VoucherNotFrozen(Conflict):
    """Nobody froze this voucher by hand; what a dispute froze is thawed by its decision."""

    zh = "该券没有被人工冻结；争议冻结的券由裁定解冻。"


def freeze(session: Session, key: Key, by: str, reason: str, at: datetime) -> Voucher:
    """Freeze a usable voucher by hand or by a rule; again changes nothing. Refused where nothing is left of it."""
    voucher = lock(session, key)
    if voucher.state not in (ISSUED, HELD, FROZEN):
        raise life.refusal_of(voucher, at)
    if _keep(session, voucher, by, reason, at, None):
        audit.write(session, by, "voucher.frozen", ids.public("vch", *key), reason=reason)
    return _frozen(session, voucher)


def freeze_for(session: Session, key: Key, dispute_id: int, by: str, at: datetime) -> Voucher:
    """Freeze what is left for a dispute; also what a void gives back meanwhile comes back frozen."""
    voucher = lock(session, key)
    _keep(session, voucher, by, "dispute", at, dispute_id)
    return _frozen(session, voucher)


def thaw(
    session: Session, key: Key, by: str, reason: str, at: datetime, *, dispute_id: int | None = None
) -> Voucher:
    """One reason is gone (None: the one by hand); what no other reason freezes is issued again. VoucherNotFrozen."""
    voucher = lock(session, key)
    thawed = session.scalar(
        update(VoucherFreeze)
        .where(
            *_of(key),
            VoucherFreeze.thawed_at.is_(None),
            VoucherFreeze.dispute_id.is_(None)
            if dispute_id is None
            else VoucherFreeze.dispute_id == dispute_id,
        )
        .values(thawed_at=at, thawed_by=by, thaw_reason=reason)
        .returning(VoucherFreeze.freeze_id)
    )
    if thawed is None:
        raise VoucherNotFrozen()
    audit.write(session, by, "voucher.thawed", ids.public("vch", *key), reason=reason)
    if voucher.state == FROZEN and not session.scalar(select(is_frozen(*key))):
        voucher.state = ISSUED
        session.flush()
    return voucher


def cancel(session: Session, key: Key, at: datetime) -> Voucher:
    """What a dispute froze stays unusable for good: decided for the member. One whose uses were all another's is as good as
    never used, so that its redemption can be reversed.
    """
    voucher = lock(session, key)
    if voucher.state == FROZEN or is_whole(session, voucher):
        voucher.state, voucher.cancelled_at = CANCELLED, voucher.cancelled_at or at
        voucher.held_by = voucher.held_until = voucher.token_digest = None
        session.flush()
    return voucher


def disputes_of(session: Session, key: Key) -> set[int]:
    """The ids of the disputes for which it was ever frozen: those in which the member has spoken."""
    asked = select(VoucherFreeze.dispute_id).where(*_of(key), VoucherFreeze.dispute_id.is_not(None))
    return {number for number in session.scalars(asked) if number is not None}


def is_whole(session: Session, voucher: Voucher) -> bool:
    """Whether every use of it that stands was decided to be another's than the member's, or clawed back from the merchant."""
    used = acceptances.of_voucher(session, voucher.member_id, voucher.voucher_id)
    lost = disputes.lost(session, voucher.member_id, voucher.voucher_id)
    left = {one.acceptance_id for one, _ in used} - lost
    return not left or left <= clawbacks.taken(session, voucher.merchant_id, voucher.member_id)


def lock(session: Session, key: Key) -> Voucher:
    """The voucher, which no till changes until this transaction ends."""
    asked = select(Voucher).where(Voucher.member_id == key[0], Voucher.voucher_id == key[1]).with_for_update()
    voucher = session.scalar(asked, execution_options={"populate_existing": True})
    if voucher is None:
        raise VoucherUnknown()
    return voucher


def is_frozen(member_id: object, voucher_id: object) -> ColumnElement[bool]:
    """Whether a reason stands that freezes a voucher."""
    return exists().where(
        VoucherFreeze.member_id == member_id,
        VoucherFreeze.voucher_id == voucher_id,
        VoucherFreeze.thawed_at.is_(None),
    )


def _keep(
    session: Session, voucher: Voucher, by: str, reason: str, at: datetime, dispute_id: int | None
) -> bool:
    made = session.scalar(
        insert(VoucherFreeze)
        .values(
            member_id=voucher.member_id,
            freeze_id=ids.new_id(),
            voucher_id=voucher.voucher_id,
            dispute_id=dispute_id,
            frozen_at=at,
            frozen_by=by,
            reason=reason,
        )
        .on_conflict_do_nothing()
        .returning(VoucherFreeze.freeze_id)
    )
    return made is not None


def _frozen(session: Session, voucher: Voucher) -> Voucher:
    if voucher.state in (ISSUED, HELD):
        voucher.state = FROZEN
        voucher.held_by = voucher.held_until = voucher.token_digest = None
        session.flush()
    return voucher


def _of(key: Key) -> tuple[ColumnElement[bool], ...]:
    return (VoucherFreeze.member_id == key[0], VoucherFreeze.voucher_id == key[1])

"""Clawbacks: what a merchant got for a use is taken back, once, because its redemption was undone by two persons."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.errors import Conflict
from merchants import items
from merchants.items import ItemThere
from merchants.models import CLAWBACK, Acceptance, MerchantItem


class AlreadyClawedBack(Conflict):
    """What the merchant got for this use was taken back already."""

    zh = "该笔核销的款项已收回。"
    next_en, next_zh = "Look at the merchant's statement.", "请查看商户的结算单。"
    then = "support"


def take(
    session: Session, acceptance: Acceptance, *, approval: str, reason: str, actor: str, at: datetime
) -> MerchantItem:
    """Minus what the acceptance moved, on the merchant's next statement; AlreadyClawedBack."""
    try:
        return items.add(
            session,
            acceptance.merchant_id,
            CLAWBACK,
            items.of_acceptance(acceptance).reversed(),
            member_id=acceptance.member_id,
            about_id=acceptance.acceptance_id,
            reason=reason,
            actor=actor,
            approval=approval,
            at=at,
        )
    except ItemThere:
        raise AlreadyClawedBack() from None


def of(session: Session, acceptance: Acceptance) -> MerchantItem | None:
    """The clawback of an acceptance, if there is one."""
    return items.find(
        session, acceptance.merchant_id, CLAWBACK, acceptance.member_id, acceptance.acceptance_id
    )


def taken(session: Session, merchant_id: int, member_id: int) -> set[int]:
    """The ids of a member's acceptances at a merchant that were clawed back."""
    asked = select(MerchantItem.about_id).where(
        MerchantItem.merchant_id == merchant_id,
        MerchantItem.kind == CLAWBACK,
        MerchantItem.member_id == member_id,
    )
    return set(session.scalars(asked))

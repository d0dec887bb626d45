"""What else a statement has a line for, beside uses and their undoing: written once, never changed."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import ids
from base.errors import Conflict
from merchants.models import RESERVE_IN, RESERVE_OUT, Acceptance, MerchantItem


class ItemThere(Conflict):
    """This was put on the merchant's account already."""

    zh = "该项已记入商户账户。"


class Amounts(NamedTuple):
    """What an item moves, in signed fen: minus is against the merchant."""

    owed_fen: int
    fee_fen: int = 0
    vat_fen: int = 0
    brand_fen: int = 0

    @property
    def net_fen(self) -> int:
        """What of it comes to the merchant."""
        return self.owed_fen - self.fee_fen - self.vat_fen

    def reversed(self) -> "Amounts":
        """The same the other way."""
        return Amounts(*(-amount for amount in self))


def of_acceptance(acceptance: Acceptance) -> Amounts:
    """What an acceptance moved; its `reversed()` takes it back."""
    return Amounts(acceptance.owed_fen, acceptance.fee_fen, acceptance.vat_fen, acceptance.brand_fen)


def add(
    session: Session,
    merchant_id: int,
    kind: str,
    amounts: Amounts,
    *,
    at: datetime,
    reason: str,
    actor: str,
    member_id: int = 0,
    about_id: int = 0,
    approval: str | None = None,
) -> MerchantItem:
    """An item more, on the merchant's next statement; ItemThere for a second one of a kind that comes once."""
    item_id = session.scalar(
        insert(MerchantItem)
        .values(
            merchant_id=merchant_id,
            item_id=ids.new_id(),
            kind=kind,
            member_id=member_id,
            about_id=about_id,
            recorded_at=at,
            reason=reason,
            actor=actor,
            approval=approval,
            **amounts._asdict(),
        )
        .on_conflict_do_nothing()  # of the kinds that come once, the database's own key lets one through
        .returning(MerchantItem.item_id)
    )
    if item_id is None:
        raise ItemThere()
    return session.get_one(MerchantItem, (merchant_id, item_id))


def find(session: Session, merchant_id: int, kind: str, member_id: int, about_id: int) -> MerchantItem | None:
    """The latest item of a kind about a thing."""
    return session.scalar(
        select(MerchantItem)
        .where(
            MerchantItem.merchant_id == merchant_id,
            MerchantItem.kind == kind,
            MerchantItem.member_id == member_id,
            MerchantItem.about_id == about_id,
        )
        .order_by(MerchantItem.item_id.desc())
        .limit(1)
    )


def in_reserve(session: Session, merchant_id: int) -> int:
    """What of a merchant's money is in reserve now (fen)."""
    moved = session.scalar(
        select(func.coalesce(-func.sum(MerchantItem.owed_fen), 0)).where(
            MerchantItem.merchant_id == merchant_id, MerchantItem.kind.in_((RESERVE_IN, RESERVE_OUT))
        )
    )
    return int(moved or 0)

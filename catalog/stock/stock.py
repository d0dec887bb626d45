"""Taking from a stock and putting back into it: one conditional UPDATE in the redemption's own transaction.

It comes last before the commit, after the wallet and after a budget, so that many for one offer wait for each other as
briefly as can be and never in a ring. An offer without a limit has no row, and touches none.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.errors import Conflict
from base.failpoints import failpoint
from catalog.stock.models import RECEIVED, Stock, StockMove

SYSTEM = "system"


class SoldOut(Conflict):
    """Nothing is left of this offer."""

    zh = "该权益已兑完。"
    next_en, next_zh = (
        "Choose another offer; your points were not touched.",
        "请选择其他权益，您的积分没有变动。",
    )


def take(session: Session, offer_id: int, units: int) -> None:
    """Take units of a limited offer: one conditional UPDATE, last before the commit; SoldOut. Unlimited: nothing."""
    if change(session, offer_id, left=-units) is None and session.scalar(_is_limited(offer_id)):
        raise SoldOut()
    failpoint("stock_taken")


def put_back(session: Session, offer_id: int, units: int) -> None:
    """Give units back, after a cancellation. Unlimited: nothing."""
    change(session, offer_id, left=units)


def change(session: Session, offer_id: int, *, left: int, total: int = 0, aside: int = 0) -> Stock | None:
    """Change what is left, there in all, and set aside; None when there is no limit or it would go below zero.

    Falling below the alert's line is told once, by an audit row; rising to it makes it ready to be told again.
    """
    now_left = Stock.left_over + left
    row = session.execute(
        update(Stock)
        .where(Stock.offer_id == offer_id, now_left >= 0, Stock.set_aside + aside >= 0)
        .values(
            left_over=now_left,
            total=Stock.total + total,
            set_aside=Stock.set_aside + aside,
            low_since=_low_since(now_left, Stock.alert_below, clock.now()),
        )
        .returning(Stock)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).scalar_one_or_none()
    if row is not None and row.left_over < (row.alert_below or 0) <= row.left_over - left:
        tell_low(session, row)
    return row


def set_up(
    session: Session,
    offer_id: int,
    units: int,
    at: datetime,
    *,
    actor: str = SYSTEM,
    goods: str | None = None,
    alert_below: int | None = None,
) -> Stock:
    """The stock of an offer that is being made: from here on there are so many and no more."""
    low = alert_below is not None and units < alert_below
    row = Stock(
        offer_id=offer_id,
        total=units,
        left_over=units,
        set_aside=0,
        alert_below=alert_below,
        low_since=at if low else None,
        goods=goods,
    )
    session.add(row)
    if units:
        session.add(
            StockMove(
                offer_id=offer_id,
                move_id=ids.new_id(),
                total_units=units,
                aside_units=0,
                at=at,
                what=RECEIVED,
                area=None,
                actor=actor,
                reason="the offer was made",
                approval=None,
            )
        )
    session.flush()
    if low:
        tell_low(session, row)
    return row


def watch(session: Session, row: Stock, below: int | None, goods: str | None) -> None:
    """From which number on staff are told (None: never), and which class of goods it is; told at once where it is low."""
    was_low = row.low_since is not None
    session.execute(
        update(Stock)
        .where(Stock.offer_id == row.offer_id)
        .values(
            alert_below=below,
            goods=goods,
            low_since=None if below is None else _low_since(Stock.left_over, below, clock.now()),
        )
        .execution_options(synchronize_session=False)
    )
    session.refresh(row)
    if row.low_since is not None and not was_low:
        tell_low(session, row)


def tell_low(session: Session, row: Stock) -> None:
    """Staff are told: an audit row, once for each fall."""
    facts = {"left_over": row.left_over, "alert_below": row.alert_below}
    audit.write(session, SYSTEM, "stock.low", ids.public("off", row.offer_id), **facts)


def _low_since(left: Any, below: Any, at: datetime) -> ColumnElement[datetime | None]:
    """Since when fewer are left than the line; no line, nothing is low."""
    return case((left < below, func.coalesce(Stock.low_since, at)), else_=None)


def _is_limited(offer_id: int) -> Any:
    return select(Stock.offer_id).where(Stock.offer_id == offer_id)

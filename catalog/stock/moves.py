"""What staff do to a stock: received, set aside for an area and returned by one person; corrections by two.

Goods of little worth (consumables) may be used up by a tally: one move for as many as were used since the last one. Goods
that nobody stores in a place (electronic) are not set aside for areas.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import audit, ids
from base.approvals.approvals import ForHeadquarters
from base.auth.principals import Principal, Staff
from base.errors import Conflict, NotAllowed, NotFound, field_errors
from catalog.stock import stock
from catalog.stock.models import (
    ALLOCATED,
    CONSUMABLE,
    CORRECTED,
    ELECTRONIC,
    RECEIVED,
    RETURNED,
    USED,
    WRITTEN_OFF,
    Stock,
    StockMove,
)
from points.adjustments.adjustments import said_plainly
from points.members import areas

BY_ONE, BY_TWO = (RECEIVED, USED, ALLOCATED, RETURNED), (CORRECTED, WRITTEN_OFF)
IN_AREAS = (ALLOCATED, RETURNED)
MOST_UNITS, MOST_REASON = 10_000_000, 200


class StockUnknown(NotFound):
    """This offer has no stock: there is no limit to it, or no such offer."""

    zh = "该权益没有库存记录：不限量，或不存在。"


class TooFewInStock(Conflict):
    """There are not so many."""

    zh = "库存数量不足。"
    next_en, next_zh = "Look at what is left, then choose a smaller number.", "请查看剩余数量后减少数量。"


class NotForTheseGoods(Conflict):
    """This is not done with goods of that class."""

    zh = "该类物品不适用此操作。"
    next_en, next_zh = (
        "Only consumables are used by tally; electronic goods lie in no area.",
        "只有低值易耗品可以按批登记使用；电子类物品不分配到地区。",
    )


class CorrectionNeedsTwo(NotAllowed):
    """Nobody corrects or writes off a stock alone."""

    zh = "库存更正和核销须由两人办理。"
    next_en, next_zh = "Propose it at /v1/stock-corrections.", "请通过 /v1/stock-corrections 提出申请。"


@dataclass(frozen=True)
class Wanted:
    """What one person does: which move, how many (1 or more), why, and which area where it is about one."""

    what: str
    units: int
    reason: str
    area: str | None = None


def record(session: Session, person: Principal, offer_id: int, wanted: Wanted, at: datetime) -> StockMove:
    """Do what one person may. StockUnknown, TooFewInStock, NotForTheseGoods, CorrectionNeedsTwo, ForHeadquarters, Invalid."""
    if wanted.what in BY_TWO:
        raise CorrectionNeedsTwo()
    row = find(session, offer_id)
    _check(row, wanted)
    _ask_area(person, wanted.area)
    total, aside = _changes(wanted)
    made = enter(
        session, offer_id, wanted.what, total, aside, wanted.reason, person.actor, at, area=wanted.area
    )
    audit.write(
        session, person.actor, f"stock.{wanted.what}", ids.public("off", offer_id), units=wanted.units, area=wanted.area
    )  # fmt: skip
    return made


def enter(
    session: Session,
    offer_id: int,
    what: str,
    total: int,
    aside: int,
    reason: str,
    actor: str,
    at: datetime,
    *,
    area: str | None = None,
    approval: str | None = None,
) -> StockMove:
    """Write a move down and do it to the stock; TooFewInStock where it or the area would go below zero."""
    if stock.change(session, offer_id, left=total - aside, total=total, aside=aside) is None:
        raise TooFewInStock(left_over=find(session, offer_id).left_over)
    # The stock's row is locked now, so nobody else moves what the area has.
    if aside < 0 and (lies := of_area(session, offer_id, area)) + aside < 0:
        raise TooFewInStock(area=area, set_aside=lies)
    move = StockMove(
        offer_id=offer_id,
        move_id=ids.new_id(),
        total_units=total,
        aside_units=aside,
        at=at,
        what=what,
        area=area,
        actor=actor,
        reason=reason,
        approval=approval,
    )
    session.add(move)
    session.flush()
    return move


def find(session: Session, offer_id: int) -> Stock:
    """The stock of an offer; StockUnknown."""
    row = session.get(Stock, offer_id, populate_existing=True)
    if row is None:
        raise StockUnknown()
    return row


def of_area(session: Session, offer_id: int, area: str | None) -> int:
    """How many lie in an area."""
    asked = select(func.coalesce(func.sum(StockMove.aside_units), 0))
    return int(session.scalar(asked.where(StockMove.offer_id == offer_id, StockMove.area == area)) or 0)


def _check(row: Stock, wanted: Wanted) -> None:
    wrong: dict[str, str] = {}
    if not 0 < wanted.units <= MOST_UNITS:
        wrong["units"] = f"must be from 1 to {MOST_UNITS}"
    if not said_plainly(wanted.reason, MOST_REASON):
        wrong["reason"] = f"must be 1 to {MOST_REASON} characters without control characters"
    if wanted.area is None and wanted.what in IN_AREAS:
        wrong["area"] = "is needed: which area it is for"
    if wanted.area is not None and wanted.what == RECEIVED:
        wrong["area"] = "is not named here: receive it, then set it aside for the area"
    if wrong:
        raise field_errors(wrong)
    if wanted.area is not None:
        areas.checked(wanted.area)
    if wanted.what == USED and row.goods != CONSUMABLE:
        raise NotForTheseGoods(goods=row.goods)
    if wanted.what in IN_AREAS and row.goods == ELECTRONIC:
        raise NotForTheseGoods(goods=row.goods)


def _ask_area(person: Principal, area: str | None) -> None:
    """Who works for an area moves what lies there, and nothing else; ForHeadquarters."""
    if isinstance(person, Staff) and person.area and not (area or "").startswith(person.area):
        raise ForHeadquarters()


def _changes(wanted: Wanted) -> tuple[int, int]:
    """By how much the total and what is set aside change."""
    return {
        RECEIVED: (wanted.units, 0),
        USED: (-wanted.units, -wanted.units if wanted.area else 0),
        ALLOCATED: (0, wanted.units),
        RETURNED: (0, -wanted.units),
    }[wanted.what]

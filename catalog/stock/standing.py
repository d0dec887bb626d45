"""How stocks stand: which are low, what lies in which area, and what changed them."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from catalog.offers import offers
from catalog.offers.models import ENDED, OfferState
from catalog.stock.models import Stock, StockMove
from catalog.stock.moves import StockUnknown


class Shown(NamedTuple):
    """A limited offer, what it is called at a moment, and its stock."""

    offer: OfferState
    names: dict[str, str]
    stock: Stock


def listed(
    session: Session, programme_id: int, at: datetime, *, low: bool = False, after: int = 0, limit: int = 50
) -> list[Shown]:
    """The limited offers of a programme with their stock, by id, from after one on; maybe those alone that are low."""
    asked = select(OfferState, Stock).join(Stock, Stock.offer_id == OfferState.offer_id)
    asked = asked.where(OfferState.offer_id > after, *_of(programme_id, low=low))
    rows = session.execute(asked.order_by(OfferState.offer_id).limit(limit)).all()
    names = offers.names_of(session, {row.OfferState.offer_id for row in rows}, at)
    return [_shown(session, row.OfferState, row.Stock, names) for row in rows]


def one(session: Session, offer_id: int, at: datetime) -> Shown:
    """An offer with its stock; StockUnknown."""
    offer = session.get(OfferState, offer_id)
    row = session.get(Stock, offer_id, populate_existing=True)
    if offer is None or row is None:
        raise StockUnknown()
    return _shown(session, offer, row, offers.names_of(session, {offer_id}, at))


def low_count(session: Session, programme_id: int) -> int:
    """How many offers of a programme have fewer left than somebody wants to have."""
    asked = select(func.count()).select_from(Stock).join(OfferState, OfferState.offer_id == Stock.offer_id)
    return session.scalar(asked.where(*_of(programme_id, low=True))) or 0


def _of(programme_id: int, *, low: bool) -> list[ColumnElement[bool]]:
    """Whose stock, and whether it is low: an offer that has ended needs no delivery."""
    wanted: list[ColumnElement[bool]] = [OfferState.programme_id == programme_id]
    return wanted + ([Stock.low_since.is_not(None), OfferState.state != ENDED] if low else [])


def _shown(session: Session, offer: OfferState, row: Stock, names: dict[int, Any]) -> Shown:
    """With the names of today, or of the first version where that has not begun."""
    found = names.get(offer.offer_id) or offers.first_version(session, offer.offer_id).names
    return Shown(offer, found, row)


def in_areas(session: Session, offer_id: int) -> dict[str, int]:
    """How many lie in which area, for those where any do."""
    units = func.sum(StockMove.aside_units)
    asked = select(StockMove.area, units).where(StockMove.offer_id == offer_id, StockMove.area.is_not(None))
    rows = session.execute(asked.group_by(StockMove.area).having(units != 0).order_by(StockMove.area))
    return {str(area): int(count) for area, count in rows}


def moves_of(
    session: Session, offer_id: int, *, before: int | None = None, limit: int = 50
) -> list[StockMove]:
    """What changed an offer's stock beside redemptions, newest first, from before a move on."""
    asked = (
        select(StockMove)
        .where(StockMove.offer_id == offer_id)
        .order_by(StockMove.move_id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(StockMove.move_id < before)
    return list(session.scalars(asked))

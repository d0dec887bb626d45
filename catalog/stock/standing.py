"""How stocks stand: which are low, what lies in which area, and what changed them."""

from collections.abc import Sequence

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from catalog.offers.models import Offer
from catalog.stock.models import Stock, StockMove
from catalog.stock.moves import StockUnknown

# An offer that has ended needs no delivery.
_LOW = (Stock.low_since.is_not(None), Offer.state != "ended")


def listed(
    session: Session, programme_id: int, *, low: bool = False, after: int = 0, limit: int = 50
) -> Sequence[Row[Offer, Stock]]:
    """The limited offers of a programme with their stock, by id, from after one on; maybe those alone that are low."""
    asked = (
        select(Offer, Stock)
        .join(Stock, Stock.offer_id == Offer.offer_id)
        .where(Offer.programme_id == programme_id, Offer.offer_id > after)
        .order_by(Offer.offer_id)
        .limit(limit)
    )
    if low:
        asked = asked.where(*_LOW)
    return session.execute(asked).all()


def one(session: Session, offer_id: int) -> Row[Offer, Stock]:
    """An offer with its stock; StockUnknown."""
    asked = (
        select(Offer, Stock).join(Stock, Stock.offer_id == Offer.offer_id).where(Offer.offer_id == offer_id)
    )
    found = session.execute(asked.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise StockUnknown()
    return found


def low_count(session: Session, programme_id: int) -> int:
    """How many offers of a programme have fewer left than somebody wants to have."""
    asked = select(func.count()).join(Offer, Offer.offer_id == Stock.offer_id).select_from(Stock)
    return session.scalar(asked.where(Offer.programme_id == programme_id, *_LOW)) or 0


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

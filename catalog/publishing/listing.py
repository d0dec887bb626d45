"""All offers of a programme for staff, whatever their state: those to come, live, paused and ended, filtered and searched."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.orm import Session

from catalog.offers.models import HISTORY, Offer, OfferState
from catalog.offers.search import matches
from catalog.publishing.life import life_of
from catalog.stock.models import Stock

BATCH = 500


@dataclass(frozen=True)
class Row:
    """An offer in the version in force, or in its first one while none is; its state, and what is left of it."""

    offer: Offer
    state: OfferState
    left_over: int | None

    def life(self, at: datetime) -> str:
        """Scheduled, live, paused or ended."""
        return life_of(at, begins_at=self.offer.from_at, until_at=self.offer.until_at, state=self.state.state)


@dataclass(frozen=True)
class Wanted:
    """Which ones; None: any."""

    kind: str | None = None
    life: str | None = None
    category: str | None = None
    q: str | None = None
    merchant_id: int | None = None

    def takes(self, row: Row, at: datetime) -> bool:
        """Whether a row is one of them, as far as the database was not asked."""
        return self.life in (None, row.life(at)) and (self.q is None or matches(row.offer, self.q))


def listed(
    session: Session,
    programme_id: int,
    wanted: Wanted,
    at: datetime,
    *,
    after: tuple[str, int] | None = None,
    limit: int,
) -> list[Row]:
    """Offers in the order (kind, id), from after a position on."""
    found: list[Row] = []
    while len(found) < limit:
        batch = _batch(session, programme_id, wanted, at, after)
        found += [row for row in batch if wanted.takes(row, at)]
        if len(batch) < BATCH:
            break
        after = (batch[-1].offer.kind, batch[-1].offer.offer_id)
    return found[:limit]


def _batch(
    session: Session, programme_id: int, wanted: Wanted, at: datetime, after: tuple[str, int] | None
) -> list[Row]:
    begun = Offer.from_at <= at
    place = func.row_number().over(
        partition_by=Offer.offer_id,
        order_by=(begun.desc(), case((begun, Offer.from_at)).desc(), Offer.from_at),
    )
    versions = (
        select(Offer.version_id, place.label("place"))
        .where(Offer.programme_id == programme_id, Offer.kind != HISTORY)
        .subquery()
    )
    asked = (
        select(Offer, OfferState, Stock.left_over)
        .join(versions, versions.c.version_id == Offer.version_id)
        .join(OfferState, OfferState.offer_id == Offer.offer_id)
        .outerjoin(Stock, Stock.offer_id == Offer.offer_id)
        .where(versions.c.place == 1)
        .order_by(Offer.kind, Offer.offer_id)
        .limit(BATCH)
    )
    if wanted.kind is not None:
        asked = asked.where(Offer.kind == wanted.kind)
    if wanted.category is not None:
        asked = asked.where(Offer.category == wanted.category)
    if wanted.merchant_id is not None:
        asked = asked.where(Offer.merchant_id == wanted.merchant_id)
    if after is not None:
        asked = asked.where(tuple_(Offer.kind, Offer.offer_id) > after)
    return [Row(*row) for row in session.execute(asked)]

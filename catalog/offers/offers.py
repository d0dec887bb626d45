"""Offers: which are open, to whom, and how many are left."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from base import clock, ids
from base.errors import Conflict, NotFound, Problem
from catalog.offers.models import HISTORY, PERK, Offer
from catalog.stock.models import Stock
from catalog.stock.stock import SoldOut, set_up


class OfferUnknown(NotFound):
    """There is no such offer."""

    zh = "没有该权益。"


class OfferNotOpen(Conflict):
    """This offer is not open at this time."""

    zh = "该权益当前不可兑换。"
    next_en, next_zh = "Choose another offer.", "请选择其他权益。"


@dataclass(frozen=True)
class Listed:
    """An offer with what is left of it; None: without limit."""

    offer: Offer
    left_over: int | None


def add(session: Session, programme_id: int, code: str, *, stock: int | None = None, **values: Any) -> Offer:
    """An offer more; the one of that code when it is there already."""
    found = session.scalar(select(Offer).where(Offer.programme_id == programme_id, Offer.code == code))
    if found is None:
        found = Offer(offer_id=ids.new_id(), programme_id=programme_id, code=code, **values)
        session.add(found)
        session.flush()
        if stock is not None:
            set_up(session, found.offer_id, stock, clock.now())
    return found


def listed(
    session: Session,
    programme_id: int,
    at: datetime,
    *,
    kind: str | None = None,
    after: tuple[str, int] | None = None,
    limit: int = 50,
) -> list[Listed]:
    """Live offers of a programme in the order (kind, id), from after a position on."""
    asked = _live(programme_id, at, kind).order_by(Offer.kind, Offer.offer_id).limit(limit)
    if after:
        asked = asked.where(tuple_(Offer.kind, Offer.offer_id) > after)
    return [Listed(offer, left_over) for offer, left_over in session.execute(asked)]


def cheapest(
    session: Session,
    programme_id: int,
    at: datetime,
    *,
    kind: str | None = None,
    after: tuple[int, int] | None = None,
    limit: int = 50,
) -> list[Listed]:
    """Live offers of a programme in the order (value, id), from after a position on."""
    asked = _live(programme_id, at, kind).order_by(Offer.value_fen, Offer.offer_id).limit(limit)
    if after:
        asked = asked.where(tuple_(Offer.value_fen, Offer.offer_id) > after)
    return [Listed(offer, left_over) for offer, left_over in session.execute(asked)]


def _live(programme_id: int, at: datetime, kind: str | None) -> Select[Offer, int | None]:
    asked = (
        select(Offer, Stock.left_over)
        .outerjoin(Stock, Stock.offer_id == Offer.offer_id)
        .where(
            Offer.programme_id == programme_id,
            Offer.state == "live",
            Offer.kind != HISTORY,
            Offer.from_at <= at,
            Offer.until_at.is_(None) | (Offer.until_at > at),
        )
    )
    return asked.where(Offer.kind == kind) if kind else asked


def of_every_state(
    session: Session, programme_id: int, *, after: tuple[str, int] | None = None, limit: int = 50
) -> list[Listed]:
    """All offers of a programme, paused and ended ones too, in the order (kind, id), from after a position on."""
    asked = (
        select(Offer, Stock.left_over)
        .outerjoin(Stock, Stock.offer_id == Offer.offer_id)
        .where(Offer.programme_id == programme_id, Offer.kind != HISTORY)
        .order_by(Offer.kind, Offer.offer_id)
        .limit(limit)
    )
    if after:
        asked = asked.where(tuple_(Offer.kind, Offer.offer_id) > after)
    return [Listed(offer, left_over) for offer, left_over in session.execute(asked)]


def names_of(session: Session, offer_ids: set[int]) -> dict[int, dict[str, str]]:
    """The names of offers by their ids."""
    rows = session.execute(select(Offer.offer_id, Offer.names).where(Offer.offer_id.in_(offer_ids)))
    return {row.offer_id: row.names for row in rows}


def find(session: Session, offer_id: int, programme_id: int) -> Listed:
    """One offer of a programme; OfferUnknown."""
    row = session.execute(
        select(Offer, Stock.left_over)
        .outerjoin(Stock, Stock.offer_id == Offer.offer_id)
        .where(Offer.offer_id == offer_id, Offer.programme_id == programme_id)
    ).one_or_none()
    if row is None:
        raise OfferUnknown()
    return Listed(row[0], row[1])


def why_closed(found: Listed, at: datetime) -> Problem | None:
    """Why nobody can redeem this now; None when it is open."""
    offer = found.offer
    open_now = offer.state == "live" and offer.kind != HISTORY and offer.from_at <= at
    if not open_now or (offer.until_at and offer.until_at <= at):
        return OfferNotOpen()
    if offer.kind == PERK and offer.event_at and offer.event_at <= at:
        return OfferNotOpen()
    if found.left_over == 0:
        return SoldOut()
    return None

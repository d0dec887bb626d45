"""Versions of rates as lists: those of a state on a day, or of a scope, the latest first."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.orm import Session

from catalog.offers.models import Offer
from catalog.rates.models import Rate

CURRENT, FUTURE, PAST, WITHDRAWN = "current", "future", "past", "withdrawn"
STATES = (CURRENT, FUTURE, PAST, WITHDRAWN)
Place = tuple[date, int]


@dataclass(frozen=True)
class Asked:
    """Which versions: of a state on the day, of an offer (its code), a kind, a tier, an area; None: any."""

    on: date
    state: str | None = None
    offer: str | None = None
    kind: str | None = None
    tier: str | None = None
    area: str | None = None


def state(rate: Rate, on: date) -> str:
    """One of STATES; withdrawn is what was taken back before it began."""
    if rate.until_day is not None and rate.until_day < rate.from_day:
        return WITHDRAWN
    if rate.from_day > on:
        return FUTURE
    return CURRENT if rate.until_day is None or rate.until_day >= on else PAST


def listed(
    session: Session, programme_id: int, asked: Asked, *, after: Place | None, limit: int
) -> list[Rate]:
    """Versions, the latest begun first, from after a place on."""
    found = select(Rate).where(Rate.programme_id == programme_id)
    if asked.state is not None:
        found = found.where(_is(asked.state, asked.on))
    if asked.offer is not None:
        code = select(Offer.offer_id).where(Offer.programme_id == programme_id, Offer.code == asked.offer)
        found = found.where(Rate.offer_id.in_(code))
    for column, value in ((Rate.kind, asked.kind), (Rate.tier, asked.tier), (Rate.area, asked.area)):
        if value is not None:
            found = found.where(column == value)
    if after is not None:
        found = found.where(tuple_(Rate.from_day, Rate.rate_id) < after)
    return list(session.scalars(found.order_by(Rate.from_day.desc(), Rate.rate_id.desc()).limit(limit)))


def place(rate: Rate) -> tuple[str, int]:
    """A version's position in the list, as a cursor keeps it."""
    return rate.from_day.isoformat(), rate.rate_id


def _is(state: str, on: date) -> ColumnElement[bool]:
    lasting = or_(Rate.until_day.is_(None), Rate.until_day >= Rate.from_day)
    if state == WITHDRAWN:
        return Rate.until_day < Rate.from_day
    if state == FUTURE:
        return lasting & (Rate.from_day > on)
    if state == PAST:
        return lasting & (Rate.until_day < on)
    return (Rate.from_day <= on) & or_(Rate.until_day.is_(None), Rate.until_day >= on)

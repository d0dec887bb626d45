"""Offers: the version in force, which are open, and how many are left."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, exists, select, tuple_
from sqlalchemy.orm import Session, aliased

from base import clock, database, ids
from base.errors import Conflict, Invalid, NotFound, Problem
from catalog.offers.models import HISTORY, LIVE, TRIAL_CARD, Offer, OfferState
from catalog.stock.models import Stock
from catalog.stock.stock import SoldOut, set_up


class OfferUnknown(NotFound):
    """There is no such offer."""

    zh = "没有该权益。"


class OfferNotOpen(Conflict):
    """This offer is not open at this time."""

    zh = "该权益当前不可兑换。"
    next_en, next_zh = "Choose another offer.", "请选择其他权益。"


class NotForSale(Conflict):
    """This is not redeemed: an account manager hands it out."""

    zh = "该权益不可自行兑换，由客户经理发放。"
    next_en, next_zh = (
        "Ask your account manager, or choose another offer.",
        "请联系您的客户经理，或选择其他权益。",
    )


class NotThereYet(Invalid):
    """What an offer will be is not told before; ask for a moment that has been."""

    zh = "只能查询过去的时间。"


class EventBegan(Conflict):
    """This event has begun already."""

    zh = "该活动已经开始。"
    next_en, next_zh = "Choose another event.", "请选择其他活动。"


@dataclass(frozen=True)
class Listed:
    """An offer in the version in force, its state, and what is left of it; None: without limit."""

    offer: Offer
    left_over: int | None
    state: str = LIVE


def add(
    session: Session,
    programme_id: int,
    code: str,
    *,
    kind: str,
    from_at: datetime,
    stock: int | None = None,
    state: str = LIVE,
    **values: Any,
) -> Offer:
    """An offer more, in its first version; the one of that code when it is there already."""
    known = session.scalar(
        select(OfferState.offer_id).where(OfferState.programme_id == programme_id, OfferState.code == code)
    )
    if known is not None:
        return first_version(session, known)
    offer_id = ids.new_id()
    session.add(OfferState(offer_id=offer_id, programme_id=programme_id, changed_at=from_at, state=state,
                           kind=kind, code=code))  # fmt: skip
    if stock is not None:
        set_up(session, offer_id, stock, clock.now())
    return _add_version(session, offer_id, programme_id, kind, code, from_at, values)


def add_version(session: Session, offer_id: int, from_at: datetime, **values: Any) -> Offer:
    """What an offer is from a moment on; its earlier versions stay as they are. OfferUnknown."""
    known = session.get(OfferState, offer_id)
    if known is None:
        raise OfferUnknown()
    return _add_version(session, offer_id, known.programme_id, known.kind, known.code, from_at, values)


def _add_version(
    session: Session, offer_id: int, programme_id: int, kind: str, code: str, from_at: datetime, values: Any
) -> Offer:
    version = Offer(version_id=ids.new_id(), offer_id=offer_id, programme_id=programme_id, kind=kind, code=code,
                    from_at=from_at, **values)  # fmt: skip
    session.add(version)
    session.flush()
    return version


def first_version(session: Session, offer_id: int) -> Offer:
    """An offer as it began."""
    asked = select(Offer).where(Offer.offer_id == offer_id).order_by(Offer.from_at).limit(1)
    return session.scalars(asked).one()


def by_id(session: Session, offer_id: int, at: datetime) -> Offer:
    """An offer of whatever programme as it is at a moment; OfferUnknown."""
    known = session.get(OfferState, offer_id)
    if known is None:
        raise OfferUnknown()
    return find(session, offer_id, known.programme_id, at).offer


def version(session: Session, version_id: int) -> Offer:
    """An offer as a quote, redemption or voucher names it: what it was then.

    Versions are never edited, so this process keeps those it has read; they belong to no session.
    """
    place = version_id, database.engine()
    known = _kept.get(place)
    if known is None:
        known = session.get_one(Offer, version_id)
        session.expunge(known)
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[place] = known
    return known


MOST_KEPT = 5_000
_kept: dict[tuple[int, Engine], Offer] = {}


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
    return [Listed(*row) for row in session.execute(asked)]


def _versions(at: datetime) -> Select[Offer, int | None, str]:
    """Every offer in the version in force at a moment, with what is left of it and its state."""
    return (
        select(Offer, Stock.left_over, OfferState.state)
        .join(OfferState, OfferState.offer_id == Offer.offer_id)
        .outerjoin(Stock, Stock.offer_id == Offer.offer_id)
        .where(in_force(at))
    )


def in_force(at: datetime) -> ColumnElement[bool]:
    """The version that counts at a moment: the latest of its offer that has begun."""
    later = aliased(Offer)
    succeeded = exists().where(
        later.offer_id == Offer.offer_id, later.from_at > Offer.from_at, later.from_at <= at
    )
    return (Offer.from_at <= at) & ~succeeded


def _live(programme_id: int, at: datetime, kind: str | None) -> Select[Offer, int | None, str]:
    asked = _versions(at).where(
        Offer.programme_id == programme_id,
        OfferState.state == LIVE,
        Offer.kind.not_in((HISTORY, TRIAL_CARD)),
        Offer.until_at.is_(None) | (Offer.until_at > at),
    )
    return asked.where(Offer.kind == kind) if kind else asked


def of_every_state(
    session: Session,
    programme_id: int,
    at: datetime,
    *,
    after: tuple[str, int] | None = None,
    limit: int = 50,
) -> list[Listed]:
    """All offers of a programme that have begun, paused and ended ones too, in the order (kind, id), from after a position."""
    asked = (
        _versions(at)
        .where(Offer.programme_id == programme_id, Offer.kind != HISTORY)
        .order_by(Offer.kind, Offer.offer_id)
        .limit(limit)
    )
    if after:
        asked = asked.where(tuple_(Offer.kind, Offer.offer_id) > after)
    return [Listed(*row) for row in session.execute(asked)]


def names_of(session: Session, offer_ids: set[int], at: datetime) -> dict[int, dict[str, str]]:
    """The names of offers by their ids, as of a moment."""
    rows = session.execute(
        select(Offer.offer_id, Offer.names).where(Offer.offer_id.in_(offer_ids), in_force(at))
    )
    return {row.offer_id: row.names for row in rows}


def of_merchant(session: Session, merchant_id: int, offer_ids: Collection[int]) -> set[int]:
    """Which of some offers are a merchant's own, in whatever version."""
    asked = select(Offer.offer_id).where(Offer.offer_id.in_(offer_ids), Offer.merchant_id == merchant_id)
    return set(session.scalars(asked))


def find(session: Session, offer_id: int, programme_id: int, at: datetime) -> Listed:
    """One offer of a programme as it is at a moment; OfferUnknown."""
    values = {"offer": offer_id, "programme": programme_id, "at": at}
    for row in database.rows(session, _FIND, values):
        return Listed(version(session, row.version_id), row.left_over, row.state)
    return _to_come(session, offer_id, programme_id)


# Asked with every quote and redemption, so in words that need no compiling.
_FIND = """
select o.version_id, s.state, t.left_over from offer_state s
join lateral (select version_id from offer where offer_id = s.offer_id and from_at <= %(at)s
  order by from_at desc limit 1) o on true
left join stock t on t.offer_id = s.offer_id
where s.offer_id = %(offer)s and s.programme_id = %(programme)s
"""


def moment_asked(asked: datetime | None, now: datetime) -> datetime:
    """The moment that an offer is asked for; NotThereYet for one to come."""
    if asked is not None and asked > now:
        raise NotThereYet(field="at")
    return asked or now


def _to_come(session: Session, offer_id: int, programme_id: int) -> Listed:
    """An offer whose first version has not begun; OfferUnknown."""
    known = session.get(OfferState, offer_id)
    if known is None or known.programme_id != programme_id:
        raise OfferUnknown()
    return Listed(first_version(session, offer_id), None, known.state)


def why_closed(found: Listed, at: datetime) -> Problem | None:
    """Why nobody can redeem this now; None when it is open."""
    return NotForSale() if found.offer.kind == TRIAL_CARD else why_not_given(found, at)


def why_not_given(found: Listed, at: datetime) -> Problem | None:
    """Why this cannot be given to anybody now, redeemed or handed out; None when it is open."""
    offer = found.offer
    open_now = found.state == LIVE and offer.kind != HISTORY and offer.from_at <= at
    if not open_now or (offer.until_at and offer.until_at <= at):
        return OfferNotOpen()
    if offer.event_at and offer.event_at <= at:
        return EventBegan(began_at=offer.event_at.isoformat())
    if found.left_over == 0:
        return SoldOut()
    return None

"""Orders of goods: where they are, step by step, forward only; and what comes back or is lost reverses its redemption."""

import json
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, ids, seals, vault
from base.errors import Conflict, NotFound
from catalog.goods import addresses
from catalog.goods.addresses import Address
from catalog.goods.models import (
    CANCELLED,
    DELIVERED,
    ELECTRONIC,
    LOST,
    ON_ITS_WAY,
    ORDERED,
    PICKED,
    REFUSED,
    RESTOCKED,
    RETURNED,
    SHIPPED,
    GoodsOrder,
    GoodsStep,
)
from catalog.goods.provider import ACCEPTED, Seen, Wanted
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.redemptions import course, redemptions
from catalog.redemptions.course import By
from catalog.redemptions.models import Redemption, Step
from catalog.stock import moves
from catalog.stock.models import USED, Stock
from points import programmes

GONE = frozenset({RETURNED, LOST, REFUSED, CANCELLED})


class GoodsOrderUnknown(NotFound):
    """There is no such order of goods."""

    zh = "没有该实物订单。"


class GoodsNotBack(Conflict):
    """Goods that were sent are given back only when they have come back or are lost."""

    zh = "已发出的商品须退回或确认丢失后才能退还积分。"
    next_en, next_zh = "Record that they came back or were lost.", "请先登记退回或丢失。"


class NotReturnable(Conflict):
    """These goods cannot be returned, or not any more."""

    zh = "该商品不支持退货或已超过退货期限。"
    next_en, next_zh = "Support can help where something went wrong.", "如有问题请联系客服。"


def place(
    session: Session,
    seal_key: str,
    redemption: Redemption,
    offer: Offer,
    address: Address | None,
    at: datetime,
) -> None:
    """The order of a redemption, before the provider knows of it: its first step is that the provider has it. PersonErased."""
    member_id, redemption_id, form = redemption.member_id, redemption.redemption_id, offer.form
    order = GoodsOrder(
        member_id=member_id,
        redemption_id=redemption_id,
        version_id=offer.version_id,
        units=redemption.units,
        units_shipped=0,
        return_days=form.get("return_days", 0),
        steps=0,
        ordered_at=at,
        changed_at=at,
        state=ORDERED,
        goods_class=form["class"],
        provider=form["provider"],
        sku=form["sku"],
        parcels=[],
        address_sealed=addresses.sealed(session, seal_key, member_id, redemption_id, address)
        if address
        else None,
    )
    session.add(order)
    session.flush()


def of(session: Session, member_id: int, redemption_id: int, *, locked: bool = False) -> GoodsOrder | None:
    """The order of a redemption, where it has one; maybe with nobody else changing it."""
    asked = select(GoodsOrder).where(
        GoodsOrder.member_id == member_id, GoodsOrder.redemption_id == redemption_id
    )
    asked = asked.execution_options(populate_existing=True)
    return session.scalar(asked.with_for_update() if locked else asked)


def find(session: Session, member_id: int, redemption_id: int, *, locked: bool = False) -> GoodsOrder:
    """The order of a redemption; GoodsOrderUnknown."""
    found = of(session, member_id, redemption_id, locked=locked)
    if found is None:
        raise GoodsOrderUnknown()
    return found


def reference(order: GoodsOrder) -> str:
    """Its redemption's public id: what the provider knows it by."""
    return ids.public("red", order.member_id, order.redemption_id)


def redemption_of(session: Session, order: GoodsOrder) -> Redemption:
    """The redemption that it belongs to."""
    return redemptions.find(session, order.member_id, order.redemption_id)


def steps(session: Session, member_id: int, redemption_id: int) -> list[GoodsStep]:
    """All its steps, the first one first."""
    asked = select(GoodsStep).where(
        GoodsStep.member_id == member_id, GoodsStep.redemption_id == redemption_id
    )
    return list(session.scalars(asked.order_by(GoodsStep.no)))


def timeline(session: Session, member_id: int, redemption_id: int) -> list[Step | GoodsStep]:
    """The steps of a redemption and of its goods, as they happened; the goods' come first in the same moment."""
    own = course.timeline(session, member_id, redemption_id)
    return sorted([*steps(session, member_id, redemption_id), *own], key=lambda step: step.at)


def wanted(session: Session, seal_key: str, order: GoodsOrder) -> Wanted:
    """What the provider is asked for; without an address where the person was erased meanwhile."""
    address = None
    if order.address_sealed:
        address = addresses.opened(
            session, seal_key, order.member_id, order.redemption_id, order.address_sealed
        )
    return Wanted(reference(order), order.provider, order.goods_class, order.sku, order.units, address)


def advance(session: Session, seal_key: str, order: GoodsOrder, seen: Seen, at: datetime) -> None:
    """What the provider tells, as a step further; what says less than is known changes nothing."""
    first, order.provider_order = order.provider_order is None, seen.order_id
    state = ORDERED if seen.state == ACCEPTED else seen.state
    if order.state in GONE or state not in ON_ITS_WAY:
        return
    if state == SHIPPED and seen.shipped < order.units:
        state = PICKED
    further = ON_ITS_WAY.index(state) > ON_ITS_WAY.index(order.state)
    if not first and not further and seen.shipped <= order.units_shipped:
        return
    order.units_shipped = max(order.units_shipped, seen.shipped)
    order.parcels = [dict(parcel) for parcel in seen.parcels] or order.parcels
    if order.units_shipped == order.units:
        order.shipped_at = order.shipped_at or at
    if state == DELIVERED:
        order.delivered_at = at
    if seen.codes and not order.codes_sealed and not vault.is_erased(session, order.member_id):
        key = vault.keys_for(session, seal_key, [order.member_id])[order.member_id]
        order.codes_sealed = seals.seal(key, json.dumps(seen.codes), _bound(order))
    _step(session, order, state if further else order.state, course.JOB, at)


def codes(session: Session, seal_key: str, order: GoodsOrder) -> list[str]:
    """What an electronic one is: its codes or links; nothing of a person that was erased."""
    key = vault.keys_there(session, seal_key, [order.member_id]).get(order.member_id)
    if not (key and order.codes_sealed):
        return []
    return list(json.loads(seals.opened(key, order.codes_sealed, _bound(order))))


def close(
    session: Session, order: GoodsOrder, new: str, by: By, at: datetime, reason: str | None = None
) -> None:
    """The order has ended otherwise than by arriving: returned, lost, refused; or cancelled before there was a step."""
    if new == CANCELLED:
        order.state, order.changed_at = new, at
    elif order.state not in GONE:
        _step(session, order, new, by, at, reason)


def returned(session: Session, member_id: int, redemption_id: int, by: By, at: datetime, reason: str) -> bool:
    """The goods came back: points to their lots, the shelf filled where the class allows it. NotReturnable after the days that
    the offer gives, counted from the delivery. Twice is once: False for the second.
    """
    order = find(session, member_id, redemption_id, locked=True)
    if order.state == RETURNED:
        return False
    if order.goods_class == ELECTRONIC or at > last_moment(session, order):
        raise NotReturnable()
    _undo(session, order, RETURNED, by, at, reason)
    return True


def lost(session: Session, member_id: int, redemption_id: int, by: By, at: datetime, reason: str) -> bool:
    """The goods did not arrive: points to their lots; they are not there any more. Twice is once: False for the second.

    NotReturnable for what was delivered, or is a code that the member has.
    """
    order = find(session, member_id, redemption_id, locked=True)
    if order.state == LOST:
        return False
    if order.goods_class == ELECTRONIC or order.state == DELIVERED:
        raise NotReturnable()
    _undo(session, order, LOST, by, at, reason)
    return True


def last_moment(session: Session, order: GoodsOrder) -> datetime:
    """Until when the goods may come back: the end of the last day; without a delivery there is no end."""
    if order.delivered_at is None:
        return datetime.max.replace(tzinfo=clock.now().tzinfo)
    zone = programmes.by_id(session, offers.version(session, order.version_id).programme_id).zone
    last_day = clock.day(order.delivered_at, zone) + timedelta(days=order.return_days + 1)
    return clock.start_of(last_day, zone)


def shelve(session: Session, order: GoodsOrder) -> None:
    """After the units went back to the stock: those that cannot be offered again are written off."""
    gone = order.state == LOST or (order.state == RETURNED and order.goods_class not in RESTOCKED)
    offer_id = offers.version(session, order.version_id).offer_id
    if gone and session.get(Stock, offer_id) is not None:
        reason, at = f"{order.state}: {reference(order)}", order.changed_at
        moves.enter(session, offer_id, USED, -order.units, 0, reason, course.JOB.actor, at)


def _undo(session: Session, order: GoodsOrder, new: str, by: By, at: datetime, reason: str) -> None:
    if order.state in GONE:
        raise course.MovedOn(state=order.state)
    close(session, order, new, by, at, reason)
    redemptions.reverse(session, order.member_id, order.redemption_id, by, at, reason)
    shelve(session, order)


def _step(
    session: Session, order: GoodsOrder, state: str, by: By, at: datetime, reason: str | None = None
) -> None:
    order.state, order.changed_at, order.steps = state, at, order.steps + 1
    session.add(
        GoodsStep(
            member_id=order.member_id,
            redemption_id=order.redemption_id,
            at=at,
            no=order.steps,
            units_shipped=order.units_shipped,
            state=state,
            actor=by.actor,
            channel=by.channel,
            reason=reason,
        )
    )
    session.flush()


def _bound(order: GoodsOrder) -> str:
    return f"goods-codes:{order.redemption_id}"

"""Goods on the course of redemptions: points are set aside, the provider takes the order and sends it, then they are spent."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from base import outbox
from base.config import Config
from base.errors import Conflict
from base.notices.templates import Facts
from catalog.goods import addresses, orders, provider
from catalog.goods.models import CANCELLED, CLASSES, DELIVERED, ELECTRONIC, REFUSED, GoodsOrder
from catalog.goods.provider import Seen, Wanted
from catalog.offers import forms, offers
from catalog.offers.forms import BadForm
from catalog.offers.models import GOODS, Offer
from catalog.redemptions import course, ordering
from catalog.redemptions.courses import Asked, Course
from catalog.redemptions.models import FAILED, REVERSED, Redemption
from catalog.redemptions.ordering import Port
from catalog.redemptions.outcomes import Done, Ended, NotFound, Outcome, UnderWay
from points.notices import telling

TASK = "goods"
MOST_RETURN_DAYS = 365
FIRST_LOOK = timedelta(hours=6)


class GoodsAreOrdered(Conflict):
    """The goods were ordered at the provider and cannot be cancelled any more."""

    zh = "商品已向供应商下单，不能取消。"
    next_en, next_zh = "When they have arrived they may be returned.", "收货后可按规则退货。"


def check_form(offer: Offer) -> None:
    """{class, sku, provider, return_days, weight?: grams}; nobody can cancel it. BadForm names the field."""
    forms.fields(offer, {"class": str, "sku": str, "provider": str, "return_days": int}, {"weight": int})
    told = offer.form
    if told["class"] not in CLASSES:
        raise BadForm(field="class", why=" or ".join(CLASSES))
    if not 0 <= told["return_days"] <= MOST_RETURN_DAYS:
        raise BadForm(field="return_days", why=f"from 0 to {MOST_RETURN_DAYS}")
    if told["class"] == ELECTRONIC and told["return_days"]:
        raise BadForm(field="return_days", why="what is electronic does not come back: 0")
    if told["class"] == ELECTRONIC and "weight" in told:
        raise BadForm(field="weight", why="what is electronic has none")
    if told.get("weight", 1) < 1:
        raise BadForm(field="weight", why="grams, from 1")
    if offer.cancellable:
        raise BadForm(field="cancellable", why="goods are returned, not cancelled")


def needs_address(offer: Offer) -> bool:
    """Whether the member is asked where to send it."""
    return offer.kind == GOODS and offer.form["class"] != ELECTRONIC


def course_of(seal_key: str) -> Course:
    """The course of goods, their addresses under the keys of the vault."""
    return Course(
        GOODS,
        holds=True,
        begin=_begin,
        take_back=take_back,
        check=_check,
        keep=partial(_keep, seal_key),
        drop=_drop,
    )


def _check(session: Session, asked: Asked) -> None:
    if needs_address(asked.offer):
        addresses.checked(asked.details.get("address"))


def _keep(seal_key: str, session: Session, redemption: Redemption, asked: Asked) -> None:
    address = addresses.checked(asked.details.get("address")) if needs_address(asked.offer) else None
    orders.place(session, seal_key, redemption, asked.offer, address, asked.at)


def _drop(session: Session, redemption: Redemption, at: datetime) -> None:
    """The money did not come, and nobody was asked."""
    order = orders.find(session, redemption.member_id, redemption.redemption_id, locked=True)
    orders.close(session, order, CANCELLED, course.JOB, at)


def _begin(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    ordering.promise(session, redemption)


def take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """What the provider has not got or has refused; of what was sent only what came back or is lost."""
    order = orders.find(session, redemption.member_id, redemption.redemption_id, locked=new != REVERSED)
    if order.state in orders.GONE:
        return
    if new == REVERSED:
        raise orders.GoodsNotBack()
    if new != FAILED and redemption.maybe_sent:
        raise GoodsAreOrdered()
    orders.close(session, order, REFUSED if new == FAILED else CANCELLED, course.JOB, at)


def port(seal_key: str) -> Port:
    """The provider of goods, their addresses opened with this key."""
    return Port(
        "provider of goods", partial(_order, seal_key), _settle, _look_up, _ended, partial(_seen, seal_key)
    )


def _order(seal_key: str, session: Session, redemption: Redemption) -> Wanted:
    order = orders.find(session, redemption.member_id, redemption.redemption_id)
    return orders.wanted(session, seal_key, order)


def _settle(config: Config, wanted: Wanted, sent_before: bool) -> Outcome:
    timeout_s = float(config.billing_timeout_s)
    return provider.settle(config.fulfilment_url, wanted, sent_before=sent_before, timeout_s=timeout_s)


def _look_up(config: Config, wanted: Wanted) -> Outcome | NotFound:
    return provider.look_up(config.fulfilment_url, wanted, timeout_s=float(config.billing_timeout_s))


def _seen(
    seal_key: str, session: Session, redemption: Redemption, outcome: Outcome | NotFound, at: datetime
) -> None:
    """Where the goods are, before the redemption moves; lost or brought back before all was sent ends it as failed."""
    if not (isinstance(outcome, Done | UnderWay | Ended) and isinstance(outcome.told, Seen)):
        return
    order = orders.find(session, redemption.member_id, redemption.redemption_id, locked=True)
    orders.advance(session, seal_key, order, outcome.told, at)
    if isinstance(outcome, Ended):
        state = REFUSED if outcome.told.state in provider.NOT_GIVEN else outcome.told.state
        orders.close(session, order, state, course.JOB, at, outcome.reason)


def _ended(
    session: Session, config: Config, redemption: Redemption, done: bool, seq: int | None, at: datetime
) -> None:
    """The member is told that all was sent, or that the points are back; what was sent is followed from here on."""
    order = orders.find(session, redemption.member_id, redemption.redemption_id)
    offer = offers.version(session, redemption.version_id)
    facts: Facts = {"points": redemption.price_points, "offer": offer.names}
    template = (
        ("goods-ready" if order.goods_class == ELECTRONIC else "goods-sent") if done else "goods-failed"
    )
    telling.tell(session, config, redemption.member_id, template, facts, seq=seq)
    if not done:
        orders.shelve(session, order)
    elif _is_followed(order):
        follow(session, order, at + FIRST_LOOK)


def tell_back(session: Session, config: Config, order: GoodsOrder) -> None:
    """The member is told that the points are back because the goods are."""
    offer, redemption = offers.version(session, order.version_id), orders.redemption_of(session, order)
    facts: Facts = {"points": redemption.price_points, "offer": offer.names}
    telling.tell(session, config, order.member_id, "goods-back", facts)


def _is_followed(order: GoodsOrder) -> bool:
    return order.goods_class != ELECTRONIC and (order.state != DELIVERED or order.return_days > 0)


def follow(session: Session, order: GoodsOrder, due_at: datetime) -> None:
    """Look at a moment where the goods are by then."""
    outbox.put(session, **promise(order.member_id, order.redemption_id), due_at=due_at)


def promise(member_id: int, redemption_id: int) -> dict[str, Any]:
    """The outbox row of the next look."""
    return {
        "member_id": member_id,
        "task": TASK,
        "args": {"member_id": member_id, "redemption_id": redemption_id},
    }

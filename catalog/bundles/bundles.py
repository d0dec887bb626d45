"""Bundles on the course of redemptions: one price; first what another system does, then all the rest and the points together.

If the other system refuses, nothing was given and everything is undone; the member is told so. The part that it does is asked
of it as if it had been redeemed alone, under the bundle's own number.
"""

from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.config import Config
from base.errors import Conflict
from base.notices.templates import Facts
from catalog.bundles import parts
from catalog.bundles.models import GIVEN, UNDONE, WAITING, BundlePart
from catalog.goods import orders as goods_orders
from catalog.offers import offers
from catalog.offers.models import BUNDLE, GOODS, VOUCHER, Offer
from catalog.rates import rates
from catalog.redemptions import courses, ordering
from catalog.redemptions.courses import Asked, Course
from catalog.redemptions.models import Redemption
from catalog.redemptions.ordering import Port
from catalog.redemptions.outcomes import Done, NotFound, Outcome
from catalog.vouchers import life
from catalog.vouchers.codes import Keys
from points import programmes
from points.notices import telling

OURS = Done("ours")  # nothing in it that another system does


class PartNotOpen(Conflict):
    """A part of this bundle is not open at this time."""

    zh = "套餐中的一项当前不可兑换。"
    next_en, next_zh = (
        "Choose another offer; your points were not touched.",
        "请选择其他权益，您的积分没有变动。",
    )


class BundleNotUndoable(Conflict):
    """What another system did for this bundle cannot be taken back."""

    zh = "套餐中由外部系统办理的内容已完成，无法退回。"
    next_en, next_zh = "Support can help where something went wrong.", "如有问题请联系客服。"


def course_of(seal_key: str) -> Course:
    """The course of bundles; what is electronic in them is sealed under the keys of the vault."""
    return Course(
        BUNDLE,
        holds=True,
        begin=_begin,
        take_back=_take_back,
        check=_check,
        keep=partial(_keep, seal_key),
        drop=_drop,
        takes=_takes,
    )


def of(session: Session, redemption: Redemption) -> list[BundlePart]:
    """The parts of a redeemed bundle, in their order."""
    asked = select(BundlePart).where(
        BundlePart.member_id == redemption.member_id, BundlePart.redemption_id == redemption.redemption_id
    )
    return list(session.scalars(asked.order_by(BundlePart.part_no)))


def _check(session: Session, asked: Asked) -> None:
    parts.check_against(session, asked.offer)
    for part in parts.parts_of(session, asked.offer, asked.at):
        if not parts.is_open(session, part, asked.at):
            raise PartNotOpen(part=part.offer.names)


def _keep(seal_key: str, session: Session, redemption: Redemption, asked: Asked) -> None:
    found = parts.parts_of(session, asked.offer, asked.at)
    rows = [
        BundlePart(
            member_id=redemption.member_id,
            redemption_id=redemption.redemption_id,
            part_no=no,
            offer_id=part.offer.offer_id,
            version_id=part.offer.version_id,
            kind=part.offer.kind,
            units=part.units * redemption.units,
            value_fen=part.offer.value_fen * part.units * redemption.units,
            state=WAITING,
            changed_at=asked.at,
        )
        for no, part in enumerate(found, start=1)
    ]
    session.add_all(rows)
    for row, part in zip(rows, found, strict=True):
        if row.kind == GOODS:
            goods_orders.place(session, seal_key, _alone(redemption, row), part.offer, None, asked.at)


def _begin(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    ordering.promise(session, redemption)


def _takes(session: Session, redemption: Redemption, offer: Offer) -> list[tuple[int, int]]:
    """From the stock of the bundle and of each part."""
    return [
        (offer.offer_id, redemption.units),
        *((row.offer_id, row.units) for row in of(session, redemption)),
    ]


def _drop(session: Session, redemption: Redemption, at: datetime) -> None:
    """The money did not come, and nobody was asked."""
    for row in of(session, redemption):
        row.state, row.changed_at = UNDONE, at
        if row.kind == GOODS:
            courses.of(GOODS).drop(session, _alone(redemption, row), at)


def _take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """All of it or nothing: what another system did stays, an unused voucher comes back."""
    rows = of(session, redemption)
    external = _external(rows)
    if any(row.state == GIVEN for row in rows):
        if external is not None:
            raise BundleNotUndoable()
        if any(row.kind == VOUCHER for row in rows):
            life.cancel(session, redemption.member_id, redemption.redemption_id, at)
    elif external is not None:
        its_offer = offers.version(session, external.version_id)
        courses.of(external.kind).take_back(session, _alone(redemption, external), its_offer, new, at)
    for row in rows:
        row.state, row.changed_at = UNDONE, at


def port(keys: Keys) -> Port:
    """The other system of whichever part has one; what follows is issued under these keys."""
    return Port("partner of the bundle", _order, _settle, _look_up, partial(_ended, keys), _seen)


Ask = tuple[str, object] | None  # the external part's kind, and what its own port asks for


def _order(session: Session, redemption: Redemption) -> Ask:
    external = _external(of(session, redemption))
    if external is None:
        return None
    return external.kind, ordering.of(external.kind).order(session, _alone(redemption, external))


def _settle(config: Config, ask: Ask, sent_before: bool) -> Outcome:
    return OURS if ask is None else ordering.of(ask[0]).settle(config, ask[1], sent_before)


def _look_up(config: Config, ask: Ask) -> Outcome | NotFound:
    return OURS if ask is None else ordering.of(ask[0]).look_up(config, ask[1])


def _seen(session: Session, redemption: Redemption, outcome: Outcome | NotFound, at: datetime) -> None:
    external = _external(of(session, redemption))
    if external is not None:
        ordering.of(external.kind).seen(session, _alone(redemption, external), outcome, at)


def _ended(
    keys: Keys,
    session: Session,
    config: Config,
    redemption: Redemption,
    done: bool,
    seq: int | None,
    at: datetime,
) -> None:
    """With the capture what we give ourselves is given; the member is told that all is there, or nothing."""
    rows = of(session, redemption)
    if done:
        for row in rows:
            row.state, row.changed_at = GIVEN, at
            if row.kind == VOUCHER:
                _issue(session, keys, redemption, row, sum(each.value_fen for each in rows), at)
    facts: Facts = {
        "points": redemption.price_points,
        "offer": offers.version(session, redemption.version_id).names,
    }
    telling.tell(
        session, config, redemption.member_id, "bundle-done" if done else "bundle-failed", facts, seq=seq
    )


def _issue(
    session: Session, keys: Keys, redemption: Redemption, row: BundlePart, all_fen: int, at: datetime
) -> None:
    """The voucher of a bundle; of what was paid, points at their worth and money, it is booked with its share of all parts' value."""
    offer = offers.version(session, row.version_id)
    programme = programmes.by_id(session, offer.programme_id)
    begun = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
    cash = redemption.cash_fen * row.value_fen // all_fen
    booked = rates.worth(begun, redemption.price_points) * row.value_fen // all_fen + cash
    place = (redemption.member_id, redemption.redemption_id)
    life.issue(session, keys, place, offer, booked, row.units, at, redemption.spender_id, cash)


def _external(rows: list[BundlePart]) -> BundlePart | None:
    return next((row for row in rows if row.kind in parts.EXTERNAL), None)


def _alone(redemption: Redemption, row: BundlePart) -> Redemption:
    """The part as if it had been redeemed alone; never stored."""
    return Redemption(
        member_id=redemption.member_id,
        redemption_id=redemption.redemption_id,
        offer_id=row.offer_id,
        version_id=row.version_id,
        units=row.units,
        value_fen=row.value_fen,
        price_points=redemption.price_points,
        kind=row.kind,
        state=redemption.state,
        maybe_sent=redemption.maybe_sent,
        held=redemption.held,
        details={},
    )

"""Redeeming: a quote becomes a hold or a spend, and a voucher, a seat or a credit on the bill - or nothing at all."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, ids, outbox
from base.errors import Conflict, NotFound
from base.webhooks import webhooks
from catalog.offers import offers
from catalog.offers.models import BILL_CREDIT, PERK, VOUCHER, Offer
from catalog.rates import rates
from catalog.redemptions import quotes
from catalog.redemptions.models import CANCELLED, FULFILLED, PENDING, UNKNOWN, Quote, Redemption, Seat
from catalog.vouchers import life
from catalog.vouchers.codes import Keys
from points import ledger, programmes
from points.deeds import Request
from points.groups import spending
from points.kinds import FOREVER, Kind
from points.lines import standing
from points.lines.matrix import Action
from points.members import members
from points.models import Programme

BILL_CREDIT_TASK = "bill_credit"


class RedemptionUnknown(NotFound):
    """There is no such redemption."""

    zh = "没有该兑换记录。"


class NotCancellable(Conflict):
    """This redemption cannot be cancelled any more."""

    zh = "该兑换已不能取消。"
    next_en, next_zh = "Support can help where something went wrong.", "如有问题请联系客服。"


class SeatTaken(Conflict):
    """You have a place at this event already."""

    zh = "您已报名该活动。"
    next_en, next_zh = "Your place is under your redemptions.", "可在兑换记录中查看您的名额。"


def redeem(
    session: Session,
    keys: Keys,
    member_id: int,
    quote_id: int,
    at: datetime,
    *,
    spender_id: int | None = None,
) -> Redemption:
    """Confirm a quote: the very points it named are spent or set aside, and what they buy is issued or on its way.

    All of it is one transaction; stock comes last. Safe against a second confirmation: a quote is used once.
    With `spender_id` it is a group's quote, which only the spender who asked for it can confirm, within the cap.
    """
    quote = quotes.usable(session, member_id, quote_id, at, spender_id)
    if spender_id is not None:
        spending.payer(session, member_id, spender_id)
    member = members.by_id(session, member_id)
    programme = programmes.open_one(session, member.programme_id)
    found = offers.find(session, quote.offer_id, programme.programme_id)
    closed = offers.why_closed(found, at)
    if closed:
        raise closed
    on = clock.day(at, programme.zone)
    standing.ask(session, member, ledger.read(session, member_id).state, programme, on, Action.REDEEM)
    redemption = _record(session, quote, found.offer, at)
    with standing.explaining(session, member, programme, on, Action.REDEEM):
        answer = ledger.post(session, _spend(redemption, quote, programme, at))
    redemption.posting_seq = answer.seq
    _fulfil(session, keys, redemption, found.offer, programme, at)
    session.flush()
    _publish(session, redemption, at)
    offers.take_stock(session, found.offer.offer_id, quote.units)
    return redemption


def cancel(session: Session, member_id: int, redemption_id: int, at: datetime) -> Redemption:
    """Undo a redemption that its offer allows to undo: the points go back to the lots they came from."""
    redemption = find(session, member_id, redemption_id)
    offer = session.get_one(Offer, redemption.offer_id)
    programme = programmes.by_id(session, offer.programme_id)
    if not cancellable(redemption, offer, at):
        raise NotCancellable(state=redemption.state)
    if redemption.kind == VOUCHER:
        life.cancel(session, member_id, redemption_id, at)
    else:
        _give_seat_back(session, redemption)
    to(session, redemption, FULFILLED, CANCELLED, at)
    ledger.post(session, follow_up(redemption, Kind.REVERSE, programme, at))
    offers.put_back_stock(session, offer.offer_id, redemption.units)
    return redemption


def cancellable(redemption: Redemption, offer: Offer, at: datetime) -> bool:
    """Whether the offer lets the member undo this redemption at this moment (a voucher must be unused as well)."""
    kept = redemption.state == FULFILLED and offer.cancellable and redemption.kind in (VOUCHER, PERK)
    return kept and (offer.event_at is None or offer.event_at > at)


def follow_up(redemption: Redemption, kind: Kind, programme: Programme, at: datetime) -> Request:
    """The ledger request that ends a redemption's hold or spend: capture, release or reverse, all of it, once."""
    return Request(
        member_id=redemption.member_id,
        idem=ledger.key("redemption", f"{redemption.redemption_id}:{kind.name}"),
        kind=kind,
        points=0,
        at=at,
        zone=programme.zone,
        rev_of=redemption.posting_seq,
        version_id=redemption.rate_id,
        ref=ids.public("red", redemption.member_id, redemption.redemption_id),
    )


def find(session: Session, member_id: int, redemption_id: int) -> Redemption:
    """A member's redemption; RedemptionUnknown."""
    found = session.get(Redemption, (member_id, redemption_id), populate_existing=True)
    if found is None:
        raise RedemptionUnknown()
    return found


def seen_by(session: Session, me: int, member_id: int, redemption_id: int) -> Redemption:
    """A redemption of the caller's: the own, or one made for a group whose contact the caller still is; RedemptionUnknown."""
    found = find(session, member_id, redemption_id)
    if not spending.belongs(session, me, found.member_id, found.spender_id):
        raise RedemptionUnknown()
    return found


def all_of(
    session: Session,
    member_id: int,
    *,
    before: int | None = None,
    limit: int = 50,
    spender_id: int | None = None,
) -> list[tuple[Redemption, Offer]]:
    """A member's redemptions with their offers, newest first, from before an id on; of a group maybe one spender's."""
    asked = (
        select(Redemption, Offer)
        .join(Offer, Offer.offer_id == Redemption.offer_id)
        .where(Redemption.member_id == member_id)
        .order_by(Redemption.redemption_id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(Redemption.redemption_id < before)
    if spender_id is not None:
        asked = asked.where(Redemption.spender_id == spender_id)
    return [(redemption, offer) for redemption, offer in session.execute(asked)]


def under_way(session: Session, member_id: int, limit: int = 50) -> list[tuple[Redemption, Offer]]:
    """A member's redemptions whose end is not known yet, newest first; their points are set aside."""
    rows = session.execute(
        select(Redemption, Offer)
        .join(Offer, Offer.offer_id == Redemption.offer_id)
        .where(Redemption.member_id == member_id, Redemption.state.in_([PENDING, UNKNOWN]))
        .order_by(Redemption.redemption_id.desc())
        .limit(limit)
    )
    return [(redemption, offer) for redemption, offer in rows]


def of_quote(session: Session, member_id: int, quote_id: int) -> int | None:
    """The id of the redemption that used this quote."""
    return session.scalar(
        select(Redemption.redemption_id).where(
            Redemption.member_id == member_id, Redemption.quote_id == quote_id
        )
    )


def names_of(session: Session, member_id: int, redemption_ids: set[int]) -> dict[int, dict[str, str]]:
    """Redemption id -> names of its offer, for those of these that are the member's."""
    rows = session.execute(
        select(Redemption.redemption_id, Offer.names)
        .join(Offer, Offer.offer_id == Redemption.offer_id)
        .where(Redemption.member_id == member_id, Redemption.redemption_id.in_(redemption_ids))
    )
    return {row[0]: row[1] for row in rows}


def names_of_references(
    session: Session, references: Collection[tuple[int, str]]
) -> dict[tuple[int, str], dict[str, str]]:
    """(member, reference of a posting) -> names of the offer, for those that name a redemption of the member's."""
    known: dict[int, tuple[int, str]] = {}
    for member_id, ref in references:
        if ref.startswith("red_"):
            with suppress(NotFound):
                owner, redemption_id = ids.parse("red", ref)
                if owner == member_id:
                    known[redemption_id] = (member_id, ref)
    rows = session.execute(
        select(Redemption.redemption_id, Offer.names)
        .join(Offer, Offer.offer_id == Redemption.offer_id)
        .where(
            tuple_(Redemption.member_id, Redemption.redemption_id).in_(
                [(member_id, redemption_id) for redemption_id, (member_id, _) in known.items()]
            )
        )
    )
    return {known[row[0]]: row[1] for row in rows}


def to(
    session: Session, redemption: Redemption, old: str, new: str, at: datetime, reason: str | None = None
) -> None:
    """Move a redemption from one state to another: one winner; NotCancellable when it is not in the old state."""
    moved = session.scalar(
        update(Redemption)
        .where(
            Redemption.member_id == redemption.member_id,
            Redemption.redemption_id == redemption.redemption_id,
            Redemption.state == old,
        )
        .values(state=new, changed_at=at, reason=reason)
        .returning(Redemption)
        .execution_options(populate_existing=True)
    )
    if moved is None:
        raise NotCancellable()
    _publish(session, moved, at)


def _publish(session: Session, redemption: Redemption, at: datetime) -> None:
    """Tell whoever wants to know where the redemption stands now."""
    member_id, reference = (
        redemption.member_id,
        ids.public("red", redemption.member_id, redemption.redemption_id),
    )
    data = {
        "redemption": reference,
        "member": ids.public("mbr", member_id),
        "offer": ids.public("off", redemption.offer_id),
        "kind": redemption.kind,
        "state": redemption.state,
        "units": redemption.units,
        "price_points": redemption.price_points,
        "value_fen": redemption.value_fen,
    }
    webhooks.publish(session, member_id, f"jifen.redemption.{redemption.state}", reference, data, at)


def _record(session: Session, quote: Quote, offer: Offer, at: datetime) -> Redemption:
    redemption_id = session.scalar(
        insert(Redemption)
        .values(
            member_id=quote.member_id,
            redemption_id=ids.new_id(),
            offer_id=offer.offer_id,
            rate_id=quote.rate_id,
            quote_id=quote.quote_id,
            spender_id=quote.spender_id,
            price_points=quote.price_points,
            value_fen=quote.value_fen,
            at=at,
            changed_at=at,
            units=quote.units,
            kind=offer.kind,
            state=PENDING if offer.kind == BILL_CREDIT else FULFILLED,
        )
        .on_conflict_do_nothing(index_elements=["member_id", "quote_id"])
        .returning(Redemption.redemption_id)
    )
    if redemption_id is None:
        raise quotes.QuoteEnded()
    return session.get_one(Redemption, (quote.member_id, redemption_id))


def _spend(redemption: Redemption, quote: Quote, programme: Programme, at: datetime) -> Request:
    """What leaves the house is held without an end until its answer is known; the rest is spent at once."""
    held = redemption.kind == BILL_CREDIT
    return Request(
        member_id=redemption.member_id,
        idem=ledger.key("redemption", str(redemption.redemption_id)),
        kind=Kind.HOLD if held else Kind.REDEEM,
        points=redemption.price_points,
        at=at,
        zone=programme.zone,
        quoted=quotes.intervals(quote),
        ends_at=FOREVER if held else None,
        version_id=redemption.rate_id,
        value_fen=redemption.value_fen,
        spender_id=redemption.spender_id,
        ref=ids.public("red", redemption.member_id, redemption.redemption_id),
    )


def _fulfil(
    session: Session, keys: Keys, redemption: Redemption, offer: Offer, programme: Programme, at: datetime
) -> None:
    if redemption.kind == BILL_CREDIT:
        args = {"member_id": redemption.member_id, "redemption_id": redemption.redemption_id}
        outbox.put(session, redemption.member_id, BILL_CREDIT_TASK, args)
    elif redemption.kind == VOUCHER:
        begun = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
        booked = rates.worth(begun, redemption.price_points)
        place = (redemption.member_id, redemption.redemption_id)
        life.issue(session, keys, place, offer, booked, redemption.units, at, redemption.spender_id)
    elif redemption.kind == PERK:
        _take_seat(session, redemption, at)


def _take_seat(session: Session, redemption: Redemption, at: datetime) -> None:
    seat = session.scalar(
        insert(Seat)
        .values(
            member_id=redemption.member_id,
            seat_id=ids.new_id(),
            offer_id=redemption.offer_id,
            redemption_id=redemption.redemption_id,
            spender_id=redemption.spender_id,
            state="taken",
            at=at,
        )
        .on_conflict_do_nothing()
        .returning(Seat.seat_id)
    )
    if seat is None:
        raise SeatTaken()


def _give_seat_back(session: Session, redemption: Redemption) -> None:
    session.execute(
        update(Seat)
        .where(
            Seat.member_id == redemption.member_id,
            Seat.redemption_id == redemption.redemption_id,
            Seat.state == "taken",
        )
        .values(state="given_back")
    )

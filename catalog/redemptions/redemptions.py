"""Redeeming: a quote becomes a hold or a spend and what its offer gives - or nothing at all. And handing it back."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.errors import Conflict, NotFound, Problem
from base.failpoints import failpoint
from base.halts import halts
from catalog.budgets import budgets
from catalog.cash import parts
from catalog.offers import access, counting, offers
from catalog.offers.models import Offer
from catalog.redemptions import course, courses, day_limit, quotes
from catalog.redemptions.course import By
from catalog.redemptions.courses import Asked
from catalog.redemptions.day_limit import Most
from catalog.redemptions.models import CANCELLED, FULFILLED, PENDING, REVERSED, Quote, Redemption
from catalog.stock import stock
from points import ledger, programmes
from points.deeds import Request
from points.groups import spending
from points.kinds import FOREVER, Kind
from points.lines import standing
from points.lines.matrix import Action
from points.members import members
from points.models import Programme
from points.refusals import NotEnoughPoints, QuoteChanged


class RedemptionUnknown(NotFound):
    """There is no such redemption."""

    zh = "没有该兑换记录。"


class NotCancellable(Conflict):
    """This redemption cannot be cancelled any more."""

    zh = "该兑换已不能取消。"
    next_en, next_zh = "Support can help where something went wrong.", "如有问题请联系客服。"


class NotReversible(Conflict):
    """Only what was given can be reversed."""

    zh = "只有已完成的兑换可以冲正。"


def redeem(
    session: Session,
    member_id: int,
    quote_id: int,
    by: By,
    at: datetime,
    *,
    spender_id: int | None = None,
    details: dict[str, Any] | None = None,
    most: Most | None = None,
) -> Redemption:
    """Confirm a quote: the very points it named are spent or set aside, and what they buy is issued or on its way.

    All of it is one transaction; stock comes last. Safe against a second confirmation: a quote is used once.
    With `spender_id` it is a group's quote, which only the spender who asked for it can confirm, within the cap.
    `details`: what the offer's kind asks besides (an address, a person to give it to). `most`: what may be redeemed within a
    day without a code; None where it was confirmed with one, or nobody asks for one. CodeNeeded.
    """
    quote = quotes.usable(session, member_id, quote_id, at, spender_id)
    if spender_id is not None:
        spending.payer(session, member_id, spender_id)
    member, programme = members.with_programme(session, member_id, doing=halts.REDEEM)
    programmes.taking_writes(programme)
    found, who = offers.find(session, quote.offer_id, programme.programme_id, at), spender_id or member_id
    offer, on = offers.version(session, quote.version_id), clock.day(at, programme.zone)
    access.ask(session, found, programme, who, at, by.channel, quoted=offer)
    counting.ask(session, offer, member_id, spender_id, quote.units, at, programme.zone)
    standing.ask_now(session, member, programme, on, Action.REDEEM)
    way, cash = courses.of(offer.kind), quote.cash_fen > 0
    asked = Asked(quote, offer, details or {}, at)
    way.check(session, asked)
    redemption = _redemption(quote, offer, held=way.holds or cash, at=at)
    if quote.price_points:
        with (
            standing.explaining(session, member, programme, on, Action.REDEEM),
            _telling_used(session, quote),
        ):
            redemption.posting_seq = ledger.post(session, _spend(redemption, quote, programme, at)).seq
    failpoint("points_spent")
    database.insert(session, redemption, unless_there=("member_id", "quote_id"), refusal=quotes.QuoteEnded)
    course.begin(session, redemption, redemption.state, by, at)
    failpoint("redemption_kept")
    way.keep(session, redemption, asked)
    if cash:  # its kind begins when the money is there
        parts.open(session, member_id, redemption.redemption_id, quote.cash_fen, programme.currency, at)
    else:
        if not quote.price_points:  # nothing was posted: the wallet is locked before what others share
            ledger.lock(session, [member_id])
        way.begin(session, redemption, offer, at)
    session.flush()
    if redemption.budget_id is not None:
        place = {"member_id": member_id, "redemption_id": redemption.redemption_id}
        budgets.spend(session, redemption.budget_id, redemption.cost_fen, at, **place, person_id=by.person_id)
    failpoint("given")
    counting.take(session, offer, redemption, programme.zone)
    if most is not None:
        day_limit.check(session, most, redemption, at)
    if way.counts_stock:
        for offer_id, units in sorted(way.takes(session, redemption, offer)):
            if offer_id != offer.offer_id or found.left_over is not None:
                stock.take(session, offer_id, units)
    return redemption


def hand_out(
    session: Session,
    member_id: int,
    offer: Offer,
    by: By,
    at: datetime,
    *,
    requested_by: By,
    details: dict[str, Any],
) -> Redemption:
    """One unit of an offer without a price, for a member whom two persons chose: given at once, stock last.

    Without a quote there is nothing that keeps it from being given twice: whoever calls has done so. Refuses what redeeming
    would refuse, but for the price.
    """
    member, programme = members.with_programme(session, member_id, doing=halts.REDEEM)
    programmes.taking_writes(programme)
    found = offers.find(session, offer.offer_id, programme.programme_id, at)
    refusal = offers.why_not_given(found, at)
    if refusal:
        raise refusal
    on = clock.day(at, programme.zone)
    standing.ask(session, member, ledger.read(session, member_id).state, programme, on, Action.GIFT_IN)
    redemption = Redemption(
        member_id=member_id,
        redemption_id=ids.new_id(),
        offer_id=offer.offer_id,
        version_id=offer.version_id,
        price_points=0,
        value_fen=offer.value_fen,
        cost_fen=offer.cost_fen,
        budget_id=offer.budget_id,
        at=at,
        changed_at=at,
        units=1,
        steps=course.FIRST_STEPS,
        kind=offer.kind,
        state=FULFILLED,
        details=details,
    )
    session.add(redemption)
    session.flush()
    course.begin(session, redemption, FULFILLED, by, at, requested_by)
    way = courses.of(offer.kind)
    ledger.lock(session, [member_id])
    way.begin(session, redemption, offer, at)
    session.flush()
    if redemption.budget_id is not None:  # a person's budget is that of who asked for it
        place = {"member_id": member_id, "redemption_id": redemption.redemption_id}
        who = requested_by.person_id
        budgets.spend(session, redemption.budget_id, redemption.cost_fen, at, **place, person_id=who)
    counting.take(session, offer, redemption, programme.zone)
    if way.counts_stock:
        stock.take(session, offer.offer_id, 1)
    return redemption


def paid(session: Session, member_id: int, redemption_id: int, at: datetime) -> None:
    """The cash part is there: give it, or ask the other side; what cannot be given any more is undone, the money too."""
    ledger.lock(session, [member_id])
    redemption = find(session, member_id, redemption_id)
    way, offer = courses.of(redemption.kind), offers.version(session, redemption.version_id)
    try:
        with session.begin_nested():
            if not way.holds:
                course.fulfil(session, redemption, course.JOB, at)
            way.begin(session, redemption, offer, at)
    except Problem as refusal:
        session.refresh(redemption)
        course.fail(session, redemption, course.JOB, at, refusal.type_name())


def not_paid(session: Session, member_id: int, redemption_id: int, at: datetime) -> None:
    """No money can come any more: points and stock are as before."""
    course.fail(session, find(session, member_id, redemption_id), course.JOB, at, "not paid")


def cancel(session: Session, member_id: int, redemption_id: int, by: By, at: datetime) -> Redemption:
    """Undo a redemption that its offer allows to undo: the points go back to the lots they came from, the money too.

    One that still awaits its money stays pending until the payment is certainly cancelled.
    """
    redemption = find(session, member_id, redemption_id)
    offer = offers.version(session, redemption.version_id)
    if not cancellable(redemption, offer, at):
        raise NotCancellable(state=redemption.state)
    if course.awaits_money(session, redemption):
        parts.stop(session, member_id, redemption_id, at)  # when it is certain that none comes, it ends
        return redemption
    course.give_back(session, redemption, CANCELLED, by, at)
    failpoint("given_back")
    return redemption


def reverse(
    session: Session, member_id: int, redemption_id: int, by: By, at: datetime, reason: str
) -> Redemption:
    """Undo one that was given, whatever its offer lets members do: a person says why. NotReversible."""
    redemption = find(session, member_id, redemption_id)
    if redemption.state != FULFILLED:
        raise NotReversible(state=redemption.state)
    course.give_back(session, redemption, REVERSED, by, at, reason)
    return redemption


def cancellable(redemption: Redemption, offer: Offer, at: datetime) -> bool:
    """Whether the offer lets the member undo this redemption at this moment (a voucher must be unused as well)."""
    return course.may_be_cancelled(redemption, offer, at)


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
        .join(Offer, Offer.version_id == Redemption.version_id)
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
    rows = database.copies(session, Redemption, _UNDER_WAY, (member_id, list(course.OPEN), limit))
    return [(row, offers.version(session, row.version_id)) for row in rows]


# Asked with every look at the home page, so in words that need no compiling.
_UNDER_WAY = (
    f"select {database.columns(Redemption)} from redemption where member_id = %s and state = any(%s) "
    "order by redemption_id desc limit %s"
)


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
        .join(Offer, Offer.version_id == Redemption.version_id)
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
        .join(Offer, Offer.version_id == Redemption.version_id)
        .where(
            tuple_(Redemption.member_id, Redemption.redemption_id).in_(
                [(member_id, redemption_id) for redemption_id, (member_id, _) in known.items()]
            )
        )
    )
    return {known[row[0]]: row[1] for row in rows}


@contextmanager
def _telling_used(session: Session, quote: Quote) -> Iterator[None]:
    """The points of a quote that was used are gone: that is told, not that they are gone."""
    try:
        yield
    except (QuoteChanged, NotEnoughPoints):
        if of_quote(session, quote.member_id, quote.quote_id) is not None:
            raise quotes.QuoteEnded() from None
        raise


def _redemption(quote: Quote, offer: Offer, *, held: bool, at: datetime) -> Redemption:
    return Redemption(
        member_id=quote.member_id,
        redemption_id=ids.new_id(),
        offer_id=offer.offer_id,
        version_id=offer.version_id,
        rate_id=quote.rate_id,
        quote_id=quote.quote_id,
        posting_seq=None,
        spender_id=quote.spender_id,
        price_points=quote.price_points,
        value_fen=quote.value_fen,
        cash_fen=quote.cash_fen,
        cost_fen=quote.cost_fen,
        budget_id=offer.budget_id,
        at=at,
        changed_at=at,
        units=quote.units,
        tries=0,
        steps=course.FIRST_STEPS,
        maybe_sent=False,
        kind=offer.kind,
        state=PENDING if held else FULFILLED,
        reason=None,
        held=held,
        details=quote.details,
    )


def _spend(redemption: Redemption, quote: Quote, programme: Programme, at: datetime) -> Request:
    """What leaves the house is held without an end until its answer is known; the rest is spent at once."""
    return Request(
        member_id=redemption.member_id,
        idem=ledger.key("redemption", str(redemption.redemption_id)),
        kind=Kind.HOLD if redemption.held else Kind.REDEEM,
        points=redemption.price_points,
        at=at,
        zone=programme.zone,
        quoted=quotes.intervals(quote),
        ends_at=FOREVER if redemption.held else None,
        version_id=redemption.rate_id or 0,
        value_fen=redemption.value_fen,
        spender_id=redemption.spender_id,
        ref=course.reference(redemption),
    )

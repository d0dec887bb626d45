"""Quotes: the exact price, the very points, what is left afterwards - before anything is confirmed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from base import channels, clock, ids
from base.errors import Conflict, Invalid, NotFound
from catalog.offers import access, counting, offers
from catalog.offers.models import BILL_CREDIT, BUNDLE, GOODS, SERVICE, Offer
from catalog.rates import rates
from catalog.rates.models import Rate
from catalog.redemptions import courses
from catalog.redemptions.courses import Wish
from catalog.redemptions.models import Quote
from points import expiry, extensions, ledger, lots, programmes
from points.groups import spending
from points.lines import standing
from points.lines.matrix import Action
from points.lots import Calendar, Interval
from points.members import facts, members
from points.postings import Wallet
from points.refusals import NotEnoughPoints, QuoteChanged

FOR_ONESELF = frozenset({BILL_CREDIT, BUNDLE, GOODS, SERVICE})  # not with a group's points


class QuoteUnknown(NotFound):
    """There is no such quote."""

    zh = "没有该报价。"
    next_en, next_zh = "Ask for a fresh quote.", "请重新获取报价。"


class QuoteEnded(Conflict):
    """This quote has run out or was used."""

    zh = "报价已过期或已使用。"
    next_en, next_zh = (
        "Ask for a fresh quote; your points were not touched.",
        "请重新获取报价，您的积分没有变动。",
    )


class TooManyUnits(Invalid):
    """More units than this offer allows at once."""

    zh = "超过该权益单次可兑换数量。"


class CashChoice(Invalid):
    """This much cannot be paid in money here."""

    zh = "该权益不支持此现金金额。"
    next_en, next_zh = "Choose one of the amounts that the offer names.", "请选择该权益列出的金额。"


class CardPaymentsOff(Conflict):
    """Nothing can be paid in money here."""

    zh = "此处未开通现金支付。"
    next_en, next_zh = "Redeem it with points alone.", "请使用全积分兑换。"


class NotForGroups(Conflict):
    """This cannot be redeemed with a group's points."""

    zh = "该权益不能使用集团积分兑换。"
    next_en, next_zh = (
        "Choose a voucher or a perk, or use your own points.",
        "请选择商户券或会员权益，或使用个人积分。",
    )


LAPSING_DAYS = (30, 90)


@dataclass(frozen=True)
class Priced:
    """A quote with what a person wants to see beside it: what is left, each lot with its last day, what the points are
    worth here and as bill credit, and how many of all points lapse within so many days if nothing is redeemed.
    """

    quote: Quote
    offer: Offer
    balance_after: int
    taken: tuple[tuple[date, int], ...]
    worth_as_credit_fen: int
    lapsing: dict[int, int]

    @property
    def worth_fen(self) -> int:
        """What the points buy here: the value less what is paid in money."""
        return self.quote.value_fen - self.quote.cash_fen

    @property
    def is_worth_less(self) -> bool:
        """Whether the points would be worth more as bill credit; whoever shows the price says so."""
        return self.worth_fen < self.worth_as_credit_fen


def make(
    session: Session,
    member_id: int,
    offer_id: int,
    units: int,
    at: datetime,
    life_s: int,
    *,
    spender_id: int | None = None,
    channel: str = channels.MEMBER_WEB,
    cash_fen: int = 0,
    asked: dict[str, Any] | None = None,
) -> Priced:
    """Price an offer for a member, or for a group and the spender who asks; `cash_fen` of it are to be paid in money;
    `asked`: what only its kind understands.

    Refuses what redeeming would refuse: closed offer, one that is for others, one limit reached, line's state, too few
    points, over the cap.
    """
    group = spending.payer(session, member_id, spender_id) if spender_id is not None else None
    member, programme = members.with_programme(session, member_id)
    programmes.taking_writes(programme)
    found = offers.find(session, offer_id, programme.programme_id, at)
    access.ask(session, found, programme, member_id if spender_id is None else spender_id, at, channel)
    if not 1 <= units <= found.offer.most_units:
        raise TooManyUnits(most=found.offer.most_units)
    if group is not None and (found.offer.kind in FOR_ONESELF or cash_fen):
        raise NotForGroups()
    if cash_fen and cash_fen not in [choice * units for choice in found.offer.cash_choices]:
        raise CashChoice(field="cash_fen", choices=[choice * units for choice in found.offer.cash_choices])
    counting.ask(session, found.offer, member_id, spender_id, units, at, programme.zone)
    on = clock.day(at, programme.zone)
    wallet = ledger.read(session, member_id)
    standing.ask(session, member, wallet.state, programme, on, Action.REDEEM)
    wish = Wish(member_id, spender_id, found.offer, units, cash_fen, asked or {}, at)
    terms = courses.of(found.offer.kind).price(session, wish)
    if cash_fen and cash_fen >= (terms.payable_fen or 0):
        raise CashChoice(field="cash_fen", choices=[])
    rate = _rate(session, member_id, found.offer, on) if terms.payable_fen is not None else None
    price_points = rates.price(rate, (terms.payable_fen or 0) - cash_fen) if rate else 0
    if group is not None and spender_id is not None:
        spending.within_cap(session, group, spender_id, price_points, at)
    calendar = extensions.of(session, programme.programme_id, at)
    after, taken = lots.take(wallet.lots, price_points, on, calendar)
    if sum(interval.count for interval in taken) < price_points:
        raise NotEnoughPoints(balance=lots.live(wallet.lots, on, calendar), needed=price_points)
    quote = Quote(
        member_id=member_id,
        quote_id=ids.new_id(),
        offer_id=offer_id,
        version_id=found.offer.version_id,
        rate_id=rate.rate_id if rate else None,
        units=units,
        price_points=price_points,
        value_fen=terms.value_fen,
        cash_fen=cash_fen,
        cost_fen=terms.cost_fen,
        made_at=at,
        ends_at=at + timedelta(seconds=life_s),
        spender_id=spender_id,
        lots=[number for interval in taken for number in interval],
        details=terms.details,
    )
    session.add(quote)
    session.flush()
    return _priced(session, quote, found.offer, wallet, lots.live(after, on, calendar), on, calendar)


def _rate(session: Session, member_id: int, offer: Offer, on: date) -> Rate:
    """The rate of the day for this member and offer; NoRateInForce."""
    return rates.for_offer(session, offer, on, facts.of(session, member_id, on))


def usable(
    session: Session, member_id: int, quote_id: int, at: datetime, spender_id: int | None = None
) -> Quote:
    """A quote that can still be confirmed by its member, or by the spender who asked; QuoteUnknown, QuoteEnded."""
    quote = find(session, member_id, quote_id, spender_id)
    if quote.ends_at <= at:
        raise QuoteEnded()
    return quote


def find(session: Session, member_id: int, quote_id: int, spender_id: int | None = None) -> Quote:
    """A member's quote, or the one of a group's spender, ended or not; QuoteUnknown."""
    quote = session.get(Quote, (member_id, quote_id))
    if quote is None or quote.spender_id != spender_id:
        raise QuoteUnknown()
    return quote


def shown(
    session: Session, member_id: int, quote_id: int, at: datetime, spender_id: int | None = None
) -> Priced:
    """A quote once more, as it was made; QuoteUnknown, QuoteEnded, QuoteChanged (it would take other points now)."""
    quote = usable(session, member_id, quote_id, at, spender_id)
    offer = offers.version(session, quote.version_id)
    on = clock.day(at, programmes.by_id(session, offer.programme_id).zone)
    calendar = extensions.of(session, offer.programme_id, at)
    wallet = ledger.read(session, member_id)
    after, taken = lots.take(wallet.lots, quote.price_points, on, calendar)
    if taken != intervals(quote):
        raise QuoteChanged()
    return _priced(session, quote, offer, wallet, lots.live(after, on, calendar), on, calendar)


def _priced(
    session: Session,
    quote: Quote,
    offer: Offer,
    wallet: Wallet,
    balance_after: int,
    on: date,
    calendar: Calendar,
) -> Priced:
    live = list(expiry.lapsing(wallet, on, lots.NO_END, calendar))
    return Priced(
        quote=quote,
        offer=offer,
        balance_after=balance_after,
        taken=tuple(
            (lots.last_day(lots.lasting(interval.key, calendar)), interval.count)
            for interval in intervals(quote)
        ),
        worth_as_credit_fen=rates.worth(rates.load(session, offer.programme_id, on), quote.price_points),
        lapsing={
            days: sum(n for day, n in live if day <= on + timedelta(days=days)) for days in LAPSING_DAYS
        },
    )


def intervals(quote: Quote) -> tuple[Interval, ...]:
    """The very points that the quote named."""
    return tuple(Interval(*quote.lots[start : start + 3]) for start in range(0, len(quote.lots), 3))

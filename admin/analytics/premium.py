"""The premium of a point (积分溢价): how much more, or less, it is worth in an offer than as bill credit, in basis points.

As listed: what the offer's price of a day buys. As taken up: what members really redeemed, weighted by points, each at the
bill credit of its own day. Beside both the same ratio on what it cost the operator: the best offers are worth more to the
member and cost less. What lies below zero carries a plain label that nobody can switch off: it follows from the number.

Beside the cost of a use stands what members said of it. Dear is what costs the operator more than bill credit for the same
points; unnoticed, where even the best end of the interval of satisfaction lies below that of all offers together. What is
both is flagged: it takes much and is felt little.

What a point is as bill credit is told by the programme's general rate, as members and staff see it everywhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.analytics import costs, satisfaction, sums
from admin.analytics.models import FiguresRun
from admin.analytics.sums import PREMIUM, Days, Progress, Sums
from base import clock, database, ids
from base.money import BASIS_POINTS
from catalog.offers import offers
from catalog.offers.models import HISTORY, Offer
from catalog.rates import rates
from catalog.rates.models import Rate
from catalog.rates.scopes import GENERAL, Book, scope_of
from merchants.models import Merchant
from points.models import Programme

Block = dict[str, Any]
WORTH_LESS = {"en": "Worth less than bill credit", "zh": "低于兑换话费的价值"}
UNNOTICED = {"en": "Dear and unnoticed", "zh": "成本高而客户感知不明显"}
BAD_DEAL = {"en": "Costs more than its points are worth as bill credit", "zh": "成本高于其积分兑换话费的价值"}


def take(programme: Programme, first: date, last: date, progress: Progress = lambda n: None) -> FiguresRun:
    """Take what was redeemed over some days, by offer and merchant, and keep it. DayNotOver."""
    days = Days(programme, first, last).check_over()
    with sums.snapshot() as session:
        rates_then = credit_by_day(session, days)
        rows: dict[tuple[str, str], Sums] = {}
        for part in sums.parts(session, programme.programme_id):
            asked = (
                costs.asked(days, part) | _columns(rates_then) | {"zone": programme.zone, "history": HISTORY}
            )
            rows = sums.merged(rows, sums.gathered(database.driver(session).execute(_TAKEN_UP, asked)))
            rows = sums.merged(rows, sums.gathered(satisfaction.by_offer(session, days, part)))
            progress(1)
    with database.begin() as session:
        return sums.keep(session, days, PREMIUM, {}, rows)


# count: how often; points; value_fen: worth to members less the cash they paid; cost_fen. Under "/credit" stands in
# value_fen what the same points would have been as bill credit. Without points nothing has a premium.
_TAKEN_UP = f"""
with g as (select * from unnest(%(g_first)s::date[], %(g_last)s::date[], %(g_points)s::bigint[], %(g_fen)s::bigint[])
  as g(first, last, points, per_fen)),
x as (
  select f.area, r.offer_id::text offer, coalesce(o.merchant_id::text, '') merchant, r.price_points points,
    r.value_fen - r.cash_fen fen, cost.cost_fen,
    div(r.price_points::numeric * g.per_fen, g.points)::bigint credit
  {
    costs.STANDING.replace(
        "where f.programme_id",
        '''join offer o on o.version_id = r.version_id
  join g on (r.at at time zone %(zone)s)::date between g.first and g.last
where r.price_points > 0 and o.kind <> %(history)s and f.programme_id''',
    )
})
select area, offer || '/' || merchant, count(*), sum(points)::bigint, sum(fen)::bigint, sum(cost_fen)::bigint from x group by 1, 2
union all
select area, offer || '/' || merchant || '/credit', 0, 0, sum(credit)::bigint, 0 from x group by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Credit:
    """The days over which so many points were so many fen of bill credit."""

    first: date
    last: date
    points: int
    per_fen: int


def credit_by_day(session: Session, days: Days) -> list[Credit]:
    """The general rate over some days; days without one are left out."""
    asked = select(Rate).where(Rate.programme_id == days.programme.programme_id, Rate.from_day <= days.last)
    general = [rate for rate in session.scalars(asked.order_by(Rate.from_day)) if scope_of(rate) == GENERAL]
    found = []
    for rate in general:
        first, last = max(rate.from_day, days.first), min(rate.until_day or days.last, days.last)
        if first <= last:
            found.append(Credit(first, last, rate.points, rate.per_fen))
    return found


def _columns(credits: Iterable[Credit]) -> dict[str, list[Any]]:
    rows = list(credits)
    return {
        "g_first": [one.first for one in rows],
        "g_last": [one.last for one in rows],
        "g_points": [one.points for one in rows],
        "g_fen": [one.per_fen for one in rows],
    }


def premium_bp(fen: int, points: int, credit_fen: int, credit_points: int) -> int | None:
    """Fen for points beside bill credit, in basis points more (below zero: less), rounded down; None without a ratio."""
    if points <= 0 or credit_fen <= 0 or credit_points <= 0:
        return None
    return fen * credit_points * BASIS_POINTS // (points * credit_fen) - BASIS_POINTS


def label(premium: int | None) -> dict[str, str] | None:
    """The plain words of what is worth less than bill credit; nobody decides about it."""
    return WORTH_LESS if premium is not None and premium < 0 else None


def listed(
    session: Session, programme: Programme, on: date, *, after: tuple[str, int] | None = None, limit: int = 50
) -> list[Block]:
    """The live offers of a day at their price for everybody, by kind and id: what a point is worth there, and costs,
    beside bill credit. An offer without a price, or a day without a general rate, has no premium.
    """
    book = rates.load(session, programme.programme_id, on)
    last_moment = Days(programme, on, on).until - timedelta(microseconds=1)
    live = offers.listed(
        session, programme.programme_id, min(clock.now(), last_moment), after=after, limit=limit
    )
    return [_listed(one.offer, book) for one in live]


def _listed(offer: Offer, book: Book) -> Block:
    rate, general = rates.find(book, offer), book.general
    price = rates.price(rate, offer.value_fen) if rate else None
    worth = cost = None
    if price is not None and general is not None:
        worth, cost = (
            premium_bp(fen, price, general.per_fen, general.points)
            for fen in (offer.value_fen, offer.cost_fen)
        )
    return _offer(offer) | {
        "price_points": price,
        "value_fen": offer.value_fen,
        "cost_fen": offer.cost_fen,
        "premium_bp": worth,
        "cost_premium_bp": cost,
        "label": label(worth),
        "cost_label": cost_label(cost),
    }


def cost_label(premium: int | None) -> dict[str, str] | None:
    """The plain words of what costs the operator more than bill credit for the same points."""
    return BAD_DEAL if premium is not None and premium > 0 else None


def taken_up(by_key: Mapping[str, Sums], by_id: Mapping[int, Offer]) -> list[Block]:
    """What was redeemed, by offer; the dearest to members first. Pure."""
    rows, whole = [], together(by_key)
    for offer_id, parts in _parted(by_key, 0).items():
        known = by_id.get(int(offer_id))
        named = _offer(known) if known else {"offer": ids.public("off", int(offer_id)), "code": offer_id}
        rows.append(named | _flagged(_row(parts), whole))
    return sorted(rows, key=lambda row: (-row["points"], str(row["code"])))


def by_merchant(by_key: Mapping[str, Sums], named: Mapping[int, Merchant]) -> list[Block]:
    """The same by merchant; what has none is left out."""
    rows, whole = [], together(by_key)
    for merchant_id, parts in _parted(by_key, 1).items():
        if merchant_id:
            merchant = named.get(int(merchant_id))
            names = {
                "merchant": merchant.code if merchant else merchant_id,
                "names": merchant.names if merchant else None,
            }
            rows.append(names | _flagged(_row(parts), whole))
    return sorted(rows, key=lambda row: (-row["points"], str(row["merchant"])))


def together(by_key: Mapping[str, Sums]) -> Block:
    """All offers weighted by the points that went there."""
    whole = Parts()
    for parts in _parted(by_key, 0).values():
        whole = whole.plus(parts)
    return _row(whole)


def of_run(session: Session, run: FiguresRun, area: str) -> Block:
    """What was taken up over the days of a run by the members of an area, as rows ready to be shown."""
    by_key = sums.within(session, run.run_id, area)
    offer_ids = {int(key.split("/")[0]) for key in by_key}
    newest = select(Offer).where(Offer.offer_id.in_(sorted(offer_ids))).order_by(Offer.from_at)
    by_id = {offer.offer_id: offer for offer in session.scalars(newest)}
    merchant_ids = {offer.merchant_id for offer in by_id.values() if offer.merchant_id}
    named = {
        row.merchant_id: row
        for row in session.scalars(select(Merchant).where(Merchant.merchant_id.in_(merchant_ids)))
    }
    whole = together(by_key)
    return {
        "from_day": run.from_day,
        "until_day": run.until_day,
        "as_of": run.at,
        "whole": whole,
        "offers": taken_up(by_key, by_id),
        "merchants": by_merchant(by_key, named),
        "rating": whole["rating"],
    }


class Parts(NamedTuple):
    """What was redeemed; in value_fen what it would be as bill credit; ratings, as points how many were satisfied."""

    own: Sums = sums.NOTHING
    credit: Sums = sums.NOTHING
    rating: Sums = sums.NOTHING

    def plus(self, other: "Parts") -> "Parts":
        """Both together."""
        return Parts(*(a.plus(b) for a, b in zip(self, other, strict=True)))


def _parted(by_key: Mapping[str, Sums], part: int) -> dict[str, Parts]:
    """The sums by a part of the key (0 offer, 1 merchant); its third part, if any, tells what they are of."""
    found: dict[str, Parts] = {}
    for key, numbers in by_key.items():
        names = key.split("/")
        what = {names[2] if len(names) > 2 else "own": numbers}
        found[names[part]] = found.get(names[part], Parts()).plus(Parts(**what))
    return found


def _flagged(row: Block, whole: Block) -> Block:
    """The row with whether it is dear and unnoticed beside all together."""
    unnoticed = satisfaction.falls_short(row["rating"], whole["rating"])
    return row | {"unnoticed": unnoticed, "flag": UNNOTICED if row["cost_label"] and unnoticed else None}


def _row(parts: Parts) -> Block:
    """Fen for points beside the bill credit of the same points; the cost of one use is rounded down."""
    own, credit, rating = parts
    worth, cost = (_beside(fen, credit.value_fen) for fen in (own.value_fen, own.cost_fen))
    return {
        "count": own.count,
        "points": own.points,
        "value_fen": own.value_fen,
        "cost_fen": own.cost_fen,
        "credit_fen": credit.value_fen,
        "premium_bp": worth,
        "cost_premium_bp": cost,
        "cost_a_use_fen": own.cost_fen // own.count if own.count else None,
        "rating": satisfaction.block(rating.count, rating.points),
        "label": label(worth),
        "cost_label": cost_label(cost),
    }


def _beside(fen: int, credit_fen: int) -> int | None:
    return fen * BASIS_POINTS // credit_fen - BASIS_POINTS if credit_fen > 0 else None


def _offer(offer: Offer) -> Block:
    return {
        "offer": ids.public("off", offer.offer_id),
        "code": offer.code,
        "names": offer.names,
        "kind": offer.kind,
    }

"""The live offers of a programme as this process keeps them, read anew whenever something about them has changed.

Versions of offers are never edited, so what is kept is right as long as no version, state, rate or segment's rule came or
changed: that is the stamp, which every request reads in its own transaction beside what else it needs. It is made of what
the database itself writes with each change of a row (`xmin`), so that nobody has to remember to renew it, and a pause is
seen by the very next request of every process. What is kept also ends at the next moment at which a version begins or an
offer ends, with the day, for rates begin with days, and after a minute, for the names of tiers and areas.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from base import clock, database
from catalog.offers import access, eligibility, limits, search
from catalog.offers.eligibility import Rule
from catalog.offers.eligibility_words import Names
from catalog.offers.limits import Limits
from catalog.offers.models import HISTORY, LIVE, TRIAL_CARD, Offer, OfferState
from catalog.rates import rates
from catalog.rates.scopes import Book
from points import programmes
from points.members.facts import Facts
from points.models import Programme

FRESH = timedelta(minutes=1)
MOST_AUDIENCES = 64
Stamp = tuple[Any, ...]
# Of each table how many rows there are and the sum of the transactions that wrote them: any change makes another pair.
STAMP = """
  (select count(*) from offer where programme_id = {p}) stamp_1,
  (select count(*) || ' ' || coalesce(sum(xmin::text::bigint), 0) from offer_state where programme_id = {p}) stamp_2,
  (select count(*) || ' ' || coalesce(sum(xmin::text::bigint), 0) from rate where programme_id = {p}) stamp_3,
  (select count(*) from segment_version where adds_only) stamp_4
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A live offer in the version in force, with its conditions read. `text`: all that a search looks at, in small letters."""

    offer: Offer
    offer_id: int
    kind: str
    category: str
    rule: Rule
    limits: Limits
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """An offer with its price for an audience. `worth_fen`: what the price is worth as bill credit; `kept`: for views."""

    entry: Entry
    price_points: int
    worth_fen: int
    kept: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def offer(self) -> Offer:
        return self.entry.offer

    @property
    def fen_per_100(self) -> int:
        return rates.fen_per_100(self.price_points, self.offer.value_fen)


Place = tuple[Any, int]
ORDERS: dict[str, Callable[[Item], Place]] = {
    "kind": lambda item: (item.offer.kind, item.offer.offer_id),
    "price": lambda item: (item.price_points, item.offer.offer_id),
    "fen_per_100": lambda item: (-item.fen_per_100, item.offer.offer_id),
}


class Shelf:
    """All offers that have a price, with the prices of one audience, in any order."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._ordered: dict[str, tuple[list[Item], list[Place]]] = {}
        self.items = items
        self.by_id = {item.offer.offer_id: item for item in items}

    def after(self, sort: str, place: Place | None) -> Sequence[Item]:
        """The items in an order, from after a place on."""
        if sort not in self._ordered:
            ordered = sorted(self.items, key=ORDERS[sort])
            self._ordered[sort] = ordered, [ORDERS[sort](item) for item in ordered]
        items, places = self._ordered[sort]
        return items if place is None else items[bisect_right(places, place) :]


class Catalogue:
    """One programme's live offers at a moment, and their prices on its day."""

    def __init__(
        self,
        programme: Programme,
        stamp: Stamp,
        at: datetime,
        until: datetime,
        entries: list[Entry],
        book: Book,
        names: Names,
    ) -> None:
        self.programme, self.stamp, self.names, self.entries = programme, stamp, names, entries
        self.at, self.until, self.on = at, until, clock.day(at, programme.zone)
        self.asks_who = any(not entry.rule.is_empty for entry in entries) or book.asks_who
        self._book, self._rates_ask, self._shelves = book, book.asks_who, dict[Any, Shelf]()

    def holds(self, stamp: Stamp, at: datetime) -> bool:
        """Whether it is still what the database would tell at a moment."""
        return self.stamp == stamp and self.at <= at < self.until

    def shelf(self, who: Facts | None) -> Shelf:
        """The offers with the prices that hold for a member, or for nobody in particular."""
        audience = (who.tiers, who.area) if who and self._rates_ask else None
        if audience not in self._shelves:
            if len(self._shelves) >= MOST_AUDIENCES:
                self._shelves = {}
            self._shelves[audience] = Shelf([item for e in self.entries if (item := self._item(e, who))])
        return self._shelves[audience]

    def by_id(self, who: Facts | None, offer_id: int) -> Item | None:
        """One of the offers with its price for a member; None: it is not live, or has no price."""
        return self.shelf(who).by_id.get(offer_id)

    def worth(self, points: int) -> int:
        """What points are worth as bill credit on its day, in fen."""
        return rates.worth(self._book, points)

    def item(self, offer: Offer, who: Facts | None) -> Item | None:
        """Any offer of the programme with its price; None: it has none."""
        return self._item(_entry(offer, frozenset()), who)

    def _item(self, entry: Entry, who: Facts | None) -> Item | None:
        price = _price(self._book, entry.offer, who)
        return None if price is None else Item(entry, price, rates.worth(self._book, price))


def priced_on(session: Session, offer: Offer, on: date, who: Facts | None) -> Item | None:
    """A version of an offer with the price of a day, as it was or is; None: it had none."""
    book = rates.load(session, offer.programme_id, on)
    price = _price(book, offer, who)
    return None if price is None else Item(_entry(offer, frozenset()), price, rates.worth(book, price))


def _price(book: Book, offer: Offer, who: Facts | None) -> int | None:
    rate = rates.find(book, offer, who)
    return None if rate is None else rates.price(rate, offer.value_fen)


_kept: dict[tuple[int, Engine], Catalogue] = {}


def kept(programme_id: int) -> Catalogue | None:
    """What this process has of a programme, fresh or not."""
    return _kept.get((programme_id, database.engine()))


def fresh(session: Session, programme_id: int, stamp: Stamp, at: datetime) -> Catalogue:
    """What holds at a moment, by the stamp that was just read; read anew if that is not what is kept."""
    known = kept(programme_id)
    if known is None or not known.holds(stamp, at):
        known = _read(session, programme_id, stamp, at)
        _kept[programme_id, database.engine()] = known
    return known


def _read(session: Session, programme_id: int, stamp: Stamp, at: datetime) -> Catalogue:
    """Read after the stamp, so that it is what the stamp says or newer; in the latter case it is read once more."""
    programme = programmes.by_id(session, programme_id)
    asked = (
        select(Offer)
        .join(OfferState, OfferState.offer_id == Offer.offer_id)
        .where(
            Offer.programme_id == programme_id,
            Offer.kind.not_in((HISTORY, TRIAL_CARD)),
            OfferState.state == LIVE,
        )
        .order_by(Offer.offer_id, Offer.from_at)
    )
    versions = list(session.scalars(asked))
    in_force = {version.offer_id: version for version in versions if version.from_at <= at}
    live = [offer for offer in in_force.values() if offer.until_at is None or offer.until_at > at]
    changes = [v.from_at for v in versions if v.from_at > at] + [v.until_at for v in live if v.until_at]
    on = clock.day(at, programme.zone)
    midnight = clock.start_of(on + timedelta(days=1), programme.zone)
    book = rates.load(session, programme_id, on)
    hidden = access.adds_only(session)
    entries = [_entry(offer, hidden) for offer in live]
    until = min([at + FRESH, midnight, *changes])
    names = access.names_of(session, programme_id)
    for row in (programme, *versions):  # or an undone transaction would empty what is kept
        session.expunge(row)
    return Catalogue(programme, stamp, at, until, entries, book, names)


def _entry(offer: Offer, hidden: frozenset[int]) -> Entry:
    return Entry(
        offer=offer,
        offer_id=offer.offer_id,
        kind=offer.kind,
        category=offer.category,
        rule=eligibility.parse(offer.eligibility, hidden),
        limits=limits.of(offer.limits),
        text=search.text_of(offer),
    )

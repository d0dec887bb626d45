"""The list of offers for one caller: what may be seen, in an order, narrowed, each with the caller's own part.

One statement reads the stamp of the catalogue with the member's wallet and, where any offer asks, the facts; a second one
what is left of the offers on the page and what the member had of them. All else is in the process's memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from sqlalchemy.orm import Session

from base import clock, database
from base.errors import Problem
from catalog.offers import access, catalogue, limits, offers, search
from catalog.offers.catalogue import STAMP, Catalogue, Item, Place
from catalog.offers.categories import CATEGORIES
from catalog.offers.limits import Counts, Had
from catalog.offers.models import EVENT, Offer
from catalog.offers.offers import Listed, OfferUnknown
from catalog.offers.why_not import why_not
from catalog.rates.rates import NoRateInForce
from points import extensions, lots
from points.lots import Lots
from points.members import facts
from points.members.facts import Facts
from points.refusals import MemberUnknown


@dataclass(frozen=True, slots=True)
class Asked:
    """What narrows the list. `area`: usable there; `text`: all its words occur in names, texts, category or code."""

    kind: str | None = None
    category: str | None = None
    area: str | None = None
    text: str = ""
    affordable: bool = False
    sort: str = "kind"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at which moment: a member with what can be spent, or nobody in particular."""

    catalogue: Catalogue
    at: datetime
    channel: str
    who: Facts | None = None
    member_id: int | None = None
    spendable: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """An offer as the caller sees it; `closed`: why not, for the caller."""

    item: Item
    left_over: int | None
    affordable: bool | None
    closed: Problem | None


@dataclass(frozen=True, slots=True)
class Page:
    """Offers in order, and the place of the last one if there are more."""

    rows: list[Shown]
    next: Place | None


def reader(session: Session, programme_id: int, member_id: int | None, at: datetime, channel: str) -> Reader:
    """All that the list needs to know of its reader, and the catalogue as it is at this moment."""
    before = catalogue.kept(programme_id)
    asks_who = before is not None and before.asks_who
    statement = _STAMP_ALONE if member_id is None else _WITH_FACTS if asks_who else _WITH_WALLET
    values = {"p": programme_id} | ({"m": member_id} if member_id is not None else {})
    found = database.rows(session, statement, values)
    if not found:
        raise MemberUnknown()
    row = found[0]
    stamp = (row.stamp_1, row.stamp_2, row.stamp_3, row.stamp_4)
    known = catalogue.fresh(session, programme_id, stamp, at)
    if member_id is None:
        return Reader(known, at, channel)
    who = None
    if known.asks_who:
        who = (
            facts.told(session, row, member_id, known.on)
            if asks_who
            else facts.of(session, member_id, known.on)
        )
    own = Lots(tuple(row.lot_key), tuple(row.lot_in), tuple(row.lot_out))
    spendable = lots.live(own, known.on, extensions.of(session, programme_id, at))
    return Reader(known, at, channel, who, member_id, spendable)


def page(session: Session, reader: Reader, asked: Asked, *, after: Place | None, limit: int) -> Page:
    """Up to `limit` offers from after a place on."""
    items = list(islice(fitting(reader, asked, after), limit + 1))
    more = len(items) > limit
    rows = shown(session, reader, items[:limit])
    return Page(rows, catalogue.ORDERS[asked.sort](items[limit - 1]) if more else None)


def fitting(reader: Reader, asked: Asked, after: Place | None = None) -> Iterator[Item]:
    """The offers that the reader may see and that are asked for, in order."""
    who, spendable = reader.who, -1 if reader.spendable is None else reader.spendable
    words = search.words_of(asked.text)
    for item in reader.catalogue.shelf(who).after(asked.sort, after):
        entry, rule = item.entry, item.entry.rule
        if (
            (asked.kind is None or entry.kind == asked.kind)
            and (asked.category is None or entry.category == asked.category)
            and (not asked.affordable or item.price_points <= spendable)
            and (asked.area is None or not rule.areas or any(_meet(asked.area, one) for one in rule.areas))
            and (not words or all(word in entry.text for word in words))
            and (who is None or rule.is_empty or not rule.hides(who))
        ):
            yield item


def choices(reader: Reader) -> tuple[list[str], list[str]]:
    """The categories, and the areas, by which what the reader may see can be narrowed."""
    seen = list(fitting(reader, Asked()))
    found = {item.entry.category for item in seen}
    known = [one for one in CATEGORIES if one in found]
    return known + sorted(found - set(known)), sorted(
        {area for item in seen for area in item.entry.rule.areas}
    )


def _meet(one: str, other: str) -> bool:
    """Whether one area lies in the other."""
    return one.startswith(other) or other.startswith(one)


def shown(session: Session, reader: Reader, items: Sequence[Item]) -> list[Shown]:
    """Offers with what is left of them and why they are closed to the reader."""
    if not items:
        return []
    left, had, used = _counted(session, reader, items)
    return [_shown(reader, item, left.get(item.entry.offer_id), had, used) for item in items]


def _shown(reader: Reader, item: Item, left: int | None, had: dict[int, list[Had]], used: Counts) -> Shown:
    affordable = None if reader.spendable is None else reader.spendable >= item.price_points
    return Shown(item, left, affordable, _closed(reader, item, left, had, used))


def _closed(
    reader: Reader, item: Item, left: int | None, had: dict[int, list[Had]], used: Counts
) -> Problem | None:
    offer, zone, at = item.offer, reader.catalogue.programme.zone, reader.at
    has_line = offer.kind == EVENT  # where no place is left one may wait for one
    refusal: Problem | None = offers.why_closed(Listed(offer, None if has_line else left), at)
    if refusal is None and reader.who is not None and not item.entry.rule.is_empty:
        names = reader.catalogue.names
        refusal = why_not(
            item.entry.rule, reader.who, at, zone, reader.channel, names=names, until=offer.until_at
        )
    if refusal is None and item.entry.limits and reader.member_id is not None:
        own = had.get(offer.offer_id, [])
        refusal = limits.check(item.entry.limits, own, 1, at, zone, offer.until_at) or limits.check_all(
            item.entry.limits, used, offer, 1, at, zone
        )
    return refusal


def one(session: Session, reader: Reader, offer_id: int) -> Shown:
    """One offer as the reader sees it, also one that is not live. OfferUnknown, NoRateInForce."""
    item = reader.catalogue.by_id(reader.who, offer_id)
    if item is None:
        return _not_live(session, reader, offer_id)
    if reader.who is not None and item.entry.rule.hides(reader.who):
        raise OfferUnknown()
    return shown(session, reader, [item])[0]


def _not_live(session: Session, reader: Reader, offer_id: int) -> Shown:
    programme = reader.catalogue.programme
    found = offers.find(session, offer_id, programme.programme_id, reader.at)
    rule = access.rule_of(session, found.offer)
    asks = reader.member_id is not None and not rule.is_empty
    if asks and rule.hides(facts.of(session, reader.member_id or 0, reader.catalogue.on)):
        raise OfferUnknown()
    item = reader.catalogue.item(found.offer, reader.who)
    if item is None:
        raise NoRateInForce(offer=found.offer.code)
    affordable = None if reader.spendable is None else reader.spendable >= item.price_points
    return Shown(item, found.left_over, affordable, offers.why_closed(found, reader.at))


# What is left, and what was had: of the offers of a page alone


def _counted(
    session: Session, reader: Reader, items: Sequence[Item]
) -> tuple[dict[int, int], dict[int, list[Had]], Counts]:
    """What is left of those with stock or places; of those with limits what the member had, and what all had together."""
    listed = [item.entry.offer_id for item in items]
    limited = [item.entry.offer_id for item in items if item.entry.limits] if reader.member_id else []
    left = {i.entry.offer_id: int(i.offer.form.get("capacity", 0)) for i in items if i.entry.kind == EVENT}
    had, used = dict[int, list[Had]](), dict[tuple[int, str, date], int]()
    values = {"listed": listed} | ({"limited": limited, "m": reader.member_id} if limited else {})
    for row in database.rows(session, _COUNTED if limited else _LEFT, values):
        if row.what == "left":
            left[row.offer_id] = row.units
        elif row.what == "places":
            left[row.offer_id] = max(0, left.get(row.offer_id, 0) - row.units)
        elif row.what == "had":
            had.setdefault(row.offer_id, []).append((row.at, row.units))
        else:
            used[row.offer_id, row.what, row.first_day] = row.units
    return left, had, used


_STAMP_ALONE = "select" + STAMP.format(p="%(p)s")
_WITH_WALLET = (
    f"select w.lot_key, w.lot_in, w.lot_out,{STAMP.format(p='%(p)s')} from wallet w where w.member_id = %(m)s"
)
_WITH_FACTS = (
    f"select x.*, y.lot_key, y.lot_in, y.lot_out,{STAMP.format(p='%(p)s')} "
    f"from ({facts.STATEMENT.replace('%s', '%(m)s')}) x cross join wallet y where y.member_id = %(m)s"
)
_LEFT = """
select 'left' what, offer_id, left_over units from stock where offer_id = any(%(listed)s::bigint[])
union all select 'places', offer_id, taken from event_places where offer_id = any(%(listed)s::bigint[])
"""
_COUNTED = """
select 'left' what, offer_id, left_over units, null::timestamptz at, null::date first_day from stock
where offer_id = any(%(listed)s::bigint[])
union all select 'places', offer_id, taken, null, null from event_places where offer_id = any(%(listed)s::bigint[])
union all select 'had', offer_id, units, at, null from redemption
where member_id = %(m)s and offer_id = any(%(limited)s::bigint[]) and spender_id is null
  and state not in ('failed', 'cancelled', 'reversed')
union all select per, offer_id, units, null, first_day from offer_count where offer_id = any(%(limited)s::bigint[])
"""


def as_it_was(session: Session, reader: Reader, offer_id: int, at: datetime) -> Shown:
    """One offer in the version and at the price of an earlier moment; what is closed is so now. OfferUnknown, NoRateInForce."""
    programme = reader.catalogue.programme
    offer = offers.find(session, offer_id, programme.programme_id, at).offer
    if offer.from_at > at or _hidden(session, reader, offer):
        raise OfferUnknown()
    item = catalogue.priced_on(session, offer, clock.day(at, programme.zone), reader.who)
    if item is None:
        raise NoRateInForce(offer=offer.code)
    return shown(session, reader, [item])[0]


def _hidden(session: Session, reader: Reader, offer: Offer) -> bool:
    """Whether an offer, as it was or as it is, is for others in a way that the reader is not to know of."""
    if reader.member_id is None:
        return False
    now = offers.by_id(session, offer.offer_id, reader.at)
    rules = [access.rule_of(session, version) for version in (offer, now)]
    asks = [rule for rule in rules if not rule.is_empty]
    who = facts.of(session, reader.member_id, reader.catalogue.on) if asks else None
    return who is not None and any(rule.hides(who) for rule in asks)

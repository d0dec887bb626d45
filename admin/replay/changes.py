"""What a proposal would change about a redemption: read from its words, decided for one case at a time. Pure.

The past is repriced where the draft changes which terms hold, and stays as it was everywhere else. A scope for which a
draft has several rows is replayed with the first of them: what would begin first is what is asked about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from catalog.offers.models import HISTORY, PERK, Offer
from catalog.perks import forms
from catalog.rates.models import Rate
from catalog.rates.rates import DAY, Row
from catalog.rates.scopes import Book, Scope, holds, scope_of
from merchants.models import Terms

RATE, OFFER, EARN_RULE = "rate", "offer", "earn-rule"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Of a member, what a rate may ask."""

    tiers: tuple[str, ...] = ()
    area: str = ""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A version of an offer as it is proposed; `offer_id` None: a new offer, which nobody has redeemed."""

    offer_id: int | None
    kind: str
    value_fen: int
    cost_fen: int
    most_units: int = 1
    cash_choices: tuple[int, ...] = ()
    merchant_id: int | None = None
    form: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paying:
    """What of a perk is to be paid: the member's own use, unless an allowance pays it; each guest; whether guests count as
    uses of one's own; how many may come.
    """

    own_fen: int
    guest_fen: int
    guests_as_own: bool
    most_guests: int


@dataclass(frozen=True, slots=True)
class Case:
    """What redemptions have in common that are decided alike: the offer's version, the rate, the days, who bought."""

    version_id: int
    rate_id: int | None
    period: int
    tiers: tuple[str, ...]
    area: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """How such redemptions come out: new terms (None: the points stay), whether there is a price at all, whether it is
    the drafted offer, the merchant's share of the value before and then, in basis points, and how a perk is paid.
    """

    points: int | None = None
    per_fen: int | None = None
    has_price: bool = True
    drafted: bool = False
    bp_then: int = 0
    bp_new: int = 0
    paying: Paying | None = None


@dataclass(frozen=True)
class Change:
    """A draft beside all that there is: rates (without the draft's own), terms of merchants, offers by version."""

    rates: Sequence[Rate] = ()
    terms: Sequence[Terms] = ()
    rows: Mapping[Scope, Row] = field(default_factory=dict)
    left_out: int = 0
    drafted: Drafted | None = None
    _read: dict[date, tuple[Book, Book]] = field(default_factory=dict, repr=False, compare=False)

    def days(self, from_day: date, until_day: date) -> list[date]:
        """The first days of the periods in which no rate and no terms change; the first of all is the window's."""
        edges = {rate.from_day for rate in self.rates} | {one.from_day for one in self.terms}
        edges |= {last + DAY for rate in self.rates if (last := rate.until_day) and last < date.max}
        return sorted({from_day} | {day for day in edges if from_day < day <= until_day})

    @property
    def asked_tiers(self) -> list[str]:
        """The tiers that any rate asks for; a member's others make no difference."""
        return sorted({scope.tier for scope in self._scopes() if scope.tier})

    @property
    def asked_areas(self) -> list[str]:
        """The areas that any rate asks for."""
        return sorted({scope.area for scope in self._scopes() if scope.area})

    def ruling(self, case: Case, offer: Offer, first_day: date) -> Ruling:
        """How redemptions of a case come out; `first_day`: of its period."""
        ours = self.drafted if self.drafted and self.drafted.offer_id == offer.offer_id else None
        if offer.kind == HISTORY:
            return Ruling()
        rule = Ruling(
            drafted=ours is not None,
            bp_then=self._share(offer.merchant_id, first_day),
            bp_new=self._share(ours.merchant_id if ours else offer.merchant_id, first_day),
            paying=paying(ours or offer),
        )
        if self.drafted is not None:
            rate = next((one for one in self.rates if one.rate_id == case.rate_id), None) if ours else None
            return _with(rate, rule)
        before, after = (book.find(offer, Buyer(case.tiers, case.area)) for book in self._books(first_day))
        rule = replace(rule, has_price=after is not None or before is None)
        return rule if after is None or _same(before, after) else _with(after, rule)

    def general(self, on: date) -> tuple[Rate | None, Rate | None]:
        """The programme's general rate on a day, and with the draft."""
        before, after = self._books(on)
        return before.general, after.general

    def price_terms(self, on: date) -> Rate | None:
        """The terms of the drafted offer for anybody on a day; None: it has no price."""
        drafted = self.drafted
        if drafted is None:
            return None
        return self._books(on)[0].find(Offer(offer_id=drafted.offer_id or 0, kind=drafted.kind))

    def _books(self, on: date) -> tuple[Book, Book]:
        if on not in self._read:
            holding = [rate for rate in self.rates if holds(rate, on)]
            kept = [rate for rate in holding if scope_of(rate) not in self.rows]
            drafted = [_rate(row) for row in self.rows.values() if not row.ends]
            self._read[on] = Book(holding), Book([*kept, *drafted])
        return self._read[on]

    def _share(self, merchant_id: int | None, on: date) -> int:
        begun = [one for one in self.terms if one.merchant_id == merchant_id and one.from_day <= on]
        return max(begun, key=lambda one: one.from_day).price_bp if begun else 0

    def _scopes(self) -> set[Scope]:
        """No scope matters to a drafted offer: its redemptions keep the rate that they named."""
        return set() if self.drafted else {scope_of(rate) for rate in self.rates} | set(self.rows)


def of_rates(rates: Sequence[Rate], terms: Sequence[Terms], rows: Iterable[Row]) -> Change:
    """A grid of rates: of each scope the row that begins first; how many were left out."""
    first: dict[Scope, Row] = {}
    count = 0
    for row in sorted(rows, key=lambda row: (row.from_day, row.ends)):
        first.setdefault(row.scope, row)
        count += 1
    return Change(rates, terms, first, count - len(first))


def paying(of: Offer | Drafted) -> Paying | None:
    """How a perk is paid, as catalog/perks/perks.py prices it; None for other kinds, of which the whole value is."""
    if of.kind != PERK:
        return None
    guests, each = forms.of(Offer(kind=PERK, form=dict(of.form or {}))).guests, of.value_fen
    as_own = guests.price_percent is None and not guests.counter
    return Paying(each, each * (guests.price_percent or 0) // 100, as_own, guests.most)


def drafted_of(said: Mapping[str, Any], offer_id: int | None, merchant_id: int | None) -> Drafted:
    """The version that a proposal of an offer asks for, in the words of its content."""
    content = said["content"]
    return Drafted(
        offer_id,
        said["offer_kind"],
        content["value_fen"],
        content["cost_fen"],
        content.get("most_units") or 1,
        tuple(content.get("cash_choices") or ()),
        merchant_id,
        content.get("form") or {},
    )


def _with(rate: Rate | None, rule: Ruling) -> Ruling:
    return replace(rule, points=rate.points, per_fen=rate.per_fen) if rate else rule


def _same(one: Rate | None, other: Rate) -> bool:
    return one is not None and (one.points, one.per_fen) == (other.points, other.per_fen)


def _rate(row: Row) -> Rate:
    scope = row.scope
    return Rate(
        rate_id=0, offer_id=scope.offer_id, kind=scope.kind, tier=scope.tier, area=scope.area,
        from_day=row.from_day, until_day=row.until_day, points=row.points, per_fen=row.per_fen,
    )  # fmt: skip

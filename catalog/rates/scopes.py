"""Whose and what a rate is for, and which of several holds. Pure.

What is bought comes before who buys it: a rate of the offer, then of its kind, then of the programme. Among those of one
breadth who buys decides: a rate for the member's tier before one for any tier; then the longer area before the shorter
(county, city, province, everywhere). Of several tiers of one member, on several ladders, the cheaper rate counts, then
the first tier by its code. Whoever asks without a member gets what is for everybody.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Protocol

from catalog.rates.models import Rate

What = tuple[int | None, str | None]  # an offer, or a kind of offers, or neither: the programme
PROGRAMME: What = (None, None)
AREA_LENGTHS = (6, 4, 2, 0)


class Who(Protocol):
    """Of a member, what a rate may ask; points/members/facts.py tells it."""

    @property
    def tiers(self) -> tuple[str, ...]: ...

    @property
    def area(self) -> str: ...


class Bought(Protocol):
    """Of an offer, what a rate may ask."""

    @property
    def offer_id(self) -> int: ...

    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rate is for: an offer, or a kind of offers, or with neither the programme; maybe a tier, maybe an area."""

    offer_id: int | None = None
    kind: str | None = None
    tier: str | None = None
    area: str = ""

    @property
    def what(self) -> What:
        """What is bought."""
        return self.offer_id, self.kind

    @property
    def place(self) -> tuple[int, str, str, str]:
        """Its place in any list: the widest first."""
        return self.offer_id or 0, self.kind or "", self.tier or "", self.area


GENERAL = Scope()


def scope_of(rate: Rate) -> Scope:
    """The scope of a version."""
    return Scope(rate.offer_id, rate.kind, rate.tier, rate.area)


def holds(rate: Rate, on: date) -> bool:
    """Whether a day is one of the version's."""
    return rate.from_day <= on and (rate.until_day is None or on <= rate.until_day)


class Book:
    """The rates of one programme that hold on one day, found by their scope without looking at the others."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._rates: dict[What, dict[tuple[str | None, str], Rate]] = {}
        for rate in rates:
            self._rates.setdefault((rate.offer_id, rate.kind), {})[rate.tier, rate.area] = rate

    def __iter__(self) -> Iterator[Rate]:
        return (rate for of in self._rates.values() for rate in of.values())

    @property
    def asks_who(self) -> bool:
        """Whether it matters anywhere who buys."""
        return any(key != (None, "") for of in self._rates.values() for key in of)

    @property
    def general(self) -> Rate | None:
        """The programme's rate for everybody and everything."""
        return self.own(GENERAL)

    def own(self, scope: Scope) -> Rate | None:
        """The rate of exactly this scope."""
        return self._rates.get(scope.what, {}).get((scope.tier, scope.area))

    def find(self, offer: Bought, who: Who | None = None) -> Rate | None:
        """The rate of an offer for a member; None: it has no price."""
        wider: tuple[What, ...] = ((offer.offer_id, None), (None, offer.kind), PROGRAMME)
        return self.look(wider, who.tiers if who else (), who.area if who else "")

    def look(
        self, whats: Sequence[What], tiers: Sequence[str], area: str, but: Scope | None = None
    ) -> Rate | None:
        """The first that fits, by the order above; `but`: as if that scope had no rate."""
        for what in whats:
            there = self._rates.get(what)
            if not there:
                continue
            for asked in (tiers, (None,)):
                for size in AREA_LENGTHS:
                    fitting = [
                        rate
                        for tier in asked
                        if (size <= len(area) and (rate := there.get((tier, area[:size]))) is not None)
                        and (but is None or scope_of(rate) != but)
                    ]
                    if fitting:
                        return min(fitting, key=_cheaper) if len(fitting) > 1 else fitting[0]
        return None


def _cheaper(rate: Rate) -> tuple[Fraction, str]:
    return Fraction(rate.points, rate.per_fen), rate.tier or ""

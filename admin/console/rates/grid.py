"""The rates of a programme as a grid: for each scope what holds, what will, and what did. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from catalog.rates import listing
from catalog.rates.models import Rate
from catalog.rates.scopes import Scope, scope_of


@dataclass
class Line:
    """A scope with its versions: the one in force or None, those to come (the next one first), those before (the last one first)."""

    scope: Scope
    now: Rate | None = None
    later: list[Rate] = field(default_factory=list)
    before: list[Rate] = field(default_factory=list)
    withdrawn: list[Rate] = field(default_factory=list)


def lines(versions: Iterable[Rate], on: date) -> list[Line]:
    """The widest scope first."""
    found: dict[Scope, Line] = {}
    for rate in sorted(versions, key=lambda one: (one.from_day, one.rate_id)):
        line = found.setdefault(scope_of(rate), Line(scope_of(rate)))
        state = listing.state(rate, on)
        if state == listing.CURRENT:
            line.now = rate
        else:
            {listing.FUTURE: line.later, listing.PAST: line.before}.get(state, line.withdrawn).append(rate)
    for line in found.values():
        line.before.reverse()
    return sorted(found.values(), key=lambda line: line.scope.place)

"""With whom a proposal is: first with the checkers of the maker's own area, then with those above, at last with headquarters.

The time that it waits is shared equally among them, so that each has a part of it; when that is over it climbs. Who is above
may decide at any time. Whose time is over everywhere has to be proposed again. Pure.
"""

from dataclasses import dataclass
from datetime import datetime

HEADQUARTERS = ""


@dataclass(frozen=True)
class Rung:
    """Checkers of an area (a code; empty: headquarters), and until when it is with them."""

    area: str
    until: datetime


@dataclass(frozen=True)
class Standing:
    """With whom it is now, and to whom it climbs next; None: to nobody, it has to be decided or proposed again.

    `climbed`: whether somebody below let it pass; `is_urgent`: whether the last third of all its time has begun.
    """

    now: Rung
    next: Rung | None
    climbed: bool
    is_urgent: bool


def ladder(area: str) -> list[str]:
    """The areas that a proposal of an area climbs through: county, city, province, headquarters."""
    return [area[:size] for size in (6, 4, 2) if size <= len(area)] + [HEADQUARTERS]


def standing(area: str, begun: datetime, ends_at: datetime, at: datetime) -> Standing:
    """Where a proposal stands at a moment; after its end with the last one."""
    areas, whole = ladder(area), ends_at - begun
    rungs = [Rung(one, begun + whole * number / len(areas)) for number, one in enumerate(areas, start=1)]
    place = next((number for number, rung in enumerate(rungs) if at < rung.until), len(rungs) - 1)
    following = rungs[place + 1] if place + 1 < len(rungs) else None
    return Standing(rungs[place], following, place > 0, at >= begun + whole * 2 / 3)

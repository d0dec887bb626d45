"""Points by heap, then and under the draft, as pairs of bars: places and widths in a fixed frame. No markup, no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, LABELS, PAIR, BAR = 560, 150, 44, 16


@dataclass(frozen=True)
class Pair:
    """A heap's two bars: where they begin downwards, and how wide they are."""

    heap: str
    top: int
    then: int
    new: int


@dataclass(frozen=True)
class Chart:
    """All pairs, one under the other, and the height that they take."""

    pairs: list[Pair]
    height: int


def of_mix(mix: Sequence[Mapping[str, Any]]) -> Chart:
    """The bars of a report's mix; the longest takes the whole width, whole numbers alone."""
    most = max([part[when] for part in mix for when in ("points_then", "points_new")], default=0) or 1
    room = WIDTH - LABELS
    pairs = [
        Pair(
            part["heap"],
            number * PAIR,
            part["points_then"] * room // most,
            part["points_new"] * room // most,
        )
        for number, part in enumerate(mix)
    ]
    return Chart(pairs, len(pairs) * PAIR)

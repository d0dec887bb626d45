"""The two curves as a drawing: places of lines, bands and ticks in a fixed frame. No markup, no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor
from typing import Any

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 628, 12, 276
STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120)
MOST_TICKS = 9
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One curve: the points of its steps, and its 95 % band as a closed shape ("" where there is none)."""

    points: str
    band: str


@dataclass(frozen=True)
class Chart:
    """Lines by arm; ticks are (place, what it says): months along, per cent upwards."""

    lines: dict[str, Line]
    along: list[tuple[float, int]]
    upwards: list[tuple[float, int]]
    lowest: int


def of_curves(km: Mapping[str, Any], arms: Sequence[str]) -> Chart:
    """The curves of a report's block; the share axis begins at the tenth below all that is drawn."""
    shown = [
        value for arm in arms for part in ("survival", "low") for value in km[arm][part] if value is not None
    ]
    lowest = floor(10 * min(shown, default=0.0)) * 10
    last = max([time for arm in arms for time in km[arm]["time"]], default=1) or 1

    def place(time: float, share: float) -> Point:
        x = LEFT + (RIGHT - LEFT) * time / last
        y = TOP + (BOTTOM - TOP) * (100 - 100 * share) / (100 - lowest) if lowest < 100 else TOP
        return round(x, 1), round(y, 1)

    step = next((step for step in STEPS if last / step <= MOST_TICKS), STEPS[-1])
    return Chart(
        lines={arm: _line(km[arm], place) for arm in arms},
        along=[(place(time, 1)[0], time) for time in range(0, ceil(last) + 1, step) if time <= last],
        upwards=[(place(0, share / 100)[1], share) for share in range(lowest, 101, 10 if lowest < 70 else 5)],
        lowest=lowest,
    )


def _line(curve: Mapping[str, Any], place: Any) -> Line:
    rows = [
        row
        for row in zip(curve["time"], curve["survival"], curve["low"], curve["high"], strict=True)
        if row[1] is not None
    ]
    points = _steps([place(time, share) for time, share, _, _ in rows])
    banded = [row for row in rows if row[2] is not None and row[3] is not None]
    below = _steps([place(time, low) for time, _, low, _ in banded])
    above = _steps([place(time, high) for time, _, _, high in banded])
    return Line(_text(points), _text([*above, *reversed(below)]) if banded else "")


def _steps(points: list[Point]) -> list[Point]:
    """Level until the next time, then down: a curve of shares changes only when somebody leaves."""
    found: list[Point] = points[:1]
    for (_, y), (x, below) in pairwise(points):
        found += [(x, y), (x, below)]
    return found


def _text(points: Sequence[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)

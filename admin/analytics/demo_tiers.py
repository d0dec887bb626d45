"""The ladders of the demo operator: stars by half a year's bills, cards by a year's."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from base import clock, database
from points.models import Programme
from points.tiers import running
from points.tiers.reckoning import Step

_STARS = (150, 300, 450, 600, 900, 1_300, 2_000)
_CHINESE = "一二三四五六七"


def _star(at: int) -> Step:
    en = "1 star" if at == 1 else f"{at} stars"
    return Step(f"star{at}", _STARS[at - 1], {"zh-CN": f"{_CHINESE[at - 1]}星", "en": en})


_CARDS = (
    Step("silver", 1_200, {"zh-CN": "银卡", "en": "silver card"}),
    Step("gold", 2_400, {"zh-CN": "金卡", "en": "gold card"}),
    Step("diamond", 4_000, {"zh-CN": "钻石卡", "en": "diamond card"}),
)
LADDERS: dict[str, tuple[tuple[Step, ...], dict[str, Any]]] = {
    "star": (
        tuple(_star(at) for at in range(1, 8)),
        {"window_months": 6, "hold_months": 3, "grace_days": 14, "most_down": 1},
    ),
    "card": (_CARDS, {"window_months": 12, "hold_months": 12, "grace_months": 1, "most_down": 1}),
}


def evaluate(programmes: Iterable[Programme], at: datetime) -> None:
    """The tiers of everybody at a moment of the history; nobody is told."""
    with clock.stopped(at):
        for programme in programmes:
            on, done = clock.day(at, programme.zone), False
            with database.begin() as session:
                running.begin(session, programme, on, at)
            while not done:
                with database.begin() as session:
                    done = running.step(session, programme, on, tells=None).done

"""What each kind of offer does on the course: whether points are set aside first, what is given, how it is taken back.

The kinds' own topics hand their course in when the program is put together; a kind without one cannot be redeemed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from catalog.offers.models import Offer
from catalog.redemptions.models import Quote, Redemption


@dataclass(frozen=True)
class Asked:
    """What a member asks to be redeemed: the quote, the offer as it was quoted, and what only the kind knows (JSON)."""

    quote: Quote
    offer: Offer
    details: dict[str, Any]
    at: datetime


def _nothing(session: Session, asked: Asked) -> None:
    """Nothing more to ask."""


def _keep_nothing(session: Session, redemption: Redemption, asked: Asked) -> None:
    """Nothing of what was asked is kept."""


def _drop_nothing(session: Session, redemption: Redemption, at: datetime) -> None:
    """Nothing was kept."""


def _its_own(session: Session, redemption: Redemption, offer: Offer) -> list[tuple[int, int]]:
    """The units of its own offer."""
    return [(offer.offer_id, redemption.units)]


@dataclass(frozen=True)
class Course:
    """One kind's part of the course; all functions work in the caller's transaction and call nobody outside.

    `holds`: points are set aside until the other side has answered; else they are spent in the same transaction.
    `counts_stock`: the offer's stock is taken with the redemption; a kind that counts places itself says False.
    `check`: refuses what the kind cannot do, before any point moves. `keep`: writes down what only the kind was asked, where
    that belongs. `drop`: closes that where it never began, for the cash was not paid. `begin`: gives it (what does not hold)
    or hands it to the other side (what holds), once the points are spent or set aside and the cash, if any, is paid.
    `takes`: of which offers how many units are taken from the stock, and put back.
    `take_back`: what was given or asked for is undone, after the points have gone back, so that a member's own rows are
    always locked before those that many share; refuses what cannot be undone any more, and then nothing is.
    """

    kind: str
    holds: bool
    begin: Callable[[Session, Redemption, Offer, datetime], None]
    take_back: Callable[[Session, Redemption, Offer, str, datetime], None]
    check: Callable[[Session, Asked], None] = _nothing
    keep: Callable[[Session, Redemption, Asked], None] = _keep_nothing
    drop: Callable[[Session, Redemption, datetime], None] = _drop_nothing
    counts_stock: bool = True
    takes: Callable[[Session, Redemption, Offer], list[tuple[int, int]]] = _its_own


_courses: dict[str, Course] = {}


def register(course: Course) -> None:
    """Make a kind's course known; a later one of that kind takes its place."""
    _courses[course.kind] = course


def of(kind: str) -> Course:
    """The course of a kind; LookupError for one that nobody handed in."""
    return _courses[kind]


def every() -> list[Course]:
    """All that are known, by kind."""
    return [_courses[kind] for kind in sorted(_courses)]

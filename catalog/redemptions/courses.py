"""What each kind of offer does on the course: whether points are set aside first, what is given, how it is taken back.

The kinds' own topics hand their course in when the program is put together; a kind without one cannot be redeemed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base.errors import Invalid
from catalog.offers.models import Offer
from catalog.redemptions.models import Quote, Redemption


@dataclass(frozen=True)
class Asked:
    """What a member asks to be redeemed: the quote, the offer as it was quoted, and what only the kind knows (JSON)."""

    quote: Quote
    offer: Offer
    details: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Wish:
    """What a member wants to be priced; `asked`: what only the kind understands, as it was said (nothing personal is kept)."""

    member_id: int
    spender_id: int | None
    offer: Offer
    units: int
    cash_fen: int
    asked: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Terms:
    """What a kind makes of a wish: its value and cost, what of the value points and money pay for (None: nothing is to pay,
    no rate is asked and nothing is posted), and what its quote and its redemption keep.
    """

    value_fen: int
    cost_fen: int
    payable_fen: int | None
    details: dict[str, Any] = field(default_factory=dict)


class AskedTooMuch(Invalid):
    """This kind of offer does not know what was asked besides."""

    zh = "该类权益不支持所填写的附加内容。"
    next_en, next_zh = "Leave out the fields that are named.", "请去掉所列内容后重试。"


def only(wish: Wish, *known: str) -> None:
    """AskedTooMuch where something was asked that the kind does not know."""
    if others := sorted(wish.asked.keys() - set(known)):
        raise AskedTooMuch(f"leave out: {', '.join(others)}", fields=others)


def usual(session: Session, wish: Wish) -> Terms:
    """What most kinds make of a wish: so many times the offer's value, all of it to be paid."""
    only(wish)
    value_fen = wish.offer.value_fen * wish.units
    return Terms(value_fen, wish.offer.cost_fen * wish.units, value_fen)


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
    `price`: what the kind makes of a wish before it is quoted, and refuses of it; left out: the offer's value times the units.
    `take_back`: what was given or asked for is undone, after the points have gone back, so that a member's own rows are
    always locked before those that many share; refuses what cannot be undone any more, and then nothing is.
    """

    kind: str
    holds: bool
    begin: Callable[[Session, Redemption, Offer, datetime], None]
    take_back: Callable[[Session, Redemption, Offer, str, datetime], None]
    check: Callable[[Session, Asked], None] = _nothing
    price: Callable[[Session, Wish], Terms] = usual
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

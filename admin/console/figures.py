"""The dashboard's figures of one programme. They may take long on a big one: kept for a minute, each with a deadline.

Each figure has a transaction of its own; what the database cannot tell in time is None, and the rest is shown.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import cache, clock, database
from base.auth.principals import Staff
from base.errors import Unavailable
from base.money import BASIS_POINTS
from base.version import VERSION
from catalog.offers import heaps
from catalog.offers.models import Offer
from catalog.rates import rates
from catalog.redemptions.course import GIVEN_BACK
from catalog.redemptions.models import PENDING, UNKNOWN, Redemption
from merchants.statements.models import Statement
from points.kinds import Kind
from points.members import scope
from points.members.models import Member
from points.models import PostingRow, Programme, WalletRow

KEPT_S = 60
RECENT = timedelta(days=30)
Found = TypeVar("Found")
Row = tuple[str, str, list[int]]


@dataclass(frozen=True)
class Figures:
    """A programme as of a moment. `points` are all lots and what is set aside; `held` is the part set aside.

    `earned` and `redeemed` are points of the last 30 days; `mix` the redemptions that stand, by heap: `count`,
    `points` and `share_bp` of the last 30 days, the same with `ever` of all time. `pending` and `unknown`: redemptions
    whose answer is awaited or was lost.
    """

    as_of: str
    members: int | None
    points: int | None
    held: int | None
    worth_fen: int | None
    earned: int | None
    redeemed: int | None
    pending: int | None
    unknown: int | None
    mix: list[dict[str, Any]] | None

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.as_of)


def of_programme(programme: Programme, at: datetime, person: Staff) -> Figures:
    """The figures of the members whom the person may see, at most a minute old."""
    name = f"figures:{VERSION}:{programme.programme_id}:{person.area}"
    kept = cache.get(name)
    if kept:
        return Figures(**json.loads(kept))
    found = _of_programme(programme, at, person)
    cache.put(name, json.dumps(asdict(found)), KEPT_S)
    return found


def sealed(session: Session) -> tuple[int, datetime | None]:
    """How many statements are sealed, and when the newest was."""
    count, newest = session.execute(select(func.count(), func.max(Statement.sealed_at))).one()
    return int(count), newest


def share_bp(part: int, whole: int) -> int:
    """A part of a whole in basis points, rounded down; 0 of nothing."""
    return part * BASIS_POINTS // whole if whole else 0


def _of_programme(programme: Programme, at: datetime, person: Staff) -> Figures:
    since, programme_id = at - RECENT, programme.programme_id
    points = _asked(lambda session: _points(session, programme_id, person))
    rows = _asked(lambda session: _redemptions(session, programme_id, since, person))
    mix = _mix(rows) if rows is not None else None
    return Figures(
        as_of=at.isoformat(),
        members=_asked(lambda session: _members(session, programme_id, person)),
        points=sum(points) if points else None,
        held=points[1] if points else None,
        worth_fen=_asked(lambda session: _worth(session, programme, at, sum(points))) if points else None,
        earned=_asked(lambda session: _earned(session, programme_id, since, person)),
        redeemed=sum(row["points"] for row in mix) if mix is not None else None,
        pending=_in_state(rows, PENDING) if rows is not None else None,
        unknown=_in_state(rows, UNKNOWN) if rows is not None else None,
        mix=mix,
    )


def _asked(question: Callable[[Session], Found]) -> Found | None:
    try:
        with database.begin() as session:
            return question(session)
    except Unavailable:
        return None


def _members(session: Session, programme_id: int, person: Staff) -> int:
    asked = select(func.count()).where(Member.programme_id == programme_id, Member.left_on.is_(None))
    return session.scalar(scope.within(person, asked, Member.member_id)) or 0


def _points(session: Session, programme_id: int, person: Staff) -> tuple[int, int]:
    balance, held = session.execute(
        select(func.sum(WalletRow.balance), func.sum(WalletRow.held))
        .join(Member, Member.member_id == WalletRow.member_id)
        .where(Member.programme_id == programme_id, scope.rule(person, Member.member_id))
    ).one()
    return int(balance or 0), int(held or 0)


def _worth(session: Session, programme: Programme, at: datetime, points: int) -> int:
    return rates.worth(rates.load(session, programme.programme_id, clock.day(at, programme.zone)), points)


def _earned(session: Session, programme_id: int, since: datetime, person: Staff) -> int:
    total = session.scalar(
        select(func.sum(PostingRow.amount))
        .join(Member, Member.member_id == PostingRow.member_id)
        .where(scope.rule(person, Member.member_id))
        .where(Member.programme_id == programme_id, PostingRow.kind == int(Kind.EARN), PostingRow.at >= since)
    )
    return int(total or 0)


def _redemptions(session: Session, programme_id: int, since: datetime, person: Staff) -> list[Row]:
    """Kind, state, and [number ever, points ever, number since, points since]."""
    recent, points = Redemption.at >= since, func.sum(Redemption.price_points)
    rows = session.execute(
        select(
            Redemption.kind,
            Redemption.state,
            func.count(),
            points,
            func.count().filter(recent),
            points.filter(recent),
        )
        .join(Offer, Offer.version_id == Redemption.version_id)
        .where(Offer.programme_id == programme_id, scope.rule(person, Redemption.member_id))
        .group_by(Redemption.kind, Redemption.state)
    )
    return [(kind, state, [int(number or 0) for number in numbers]) for kind, state, *numbers in rows]


def _in_state(rows: list[Row], state: str) -> int:
    return sum(numbers[0] for _, is_state, numbers in rows if is_state == state)


def _mix(rows: list[Row]) -> list[dict[str, Any]]:
    """What stands, by heap, the largest first and what is unattributed last; shares of the points in basis points."""
    stands = [(heaps.OF_KIND[kind], numbers) for kind, state, numbers in rows if state not in GIVEN_BACK]
    found = {
        heap: [sum(column) for column in zip(*(numbers for h, numbers in stands if h == heap), strict=True)]
        for heap in dict.fromkeys(heap for heap, _ in stands)
    }
    ever, recent = (sum(sums[at] for sums in found.values()) for at in (1, 3))
    mix = [
        {
            "heap": heap,
            "count": sums[2],
            "points": sums[3],
            "share_bp": share_bp(sums[3], recent),
            "count_ever": sums[0],
            "points_ever": sums[1],
            "share_ever_bp": share_bp(sums[1], ever),
        }
        for heap, sums in found.items()
    ]
    return sorted(mix, key=lambda row: (row["heap"] == heaps.UNATTRIBUTED, -row["points_ever"]))

"""Points as money: what moves by itself is summed up for each day, at the general rate of that day, and then trued up.

After each day `points_liability` is what the points owed to members (less what members owe) are worth at that day's rate,
rounded down. The true-up carries what rounding leaves and what a change of the rate does to points that are there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database
from catalog.rates import rates
from catalog.rates.models import Rate
from catalog.rates.scopes import GENERAL, scope_of
from points.kinds import Kind, Side
from points.models import Programme
from points.postings import EFFECT

ONE_DAY = timedelta(days=1)
TRUED_UP = "points-trued-up"
# What the points of a posting are to the books. Those of a redemption of ours are in the redemption's own event.
EVENTS: dict[Kind, str] = {
    Kind.EARN: "points-earned",
    Kind.UNEARN: "points-unearned",
    Kind.OWE: "points-unearned",
    Kind.ADJUST_UP: "points-added",
    Kind.ADJUST_DOWN: "points-removed",
    Kind.EXPIRE: "points-lapsed",
    Kind.CLOSE_OUT: "points-lapsed",
    Kind.RESTORE: "points-restored",
    Kind.REDEEM: "points-spent",
    Kind.CAPTURE: "points-spent",
    Kind.REVERSE: "points-unspent",
}


@dataclass
class Day:
    """What the postings of a day did: to the points owed, and by event how many points."""

    owed: int = 0
    events: dict[str, int] = field(default_factory=dict)


Days = dict[date, Day]


@dataclass
class Worth:
    """What points of a programme are worth, by day."""

    programme: Programme
    versions: list[Rate] = field(default_factory=list)

    def of(self, points: int, on: date) -> int:
        """Fen for so many points on a day, rounded down; 0 without a rate."""
        for rate in self.versions:
            if rate.from_day <= on and (rate.until_day is None or rate.until_day >= on):
                return points * rate.per_fen // rate.points
        return 0

    def changes(self, first: date, last: date) -> set[date]:
        """Days from the first to the last one on which the worth may be another than the day before."""
        starts = {rate.from_day for rate in self.versions}
        ends = {rate.until_day + ONE_DAY for rate in self.versions if rate.until_day}
        return {day for day in starts | ends if first <= day <= last}


def worth_of(session: Session, programme: Programme) -> Worth:
    """The general rates of a programme."""
    found = [one for one in rates.versions(session, programme.programme_id) if scope_of(one) == GENERAL]
    return Worth(programme, found)


def _owed(kind: Kind) -> int:
    balance, held, debt = EFFECT[kind]
    return balance + held - debt


# What a point of a posting adds to the points owed. Those in transit are owed all the same, so going there and back adds nothing.
OWED = {kind: _owed(kind) for kind in EVENTS}


def flows(session: Session, until: datetime | None, zone: str) -> dict[int, Days]:
    """By programme and day: what moved before a moment (None: ever)."""
    found: dict[int, Days] = {}
    asked = {
        "until": until,
        "zone": zone,
        "kinds": [int(kind) for kind in EVENTS],
        "earned": [int(kind) for kind in EARNED],
    }
    for programme_id, on, number, elsewhere, points in database.driver(session).execute(_FLOWS, asked):
        kind, day = Kind(number), found.setdefault(programme_id, {}).setdefault(on, Day())
        day.owed += OWED[kind] * int(points)
        event = EVENTS[kind]
        if elsewhere or (kind not in EARNED and event not in SPENT):
            day.events[event] = day.events.get(event, 0) + int(points)
    return found


# Points of a redemption of ours, and those earned at a merchant, are in a document of their own.
_FLOWS = """
select m.programme_id, (p.at at time zone %(zone)s)::date as day, p.kind,
  case when p.kind = any(%(earned)s) then e.seq is null else not starts_with(coalesce(p.ref, ''), 'red_') end elsewhere,
  sum(p.amount)::bigint
from posting p join member m on m.member_id = p.member_id
left join merchant_earning e on e.member_id = p.member_id and e.seq = coalesce(p.rev_of, p.seq)
where p.kind = any(%(kinds)s) and (%(until)s::timestamptz is null or p.at < %(until)s)
group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""


class Moved(NamedTuple):
    """What a day's points came to: an event and its only amount (fen)."""

    day: date
    event: str
    fen: int


@dataclass
class Before:
    """Where a programme stands when a time begins: points owed, and the fen by event until then, true-ups among them."""

    points: int = 0
    liability_fen: int = 0
    events: dict[str, int] = field(default_factory=dict)


def before(worth: Worth, every: Days, documents_fen: int, since: date | None) -> Before:
    """What lies before a day (None: nothing does), added up. `documents_fen`: what documents before it added."""
    found = Before()
    if since is None:
        return found
    for on, day in every.items():
        if on < since:
            found.points += day.owed
            for event, points in day.events.items():
                found.events[event] = found.events.get(event, 0) + worth.of(points, on)
                found.liability_fen += SIGN[event] * worth.of(points, on)
    target = worth.of(found.points, since - ONE_DAY)
    found.events[TRUED_UP] = target - found.liability_fen - documents_fen
    found.liability_fen = target
    return found


def moved(
    worth: Worth, start: Before, every: Days, documents: dict[date, int], first: date | None, last: date
) -> Iterator[Moved]:
    """Day by day what the points came to, each day with its true-up. `documents`: what those of a day added to the liability."""
    first = first or min([*every, *documents, last])
    points, fen = start.points, start.liability_fen
    for on in sorted({on for on in (*every, *documents) if on >= first} | worth.changes(first, last)):
        day = every.get(on, Day())
        points += day.owed
        fen += documents.get(on, 0)
        for event, count in day.events.items():
            value = worth.of(count, on)
            fen += SIGN[event] * value
            yield Moved(on, event, value)
        if worth.of(points, on) != fen:
            yield Moved(on, TRUED_UP, worth.of(points, on) - fen)
        fen = worth.of(points, on)


EARNED = (Kind.EARN, Kind.UNEARN, Kind.OWE)
SPENT = ("points-spent", "points-unspent")
# Whether the event adds to the liability or takes from it.
SIGN = {
    "points-earned": 1, "points-unearned": -1, "points-added": 1, "points-removed": -1, "points-lapsed": -1,
    "points-restored": 1, "points-spent": -1, "points-unspent": 1,
}  # fmt: skip


def outstanding(session: Session) -> dict[int, int]:
    """Points owed by programme as the wallets have them, with what is in transit: reckoned without any flow."""
    rows = database.driver(session).execute(_WALLETS, {"transit": int(Side.TRANSIT)})
    return {programme_id: int(points) for programme_id, points in rows}


_WALLETS = """
select m.programme_id, sum(w.balance + w.held - w.debt + coalesce(t.points, 0))::bigint
from wallet w join member m on m.member_id = w.member_id
left join (select member_id, sum(case when to_class = %(transit)s then amount else -amount end) points
  from posting where %(transit)s in (from_class, to_class) group by member_id) t on t.member_id = w.member_id
group by 1
"""


def programmes_of(session: Session) -> dict[int, Programme]:
    """All programmes by id."""
    return {
        one.programme_id: one for one in session.scalars(select(Programme).order_by(Programme.programme_id))
    }

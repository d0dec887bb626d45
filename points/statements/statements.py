"""A member's statement of a month: opening, every movement by its reason, closing - reckoned from the postings alone.

A month goes from midnight to midnight in the programme's zone, by the moments of the postings. It closes with what the
wallet shows at the midnight that ends it, where the next one opens. Points lapse at the end of their last day whether the
sweep has posted it or not: what had lapsed unposted by the end, less what had by the begin, counts as lapsed in the month.
Nothing is kept: the same postings give the same statement for ever, and an extension counts from its announcement on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from sqlalchemy.orm import Session

from base import clock, database
from base.errors import Invalid, NotFound
from points import extensions, lots, postings, programmes, records
from points.kinds import Kind, State
from points.lots import Calendar
from points.members import members
from points.models import Programme
from points.postings import Posting, Wallet


class BadMonth(Invalid):
    """A month is written YYYY-MM, for example 2026-03."""

    zh = "月份应写作 YYYY-MM，例如 2026-03。"


class NoStatement(NotFound):
    """There is no statement for this month."""

    zh = "该月没有积分对账单。"
    next_en, next_zh = "Choose a month from the list.", "请从列表中选择月份。"


class Movement(Enum):
    """Why points moved, as a statement sums them up."""

    EARNED = "earned"
    SPENT = "spent"
    RETURNED = "returned"
    SET_ASIDE = "set_aside"
    GIVEN_BACK = "given_back"
    LAPSED = "lapsed"
    RESTORED = "restored"
    CORRECTED = "corrected"
    REPAID = "repaid"
    ADJUSTED_UP = "adjusted_up"
    ADJUSTED_DOWN = "adjusted_down"
    GIFTS_OUT = "gifts_out"
    GIFTS_IN = "gifts_in"
    GIFTS_BACK = "gifts_back"
    MERGED = "merged"
    REDATED = "redated"


OF_KIND: dict[Kind, Movement] = {
    Kind.EARN: Movement.EARNED,
    Kind.UNEARN: Movement.CORRECTED,
    Kind.OWE: Movement.CORRECTED,
    Kind.REPAY: Movement.REPAID,
    Kind.REDEEM: Movement.SPENT,
    Kind.HOLD: Movement.SET_ASIDE,
    Kind.CAPTURE: Movement.SPENT,
    Kind.RELEASE: Movement.GIVEN_BACK,
    Kind.TIMEOUT: Movement.GIVEN_BACK,
    Kind.REVERSE: Movement.RETURNED,
    Kind.EXPIRE: Movement.LAPSED,
    Kind.ADJUST_UP: Movement.ADJUSTED_UP,
    Kind.ADJUST_DOWN: Movement.ADJUSTED_DOWN,
    Kind.GIFT_OUT: Movement.GIFTS_OUT,
    Kind.GIFT_IN: Movement.GIFTS_IN,
    Kind.GIFT_RETURN: Movement.GIFTS_BACK,
    Kind.MERGE_OUT: Movement.MERGED,
    Kind.MERGE_IN: Movement.MERGED,
    Kind.MERGE_DEBT_OUT: Movement.MERGED,
    Kind.MERGE_DEBT_IN: Movement.MERGED,
    Kind.REDATE_OUT: Movement.REDATED,
    Kind.REDATE_IN: Movement.REDATED,
    Kind.CLOSE_OUT: Movement.LAPSED,
    Kind.RESTORE: Movement.RESTORED,
}


class Amounts(NamedTuple):
    """Points that can be spent, that are set aside, and that are owed."""

    available: int = 0
    held: int = 0
    debt: int = 0

    def plus(self, other: "Amounts") -> "Amounts":
        return Amounts(self.available + other.available, self.held + other.held, self.debt + other.debt)


@dataclass(frozen=True)
class Month:
    """A calendar month."""

    first: date

    @property
    def next(self) -> "Month":
        return Month((self.first + timedelta(days=31)).replace(day=1))

    @property
    def before(self) -> "Month":
        return Month((self.first - timedelta(days=1)).replace(day=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True)
class Statement:
    """A month of a member. `movements` in the order of Movement, without those that moved nothing; `complete`: it has ended."""

    month: Month
    programme: Programme = field(compare=False)
    opening: Amounts
    movements: tuple[tuple[Movement, Amounts], ...]
    closing: Amounts
    complete: bool


def month_of(text: str) -> Month:
    """A month written YYYY-MM; BadMonth."""
    digits = text.replace("-", "", 1)
    if not (len(text) == 7 and text[4] == "-" and digits.isascii() and digits.isdigit()):
        raise BadMonth()
    year, month = int(text[:4]), int(text[5:])
    if not (2000 <= year <= 9998 and 1 <= month <= 12):
        raise BadMonth()
    return Month(date(year, month, 1))


def of_month(session: Session, member_id: int, month: Month, at: datetime) -> Statement:
    """A member's statement; up to a moment for a month that has not ended. NoStatement before joining and after that moment."""
    programme = _programme(session, member_id)
    if not _first(session, member_id, programme) <= month.first <= clock.day(at, programme.zone):
        raise NoStatement()
    begin = clock.start_of(month.first, programme.zone)
    end = min(clock.start_of(month.next.first, programme.zone), at)
    posted = _postings(session, member_id, end)
    calendar = extensions.of(session, programme.programme_id, at)
    return reckon(member_id, programme, month, posted, calendar, begin, end)


def reckon(
    member_id: int,
    programme: Programme,
    month: Month,
    posted: Iterable[Posting],
    calendar: Calendar,
    begin: datetime,
    end: datetime,
) -> Statement:
    """The statement of postings in their order, those before the month included."""
    wallet = postings.empty(member_id, State.OPEN, begin)
    moved = dict.fromkeys(Movement, Amounts())
    before = None
    for posting in posted:
        if posting.at >= end:
            break
        if before is None and posting.at >= begin:
            before = wallet
        wallet = postings.apply(wallet, posting)
        if before is not None:
            effect = Amounts(*(sign * posting.amount for sign in postings.EFFECT[posting.kind]))
            movement = OF_KIND[posting.kind]
            moved[movement] = moved[movement].plus(effect)
    before = before or wallet
    opening, closing = _shown(before, begin, programme, calendar), _shown(wallet, end, programme, calendar)
    unposted = (before.balance - opening.available) - (wallet.balance - closing.available)
    lapsed = moved[Movement.LAPSED].available + unposted
    moved[Movement.LAPSED] = Amounts(min(lapsed, 0))
    moved[Movement.RESTORED] = moved[Movement.RESTORED].plus(Amounts(max(lapsed, 0)))
    return Statement(
        month,
        programme,
        opening,
        tuple((movement, amounts) for movement, amounts in moved.items() if any(amounts)),
        closing,
        complete=end == clock.start_of(month.next.first, programme.zone),
    )


def months(session: Session, member_id: int, at: datetime) -> Iterator[Month]:
    """The months that a member has a statement for, the present one first."""
    programme = _programme(session, member_id)
    first = Month(_first(session, member_id, programme))
    month = Month(clock.day(at, programme.zone).replace(day=1))
    while month.first >= first.first:
        yield month
        month = month.before


def _shown(wallet: Wallet, at: datetime, programme: Programme, calendar: Calendar) -> Amounts:
    """What a wallet shows at a moment: live points only."""
    known = lots.announced(calendar, at)
    return Amounts(lots.live(wallet.lots, clock.day(at, programme.zone), known), wallet.held, wallet.debt)


def _postings(session: Session, member_id: int, end: datetime) -> Iterator[Posting]:
    rows = database.driver(session).execute(
        f"select {records.POSTING} from posting where member_id = %s and at < %s order by seq",
        (member_id, end),
    )
    return (records.posting_of(row) for row in rows)


def _first(session: Session, member_id: int, programme: Programme) -> date:
    """The first day of the month of joining, or of the first posting where that is earlier."""
    joined = members.by_id(session, member_id).joined_on
    row = database.driver(session).execute(
        "select at from posting where member_id = %s and seq = 1", (member_id,)
    ).fetchone()  # fmt: skip
    return min(joined, clock.day(row[0], programme.zone) if row else joined).replace(day=1)


def _programme(session: Session, member_id: int) -> Programme:
    return programmes.by_id(session, members.by_id(session, member_id).programme_id)

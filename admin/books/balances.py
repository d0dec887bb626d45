"""Balances of accounts over a month, or as they are: opening, debits, credits, closing. Their total is zero by construction."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.books import facts, points, rules
from admin.books.facts import Span
from admin.books.points import Before, Moved
from base import clock
from base.auth.principals import Principal, Staff
from base.errors import Malformed, NotAllowed
from merchants.models import Merchant
from points.models import Programme

YEARS = range(1900, 9999)  # those whose days have a moment in every zone


class BadMonth(Malformed):
    """A month is written YYYY-MM."""

    zh = "月份格式应为 YYYY-MM。"


class BooksAreWhole(NotAllowed):
    """The books are those of the whole operator, not of an area."""

    zh = "账簿属于整个运营商，不按区域提供。"
    next_en, next_zh = "Ask somebody who works for the whole operator.", "请联系负责全网的同事。"


class Account(NamedTuple):
    """An account of one currency; after a colon its merchant's code or its brand."""

    currency: str
    name: str


@dataclass
class Balance:
    """What an account shows, debits above zero (fen)."""

    opening: int = 0
    debits: int = 0
    credits: int = 0

    @property
    def closing(self) -> int:
        return self.opening + self.debits - self.credits

    def to_json(self) -> dict[str, int]:
        """As everybody is told it."""
        return {
            "opening_fen": self.opening,
            "debits_fen": self.debits,
            "credits_fen": self.credits,
            "closing_fen": self.closing,
        }


@dataclass
class Balances:
    """The accounts that ever moved; how many documents and days' sums lie in the time itself; voids until its end."""

    accounts: dict[Account, Balance] = field(default_factory=dict)
    documents: int = 0
    voids: int = 0

    def book(
        self, event: str, amounts: dict[str, int], merchant: str, brand: str, currency: str, *, before: bool
    ) -> None:
        """Book an event: into the opening, or as a debit and a credit."""
        for debit, credit, fen in rules.lines(event, amounts, merchant, brand):
            taken, given = self._of(currency, debit), self._of(currency, credit)
            if before:
                taken.opening += fen
                given.opening -= fen
            else:
                taken.debits += fen
                given.credits += fen

    def _of(self, currency: str, name: str) -> Balance:
        return self.accounts.setdefault(Account(currency, name), Balance())

    def closing(self, currency: str, name: str) -> int:
        """What an account shows at the end; nothing moved: 0."""
        return self.accounts.get(Account(currency, name), Balance()).closing

    def rows(self) -> list[tuple[Account, Balance]]:
        """In the order of the table of accounts, then by name."""
        order = {name.split(":")[0]: nth for nth, name in enumerate(rules.ACCOUNTS)}
        return sorted(
            self.accounts.items(),
            key=lambda row: (row[0].currency, order[row[0].name.split(":")[0]], row[0].name),
        )


def check_whole(person: Principal) -> None:
    """Refuse who works for an area alone: BooksAreWhole."""
    if isinstance(person, Staff) and person.area:
        raise BooksAreWhole()


def zone_of(session: Session) -> str:
    """The zone of the days and months of the books: that of the operator's first programme."""
    found = session.scalar(select(Programme.zone).order_by(Programme.programme_id).limit(1))
    return found or "UTC"


def month(session: Session, text: str, merchant_id: int | None = None) -> Span:
    """A month, YYYY-MM, as far as it is over; BadMonth."""
    try:
        year, number = map(int, text.split("-")) if len(text) == 7 and text.isascii() else (0, 0)
        first = date(year if year in YEARS else 0, number, 1)
    except ValueError:
        raise BadMonth(month=text[:20]) from None
    zone, after = zone_of(session), date(year + number // 12, number % 12 + 1, 1)
    return Span(clock.start_of(first, zone), clock.start_of(after, zone), zone, merchant_id)


def of(session: Session, span: Span) -> Balances:
    """The balances over a time; give it a transaction of one moment where others write meanwhile."""
    found, codes = Balances(), merchant_codes(session)
    effects = Effects()
    for one in facts.sums(session, span):
        code = codes.get(one.merchant_id, "")
        for amounts, sign in ((one.above, 1), (one.below, -1)):
            signed = {name: sign * fen for name, fen in amounts.items()}
            found.book(one.source.event, signed, code, one.brand, one.currency, before=one.before)
            if one.source.moves_points:
                effects.add(one.programme_id, one.day, one.source.event, signed)
        found.documents += 0 if one.before else one.documents
        found.voids += one.documents if one.source.event == "acceptance-voided" else 0
    if span.merchant_id is None:
        for programme, start, daily in of_points(session, span, effects):
            for event, fen in start.events.items():
                _book_points(found, programme, event, fen, before=True)
            for moved in daily:
                _book_points(found, programme, moved.event, moved.fen, before=False)
                found.documents += 1
    return found


def _book_points(found: Balances, programme: Programme, event: str, fen: int, *, before: bool) -> None:
    name = rules.RULES[event].amounts[0]
    found.book(event, {name: fen}, "", "", programme.currency, before=before)


@dataclass
class Effects:
    """What documents add to what points are worth, by programme: before the time, and by day within it (fen)."""

    before: dict[int, int] = field(default_factory=dict)
    by_day: dict[int, dict[date, int]] = field(default_factory=dict)

    def add(self, programme_id: int, day: date | None, event: str, amounts: dict[str, int]) -> None:
        """Add what an event does; without a day it lies before."""
        fen = sum(
            amounts[move.amount] * ((move.credit == rules.POINTS) - (move.debit == rules.POINTS))
            for move in rules.RULES[event].moves
        )
        if day is None:
            self.before[programme_id] = self.before.get(programme_id, 0) + fen
        elif fen:
            days = self.by_day.setdefault(programme_id, {})
            days[day] = days.get(day, 0) + fen


def of_points(
    session: Session, span: Span, effects: Effects
) -> Iterator[tuple[Programme, Before, Iterator[Moved]]]:
    """Each programme: where its points stand at the beginning, and what they came to day by day."""
    found = points.flows(session, span.until, span.zone)
    for programme_id, programme in points.programmes_of(session).items():
        every, days = found.get(programme_id, {}), effects.by_day.get(programme_id, {})
        if not every and not days and programme_id not in effects.before:
            continue
        worth = points.worth_of(session, programme)
        start = points.before(worth, every, effects.before.get(programme_id, 0), span.first)
        yield programme, start, points.moved(worth, start, every, days, span.first, span.last)


def at_one_moment(session: Session) -> None:
    """Everything that this transaction reads is of one moment; before its first question."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def together(found: Balances) -> list[tuple[Account, Balance]]:
    """The accounts with those of all merchants and of all brands as one each."""
    summed: dict[Account, Balance] = {}
    for (currency, name), one in found.rows():
        whole = summed.setdefault(Account(currency, name.split(":")[0]), Balance())
        whole.opening += one.opening
        whole.debits += one.debits
        whole.credits += one.credits
    return list(summed.items())


def of_merchant(found: Balances, code: str) -> list[tuple[Account, Balance]]:
    """The accounts of one merchant."""
    own = {name.removesuffix("m") + code for name in rules.ACCOUNTS if name.endswith(":m")}
    return [row for row in found.rows() if row[0].name in own]


def totals(rows: list[tuple[Account, Balance]]) -> list[dict[str, Any]]:
    """What the accounts of each currency come to: of all accounts opening and closing are zero, debits and credits equal."""
    found: dict[str, dict[str, Any]] = {}
    for account, balance in rows:
        one = found.setdefault(account.currency, {"currency": account.currency})
        for name, fen in balance.to_json().items():
            one[name] = one.get(name, 0) + fen
    return list(found.values())


def merchant_codes(session: Session) -> dict[int, str]:
    """The code of each merchant, by its id."""
    return {row.merchant_id: row.code for row in session.execute(select(Merchant.merchant_id, Merchant.code))}

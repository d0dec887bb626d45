"""What tests of the books ask for."""

from admin.books import balances, facts, journal
from admin.books.facts import Span
from base import database

ZONE = "Asia/Shanghai"


def shown(currency: str = "CNY") -> dict[str, int]:
    """What every account shows now, debits above zero; those at zero left out."""
    with database.begin() as session:
        found = balances.of(session, Span(None, None, ZONE))
    return {
        account.name: one.closing
        for account, one in found.rows()
        if account.currency == currency and one.closing
    }


def booked(event: str) -> list[tuple[str, str, int]]:
    """Debit, credit and fen of everything that an event moved."""
    with database.begin() as session:
        found = list(journal.documents(session, Span(None, None, ZONE)))
    return [(line.debit, line.credit, line.fen) for one in found if one.event == event for line in one.lines]


def sources_of(event: str) -> list[facts.Source]:
    return [source for source in facts.SOURCES if source.event == event]

"""By what a ticket is named: its public id in addresses, and the eight symbols that people say."""

from admin.tickets.models import Ticket
from base import ids
from base.errors import NotFound

NUMBER_BITS = 40


def reference(row: Ticket) -> str:
    """Its public id."""
    return ids.public("tkt", row.member_id, row.ticket_id)


def number(ticket_id: int) -> str:
    """The number that people say: eight symbols, 7M4P-8KQ2."""
    symbols = ids.public("", ticket_id & ((1 << NUMBER_BITS) - 1))[-8:]
    return f"{symbols[:4]}-{symbols[4:]}"


def number_said(text: str) -> int | None:
    """The last bits of the id for which such a number stands, however it was typed; None: it is none."""
    symbols = text.upper().translate(str.maketrans("OIL", "011", "- ")).strip()
    if len(symbols) != 8:
        return None
    try:
        return ids.parse("n", f"n_00000{symbols}", parts=1)[0]
    except NotFound:
        return None

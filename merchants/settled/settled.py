"""A merchant's statements with their payouts, each line with the acceptance behind it; nothing of a member but a code's end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import NotFound
from merchants import scope
from merchants.models import Acceptance, Merchant, MerchantItem, Outlet
from merchants.payouts.models import (
    APPROVED,
    FAILED,
    ON_HOLD,
    PAID,
    PLANNED,
    RETURNED,
    SENDING,
    SENT,
    UNKNOWN,
    Payout,
)
from merchants.scope import Reach
from merchants.statements import closing, draft
from merchants.statements.draft import Draft
from merchants.statements.models import Statement, StatementLine
from merchants.terminals.models import ClerkRow, Terminal
from merchants.terms import NoTermsInForce

READS = "statements:merchant"
EXPECTED, IN_TRANSIT, WAITING, LOOKED_INTO, CARRIED = (
    "expected",
    "in-transit",
    "on-hold",
    "looked-into",
    "carried",
)
STAGES = {
    PLANNED: EXPECTED,
    APPROVED: EXPECTED,
    ON_HOLD: WAITING,
    SENDING: IN_TRANSIT,
    SENT: IN_TRANSIT,
    UNKNOWN: IN_TRANSIT,
    PAID: PAID,
    FAILED: LOOKED_INTO,
    RETURNED: LOOKED_INTO,
}
PAID_WITHIN = timedelta(days=365)


class LineUnknown(NotFound):
    """There is no such line of a statement."""

    zh = "没有该结算明细。"


@dataclass(frozen=True)
class Row:
    """A sealed statement and its payout, if there is one."""

    statement: Statement
    payout: Payout | None

    @property
    def stage(self) -> str:
        """Where its money stands, as a merchant reads it."""
        if self.payout is None:
            return EXPECTED if self.statement.payable_fen else CARRIED
        return STAGES[self.payout.state]


@dataclass(frozen=True)
class Money:
    """Where a merchant's money stands (fen): not sealed yet, due or approved, under way, on hold or looked into, and what was
    paid within a year.
    """

    unsealed_fen: int
    expected_fen: int
    in_transit_fen: int
    stopped_fen: int
    paid_fen: int


@dataclass(frozen=True)
class Line:
    """A line with what is behind it: the acceptance with outlet, till and clerk, or the item with its reason."""

    line: StatementLine
    acceptance: Acceptance | None
    outlet: Outlet | None
    terminal: str | None
    clerk: str | None
    item: MerchantItem | None
    dispute_id: int | None

    @property
    def is_disputable(self) -> bool:
        """Whether it is an acceptance that stands and nobody has disputed."""
        if self.line.kind != "acceptance" or self.acceptance is None:
            return False
        return self.acceptance.void_id is None and self.dispute_id is None


def listed(session: Session, merchant_id: int, *, before: int | None = None, limit: int) -> list[Row]:
    """Sealed statements, the newest first, from before a number on."""
    asked = (
        select(Statement, Payout)
        .outerjoin(
            Payout,
            (Payout.merchant_id == Statement.merchant_id) & (Payout.statement_no == Statement.statement_no),
        )
        .where(Statement.merchant_id == merchant_id)
        .order_by(Statement.statement_no.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(Statement.statement_no < before)
    return [Row(statement, payout) for statement, payout in session.execute(asked)]


def find(session: Session, reach: Reach, public_id: str) -> Row:
    """A statement of the own merchant; StatementUnknown for anybody else's."""
    try:
        merchant_id, number = ids.parse("stm", public_id)
    except NotFound:
        raise closing.StatementUnknown() from None
    if merchant_id != reach.merchant_id:
        raise closing.StatementUnknown()
    return row_of(session, closing.find(session, merchant_id, number))


def row_of(session: Session, statement: Statement) -> Row:
    """A statement with its payout."""
    key = (statement.merchant_id, statement.statement_no)
    return Row(statement, session.get(Payout, key, populate_existing=True))


def money(session: Session, merchant: Merchant, drafts: Iterable[Draft], at: datetime) -> Money:
    """Where the merchant's money stands."""
    asked = (
        select(Payout.state, func.sum(Payout.amount_fen))
        .where(
            Payout.merchant_id == merchant.merchant_id,
            (Payout.state != PAID) | (Payout.changed_at > at - PAID_WITHIN),
        )
        .group_by(Payout.state)
    )
    sums = dict.fromkeys((EXPECTED, IN_TRANSIT, WAITING, LOOKED_INTO, PAID), 0)
    for state, fen in session.execute(asked):
        sums[STAGES[state]] += int(fen)
    return Money(
        sum(one.outcome.payable_fen for one in drafts),
        sums[EXPECTED],
        sums[IN_TRANSIT],
        sums[WAITING] + sums[LOOKED_INTO],
        sums[PAID],
    )


def drafts(session: Session, merchant: Merchant, at: datetime) -> list[Draft]:
    """Periods that are not sealed yet; none where nothing was ever agreed."""
    try:
        return draft.drafts_of(session, merchant, at)
    except NoTermsInForce:
        return []


def lines(
    session: Session,
    statement: Statement,
    *,
    kind: str | None = None,
    after: int = 0,
    limit: int,
) -> list[Any]:
    """Lines of a statement in order, maybe of one kind, each with the names of the offer and the end of the code."""
    return database.rows(
        session,
        _LINES,
        {
            "merchant": statement.merchant_id,
            "number": statement.statement_no,
            "kind": kind,
            "after": after,
            "limit": limit,
        },
    )


def line(session: Session, reach: Reach, public_id: str) -> Line:
    """One line of the own merchant's statements; LineUnknown for anybody else's."""
    try:
        key = ids.parse("stl", public_id, parts=3)
    except NotFound:
        raise LineUnknown() from None
    if key[0] != reach.merchant_id:
        raise LineUnknown()
    return line_of(session, key)


def line_of(session: Session, key: tuple[int, ...]) -> Line:
    """A line by merchant id, statement's number and its own; LineUnknown."""
    row = session.get(StatementLine, key)
    if row is None:
        raise LineUnknown()
    asked = {"merchant": key[0], "number": key[1], "kind": None, "after": key[2] - 1, "limit": 1}
    [found] = database.rows(session, _LINES, asked)
    acceptance = outlet = terminal = clerk = item = None
    if found.acceptance_id is not None:
        acceptance = session.get_one(Acceptance, (found.member_id, found.acceptance_id))
        outlet = session.get_one(Outlet, acceptance.outlet_id)
        terminal = session.get_one(Terminal, acceptance.terminal_id).code
        clerk = session.get_one(ClerkRow, acceptance.clerk_id).number
    if found.item_id is not None:
        item = session.get_one(MerchantItem, (key[0], found.item_id))
    return Line(row, acceptance, outlet, terminal, clerk, item, found.dispute_id)


def merchant_of(session: Session, reach: Reach) -> Merchant:
    """The merchant whose people ask."""
    return scope.merchant_of(session, reach)


_LINES = """
select l.line_no, l.kind, l.member_id, l.source_id, l.recorded_at, l.owed_fen, l.fee_fen, l.vat_fen,
  a.acceptance_id, a.offer_names, a.last4, a.void_id, i.item_id, i.reason,
  (select e.dispute_id from dispute e where e.member_id = a.member_id and e.acceptance_id = a.acceptance_id) as dispute_id
from statement_line l
left join merchant_item i on i.merchant_id = l.merchant_id and i.item_id = l.source_id
  and l.kind not in ('acceptance', 'void', 'carried-in', 'earning', 'earning-reversal')
left join void x on l.kind = 'void' and x.member_id = l.member_id and x.void_id = l.source_id
left join dispute d on i.kind in ('dispute-held', 'dispute-released') and d.member_id = i.member_id
  and d.dispute_id = i.about_id
left join acceptance a on a.member_id = l.member_id and a.acceptance_id = case
  when l.kind = 'acceptance' then l.source_id when l.kind = 'void' then x.acceptance_id
  when i.kind in ('clawback', 'adjustment') then i.about_id else d.acceptance_id end
where l.merchant_id = %(merchant)s and l.statement_no = %(number)s and l.line_no > %(after)s
  and (%(kind)s::text is null or l.kind = %(kind)s)
order by l.line_no limit %(limit)s
"""

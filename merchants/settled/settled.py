"""A merchant's statements with their payouts, each line with the acceptance behind it; of a member nothing but a code's end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import NotFound
from merchants import scope
from merchants.acceptances import AcceptanceUnknown
from merchants.disputes import disputes
from merchants.models import CLAWBACK, Acceptance, Merchant, Outlet
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
from merchants.statements.models import Statement
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
class Use:
    """An acceptance with outlet, till and clerk; everything that moved money for it, each with its line on a statement if it
    has one (statement_no, line_no); the id of its dispute, if there is one.
    """

    acceptance: Acceptance
    outlet: Outlet
    terminal: str
    clerk: str
    moved: list[Any]
    dispute_id: int | None

    @property
    def is_disputable(self) -> bool:
        """Whether it stands, nobody has disputed it, and it was not clawed back."""
        clawed = any(row.kind == CLAWBACK for row in self.moved)
        return self.acceptance.void_id is None and self.dispute_id is None and not clawed


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


def named(session: Session, rows: Iterable[Any]) -> dict[tuple[int, int], Acceptance]:
    """The acceptances among lines of a draft, by member and source."""
    keys = [(row.member_id, row.source_id) for row in rows if row.kind == "acceptance"]
    if not keys:
        return {}
    asked = select(Acceptance).where(tuple_(Acceptance.member_id, Acceptance.acceptance_id).in_(keys))
    return {(one.member_id, one.acceptance_id): one for one in session.scalars(asked)}


def use(session: Session, reach: Reach, public_id: str) -> Use:
    """An acceptance of the own merchant, in reach; AcceptanceUnknown for anybody else's."""
    try:
        key = ids.parse("acc", public_id)
    except NotFound:
        raise AcceptanceUnknown() from None
    asked = scope.ours(reach, select(Acceptance), Acceptance.merchant_id, Acceptance.outlet_id)
    acceptance = session.scalar(
        asked.where(Acceptance.member_id == key[0], Acceptance.acceptance_id == key[1])
    )
    if acceptance is None:
        raise AcceptanceUnknown()
    dispute = disputes.of_acceptance(session, *key)
    place = {
        "member": key[0],
        "acceptance": key[1],
        "merchant": acceptance.merchant_id,
        "dispute": dispute.dispute_id if dispute else None,
    }
    return Use(
        acceptance,
        session.get_one(Outlet, acceptance.outlet_id),
        session.get_one(Terminal, acceptance.terminal_id).code,
        session.get_one(ClerkRow, acceptance.clerk_id).number,
        database.rows(session, _MOVED, place),
        dispute.dispute_id if dispute else None,
    )


_LINES = """
select l.line_no, l.kind, l.member_id, l.source_id, l.recorded_at, l.owed_fen, l.fee_fen, l.vat_fen,
  a.acceptance_id, a.offer_names, a.last4, case when i.kind = 'adjustment' then i.reason end as reason
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
_MOVED = """
select t.*, l.statement_no, l.line_no from (
  select 'acceptance' as kind, a.acceptance_id as source_id, a.recorded_at, a.owed_fen, a.fee_fen, a.vat_fen
  from acceptance a where a.member_id = %(member)s and a.acceptance_id = %(acceptance)s
  union all select 'void', x.void_id, x.recorded_at, -a.owed_fen, -a.fee_fen, -a.vat_fen
  from acceptance a join void x on x.member_id = a.member_id and x.void_id = a.void_id
  where a.member_id = %(member)s and a.acceptance_id = %(acceptance)s
  union all select i.kind, i.item_id, i.recorded_at, i.owed_fen, i.fee_fen, i.vat_fen from merchant_item i
  where i.merchant_id = %(merchant)s and i.member_id = %(member)s
  and (i.kind in ('clawback', 'adjustment') and i.about_id = %(acceptance)s
    or i.kind in ('dispute-held', 'dispute-released') and i.about_id = %(dispute)s::bigint)
) t left join statement_line l on l.merchant_id = %(merchant)s and l.kind = t.kind and l.member_id = %(member)s
  and l.source_id = t.source_id
order by t.recorded_at, t.source_id
"""

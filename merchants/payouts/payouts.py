"""The payout of a sealed statement: planned when it is sealed, held while a reason stands, found again by its statement."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, ids
from base.auth.principals import Principal
from base.errors import Conflict, NotFound
from merchants import scope
from merchants.models import Merchant
from merchants.payout_routes import routes
from merchants.payouts import holds, states
from merchants.payouts.models import APPROVED, FAILED, ON_HOLD, PLANNED, RETURNED, UNKNOWN, Payout, PayoutStep
from merchants.statements.closing import MOST_NUMBER
from merchants.statements.models import Statement

READS, HOLDS = "payouts:read", "payouts:hold"
NEEDS_PERSON = (UNKNOWN, FAILED, RETURNED)


class PayoutUnknown(NotFound):
    """There is no such payout."""

    zh = "没有该笔付款。"


class PayoutNotHeld(Conflict):
    """Nobody has stopped this payout; what holds it ends by itself."""

    zh = "该笔付款未被人工暂停。"
    next_en, next_zh = "Remove the reason that it names.", "请先消除其所列的原因。"


def plan(session: Session, statement: Statement) -> Payout | None:
    """Plan the money of a statement that was sealed just now; None where nothing is to be paid. Twice is once."""
    there = of_statement(session, statement.merchant_id, statement.statement_no)
    if there is not None or statement.payable_fen <= 0:
        return there
    at = statement.sealed_at
    held = holds.reasons(session, statement.merchant_id, statement.statement_no, at)
    payout = Payout(
        merchant_id=statement.merchant_id,
        statement_no=statement.statement_no,
        amount_fen=statement.payable_fen,
        currency=statement.currency,
        due_day=statement.due_day,
        made_at=at,
        changed_at=at,
        state=ON_HOLD if held else PLANNED,
        held=", ".join(held),
        version=1,
        step_no=1,
        tries=0,
        route="",
        reason="",
    )
    return states.begin(session, payout, states.SYSTEM, payout.held)


def of_statement(session: Session, merchant_id: int, statement_no: int) -> Payout | None:
    """The payout of a statement."""
    return session.get(Payout, (merchant_id, statement_no), populate_existing=True)


def find(session: Session, principal: Principal, public_id: str) -> Payout:
    """The payout of a statement's public id, of a merchant in the principal's area; PayoutUnknown."""
    where = place(public_id)
    found = of_statement(session, *where) if where else None
    if found is None or not scope.sees(session, principal, found.merchant_id):
        raise PayoutUnknown()
    return found


def steps_of(session: Session, payout: Payout) -> list[PayoutStep]:
    """Its steps, the first one first."""
    asked = select(PayoutStep).where(
        PayoutStep.merchant_id == payout.merchant_id, PayoutStep.statement_no == payout.statement_no
    )
    return list(session.scalars(asked.order_by(PayoutStep.step_no)))


def listed(
    session: Session,
    principal: Principal,
    *,
    state: str | None = None,
    merchant_id: int | None = None,
    after: tuple[int, int] | None = None,
    limit: int,
) -> list[Payout]:
    """Payouts of merchants in the principal's area by merchant and number, from after one on; maybe of one state or merchant."""
    asked = (
        select(Payout)
        .join(Merchant, Merchant.merchant_id == Payout.merchant_id)
        .where(scope.rule(principal))
        .order_by(Payout.merchant_id, Payout.statement_no)
        .limit(limit)
    )
    if state is not None:
        asked = asked.where(Payout.state == state)
    if merchant_id is not None:
        asked = asked.where(Payout.merchant_id == merchant_id)
    if after is not None:
        number, statement_no = after
        later = (Payout.merchant_id == number) & (Payout.statement_no > statement_no)
        asked = asked.where((Payout.merchant_id > number) | later)
    return list(session.scalars(asked))


def of_merchant(
    session: Session, merchant_id: int, *, state: str | None = None, before: int | None = None, limit: int
) -> list[Payout]:
    """A merchant's payouts, the latest statement first, from before a number on; maybe of one state."""
    asked = select(Payout).where(Payout.merchant_id == merchant_id)
    if state is not None:
        asked = asked.where(Payout.state == state)
    if before is not None:
        asked = asked.where(Payout.statement_no < before)
    return list(session.scalars(asked.order_by(Payout.statement_no.desc()).limit(limit)))


def stop(session: Session, payout: Payout, actor: str, reason: str, at: datetime) -> Payout:
    """A person stops a payout that nobody has sent yet, also one that is on hold for a while; PayoutElsewhere."""
    if payout.held == holds.STOPPED:
        raise states.PayoutElsewhere(state=payout.state)
    moved = states.move(session, payout, ON_HOLD, actor, at, held=holds.STOPPED, reason=reason)
    audit.write(session, actor, "payout.stopped", reference(payout))
    return moved


def let_go(session: Session, payout: Payout, actor: str, reason: str, at: datetime) -> Payout:
    """A person lets go of what a person has stopped; other reasons are looked at again. PayoutNotHeld."""
    if payout.state != ON_HOLD or payout.held != holds.STOPPED:
        raise PayoutNotHeld(state=payout.state)
    moved = states.move(session, payout, PLANNED, actor, at, reason=reason, route="", run_id=None)
    audit.write(session, actor, "payout.let-go", reference(payout))
    return look_again(session, moved, at)


def look_again(session: Session, payout: Payout, at: datetime) -> Payout:
    """Hold what a reason has come for, let go what none holds any more; what a person stopped stays."""
    if payout.state not in (PLANNED, ON_HOLD, APPROVED) or payout.held == holds.STOPPED:
        return payout
    reasons = holds.reasons(session, payout.merchant_id, payout.statement_no, at)
    if payout.state == APPROVED and _goes_elsewhere(session, payout):
        reasons = reasons or [holds.ROUTE_CHANGED]
    found = ", ".join(reasons)
    if payout.state == ON_HOLD:
        if not found:
            return states.move(session, payout, PLANNED, states.SYSTEM, at, route="", run_id=None)
        if found != payout.held:
            states.note(session, payout, at, held=found)
        return payout
    return states.move(session, payout, ON_HOLD, states.SYSTEM, at, held=found) if found else payout


def _goes_elsewhere(session: Session, payout: Payout) -> bool:
    """Whether the merchant is paid by another route now than the one that was approved."""
    route = routes.current(session, payout.merchant_id)
    return route is None or route.route_no != payout.route_no


def reference(payout: Payout) -> str:
    """The public id of its statement: under it the payout is known, here and at Stripe."""
    return ids.public("stm", payout.merchant_id, payout.statement_no)


def place(public_id: str) -> tuple[int, int] | None:
    """Merchant and number of a statement's public id; None: it is none."""
    try:
        merchant_id, number = ids.parse("stm", public_id)
    except NotFound:
        return None
    return (merchant_id, number) if number <= MOST_NUMBER else None

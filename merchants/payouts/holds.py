"""Why a payout must not go out now: asked when it is planned, before it is approved, and once more before it is sent."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from merchants.models import CLOSED, LEAVING, SUSPENDED, Merchant
from merchants.payout_routes import routes
from merchants.payout_routes.models import ENABLED, STRIPE, PayoutRoute, StripeAccount
from merchants.recoveries.models import INVOICE, OPEN, Recovery
from merchants.statements.models import Statement

NO_ROUTE, ROUTE_CHANGED, NO_ACCOUNT = "no-route", "route-changed", "account-restricted"
MERCHANT_SUSPENDED, LEAVING_OWING = "merchant-suspended", "leaving-owing"
INVOICE_MISSING = "invoice-missing"
STOPPED = "stopped"  # by a person, and let go by a person
Rule = Callable[[Session, int, int, datetime], bool]
_others: dict[str, Rule] = {}


def register(reason: str, rule: Rule) -> None:
    """A reason of another topic: the rule says of merchant and statement number whether it holds the payout now."""
    _others[reason] = rule


def reasons(session: Session, merchant_id: int, statement_no: int, at: datetime) -> list[str]:
    """Every reason that holds a statement's money at a moment; none: it may go."""
    merchant = session.get_one(Merchant, merchant_id, populate_existing=True)
    route = routes.current(session, merchant_id)
    found = _of_route(session, route, at)
    if merchant.state == SUSPENDED:
        found.append(MERCHANT_SUSPENDED)
    if merchant.state in (LEAVING, CLOSED) and owes(session, merchant_id):
        found.append(LEAVING_OWING)
    found += [reason for reason, rule in _others.items() if rule(session, merchant_id, statement_no, at)]
    return found


def owes(session: Session, merchant_id: int) -> bool:
    """Whether the merchant owes us: the last statement carries a debt, or an invoice is open."""
    carried = session.scalar(
        select(Statement.carried_fen)
        .where(Statement.merchant_id == merchant_id)
        .order_by(Statement.statement_no.desc())
        .limit(1)
    )
    invoiced = exists().where(
        Recovery.merchant_id == merchant_id, Recovery.step == INVOICE, Recovery.state == OPEN
    )
    return (carried or 0) < 0 or bool(session.scalar(select(invoiced)))


def _of_route(session: Session, route: PayoutRoute | None, at: datetime) -> list[str]:
    if route is None:
        return [NO_ROUTE]
    found = [ROUTE_CHANGED] if at < route.holds_until else []
    if route.kind == STRIPE:
        account = session.get(StripeAccount, route.merchant_id, populate_existing=True)
        if account is not None and (account.account, account.state) != (route.account, ENABLED):
            found.append(NO_ACCOUNT)
    return found

"""HTTP: staff see budgets and what was spent of them; new ones and other amounts by two persons."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.budgets import proposals, standing
from catalog.budgets.proposals import Wanted
from catalog.budgets.schemas import (
    AmountRequest,
    BudgetProposalsView,
    BudgetProposalView,
    BudgetRequest,
    BudgetsQuery,
    BudgetsView,
    OneBudgetView,
    amount_view,
    budget_view,
    period_view,
    proposal_view,
)
from points import programmes
from points.care import care

SHOWN_PERIODS = 36

blueprint = Blueprint(
    "budgets", __name__, description="Money set aside for campaigns and persons, with a hard cap"
)


@blueprint.route("/budgets")
@blueprint.arguments(BudgetsQuery, location="query")
@blueprint.response(200, BudgetsView)
@needs("budgets:read")
def list_budgets(query: dict[str, Any]) -> dict[str, Any]:
    """Budgets of a programme, and what was spent of each in the present period."""
    key, limit = f"budgets:{query['own']}:{query['programme']}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        programme = programmes.by_code(session, query["programme"])
        after = place[0] if place else 0
        rows = standing.listed(
            session, current(), programme, clock.now(), own=query["own"], after=after, limit=limit + 1
        )
    more = len(rows) > limit
    return {
        "data": [budget_view(row) for row in rows[:limit] if row.alert_percent or not query["alert"]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].budget.budget_id) if more else None,
    }


@blueprint.route("/budgets/<budget>")
@blueprint.response(200, OneBudgetView)
@needs("budgets:read")
def one(budget: str) -> dict[str, Any]:
    """One budget with all its amounts, and what was spent in its last periods."""
    budget_id = _number(budget)
    with database.begin() as session:
        found = standing.one(session, current(), budget_id, clock.now())
        return budget_view(found) | {
            "amounts": [amount_view(row) for row in standing.amounts(session, budget_id)],
            "periods": [period_view(row) for row in standing.periods(session, budget_id, SHOWN_PERIODS)],
        }


@blueprint.route("/budgets/<budget>/amounts", methods=["POST"])
@blueprint.arguments(AmountRequest)
@blueprint.response(201, BudgetProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def propose_amount(asked: dict[str, Any], budget: str) -> Response:
    """Propose another amount, which counts from the approval on. Needs Idempotency-Key."""
    budget_id = _number(budget)
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            at = clock.now()
            case = proposals.propose_amount(
                session, current(), budget_id, asked["cap_fen"], asked["reason"], at
            )
            return 201, proposal_view(session, case, at)

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/budget-proposals", methods=["POST"])
@blueprint.arguments(BudgetRequest)
@blueprint.response(201, BudgetProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose a budget; another person decides, never its owner. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, _propose(session, asked)))


deciding(blueprint, "budget-proposals", proposals, proposal_view, BudgetProposalView, BudgetProposalsView)


def _number(budget: str) -> int:
    return ids.parse("bud", budget, parts=1)[0]


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    names = {"zh-CN": asked["names"]["zh"], "en": asked["names"]["en"]}
    owner = f"staff:{care.person(session, asked['owner']).staff_id}" if asked["owner"] else None
    wanted = Wanted(**asked | {"names": names, "owner": owner})
    return proposal_view(session, proposals.propose(session, current(), wanted, at), at)

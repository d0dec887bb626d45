"""JSON of budgets."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from catalog.budgets import budgets
from catalog.budgets.models import PERIODS, BudgetAmount, BudgetPeriod
from catalog.budgets.proposals import MOST_FEN, MOST_NAME, MOST_REASON
from catalog.budgets.standing import Standing
from points.wallets.schemas import PageQuery


class BudgetsQuery(PageQuery):
    """Whose budgets; `own`: those alone that the caller may spend; `alert`: of the page, those that reached a line."""

    programme = Text(required=True, most=64, metadata={"description": "its code"})
    own = ma.fields.Boolean(load_default=False)
    alert = ma.fields.Boolean(load_default=False)


class BudgetNames(Request):
    """A name in both languages."""

    zh = Text(required=True, most=MOST_NAME, data_key="zh-CN")
    en = Text(required=True, most=MOST_NAME)


class BudgetRequest(Request):
    """A new budget: so much in all, or in each month, from a day until another, both included."""

    programme = Text(required=True, most=64)
    code = Text(required=True, most=32)
    names = ma.fields.Nested(BudgetNames, required=True)
    cap_fen = WholeNumber(most=MOST_FEN, required=True)
    period = ma.fields.String(required=True, validate=ma.validate.OneOf(PERIODS))
    from_day = ma.fields.Date(required=True)
    until_day = ma.fields.Date(load_default=None, allow_none=True)
    area = Text(load_default=None, allow_none=True, most=6, metadata={"description": "for its members alone"})
    owner = Text(
        load_default=None,
        allow_none=True,
        most=120,
        metadata={"description": "mail address of the one of the staff who may spend it"},
    )
    reason = Text(required=True, most=MOST_REASON)


class AmountRequest(Request):
    """Another amount of a budget, from the approval on."""

    cap_fen = WholeNumber(most=MOST_FEN, required=True)
    reason = Text(required=True, most=MOST_REASON)


class BudgetProposalView(CaseView):
    """A proposal of a budget (`what`: new), or of another amount of one (amount)."""

    what = ma.fields.String()
    programme = ma.fields.String()
    code = ma.fields.String()
    cap_fen = ma.fields.Integer()
    reason = ma.fields.String()
    names = ma.fields.Dict()
    period = ma.fields.String()
    from_day = ma.fields.String()
    until_day = ma.fields.String(allow_none=True)
    area = ma.fields.String(allow_none=True)
    owner = ma.fields.String(allow_none=True)


class BudgetProposalsView(View):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(BudgetProposalView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class BudgetView(View):
    """A budget and how it stands in the present period."""

    id = ma.fields.String()
    code = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    period = ma.fields.String(metadata={"description": f"one of {', '.join(PERIODS)}"})
    from_at = ma.fields.AwareDateTime()
    until_at = ma.fields.AwareDateTime(allow_none=True)
    area = ma.fields.String(allow_none=True)
    owner = ma.fields.String(allow_none=True)
    currency = ma.fields.String()
    cap_fen = ma.fields.Integer()
    spent_fen = ma.fields.Integer()
    left_fen = ma.fields.Integer()
    used_percent = ma.fields.Integer()
    alert_percent = ma.fields.Integer(allow_none=True, metadata={"description": "80 or 100; null: below"})
    period_from = ma.fields.Date()
    resets_on = ma.fields.Date(allow_none=True)


class AmountView(View):
    """An amount and from when on it counts."""

    cap_fen = ma.fields.Integer()
    from_at = ma.fields.AwareDateTime()
    approval = ma.fields.String()


class PeriodView(View):
    """What was spent in a period."""

    period_from = ma.fields.Date()
    spent_fen = ma.fields.Integer()


class OneBudgetView(BudgetView):
    """The same, with all its amounts and what was spent in its last periods."""

    amounts = ma.fields.List(ma.fields.Nested(AmountView))
    periods = ma.fields.List(ma.fields.Nested(PeriodView))


class BudgetsView(View):
    """A page of budgets."""

    data = ma.fields.List(ma.fields.Nested(BudgetView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def budget_view(one: Standing) -> dict[str, Any]:
    """The budget as BudgetView."""
    budget = one.budget
    return {
        "id": budgets.reference(budget.budget_id),
        **{
            name: getattr(budget, name) for name in ("code", "names", "period", "from_at", "until_at", "area")
        },
        "owner": f"staff:{budget.owner_id}" if budget.owner_id else None,
        "currency": one.programme.currency,
        "cap_fen": one.cap_fen,
        "spent_fen": one.spent_fen,
        "left_fen": max(one.cap_fen - one.spent_fen, 0),
        "used_percent": one.used_percent,
        "alert_percent": one.alert_percent,
        "period_from": one.period_from,
        "resets_on": one.resets_on,
    }


def amount_view(row: BudgetAmount) -> dict[str, Any]:
    """The amount as AmountView."""
    return {"cap_fen": row.cap_fen, "from_at": row.from_at, "approval": row.approval}


def period_view(row: BudgetPeriod) -> dict[str, Any]:
    """The period as PeriodView."""
    return {"period_from": row.period_from, "spent_fen": row.spent_fen}


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as BudgetProposalView."""
    return case_view(case, at) | {name: value for name, value in case.proposal.said.items() if name != "kind"}

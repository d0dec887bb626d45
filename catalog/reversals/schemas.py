"""JSON of reversals."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View
from catalog.reversals import reversals
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET


class ReversalRequest(Request):
    """Which redemption to undo, and why."""

    redemption = Text(required=True, most=60)
    text = Text(required=True, most=MOST_TEXT)
    ticket = Text(required=True, most=MOST_TICKET, metadata={"description": "the case it belongs to"})
    clawback = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "of a used voucher: merchants give back what they got for its uses"},
    )


class ClawedBackView(View):
    """A use that is taken back from its merchant: what was owed for it, fee and tax."""

    acceptance = ma.fields.String()
    merchant = ma.fields.String(metadata={"description": "its code"})
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()


class ReversalView(CaseView):
    """A proposal to undo a redemption."""

    member = ma.fields.String()
    redemption = ma.fields.String()
    points = ma.fields.Integer()
    cash_fen = ma.fields.Integer()
    text = ma.fields.String()
    ticket = ma.fields.String()
    clawback = ma.fields.List(ma.fields.Nested(ClawedBackView))
    outcome = ma.fields.String(
        allow_none=True,
        metadata={"description": "of an approved one: done, under_way, unclear (a person looks) or refused"},
    )
    outcome_reason = ma.fields.String(allow_none=True, metadata={"description": "the other system's words"})


class ReversalsView(View):
    """A page of such proposals."""

    data = ma.fields.List(ma.fields.Nested(ReversalView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def reversal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as ReversalView."""
    came_to, why = reversals.outcome(session, case)
    return case_view(case, at) | reversals.shown(case) | {"outcome": came_to, "outcome_reason": why}

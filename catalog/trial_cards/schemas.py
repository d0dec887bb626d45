"""JSON of trial cards."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View
from catalog.trial_cards import trial_cards
from catalog.trial_cards.models import OUTCOMES, TrialCardResult
from catalog.vouchers import life
from points.adjustments.adjustments import MOST_TEXT


class TrialCardRequest(Request):
    """A trial card for a member: which, why, and what is expected of it."""

    member = Text(required=True, most=40)
    offer = Text(required=True, most=64, metadata={"description": "code of an offer of trial cards"})
    text = Text(required=True, most=MOST_TEXT, metadata={"description": "the reason"})
    expected = Text(required=True, most=MOST_TEXT, metadata={"description": "the result that is expected"})


class ResultRequest(Request):
    """What came of a trial card."""

    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(OUTCOMES))
    text = Text(required=True, most=MOST_TEXT)


class ResultView(View):
    """What came of a trial card."""

    outcome = ma.fields.String(metadata={"description": ", ".join(OUTCOMES)})
    text = ma.fields.String()
    at = ma.fields.String()


class TrialCardView(CaseView):
    """A proposal of a trial card, what it handed out and what came of it."""

    member = ma.fields.String()
    offer = ma.fields.String()
    cost_fen = ma.fields.Integer()
    text = ma.fields.String()
    expected = ma.fields.String()
    redemption = ma.fields.String(allow_none=True, metadata={"description": "null until approved"})
    voucher = ma.fields.String(allow_none=True, metadata={"description": "state of the voucher"})
    result = ma.fields.Nested(ResultView, allow_none=True)


class TrialCardsView(View):
    """A page of proposals of trial cards."""

    data = ma.fields.List(ma.fields.Nested(TrialCardView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def trial_card_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as TrialCardView."""
    said = {name: case.proposal.said[name] for name in trial_cards.SAID}
    shown: dict[str, Any] = {"redemption": None, "voucher": None, "result": None}
    redemption = trial_cards.given(session, case.proposal) if case.decision else None
    if redemption is not None:
        voucher = life.of_redemption(session, redemption.member_id, redemption.redemption_id)
        found = trial_cards.result(session, redemption)
        shown = {
            "redemption": ids.public("red", redemption.member_id, redemption.redemption_id),
            "voucher": voucher and voucher.state,
            "result": found and result_view(found),
        }
    return case_view(case, at) | said | shown


def result_view(row: TrialCardResult) -> dict[str, Any]:
    """The result as ResultView; plain JSON, for it is stored with the idempotency key."""
    return {"outcome": row.outcome, "text": row.text, "at": row.at.isoformat()}

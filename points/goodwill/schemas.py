"""JSON of goodwill."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET
from points.bonuses.rules import MOST_POINTS_OF_ONE
from points.goodwill import goodwill


class GoodwillRequest(Request):
    """Points for a member under a goodwill rule, and why."""

    member = Text(required=True, most=40)
    rule = Text(required=True, most=64, metadata={"description": "code of a goodwill rule"})
    points = WholeNumber(least=1, most=MOST_POINTS_OF_ONE, required=True)
    text = Text(required=True, most=MOST_TEXT)
    ticket = Text(required=True, most=MOST_TICKET, metadata={"description": "the case it belongs to"})


class GoodwillView(CaseView):
    """A proposal of goodwill."""

    member = ma.fields.String()
    rule = ma.fields.String()
    points = ma.fields.Integer()
    text = ma.fields.String()
    ticket = ma.fields.String()
    posting = ma.fields.Integer(
        allow_none=True, metadata={"description": "number of the movement that the approval made"}
    )


class GoodwillsView(View):
    """A page of proposals of goodwill."""

    data = ma.fields.List(ma.fields.Nested(GoodwillView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def goodwill_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as GoodwillView."""
    bonus = goodwill.given(session, case.proposal) if case.decision else None
    return case_view(case, at) | goodwill.shown(case) | {"posting": bonus and bonus.seq}

"""JSON of adjustments."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from points import lots
from points.adjustments import adjustments
from points.adjustments.adjustments import MOST_CLASS, MOST_TEXT, MOST_TICKET, REASONS, Wanted


class AdjustmentRequest(Request):
    """Points to add or take, and why."""

    member = Text(required=True, most=40)
    direction = ma.fields.String(
        required=True, validate=ma.validate.OneOf([adjustments.UP, adjustments.DOWN])
    )
    points = WholeNumber(least=1, required=True)
    lot_class = WholeNumber(
        most=MOST_CLASS, metadata={"description": "left out: that of bills, or any to take from"}
    )
    last_day = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "null: as the expiry policy says"}
    )
    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(REASONS))
    text = Text(required=True, most=MOST_TEXT)
    ticket = Text(required=True, most=MOST_TICKET, metadata={"description": "the case it belongs to"})


class AdjustedLotView(View):
    """The lot that is named; `last_day` null: its points do not lapse."""

    lot_class = ma.fields.Integer()
    last_day = ma.fields.String(allow_none=True)


class AdjustmentView(CaseView):
    """A proposal to add or take points."""

    member = ma.fields.String()
    direction = ma.fields.String()
    points = ma.fields.Integer()
    lot = ma.fields.Nested(
        AdjustedLotView, allow_none=True, metadata={"description": "null: from the soonest-lapsing lots"}
    )
    reason = ma.fields.String()
    text = ma.fields.String()
    ticket = ma.fields.String()
    posting = ma.fields.Integer(
        allow_none=True, metadata={"description": "number of the posting that the approval made"}
    )


class AdjustmentsView(View):
    """A page of adjustments."""

    data = ma.fields.List(ma.fields.Nested(AdjustmentView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def wanted_of(asked: dict[str, Any]) -> Wanted:
    """What a request asks for."""
    return Wanted(**{name: value for name, value in asked.items() if name != "member"})


def adjustment_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The adjustment as AdjustmentView."""
    said = case.proposal.said
    lot = said["lot"]
    without_end = lot is not None and lot["last_day"] == lots.NO_END.isoformat()
    return case_view(case, at) | {
        "member": said["member"],
        "direction": said["direction"],
        "points": said["points"],
        "lot": lot and {"lot_class": lot["class"], "last_day": None if without_end else lot["last_day"]},
        "reason": said["reason"],
        "text": said["text"],
        "ticket": said["ticket"],
        "posting": adjustments.posting_of(session, case.proposal) if case.decision else None,
    }

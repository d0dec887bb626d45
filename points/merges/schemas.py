"""JSON of merges."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET
from points.merges.models import MemberMerge


class MergeRequest(Request):
    """Who is merged into whom, and why."""

    member = Text(required=True, most=40, metadata={"description": "the member that ends"})
    into = Text(required=True, most=40, metadata={"description": "the member that stays"})
    text = Text(required=True, most=MOST_TEXT)
    ticket = Text(required=True, most=MOST_TICKET, metadata={"description": "the case it belongs to"})


class MovedView(View):
    """What moved."""

    points = ma.fields.Integer()
    debt = ma.fields.Integer()
    arrived = ma.fields.Boolean(metadata={"description": "false: under way"})
    landed = ma.fields.String(
        allow_none=True, metadata={"description": "the survivor, or whom it was merged into meanwhile"}
    )


class MergeView(CaseView):
    """A proposal to merge a member into another."""

    member = ma.fields.String()
    into = ma.fields.String()
    text = ma.fields.String()
    ticket = ma.fields.String()
    moved = ma.fields.Nested(MovedView, allow_none=True, metadata={"description": "null until approved"})


class MergesView(View):
    """A page of merges."""

    data = ma.fields.List(ma.fields.Nested(MergeView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def merge_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The merge as MergeView."""
    said = {name: case.proposal.said[name] for name in ("member", "into", "text", "ticket")}
    return case_view(case, at) | said | {"moved": _moved(session, case)}


def _moved(session: Session, case: Case) -> dict[str, Any] | None:
    merge = session.get(MemberMerge, case.proposal.member_id) if case.decision else None
    if merge is None or merge.merge_id != case.proposal.proposal_id:
        return None
    return {
        "points": merge.points,
        "debt": merge.debt,
        "arrived": merge.arrived_at is not None,
        "landed": ids.public("mbr", merge.landed_id) if merge.landed_id else None,
    }

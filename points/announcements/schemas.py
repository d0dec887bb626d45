"""JSON of extensions."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from points.adjustments.adjustments import MOST_CLASS, MOST_TEXT
from points.announcements import announcements

WITHOUT_END = {"description": "null, both of them: points that do not lapse get a first end"}


class ExtensionRequest(Request):
    """Which points shall last until when, and why."""

    programme = Text(required=True, most=64, metadata={"description": "its code"})
    lot_class = WholeNumber(most=MOST_CLASS, required=True)
    from_day = ma.fields.Date(required=True, allow_none=True, metadata=WITHOUT_END)
    until_day = ma.fields.Date(required=True, allow_none=True, metadata=WITHOUT_END)
    last_day = ma.fields.Date(required=True, metadata={"description": "their last day from then on"})
    reason = Text(required=True, most=MOST_TEXT)


class ExtensionView(CaseView):
    """A proposal that points last longer."""

    programme = ma.fields.String()
    lot_class = ma.fields.Integer()
    from_day = ma.fields.String(allow_none=True, metadata=WITHOUT_END)
    until_day = ma.fields.String(allow_none=True, metadata=WITHOUT_END)
    last_day = ma.fields.String()
    reason = ma.fields.String()
    counts_from = ma.fields.String(
        allow_none=True, metadata={"description": "five minutes after the approval; null: not announced"}
    )


class ExtensionsView(View):
    """A page of extensions."""

    data = ma.fields.List(ma.fields.Nested(ExtensionView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def extension_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The extension as ExtensionView."""
    said = case.proposal.said
    row = announcements.announced(session, case.proposal) if case.decision else None
    return case_view(case, at) | {
        "programme": said["programme"],
        "lot_class": said["class"],
        "from_day": said["from"],
        "until_day": said["until"],
        "last_day": said["last_day"],
        "reason": said["reason"],
        "counts_from": row.announced_at.isoformat() if row else None,
    }

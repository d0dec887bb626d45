"""JSON of erasures."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View
from points.erasures.erasures import REASONS


class ErasureRequest(Request):
    """Whose person is erased, and why."""

    member = Text(required=True, most=40)
    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(REASONS))
    ticket = Text(
        required=True, most=64, metadata={"description": "the number of the case; it begins with a letter"}
    )


class ErasureView(CaseView):
    """A proposal to erase a person."""

    member = ma.fields.String()
    reason = ma.fields.String()
    ticket = ma.fields.String()


class ErasuresView(View):
    """A page of erasures."""

    data = ma.fields.List(ma.fields.Nested(ErasureView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def erasure_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The erasure as ErasureView."""
    return case_view(case, at) | {name: case.proposal.said[name] for name in ("member", "reason", "ticket")}

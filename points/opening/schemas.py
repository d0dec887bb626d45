"""JSON of opening balances."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.models import APPROVED
from base.approvals.schemas import CaseView, case_view
from base.http.api import View
from points.opening import opening


class ClassTotalView(View):
    """Points of a class that lapse in a month."""

    lot_class = ma.fields.Integer(data_key="class", attribute="class")
    until = ma.fields.String(metadata={"description": "year and month of their last day, or: without end"})
    points = ma.fields.Integer()


class TotalsView(View):
    """What lines of a file bring."""

    lines = ma.fields.Integer()
    members = ma.fields.Integer()
    points = ma.fields.Integer()
    value_fen = ma.fields.Integer(metadata={"description": "of those lines that name a value"})
    without_value = ma.fields.Integer(metadata={"description": "lines that name none"})
    by_class = ma.fields.List(ma.fields.Nested(ClassTotalView))


class OpeningBalancesView(CaseView):
    """A proposal that a file of opening balances be taken in, by its hash and its totals."""

    programme = ma.fields.String()
    file = ma.fields.String()
    sha256 = ma.fields.String(metadata={"description": "of the file; another one is refused"})
    read = ma.fields.Integer()
    refused = ma.fields.Integer()
    already_there = ma.fields.Integer()
    totals = ma.fields.Nested(TotalsView)
    posted = ma.fields.Nested(
        TotalsView, allow_none=True, metadata={"description": "so far; null: it is not approved"}
    )


class OpeningBalancesPageView(View):
    """A page of such proposals."""

    data = ma.fields.List(ma.fields.Nested(OpeningBalancesView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


TOTALS = tuple(TotalsView().fields)
KEPT = ("programme", "file", "sha256", "read", "refused", "already_there")


def opening_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as OpeningBalancesView."""
    said, approved = case.proposal.said, case.state(at) == APPROVED
    return case_view(case, at) | {
        **{name: said[name] for name in KEPT},
        "totals": {name: said[name] for name in TOTALS},
        "posted": opening.posted(session, case.proposal.proposal_id) if approved else None,
    }

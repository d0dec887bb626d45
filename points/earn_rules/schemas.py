"""JSON of earn rules."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from points.adjustments.adjustments import MOST_TEXT
from points.earn_rules import earn_rules
from points.earn_rules.earn_rules import MOST, MOST_ROWS, MOST_TYPE
from points.models import EarnRule


class EarnRuleRow(Request):
    """From a day on, lines of a type earn so many points for so many fen."""

    line_type = Text(required=True, most=MOST_TYPE)
    from_day = ma.fields.Date(required=True)
    points = WholeNumber(most=MOST, required=True, metadata={"description": "0: nothing any more"})
    per_fen = WholeNumber(least=1, most=MOST, required=True)


class EarnRulesRequest(Request):
    """Versions that two persons are to agree on together, and why."""

    programme = Text(required=True, most=64, metadata={"description": "its code"})
    rows = ma.fields.List(
        ma.fields.Nested(EarnRuleRow), required=True, validate=ma.validate.Length(min=1, max=MOST_ROWS)
    )
    reason = Text(required=True, most=MOST_TEXT)


class EarnRulesQuery(Request):
    """Whose versions."""

    programme = Text(required=True, most=64, metadata={"description": "its code"})
    on = ma.fields.Date(load_default=None, metadata={"description": "the day of the states; left out: today"})


class EarnRuleRowView(View):
    """A version as it was proposed."""

    line_type = ma.fields.String()
    from_day = ma.fields.String()
    points = ma.fields.Integer()
    per_fen = ma.fields.Integer()


class EarnRuleView(EarnRuleRowView):
    """A version, and how it stands on the day."""

    state = ma.fields.String(metadata={"enum": ["current", "future", "past"]})
    approval = ma.fields.String(
        allow_none=True, metadata={"description": "null: written while the programme was set up"}
    )


class EarnRulesProposalView(CaseView):
    """A proposal of earn rules."""

    programme = ma.fields.String()
    rows = ma.fields.List(ma.fields.Nested(EarnRuleRowView))
    reason = ma.fields.String()


class EarnRulesProposalsView(View):
    """A page of proposals of earn rules."""

    data = ma.fields.List(ma.fields.Nested(EarnRulesProposalView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as EarnRulesProposalView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said


def rule_views(found: Sequence[EarnRule], on: date) -> list[dict[str, Any]]:
    """Versions as EarnRuleView."""
    return [
        {
            "line_type": rule.line_type,
            "from_day": rule.from_day.isoformat(),
            "points": rule.points,
            "per_fen": rule.per_fen,
            "state": earn_rules.state(rule, found, on),
            "approval": rule.approval,
        }
        for rule in found
    ]

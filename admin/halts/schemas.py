"""JSON of halts and of what lets them end."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from admin.halts import resuming
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.halts import halts
from base.halts.models import Halt
from base.http.api import QueryNumber, Request, Text, View


class HaltRequest(Request):
    """What to stop, where, and why."""

    action = Text(required=True, most=20, metadata={"description": ", ".join(halts.ACTIONS)})
    programme = Text(
        load_default=None, allow_none=True, most=60, metadata={"description": "its code; left out: all"}
    )
    reason = Text(required=True, most=halts.MOST_REASON)


class HaltsQuery(Request):
    """Which page."""

    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class HaltView(View):
    """An action that is or was stopped."""

    id = ma.fields.String()
    action = ma.fields.String(metadata={"description": ", ".join(halts.ACTIONS)})
    programme = ma.fields.String(allow_none=True, metadata={"description": "its code; null: all"})
    reason = ma.fields.String()
    begun_by = ma.fields.String()
    began_at = ma.fields.String()
    ended_at = ma.fields.String(allow_none=True)
    approval = ma.fields.String(allow_none=True, metadata={"description": "the proposal that ended it"})


class HaltsView(View):
    """A page of halts, the latest first."""

    data = ma.fields.List(ma.fields.Nested(HaltView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class ResumptionRequest(Request):
    """Which halt is to end, and why it may."""

    halt = Text(required=True, most=60)
    reason = Text(required=True, most=halts.MOST_REASON)


class ResumptionView(CaseView):
    """A proposal that something that is stopped goes on."""

    halt = ma.fields.String()
    action = ma.fields.String()
    programme = ma.fields.String(allow_none=True)
    stopped_because = ma.fields.String()
    reason = ma.fields.String()


class ResumptionsView(View):
    """A page of such proposals."""

    data = ma.fields.List(ma.fields.Nested(ResumptionView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def halt_view(session: Session, halt: Halt) -> dict[str, Any]:
    """One as HaltView."""
    return {
        "id": halts.reference(halt),
        "action": halt.action,
        "programme": resuming.code_of(session, halt),
        "reason": halt.reason,
        "begun_by": halt.begun_by,
        "began_at": halt.began_at.isoformat(),
        "ended_at": halt.ended_at.isoformat() if halt.ended_at else None,
        "approval": halt.approval,
    }


def resumption_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as ResumptionView."""
    said = case.proposal.said
    names = ("halt", "action", "programme", "stopped_because", "reason")
    return case_view(case, at) | {name: said[name] for name in names}

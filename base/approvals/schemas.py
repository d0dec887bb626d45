"""JSON that all kinds of proposals share."""

from datetime import datetime
from typing import Any

import marshmallow as ma

from base.approvals import approvals
from base.approvals.approvals import Case
from base.http.api import QueryNumber, Request, Text, View


class ApproveRequest(Request):
    """What the checker saw, by its hash."""

    content_hash = Text(required=True, most=64, metadata={"description": "as the proposal shows it"})
    note = Text(load_default=None, allow_none=True, most=500)


class RejectRequest(Request):
    """Why not."""

    note = Text(required=True, most=500)


class CasesQuery(Request):
    """Which page of proposals: maybe of one state, or about one member."""

    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(approvals.STATES))
    member = ma.fields.String(load_default=None)
    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class CaseView(View):
    """A proposal and what was decided on it."""

    id = ma.fields.String()
    state = ma.fields.String(metadata={"description": ", ".join(approvals.STATES)})
    content_hash = ma.fields.String(metadata={"description": "SHA-256 of the content; an approval names it"})
    proposed_by = ma.fields.String()
    proposed_at = ma.fields.String()
    ends_at = ma.fields.String(metadata={"description": "undecided until then, it expires"})
    decided_by = ma.fields.String(allow_none=True)
    decided_at = ma.fields.String(allow_none=True)
    note = ma.fields.String(allow_none=True)
    replays = ma.fields.List(
        ma.fields.Dict(),
        metadata={
            "description": "of one proposal whose kind is replayed: its replays, the newest first, with their reports"
        },
    )


def case_view(case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as CaseView; plain JSON, for it is stored with the idempotency key."""
    proposal, decision = case.proposal, case.decision
    return {
        "id": approvals.reference(proposal.proposal_id),
        "state": case.state(at),
        "content_hash": proposal.content_hash.hex(),
        "proposed_by": f"staff:{proposal.maker_id}",
        "proposed_at": proposal.at.isoformat(),
        "ends_at": proposal.ends_at.isoformat(),
        "decided_by": f"staff:{decision.person_id}" if decision else None,
        "decided_at": decision.at.isoformat() if decision else None,
        "note": decision.note if decision else None,
    }

"""HTTP: propose to add or take points, look, decide. Makers and checkers are staff; the checker is another person."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.schemas import ApproveRequest, CasesQuery, RejectRequest
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.adjustments import adjustments
from points.adjustments.adjustments import KIND
from points.adjustments.schemas import (
    AdjustmentRequest,
    AdjustmentsView,
    AdjustmentView,
    adjustment_view,
    wanted_of,
)

blueprint = Blueprint("adjustments", __name__, description="Points added or taken by hand, by two persons")


@blueprint.route("/adjustments", methods=["POST"])
@blueprint.arguments(AdjustmentRequest)
@blueprint.response(201, AdjustmentView)
@blueprint.doc(**IDEMPOTENT)
@needs(adjustments.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose to add points to a member or to take some; another person decides. Needs Idempotency-Key."""
    (member_id,) = ids.parse("mbr", asked["member"], parts=1)
    with database.begin() as session:
        return answer_once(session, member_id, asked, lambda: (201, _propose(session, member_id, asked)))


@blueprint.route("/adjustments")
@blueprint.arguments(CasesQuery, location="query")
@blueprint.response(200, AdjustmentsView)
@needs("approvals:read")
def list_adjustments(query: dict[str, Any]) -> dict[str, Any]:
    """Proposals, newest first; maybe of one state, or about one member."""
    key, limit, at = f"adjustments:{config().secret_key}", query["limit"], clock.now()
    place = pages.position(key, query["cursor"])
    member_id = ids.parse("mbr", query["member"], parts=1)[0] if query["member"] else None
    with database.begin() as session:
        cases = approvals.listed(
            session,
            [KIND],
            at,
            state=query["state"],
            member_id=member_id,
            before=place[0] if place else None,
            limit=limit + 1,
        )
        data = [adjustment_view(session, case, at) for case in cases[:limit]]
    more = len(cases) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, cases[limit - 1].proposal.proposal_id) if more else None,
    }


@blueprint.route("/adjustments/<adjustment>")
@blueprint.response(200, AdjustmentView)
@needs("approvals:read")
def one_adjustment(adjustment: str) -> dict[str, Any]:
    """One proposal, with the hash that an approval must name."""
    with database.begin() as session:
        case = approvals.by_id(session, approvals.parse(adjustment), KIND)
        return adjustment_view(session, case, clock.now())


@blueprint.route("/adjustments/<adjustment>/approve", methods=["POST"])
@blueprint.arguments(ApproveRequest)
@blueprint.response(200, AdjustmentView)
@blueprint.doc(**IDEMPOTENT)
@needs(adjustments.APPROVES)
def approve(asked: dict[str, Any], adjustment: str) -> Response:
    """Approve exactly what was seen, which posts it; never one's own proposal. Needs Idempotency-Key."""
    number, seen, note = approvals.parse(adjustment), asked["content_hash"], asked["note"]
    with database.begin() as session:
        member_id = approvals.by_id(session, number, KIND).proposal.member_id
        return answer_once(
            session,
            member_id,
            asked,
            lambda: _done(session, approvals.approve(session, current(), number, seen, clock.now(), note)),
        )


@blueprint.route("/adjustments/<adjustment>/reject", methods=["POST"])
@blueprint.arguments(RejectRequest)
@blueprint.response(200, AdjustmentView)
@blueprint.doc(**IDEMPOTENT)
@needs(adjustments.APPROVES)
def reject(asked: dict[str, Any], adjustment: str) -> Response:
    """Say no, and why. Needs Idempotency-Key."""
    number = approvals.parse(adjustment)
    with database.begin() as session:
        member_id = approvals.by_id(session, number, KIND).proposal.member_id
        return answer_once(
            session,
            member_id,
            asked,
            lambda: _done(session, approvals.reject(session, current(), number, clock.now(), asked["note"])),
        )


@blueprint.route("/adjustments/<adjustment>/withdraw", methods=["POST"])
@blueprint.response(200, AdjustmentView)
@blueprint.doc(**IDEMPOTENT)
@needs(adjustments.PROPOSES)
def withdraw(adjustment: str) -> Response:
    """Take one's own proposal back. Needs Idempotency-Key."""
    number = approvals.parse(adjustment)
    with database.begin() as session:
        member_id = approvals.by_id(session, number, KIND).proposal.member_id
        return answer_once(
            session,
            member_id,
            None,
            lambda: _done(session, approvals.withdraw(session, current(), number, clock.now())),
        )


def _propose(session: Session, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    case = adjustments.propose(session, current(), member_id, wanted_of(asked), at)
    return adjustment_view(session, case, at)


def _done(session: Session, case: Case) -> tuple[int, dict[str, Any]]:
    return 200, adjustment_view(session, case, clock.now())

"""HTTP: propose to merge a member into another, look, decide. The checker is another person than the maker."""

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
from points.merges import merges
from points.merges.merges import KIND
from points.merges.schemas import MergeRequest, MergesView, MergeView, merge_view

blueprint = Blueprint("merges", __name__, description="Two memberships become one")


@blueprint.route("/merges", methods=["POST"])
@blueprint.arguments(MergeRequest)
@blueprint.response(201, MergeView)
@blueprint.doc(**IDEMPOTENT)
@needs(merges.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose that a member's points, debt and later earnings go to another one. Needs Idempotency-Key."""
    (member_id,) = ids.parse("mbr", asked["member"], parts=1)
    with database.begin() as session:
        return answer_once(session, member_id, asked, lambda: (201, _propose(session, member_id, asked)))


@blueprint.route("/merges")
@blueprint.arguments(CasesQuery, location="query")
@blueprint.response(200, MergesView)
@needs("approvals:read")
def list_merges(query: dict[str, Any]) -> dict[str, Any]:
    """Proposals, newest first; maybe of one state, or about one member that ends."""
    key, limit, at = f"merges:{config().secret_key}", query["limit"], clock.now()
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
        data = [merge_view(session, case, at) for case in cases[:limit]]
    more = len(cases) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, cases[limit - 1].proposal.proposal_id) if more else None,
    }


@blueprint.route("/merges/<merge>")
@blueprint.response(200, MergeView)
@needs("approvals:read")
def one_merge(merge: str) -> dict[str, Any]:
    """One proposal, with the hash that an approval must name."""
    with database.begin() as session:
        case = approvals.by_id(session, approvals.parse(merge), KIND)
        return merge_view(session, case, clock.now())


@blueprint.route("/merges/<merge>/approve", methods=["POST"])
@blueprint.arguments(ApproveRequest)
@blueprint.response(200, MergeView)
@blueprint.doc(**IDEMPOTENT)
@needs(merges.APPROVES)
def approve(asked: dict[str, Any], merge: str) -> Response:
    """Approve exactly what was seen; the points leave at once and arrive a moment later. Needs Idempotency-Key."""
    number, seen, note = approvals.parse(merge), asked["content_hash"], asked["note"]
    with database.begin() as session:
        member_id = approvals.by_id(session, number, KIND).proposal.member_id
        return answer_once(
            session,
            member_id,
            asked,
            lambda: _done(session, approvals.approve(session, current(), number, seen, clock.now(), note)),
        )


@blueprint.route("/merges/<merge>/reject", methods=["POST"])
@blueprint.arguments(RejectRequest)
@blueprint.response(200, MergeView)
@blueprint.doc(**IDEMPOTENT)
@needs(merges.APPROVES)
def reject(asked: dict[str, Any], merge: str) -> Response:
    """Say no, and why. Needs Idempotency-Key."""
    number = approvals.parse(merge)
    with database.begin() as session:
        member_id = approvals.by_id(session, number, KIND).proposal.member_id
        return answer_once(
            session,
            member_id,
            asked,
            lambda: _done(session, approvals.reject(session, current(), number, clock.now(), asked["note"])),
        )


@blueprint.route("/merges/<merge>/withdraw", methods=["POST"])
@blueprint.response(200, MergeView)
@blueprint.doc(**IDEMPOTENT)
@needs(merges.PROPOSES)
def withdraw(merge: str) -> Response:
    """Take one's own proposal back. Needs Idempotency-Key."""
    number = approvals.parse(merge)
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
    (into_id,) = ids.parse("mbr", asked["into"], parts=1)
    case = merges.propose(session, current(), member_id, into_id, asked["text"], asked["ticket"], at)
    return merge_view(session, case, at)


def _done(session: Session, case: Case) -> tuple[int, dict[str, Any]]:
    return 200, merge_view(session, case, clock.now())

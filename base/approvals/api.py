"""HTTP that all kinds of proposals share: list, look, approve, reject, withdraw. How one is made is the kind's own."""

from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.approvals import approvals, beside
from base.approvals.approvals import Case
from base.approvals.schemas import ApproveRequest, CasesQuery, CaseView, RejectRequest
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, View, answer_once
from base.http.settings import config


def deciding(
    blueprint: Blueprint,
    place: str,
    topic: ModuleType,
    shown: Callable[[Session, Case, datetime], dict[str, Any]],
    one_view: type[CaseView],
    page_view: type[View],
) -> None:
    """Add these calls of a kind under a place; its rules name KIND, READS, PROPOSES and APPROVES."""
    kind: str = topic.KIND

    @blueprint.route(f"/{place}")
    @blueprint.arguments(CasesQuery, location="query")
    @blueprint.response(200, page_view)
    @needs(topic.READS)
    def list_them(query: dict[str, Any]) -> dict[str, Any]:
        """Proposals, newest first; maybe of one state, or about one member."""
        key, limit, at = f"{place}:{config().secret_key}", query["limit"], clock.now()
        before = pages.position(key, query["cursor"])
        member_id = ids.parse("mbr", query["member"], parts=1)[0] if query["member"] else None
        with database.begin() as session:
            cases = approvals.listed(
                session,
                [kind],
                at,
                state=query["state"],
                member_id=member_id,
                before=before[0] if before else None,
                person=current(),
                limit=limit + 1,
            )
            data = [shown(session, case, at) for case in cases[:limit]]
        more = len(cases) > limit
        return {
            "data": data,
            "has_more": more,
            "next_cursor": pages.cursor(key, cases[limit - 1].proposal.proposal_id) if more else None,
        }

    @blueprint.route(f"/{place}/<proposal>")
    @blueprint.response(200, one_view)
    @needs(topic.READS)
    def one(proposal: str) -> dict[str, Any]:
        """One proposal, with the hash that an approval must name."""
        with database.begin() as session:
            case = approvals.by_id(session, approvals.parse(proposal), kind, current())
            return shown(session, case, clock.now()) | beside.of(session, current(), case.proposal)

    @blueprint.route(f"/{place}/<proposal>/approve", methods=["POST"])
    @blueprint.arguments(ApproveRequest)
    @blueprint.response(200, one_view)
    @blueprint.doc(**IDEMPOTENT)
    @needs(topic.APPROVES)
    def approve(asked: dict[str, Any], proposal: str) -> Response:
        """Approve exactly what was seen, which does it at once; never one's own proposal. Needs Idempotency-Key."""
        number, seen, note = approvals.parse(proposal), asked["content_hash"], asked["note"]
        with database.begin() as session:
            return answer_once(
                session,
                about(session, number),
                asked,
                lambda: done(session, approvals.approve(session, current(), number, seen, clock.now(), note)),
            )

    @blueprint.route(f"/{place}/<proposal>/reject", methods=["POST"])
    @blueprint.arguments(RejectRequest)
    @blueprint.response(200, one_view)
    @blueprint.doc(**IDEMPOTENT)
    @needs(topic.APPROVES)
    def reject(asked: dict[str, Any], proposal: str) -> Response:
        """Say no, and why. Needs Idempotency-Key."""
        number, note = approvals.parse(proposal), asked["note"]
        with database.begin() as session:
            return answer_once(
                session,
                about(session, number),
                asked,
                lambda: done(session, approvals.reject(session, current(), number, clock.now(), note)),
            )

    @blueprint.route(f"/{place}/<proposal>/withdraw", methods=["POST"])
    @blueprint.response(200, one_view)
    @blueprint.doc(**IDEMPOTENT)
    @needs(topic.PROPOSES)
    def withdraw(proposal: str) -> Response:
        """Take one's own proposal back. Needs Idempotency-Key."""
        number = approvals.parse(proposal)
        with database.begin() as session:
            return answer_once(
                session,
                about(session, number),
                None,
                lambda: done(session, approvals.withdraw(session, current(), number, clock.now())),
            )

    def about(session: Session, number: int) -> int:
        return approvals.by_id(session, number, kind, current()).proposal.member_id

    def done(session: Session, case: Case) -> tuple[int, dict[str, Any]]:
        return 200, shown(session, case, clock.now())

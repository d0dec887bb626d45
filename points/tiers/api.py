"""HTTP: a member's tiers and why; versions of ladders and granted tiers, each by two persons."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals import approvals
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points import programmes
from points.members import members, scope
from points.tiers import grants, proposals, tiers
from points.tiers.schemas import (
    TierEndRequest,
    TierGrantRequest,
    TierGrantsView,
    TierGrantView,
    TierPoliciesView,
    TierPolicyRequest,
    TierPolicyView,
    TiersView,
    grant_view,
    grant_wanted,
    policy_view,
    policy_wanted,
    tiers_view,
)

blueprint = Blueprint(
    "tiers", __name__, description="Tiers by what was earned, and tiers granted by two persons"
)


@blueprint.route("/members/me/tiers")
@blueprint.response(200, TiersView)
@needs("wallet:own")
def my_tiers() -> dict[str, Any]:
    """My tier on each ladder, until when, what the next one takes, and every change with its reason."""
    principal = current()
    assert isinstance(principal, Member)
    with database.begin() as session:
        return _tiers(session, principal.member_id)


@blueprint.route("/members/<member>/tiers")
@blueprint.response(200, TiersView)
@needs("members:read")
def member_tiers(member: str) -> dict[str, Any]:
    """A member's tiers, for the operator's systems and staff, within their scope."""
    with database.begin() as session:
        return _tiers(session, scope.find(session, current(), member).member_id)


@blueprint.route("/tier-policies", methods=["POST"])
@blueprint.arguments(TierPolicyRequest)
@blueprint.response(201, TierPolicyView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def propose_policy(asked: dict[str, Any]) -> Response:
    """Propose how a ladder is climbed from a day on; another person decides. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, proposals.NO_MEMBER, asked, lambda: (201, _policy(session, asked)))


deciding(blueprint, "tier-policies", proposals, policy_view, TierPolicyView, TierPoliciesView)


@blueprint.route("/tier-grants", methods=["POST"])
@blueprint.arguments(TierGrantRequest)
@blueprint.response(201, TierGrantView)
@blueprint.doc(**IDEMPOTENT)
@needs(grants.PROPOSES)
def propose_grant(asked: dict[str, Any]) -> Response:
    """Propose a tier for a member until a day; another person decides. Needs Idempotency-Key."""
    with database.begin() as session:
        member_id = scope.find(session, current(), asked["member"]).member_id
        return answer_once(session, member_id, asked, lambda: (201, _grant(session, member_id, asked)))


@blueprint.route("/tier-grants/<proposal>/revoke", methods=["POST"])
@blueprint.arguments(TierEndRequest)
@blueprint.response(201, TierGrantView)
@blueprint.doc(**IDEMPOTENT)
@needs(grants.PROPOSES)
def propose_end(asked: dict[str, Any], proposal: str) -> Response:
    """Propose that what this proposal granted counts no more; another person decides. Needs Idempotency-Key."""
    number = approvals.parse(proposal)
    with database.begin() as session:
        granted = approvals.by_id(session, number, grants.KIND).proposal
        scope.find(session, current(), ids.public("mbr", granted.member_id))

        def effect() -> tuple[int, dict[str, Any]]:
            at = clock.now()
            case = grants.propose_end(session, current(), granted, asked["reason"], at)
            return 201, grant_view(session, case, at)

        return answer_once(session, granted.member_id, asked, effect)


deciding(blueprint, "tier-grants", grants, grant_view, TierGrantView, TierGrantsView)


def _tiers(session: Session, member_id: int) -> dict[str, Any]:
    programme = programmes.by_id(session, members.by_id(session, member_id).programme_id)
    on = clock.day(clock.now(), programme.zone)
    return tiers_view(*tiers.seen(session, member_id, on))


def _policy(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    return policy_view(session, proposals.propose(session, current(), policy_wanted(asked), at), at)


def _grant(session: Session, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    case = grants.propose(session, current(), member_id, grant_wanted(asked), at)
    return grant_view(session, case, at)

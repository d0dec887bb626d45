"""HTTP: what a member's tier allows; the operator's systems and providers take uses down; rules by two persons."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.auth.principals import Member as MemberPrincipal
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points import programmes
from points.entitlements import entitlements, rules
from points.entitlements.rules import NO_MEMBER, Wanted
from points.entitlements.schemas import (
    EntitlementRequest,
    EntitlementRulesView,
    EntitlementRuleView,
    EntitlementView,
    UsedView,
    UseRequest,
    UsesView,
    UseView,
    rule_view,
    standing_view,
    use_view,
)
from points.members import members, scope
from points.members.models import Member
from points.wallets.schemas import PageQuery

blueprint = Blueprint("entitlements", __name__, description="What a tier allows in a period")


@blueprint.route("/members/me/entitlements")
@blueprint.response(200, EntitlementView(many=True))
@needs("entitlements:own")
def mine() -> list[dict[str, Any]]:
    """What the own tier allows in this period, what was used, and when it begins anew."""
    with database.begin() as session:
        return _listed(session, members.by_id(session, _me()))


@blueprint.route("/members/<member>/entitlements")
@blueprint.response(200, EntitlementView(many=True))
@needs("members:read")
def of_member(member: str) -> list[dict[str, Any]]:
    """What a member's tier allows in this period."""
    with database.begin() as session:
        return _listed(session, scope.find(session, current(), member))


@blueprint.route("/members/me/entitlement-uses")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, UsesView)
@needs("entitlements:own")
def my_uses(query: dict[str, Any]) -> dict[str, Any]:
    """What was used and undone, newest first."""
    with database.begin() as session:
        return _uses(session, _me(), query)


@blueprint.route("/members/<member>/entitlement-uses")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, UsesView)
@needs("members:read")
def uses_of_member(query: dict[str, Any], member: str) -> dict[str, Any]:
    """What a member used and what was undone, newest first."""
    with database.begin() as session:
        return _uses(session, scope.find(session, current(), member).member_id, query)


@blueprint.route("/entitlement-uses", methods=["POST"])
@blueprint.arguments(UseRequest)
@blueprint.response(201, UsedView)
@blueprint.doc(**IDEMPOTENT)
@needs("entitlements:write")
def use(asked: dict[str, Any]) -> Response:
    """Take a use down: the member is there, with so many guests. Needs Idempotency-Key."""
    with database.begin() as session:
        member = scope.find(session, current(), asked["member"])
        return answer_once(
            session, member.member_id, _plain(asked), lambda: (201, _use(session, member, asked))
        )


@blueprint.route("/entitlement-uses/<use>/undo", methods=["POST"])
@blueprint.response(200, UseView)
@blueprint.doc(**IDEMPOTENT)
@needs("entitlements:write")
def undo(use: str) -> Response:
    """Give a use back to its own period. Needs Idempotency-Key."""
    member_id, use_id = ids.parse("use", use)
    with database.begin() as session:
        scope.find(session, current(), ids.public("mbr", member_id))
        entitlements.refuse_redeemed(session, member_id, use_id)
        return answer_once(session, member_id, None, lambda: (200, _undo(session, member_id, use_id)))


@blueprint.route("/entitlements", methods=["POST"])
@blueprint.arguments(EntitlementRequest)
@blueprint.response(201, EntitlementRuleView)
@blueprint.doc(**IDEMPOTENT)
@needs(rules.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose what tiers may use of a perk from a day on; another person decides. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, _plain(asked), lambda: (201, _propose(session, asked)))


deciding(blueprint, "entitlements", rules, rule_view, EntitlementRuleView, EntitlementRulesView)


def _me() -> int:
    principal = current()
    assert isinstance(principal, MemberPrincipal)
    return principal.member_id


def _listed(session: Session, member: Member) -> list[dict[str, Any]]:
    programme = programmes.by_id(session, member.programme_id)
    today = clock.day(clock.now(), programme.zone)
    return [standing_view(one, today) for one in entitlements.of(session, member, programme, today)]


def _use(session: Session, member: Member, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    on = asked["on"] or clock.day(at, programmes.by_id(session, member.programme_id).zone)
    row, after = entitlements.use(
        session, member, asked["perk"], asked["guests"], on, asked["ref"], current().actor, at
    )
    left = {"left": after.allowance.left, "resets_on": after.period.until}
    shown: dict[str, Any] = UsedView().dump(use_view(row) | left)
    return shown


def _undo(session: Session, member_id: int, use_id: int) -> dict[str, Any]:
    undone = entitlements.undo(session, member_id, use_id, current().actor, clock.now())
    shown: dict[str, Any] = UseView().dump(use_view(undone))
    return shown


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    names = {"zh-CN": asked["names"]["zh"], "en": asked["names"]["en"]}
    wanted = Wanted(**asked | {"names": names, "blackout_days": tuple(asked["blackout_days"])})
    return rule_view(session, rules.propose(session, current(), wanted, at), at)


def _plain(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked in values that a hash can be made of."""
    return {name: str(value) for name, value in asked.items()}


def _uses(session: Session, member_id: int, query: dict[str, Any]) -> dict[str, Any]:
    key, limit = f"uses:{member_id}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    rows = entitlements.uses(session, member_id, before=place[0] if place else None, limit=limit + 1)
    more = len(rows) > limit
    return {
        "data": [use_view(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].use_id) if more else None,
    }

"""HTTP: a member invites a companion, who confirms or declines; either leaves. The operator's systems may look."""

from collections.abc import Callable
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, seals
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.companions import companions
from points.companions.companions import Link
from points.companions.schemas import InviteRequest, LinksView, LinkView, link_view
from points.members import scope

blueprint = Blueprint("companions", __name__, description="Two members linked by consent")


@blueprint.route("/members/me/companions")
@blueprint.response(200, LinksView)
@needs("companions:own")
def my_links() -> dict[str, Any]:
    """The member's links: invitations, companions, and what has ended."""
    with database.begin() as session:
        return _listed(session, _me().member_id)


@blueprint.route("/members/me/companions", methods=["POST"])
@blueprint.arguments(InviteRequest)
@blueprint.response(201, LinkView)
@blueprint.doc(**IDEMPOTENT)
@needs("companions:own")
def invite(asked: dict[str, Any]) -> Response:
    """Invite a companion, or confirm the one who has invited the caller. Needs Idempotency-Key."""
    me = _me().member_id
    whom = seals.blind(config().secret_key, "asked", f"{asked['customer_id']}\n{asked['phone']}").hex()
    with companions.counting_wrong(me), database.begin() as session:
        return answer_once(
            session,
            me,
            whom,
            lambda: (201, _shown(companions.invite(session, config(), me, **asked, at=clock.now()))),
        )


@blueprint.route("/members/me/companions/<link>/confirm", methods=["POST"])
@blueprint.response(200, LinkView)
@blueprint.doc(**IDEMPOTENT)
@needs("companions:own")
def confirm(link: str) -> Response:
    """Say yes to an invitation. Needs Idempotency-Key."""
    me = _me().member_id
    with database.begin() as session:
        return answer_once(
            session, me, None, _doing(lambda: companions.confirm(session, config(), me, link, clock.now()))
        )


@blueprint.route("/members/me/companions/<link>/end", methods=["POST"])
@blueprint.response(200, LinkView)
@blueprint.doc(**IDEMPOTENT)
@needs("companions:own")
def end(link: str) -> Response:
    """Decline an invitation, withdraw one's own, or leave. Needs Idempotency-Key."""
    me = _me().member_id
    with database.begin() as session:
        return answer_once(session, me, None, _doing(lambda: companions.end(session, me, link, clock.now())))


@blueprint.route("/members/<member>/companions")
@blueprint.response(200, LinksView)
@needs("members:read")
def links_of(member: str) -> dict[str, Any]:
    """A member's links."""
    with database.begin() as session:
        return _listed(session, scope.find(session, current(), member).member_id)


def _me() -> Member:
    principal = current()
    assert isinstance(principal, Member)
    return principal


def _listed(session: Session, member_id: int) -> dict[str, Any]:
    at = clock.now()
    found = [link_view(link, at) for link in companions.links(session, member_id, at)]
    return {"data": found, "most": companions.MOST_COMPANIONS}


def _doing(deed: Callable[[], Link]) -> Callable[[], tuple[int, Any]]:
    return lambda: (200, _shown(deed()))


def _shown(link: Link) -> dict[str, Any]:
    return link_view(link, clock.now())

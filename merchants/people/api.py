"""HTTP: a merchant's people sign in, are invited, change roles and leave; a manager does so for the clerks of the own outlet."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs, open_to_all
from base.http.api import IDEMPOTENT, NO_SIGN_IN, Blueprint, answer_once, shown_once
from base.http.settings import config
from merchants import scope
from merchants.people import invitations, people, sign_in
from merchants.people.invitations import Wanted
from merchants.people.schemas import (
    ColleagueView,
    InvitationRequest,
    InvitationsView,
    InvitationView,
    InvitedView,
    MerchantSignInRequest,
    PeopleView,
    RoleRequest,
    TakeUpRequest,
    TokenRequest,
    invitation_view,
    invited_view,
    person_view,
)
from merchants.schemas import PageQuery
from points.members.schemas import TokenView

blueprint = Blueprint(
    "merchant-people", __name__, description="A merchant's people: invitations, roles, sign-in"
)


@blueprint.route("/merchant/sign-ins", methods=["POST"])
@blueprint.arguments(MerchantSignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin(asked: dict[str, str]) -> dict[str, Any]:
    """Sign in with merchant code, number, and password (managers: PIN)."""
    return {"token": sign_in.begin(asked["merchant"], asked["number"], asked["secret"]), "kind": "merchant"}


@blueprint.route("/merchant/invitations/look", methods=["POST"])
@blueprint.arguments(TokenRequest)
@blueprint.response(200, InvitedView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def look(asked: dict[str, str]) -> dict[str, Any]:
    """What a token invites to; it stays good."""
    with database.begin() as session:
        return invited_view(*invitations.look(session, asked["token"], clock.now()))


@blueprint.route("/merchant/invitations/take-up", methods=["POST"])
@blueprint.arguments(TakeUpRequest)
@blueprint.response(201, ColleagueView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def take_up(asked: dict[str, str]) -> dict[str, Any]:
    """Choose the own PIN or password; the token is used up, so a second time is refused."""
    with database.begin() as session:
        return person_view(invitations.take_up(session, asked["token"], asked["secret"], clock.now()))


@blueprint.route("/merchant/people")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PeopleView)
@needs("clerks:manage")
def list_people(query: dict[str, Any]) -> dict[str, Any]:
    """The people of the caller's outlets, those who left too."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        key = f"people:{reach.merchant_id}:{config().secret_key}"
        place, limit = pages.position(key, query["cursor"]), query["limit"]
        rows = people.listed(session, reach, after=int(place[0]) if place else 0, limit=limit + 1)
        return pages.page(key, rows, limit, lambda one: [one.clerk_id], person_view)


@blueprint.route("/merchant/people/<person>/role", methods=["POST"])
@blueprint.arguments(RoleRequest)
@blueprint.response(200, ColleagueView)
@blueprint.doc(**IDEMPOTENT)
@needs("clerks:manage")
def change(asked: dict[str, Any], person: str) -> Response:
    """Another role or outlet; the person is signed out everywhere. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        reach = scope.reach_of(session, current())
        found = people.find(session, reach, person)
        outlet_id = scope.outlet(session, reach, asked["outlet"]).outlet_id if asked["outlet"] else None
        people.change(session, reach, found, asked["role"], outlet_id, clock.now())
        return person_view(found)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (200, effect(session)))


@blueprint.route("/merchant/people/<person>/end", methods=["POST"])
@blueprint.response(200, ColleagueView)
@blueprint.doc(**IDEMPOTENT)
@needs("clerks:manage")
def end(person: str) -> Response:
    """The person leaves: signed out everywhere at once, open shifts closed. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        reach = scope.reach_of(session, current())
        found = people.find(session, reach, person)
        people.end(session, reach, found, clock.now())
        return person_view(found)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, None, lambda: (200, effect(session)))


@blueprint.route("/merchant/people/<person>/invitations", methods=["POST"])
@blueprint.response(201, InvitationView)
@blueprint.doc(**IDEMPOTENT)
@needs("clerks:manage")
def renew(person: str) -> Response:
    """Let somebody who is there choose PIN or password anew; its path is in this answer alone. Needs Idempotency-Key."""

    fresh: list[str] = []
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            reach = scope.reach_of(session, current())
            made = invitations.renew(session, reach, people.find(session, reach, person), clock.now())
            fresh.append(made.path)
            return 201, invitation_view(made.invitation)

        answer = answer_once(session, NO_MEMBER, None, effect)
    return shown_once(answer, "path", fresh)


@blueprint.route("/merchant/invitations")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, InvitationsView)
@needs("clerks:manage")
def list_invitations(query: dict[str, Any]) -> dict[str, Any]:
    """Invitations in the caller's outlets that nobody took up yet."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        key = f"invitations:{reach.merchant_id}:{config().secret_key}"
        place, limit = pages.position(key, query["cursor"]), query["limit"]
        after = int(place[0]) if place else 0
        rows = invitations.open_ones(session, reach, clock.now(), after=after, limit=limit + 1)
        return pages.page(key, rows, limit, lambda one: [one.invitation_id], invitation_view)


@blueprint.route("/merchant/invitations", methods=["POST"])
@blueprint.arguments(InvitationRequest)
@blueprint.response(201, InvitationView)
@blueprint.doc(**IDEMPOTENT)
@needs("clerks:manage")
def invite(asked: dict[str, Any]) -> Response:
    """Let somebody in: good for 48 hours and once; its path is in this answer alone. Needs Idempotency-Key."""

    fresh: list[str] = []
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            reach = scope.reach_of(session, current())
            outlet_id = scope.outlet(session, reach, asked["outlet"]).outlet_id if asked["outlet"] else None
            wanted = Wanted(asked["number"], asked["role"], outlet_id)
            made = invitations.invite(session, reach, wanted, clock.now())
            fresh.append(made.path)
            return 201, invitation_view(made.invitation)

        answer = answer_once(session, NO_MEMBER, asked, effect)
    return shown_once(answer, "path", fresh)


@blueprint.route("/merchant/invitations/<invitation>/withdraw", methods=["POST"])
@blueprint.response(200, InvitationView)
@blueprint.doc(**IDEMPOTENT)
@needs("clerks:manage")
def withdraw(invitation: str) -> Response:
    """The token is worth nothing from now on. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        reach = scope.reach_of(session, current())
        return invitation_view(invitations.withdraw(session, reach, invitation, clock.now()))

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, None, lambda: (200, effect(session)))

"""HTTP: a member signs in with phone and code; the operator's systems tell what members are from a day on."""

from datetime import date
from typing import Any

from flask import Response, request

from base import audit, clock, database, pages
from base.auth import app_tokens, devices
from base.auth.guard import current, needs, open_to_all
from base.http.api import IDEMPOTENT, NO_SIGN_IN, Blueprint, answer_once
from base.http.settings import config
from points import programmes
from points.members import app_sign_in, attributes, scope, sign_in
from points.members.attributes import Told
from points.members.models import Member, MemberAttribute
from points.members.schemas import (
    AppSignInRequest,
    AttributeRequest,
    AttributesView,
    AttributeView,
    CodeRequest,
    SignInRequest,
    TokenView,
    attribute_view,
)
from points.wallets.schemas import PageQuery

blueprint = Blueprint("sign_ins", __name__, description="Members sign in")


@blueprint.route("/sign-ins/code", methods=["POST"])
@blueprint.arguments(CodeRequest)
@blueprint.response(202)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def ask_for_code(asked: dict[str, str]) -> dict[str, str]:
    """Send a one-time code by SMS. The answer is the same whether the number is known or not."""
    with database.begin() as session:
        programme = programmes.by_code(session, asked["programme"])
        sign_in.ask_for_code(
            session,
            config(),
            programme,
            asked["phone"],
            clock.now(),
            mark=asked["device"],
            source=request.remote_addr or "",
        )
    return {}


@blueprint.route("/sign-ins", methods=["POST"])
@blueprint.arguments(SignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin(asked: dict[str, str]) -> dict[str, Any]:
    """Sign in with the code; five tries a code."""
    with database.begin() as session:
        programme = programmes.by_code(session, asked["programme"])
        token = sign_in.token_for_code(
            session,
            config(),
            programme,
            asked["phone"],
            asked["code"],
            clock.now(),
            mark=asked["device"],
            words=devices.words(request.user_agent.string),
            source=request.remote_addr or "",
        )
    if token is None:
        raise sign_in.CodeRefused()
    return {"token": token, "kind": "member"}


@blueprint.route("/sign-ins/app", methods=["POST"])
@blueprint.arguments(AppSignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin_by_app(asked: dict[str, str]) -> dict[str, Any]:
    """Sign in with a token of the operator's app, which counts once. The same sign-in as by SMS comes of it."""
    at = clock.now()
    claims = app_tokens.checked(config(), asked["token"], at)
    words = devices.words(request.user_agent.string)
    with database.begin() as session:
        token = app_sign_in.token_for(session, config(), claims, asked["device"], words, at)
    return {"token": token, "kind": "member"}


@blueprint.route("/members/<member>/attributes", methods=["POST"])
@blueprint.arguments(AttributeRequest)
@blueprint.response(201, AttributeView)
@blueprint.doc(**IDEMPOTENT)
@needs("members:write")
def tell_attribute(asked: dict[str, Any], member: str) -> Response:
    """Tell what a member is from a day on: area, arpu_fen, risk, tier. The same again answers 200, another
    value for the same day is refused. Needs Idempotency-Key.
    """
    told = Told(asked["name"], asked["from_day"], asked["value"], current().actor, asked.get("reason"))
    plain = asked | {"from_day": str(asked["from_day"])}
    with database.begin() as session:
        found = scope.find(session, current(), member)
        programme = programmes.open_one(session, found.programme_id)

        def effect() -> tuple[int, Any]:
            fresh = attributes.tell(session, found.member_id, told, clock.day(clock.now(), programme.zone))
            row = session.get(MemberAttribute, (found.member_id, told.name, told.from_day))
            assert row is not None
            return 201 if fresh else 200, attribute_view(row)

        return answer_once(session, found.member_id, plain, effect)


@blueprint.route("/members/<member>/attributes")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, AttributesView)
@needs("members:read")
def list_attributes(query: dict[str, Any], member: str) -> dict[str, Any]:
    """All that was told of a member, by name, of each name the latest first; the look is on record."""
    key, limit = f"attributes:{member}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    before = (place[0], date.fromisoformat(place[1])) if place else None
    with database.begin() as session:
        found: Member = scope.find(session, current(), member)
        audit.write(session, current().actor, "member.attributes-viewed", member)
        rows = attributes.history(session, found.member_id, before=before, limit=limit + 1)
        data = [attribute_view(row) for row in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].name, str(rows[limit - 1].from_day))
        if more
        else None,
    }

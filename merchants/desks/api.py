"""HTTP: a merchant's owner adds cash desks, rolls their keys and revokes them. A key made here is shown in one answer alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.auth.guard import current, needs
from base.auth.principals import MerchantPerson
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants.desks import desks
from merchants.desks.desks import Made
from merchants.desks.schemas import (
    DeskRequest,
    DeskSecretView,
    DesksQuery,
    DesksView,
    DeskView,
    RollRequest,
    desk_view,
)
from merchants.terminals.models import SANDBOX

PERMISSION = "developer:manage"
NO_MEMBER = 0

blueprint = Blueprint("desks", __name__, description="Cash desks of a merchant and their keys")


@blueprint.route("/merchant/desks")
@blueprint.arguments(DesksQuery, location="query")
@blueprint.response(200, DesksView)
@needs(PERMISSION)
def list_desks(query: dict[str, Any]) -> dict[str, Any]:
    """The merchant's cash desks, newest first, revoked ones too."""
    key, limit = f"desks:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        before = place[0] if place else None
        rows = desks.listed(session, _person().merchant_id, before=before, limit=limit + 1)
        data = [desk_view(session, row) for row in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].terminal_id) if more else None,
    }


@blueprint.route("/merchant/desks", methods=["POST"])
@blueprint.arguments(DeskRequest)
@blueprint.response(201, DeskSecretView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def add(asked: dict[str, Any]) -> Response:
    """A cash desk more, or the sandbox terminal; it may act at once. Needs Idempotency-Key."""
    key, at = desks.read_key(asked.get("public_key")), clock.now()

    def made(session: Session) -> Made:
        if asked["kind"] == SANDBOX:
            return desks.add_sandbox(session, _person(), key, at)
        return desks.add(session, _person(), asked["outlet"], asked["name"], key, at)

    return _with_a_key(201, asked, made)


@blueprint.route("/merchant/desks/<desk>")
@blueprint.response(200, DeskView)
@needs(PERMISSION)
def one_desk(desk: str) -> dict[str, Any]:
    """A cash desk with its newest keys."""
    with database.begin() as session:
        return desk_view(session, desks.find(session, _person(), desk))


@blueprint.route("/merchant/desks/<desk>/keys", methods=["POST"])
@blueprint.arguments(RollRequest)
@blueprint.response(200, DeskSecretView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def roll(asked: dict[str, Any], desk: str) -> Response:
    """A fresh key; the one before counts for a while as well. Of a frozen desk it ends at once. Needs Idempotency-Key."""
    key, overlap = desks.read_key(asked.get("public_key")), timedelta(seconds=asked["overlap_s"])

    def made(session: Session) -> Made:
        row = desks.find(session, _person(), desk, lock=True)
        return desks.roll(session, _person(), row, key, overlap, clock.now())

    return _with_a_key(200, asked, made)


@blueprint.route("/merchant/desks/<desk>/keys/<key>/end", methods=["POST"])
@blueprint.response(200, DeskView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def end_key(desk: str, key: str) -> Response:
    """A key that another one takes the place of ends now. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = desks.find(session, _person(), desk, lock=True)
            return 200, _shown(session, desks.end_key(session, _person(), row, key, clock.now()))

        return answer_once(session, NO_MEMBER, None, effect)


@blueprint.route("/merchant/desks/<desk>/revoke", methods=["POST"])
@blueprint.response(200, DeskView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def revoke(desk: str) -> Response:
    """The desk can do nothing any more, within seconds everywhere, for good. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = desks.find(session, _person(), desk, lock=True)
            return 200, _shown(session, desks.revoke(session, _person(), row, clock.now()))

        return answer_once(session, NO_MEMBER, None, effect)


def _with_a_key(status: int, asked: Any, make: Callable[[Session], Made]) -> Response:
    """Once under the request's key; what is kept for a repeated request has no private key."""
    fresh: list[str] = []
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            made = make(session)
            if made.private_key:
                fresh.append(made.private_key)
            return status, _shown(session, made.terminal) | {"private_key": None}

        answer = answer_once(session, NO_MEMBER, asked, effect)
    if not fresh:
        return answer
    shown = jsonify(answer.get_json() | {"private_key": fresh[0]})
    shown.status_code, shown.headers["Cache-Control"] = answer.status_code, "no-store"
    return shown


def _shown(session: Session, terminal: Any) -> dict[str, Any]:
    shown: dict[str, Any] = DeskView().dump(desk_view(session, terminal))
    return shown


def _person() -> MerchantPerson:
    person = current()
    assert isinstance(person, MerchantPerson)
    return person

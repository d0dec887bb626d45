"""HTTP: a merchant's people add, pair and revoke tills; a manager those of the own outlet, at a till as well."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once, shown_once
from base.http.settings import config
from merchants import scope
from merchants.schemas import PageQuery
from merchants.tills import tills
from merchants.tills.schemas import (
    PairingCodeView,
    TillRequest,
    TillsView,
    TillView,
    code_view,
    till_view,
)

blueprint = Blueprint("merchant-tills", __name__, description="A merchant's tills: added, paired, revoked")


@blueprint.route("/merchant/terminals")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, TillsView)
@needs("terminals:manage")
def list_them(query: dict[str, Any]) -> dict[str, Any]:
    """The tills of the caller's outlets, revoked ones too, in the order in which they came."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        key = f"tills:{reach.merchant_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        after, limit = int(place[0]) if place else 0, query["limit"]
        rows = tills.listed(session, reach, clock.now(), after=after, limit=limit + 1)
        return pages.page(key, rows, limit, lambda one: [one.terminal.terminal_id], till_view)


@blueprint.route("/merchant/terminals", methods=["POST"])
@blueprint.arguments(TillRequest)
@blueprint.response(201, TillView)
@blueprint.doc(**IDEMPOTENT)
@needs("terminals:manage")
def add(asked: dict[str, Any]) -> Response:
    """A till more; it can do nothing before it is paired. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, _add(session, asked)))


@blueprint.route("/merchant/terminals/<terminal>/pairing-codes", methods=["POST"])
@blueprint.response(201, PairingCodeView)
@blueprint.doc(**IDEMPOTENT)
@needs("terminals:manage")
def open_pairing(terminal: str) -> Response:
    """Six digits for the till, good for ten minutes and once; they are in this answer alone. Needs Idempotency-Key."""
    fresh: list[str] = []
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            reach, at = scope.reach_of(session, current()), clock.now()
            found = tills.find(session, reach, terminal, at).terminal
            made = tills.pairing_code(session, config().secret_key, found, reach.actor, at)
            fresh.append(made.code)
            return 201, code_view(made)

        answer = answer_once(session, NO_MEMBER, None, effect)
    return shown_once(answer, "code", fresh)


@blueprint.route("/merchant/terminals/<terminal>/revoke", methods=["POST"])
@blueprint.response(200, TillView)
@blueprint.doc(**IDEMPOTENT)
@needs("terminals:manage")
def revoke(terminal: str) -> Response:
    """The till can do nothing any more, within seconds and for good. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, None, lambda: (200, _revoke(session, terminal)))


def _add(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    reach = scope.reach_of(session, current())
    outlet = scope.outlet(session, reach, asked["outlet"])
    made = tills.add(session, outlet, reach.actor, kind=asked["kind"])
    return till_view(tills.find(session, reach, tills.public_id(made), clock.now()))


def _revoke(session: Session, terminal: str) -> dict[str, Any]:
    reach, at = scope.reach_of(session, current()), clock.now()
    found = tills.find(session, reach, terminal, at)
    tills.revoke(session, found.terminal, reach.actor, at)
    return till_view(found)

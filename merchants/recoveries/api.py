"""HTTP: what merchants owe and how it comes back, rung by rung; write-offs by two persons."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.errors import NotFound
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants import scope
from merchants.recoveries import recoveries, write_offs
from merchants.recoveries.models import Recovery
from merchants.recoveries.recoveries import RecoveryUnknown
from merchants.recoveries.schemas import (
    PaidRequest,
    RecoveriesView,
    RecoveryView,
    RungRequest,
    WriteOffRequest,
    WriteOffsView,
    WriteOffView,
    debt_view,
    recovery_view,
    write_off_view,
)
from merchants.schemas import PageQuery

blueprint = Blueprint("recoveries", __name__, description="What merchants owe, and how it comes back")


@blueprint.route("/merchants/<merchant>/recoveries")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, RecoveriesView)
@needs(recoveries.READS)
def list_them(query: dict[str, Any], merchant: str) -> dict[str, Any]:
    """What a merchant within the caller's area owes, the rung that comes next, and those that were taken."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
        key, limit = f"recoveries:{found.merchant_id}:{config().secret_key}", query["limit"]
        place = pages.position(key, query["cursor"])
        before = int(place[0]) if place else None
        rows = recoveries.all_of(session, found.merchant_id, before=before, limit=limit + 1)
        page = pages.page(key, rows, limit, lambda one: [one.recovery_id], recovery_view)
        return page | debt_view(session, found)


@blueprint.route("/merchants/<merchant>/recoveries", methods=["POST"])
@blueprint.arguments(RungRequest)
@blueprint.response(201, RecoveryView)
@blueprint.doc(**IDEMPOTENT)
@needs(recoveries.MANAGES)
def take(asked: dict[str, Any], merchant: str) -> Response:
    """Take the next rung of the ladder, for as much as it brings. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        found, actor = scope.merchant(session, current(), merchant), current().actor
        return recovery_view(
            recoveries.take(session, found, asked["step"], asked["reason"], actor, clock.now())
        )

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


@blueprint.route("/recoveries/<recovery>/paid", methods=["POST"])
@blueprint.arguments(PaidRequest)
@blueprint.response(200, RecoveryView)
@blueprint.doc(**IDEMPOTENT)
@needs(recoveries.MANAGES)
def paid(asked: dict[str, Any], recovery: str) -> Response:
    """The merchant has paid an invoice. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        row = _own(session, recovery)
        return recovery_view(recoveries.paid(session, row, asked["reference"], current().actor, clock.now()))

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (200, effect(session)))


@blueprint.route("/write-off-proposals", methods=["POST"])
@blueprint.arguments(WriteOffRequest)
@blueprint.response(201, WriteOffView)
@blueprint.doc(**IDEMPOTENT)
@needs(write_offs.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose that an invoice that nobody pays is written off. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at, row = clock.now(), _own(session, asked["invoice"])
        return write_off_view(session, write_offs.propose(session, current(), row, asked["reason"], at), at)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


deciding(blueprint, "write-off-proposals", write_offs, write_off_view, WriteOffView, WriteOffsView)


def _own(session: Session, public_id: str) -> Recovery:
    """A recovery of a merchant within the caller's area; RecoveryUnknown."""
    try:
        merchant_id, number = ids.parse("rcv", public_id)
    except NotFound:
        raise RecoveryUnknown() from None
    if not scope.sees(session, current(), merchant_id):
        raise RecoveryUnknown()
    return recoveries.find(session, merchant_id, number)

"""HTTP: a member says "this was not me"; the staff lists, takes, decides and closes disputes, and freezes vouchers by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Member, Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.disputes import disputing
from catalog.disputes.schemas import (
    CloseDisputeRequest,
    DecideRequest,
    DisputesQuery,
    DisputesView,
    DisputeView,
    FreezeRequest,
    FreezeView,
    OwnDisputeView,
    dispute_view,
    own_view,
)
from catalog.vouchers import freezing
from catalog.vouchers.models import Voucher
from merchants.disputes import disputes
from merchants.disputes.models import Dispute
from points.members import scope

blueprint = Blueprint("disputes", __name__, description="Disputed acceptances and frozen vouchers")


@blueprint.route("/acceptances/<acceptance>/not-me", methods=["POST"])
@blueprint.response(201, OwnDisputeView)
@blueprint.doc(**IDEMPOTENT)
@needs("vouchers:own")
def not_me(acceptance: str) -> Response:
    """Say that an acceptance was not yours: what is left is frozen, and a person looks into it. Needs Idempotency-Key."""
    me, key = current(), ids.parse("acc", acceptance)
    assert isinstance(me, Member)
    with database.begin() as session:
        return answer_once(
            session,
            key[0],
            {"acceptance": acceptance},
            lambda: (201, own_view(disputing.not_me(session, config(), me, (key[0], key[1]), clock.now()))),
        )


@blueprint.route("/disputes")
@blueprint.arguments(DisputesQuery, location="query")
@blueprint.response(200, DisputesView)
@needs(disputing.READS)
def list_disputes(query: dict[str, Any]) -> dict[str, Any]:
    """Disputes of one's own scope, the oldest first; maybe of one state."""
    key, limit, at = f"disputes:{config().secret_key}", query["limit"], clock.now()
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        rows = disputes.listed(
            session, current(), state=query["state"], after=place[0] if place else None, limit=limit + 1
        )
        data = [dispute_view(session, row, at) for row in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].dispute_id) if more else None,
    }


@blueprint.route("/disputes/<dispute>")
@blueprint.response(200, DisputeView)
@needs(disputing.READS)
def one_dispute(dispute: str) -> dict[str, Any]:
    """One dispute."""
    member_id, dispute_id = ids.parse("dsp", dispute)
    with database.begin() as session:
        return dispute_view(session, disputes.find(session, current(), member_id, dispute_id), clock.now())


@blueprint.route("/disputes/<dispute>/take", methods=["POST"])
@blueprint.response(200, DisputeView)
@blueprint.doc(**IDEMPOTENT)
@needs(disputing.HANDLES)
def take(dispute: str) -> Response:
    """Look into it oneself; the first one owns it. Needs Idempotency-Key."""
    return _done(dispute, {"take": dispute}, disputing.take)


@blueprint.route("/disputes/<dispute>/decide", methods=["POST"])
@blueprint.arguments(DecideRequest)
@blueprint.response(200, DisputeView)
@blueprint.doc(**IDEMPOTENT)
@needs(disputing.HANDLES)
def decide(asked: dict[str, Any], dispute: str) -> Response:
    """Decide for the member or the merchant, with the reason, once. Needs Idempotency-Key."""

    def deed(session: Session, person: Staff, key: tuple[int, int], at: datetime) -> Dispute:
        return disputing.decide(session, config(), person, key, asked["verdict"], asked["reason"], at)

    return _done(dispute, asked, deed)


@blueprint.route("/disputes/<dispute>/close", methods=["POST"])
@blueprint.arguments(CloseDisputeRequest)
@blueprint.response(200, DisputeView)
@blueprint.doc(**IDEMPOTENT)
@needs(disputing.HANDLES)
def close(asked: dict[str, Any], dispute: str) -> Response:
    """Say that nothing is left to do about a decided one. Needs Idempotency-Key."""

    def deed(session: Session, person: Staff, key: tuple[int, int], at: datetime) -> Dispute:
        return disputing.close(session, person, key, asked["closing"], at)

    return _done(dispute, asked, deed)


@blueprint.route("/vouchers/<voucher>/freeze", methods=["POST"])
@blueprint.arguments(FreezeRequest)
@blueprint.response(200, FreezeView)
@blueprint.doc(**IDEMPOTENT)
@needs(freezing.FREEZES)
def freeze(asked: dict[str, Any], voucher: str) -> Response:
    """Freeze a voucher for a risk; the reason is on record. Needs Idempotency-Key."""
    return _frozen(voucher, asked, freezing.freeze)


@blueprint.route("/vouchers/<voucher>/thaw", methods=["POST"])
@blueprint.arguments(FreezeRequest)
@blueprint.response(200, FreezeView)
@blueprint.doc(**IDEMPOTENT)
@needs(freezing.FREEZES)
def thaw(asked: dict[str, Any], voucher: str) -> Response:
    """Take back a freeze by hand; what a dispute froze stays frozen. Needs Idempotency-Key."""
    return _frozen(voucher, asked, freezing.thaw)


def _done(
    dispute: str,
    asked: dict[str, Any],
    deed: Callable[[Session, Staff, tuple[int, int], datetime], Dispute],
) -> Response:
    person, at = current(), clock.now()
    assert isinstance(person, Staff)
    member_id, dispute_id = ids.parse("dsp", dispute)
    with database.begin() as session:
        return answer_once(
            session,
            member_id,
            asked,
            lambda: (
                200,
                dispute_view(session, deed(session, person, (member_id, dispute_id), at), at),
            ),
        )


def _frozen(
    voucher: str,
    asked: dict[str, Any],
    deed: Callable[[Session, tuple[int, int], str, str, datetime], Voucher],
) -> Response:
    member_id, voucher_id = ids.parse("vch", voucher)
    with database.begin() as session:
        scope.check(session, current(), member_id)

        def effect() -> tuple[int, dict[str, Any]]:
            place, said = (member_id, voucher_id), asked["reason"]
            return 200, {
                "id": voucher,
                "state": deed(session, place, current().actor, said, clock.now()).state,
            }

        return answer_once(session, member_id, asked, effect)

"""HTTP: a member says "this was not me", a merchant disputes a line; the staff lists, takes, decides and closes disputes, and freezes vouchers by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.auth.principals import Member, Staff
from base.errors import field_errors
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
    MerchantDisputesView,
    MerchantDisputeView,
    OpenDisputeRequest,
    OwnDisputeView,
    dispute_view,
    merchant_view,
    own_view,
)
from catalog.redemptions.models import Redemption
from catalog.vouchers import freezing
from catalog.vouchers.models import Voucher
from merchants import scope as merchant_scope
from merchants.disputes import disputes
from merchants.disputes.models import Dispute
from merchants.models import Acceptance
from merchants.scope import Reach
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


@blueprint.route("/merchant/disputes", methods=["POST"])
@blueprint.arguments(OpenDisputeRequest)
@blueprint.response(201, MerchantDisputeView)
@blueprint.doc(**IDEMPOTENT)
@needs(disputing.OPENS)
def open_own(asked: dict[str, Any]) -> Response:
    """Dispute an acceptance of the own merchant, or its line on a statement: its amount is held. Needs Idempotency-Key."""
    with database.begin() as session:
        mine = merchant_scope.reach_of(session, current())
        return answer_once(
            session, NO_MEMBER, asked, lambda: (201, merchant_view(session, _opened(session, mine, asked)))
        )


@blueprint.route("/merchant/disputes")
@blueprint.arguments(DisputesQuery, location="query")
@blueprint.response(200, MerchantDisputesView)
@needs(disputing.OPENS)
def list_own(query: dict[str, Any]) -> dict[str, Any]:
    """Disputes about the own merchant's acceptances, the newest first; maybe of one state."""
    with database.begin() as session:
        mine = merchant_scope.reach_of(session, current())
        key = f"own disputes:{mine.merchant_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        rows = disputes.of_merchant_listed(
            session,
            mine.merchant_id,
            state=query["state"],
            before=place[0] if place else None,
            limit=query["limit"] + 1,
        )
        return pages.page(
            key, rows, query["limit"], lambda row: [row.dispute_id], lambda row: merchant_view(session, row)
        )


@blueprint.route("/merchant/disputes/<dispute>")
@blueprint.response(200, MerchantDisputeView)
@needs(disputing.OPENS)
def one_own(dispute: str) -> dict[str, Any]:
    """One dispute about an acceptance of the own merchant."""
    member_id, dispute_id = ids.parse("dsp", dispute)
    with database.begin() as session:
        mine = merchant_scope.reach_of(session, current())
        return merchant_view(session, disputes.of_merchant(session, mine.merchant_id, member_id, dispute_id))


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
        database.bring(session, Acceptance, ((row.member_id, row.acceptance_id) for row in rows))
        database.bring(session, Voucher, ((row.member_id, row.voucher_id) for row in rows))
        vouchers = (session.get_one(Voucher, (row.member_id, row.voucher_id)) for row in rows)
        database.bring(session, Redemption, ((one.member_id, one.redemption_id) for one in vouchers))
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


def _opened(session: Session, mine: Reach, asked: dict[str, Any]) -> Dispute:
    if (asked["acceptance"] is None) == (asked["line"] is None):
        raise field_errors({"acceptance": "name an acceptance or a line, one of them"})
    if asked["line"] is not None:
        merchant_id, number, line_no = ids.parse("stl", asked["line"], parts=3)
        return disputing.open_line(session, mine, (merchant_id, number, line_no), asked["said"], clock.now())
    member_id, acceptance_id = ids.parse("acc", asked["acceptance"])
    return disputing.open_for(session, mine, (member_id, acceptance_id), asked["said"], clock.now())


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

"""HTTP: a member opens a voucher; a till checks, accepts, releases and voids."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from base import clock, database, idempotency, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Clerk, Member, Terminal
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.gifts import giving
from catalog.sandbox import sandbox
from catalog.vouchers import codes, conditions, life, shelf, till
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import HELD, ISSUED
from catalog.vouchers.refusals import VoucherUnknown
from catalog.vouchers.schemas import (
    AcceptanceView,
    AcceptRequest,
    CheckRequest,
    CheckView,
    ReleaseRequest,
    TillOutcomeView,
    VoidRequest,
    VoidView,
    VouchersQuery,
    VouchersView,
    VoucherView,
    acceptance_view,
    check_view,
    outcome_view,
    void_view,
    voucher_row_view,
    voucher_view,
)
from merchants import merchants
from merchants.acceptances import Place
from merchants.models import Acceptance, Void
from merchants.terminals import places
from points.groups import spending

blueprint = Blueprint("vouchers", __name__, description="Vouchers and the till")


@blueprint.route("/vouchers")
@blueprint.arguments(VouchersQuery, location="query")
@blueprint.response(200, VouchersView)
@needs("vouchers:own")
def list_vouchers(query: dict[str, Any]) -> dict[str, Any]:
    """The member's vouchers of one heap, those from a friend included; no codes."""
    me, heap, limit = current(), query["heap"], query["limit"]
    assert isinstance(me, Member)
    key = f"vouchers:{heap}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    after = (date.fromisoformat(place[0]), int(place[1])) if place else None
    with database.begin() as session:
        rows = shelf.listed(session, me.member_id, clock.now(), heap, after=after, limit=limit + 1)
        gifts = giving.from_friends(session, me.member_id, {kept.voucher.voucher_id for kept in rows})
    last = rows[limit - 1].voucher if len(rows) > limit else None
    return {
        "data": [voucher_row_view(kept, gifts.get(kept.voucher.voucher_id)) for kept in rows[:limit]],
        "has_more": last is not None,
        "next_cursor": pages.cursor(key, last.last_day.isoformat(), last.voucher_id) if last else None,
    }


@blueprint.route("/vouchers/<voucher>")
@blueprint.response(200, VoucherView)
@needs("vouchers:own")
def one_voucher(voucher: str) -> dict[str, Any]:
    """The member's own voucher, or one redeemed for a group, with its code while it can be used."""
    me = current()
    assert isinstance(me, Member)
    member_id, voucher_id = ids.parse("vch", voucher)
    at, keys = clock.now(), Keys.of(config())
    with database.begin() as session:
        row, offer = life.of_member(session, member_id, voucher_id)
        if not spending.belongs(session, me.member_id, row.member_id, row.spender_id):
            raise VoucherUnknown()
        zone = merchants.by_id(session, row.merchant_id).zone
        bound = conditions.said(session, offer)
    state = life.state_now(row, at, clock.day(at, zone))
    if state not in (ISSUED, HELD):
        return voucher_view(row, offer, state, None, [], bound)
    symbols = codes.opened(keys, row.voucher_id, row.code_sealed)
    return voucher_view(
        row, offer, state, codes.shown(symbols), codes.pictures(keys, row, symbols, at), bound
    )


@blueprint.route("/vouchers/check", methods=["POST"])
@blueprint.arguments(CheckRequest)
@blueprint.response(200, CheckView)
@needs("vouchers:check")
def check(asked: dict[str, Any]) -> dict[str, Any]:
    """Look a voucher up and hold it for this till for two minutes."""
    if (desk := _sandbox()) is not None:
        with sandbox.marked():
            return sandbox.check(config(), desk, asked)
    shown = codes.read(asked["code"], asked.get("digits"))
    return check_view(*till.check(config(), _place(asked), shown))


@blueprint.route("/vouchers/accept", methods=["POST"])
@blueprint.arguments(AcceptRequest)
@blueprint.response(201, AcceptanceView)
@blueprint.doc(**IDEMPOTENT)
@needs("vouchers:accept")
def accept(asked: dict[str, Any]) -> Response:
    """Take a checked voucher, or directly by its code where the terms allow: exactly one winner. Needs Idempotency-Key."""
    if (desk := _sandbox()) is not None:
        with sandbox.marked():
            return sandbox.accept(config(), desk, asked, _tried(asked))
    place, units = _place(asked), asked.get("units")

    def answered(session: Session, member_id: int, effect: Callable[[], Acceptance]) -> Response:
        return answer_once(session, member_id, asked, lambda: (201, acceptance_view(effect())))

    if token := asked.get("check_token"):
        return till.accept(config(), place, token, units, answered)
    shown = codes.read(asked["code"], asked.get("digits"))
    return till.accept_directly(config(), place, shown, units, answered)


@blueprint.route("/vouchers/release", methods=["POST"])
@blueprint.arguments(ReleaseRequest)
@blueprint.response(204)
@needs("vouchers:check")
def release(asked: dict[str, Any]) -> None:
    """Let a checked voucher go; harmless to repeat."""
    if (desk := _sandbox()) is not None:
        with sandbox.marked():
            return sandbox.release(config(), desk, asked)
    till.release(config(), _place(asked), asked["check_token"])


@blueprint.route("/acceptances/<acceptance>/void", methods=["POST"])
@blueprint.arguments(VoidRequest)
@blueprint.response(201, VoidView)
@blueprint.doc(**IDEMPOTENT)
@needs("acceptances:void")
def void(asked: dict[str, Any], acceptance: str) -> Response:
    """Undo an acceptance, within the windows of the terms. Needs Idempotency-Key."""
    if (desk := _sandbox()) is not None:
        with sandbox.marked():
            return sandbox.void(desk, acceptance, _tried(asked))
    member_id, acceptance_id = ids.parse("acc", acceptance)

    def answered(session: Session, member_id: int, effect: Callable[[], Void]) -> Response:
        return answer_once(session, member_id, asked, lambda: (201, void_view(effect())))

    return till.void(config(), _place(asked), (member_id, acceptance_id), asked["reason"], answered)


@blueprint.route("/acceptances/outcome")
@blueprint.response(200, TillOutcomeView)
@blueprint.doc(**IDEMPOTENT)
@needs("vouchers:accept")
def outcome() -> dict[str, Any]:
    """What became of an acceptance or a void whose answer was lost: asked by its Idempotency-Key, changes nothing."""
    key = idempotency.checked(request.headers.get("Idempotency-Key"))
    with database.begin() as session:
        found = idempotency.outcome(session, current().actor, key)
    return outcome_view(found) | ({"sandbox": True} if _sandbox() else {})


def _sandbox() -> Terminal | None:
    """The asker, where it is a terminal for trying things out."""
    actor = current()
    return actor if isinstance(actor, Terminal) and actor.is_sandbox else None


def _tried(asked: dict[str, Any]) -> Callable[[Session, int, Callable[[], dict[str, Any]]], Response]:
    """Once for its key, as the real thing."""
    return lambda session, nobody, effect: answer_once(session, nobody, asked, lambda: (201, effect()))


def _place(asked: dict[str, Any]) -> Place:
    actor = current()
    assert isinstance(actor, Clerk | Terminal)
    return places.place_of(actor, asked.get("clerk"))

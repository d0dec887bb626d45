"""Disputes: the list with the oldest first, and one of them with the forms to take, decide and close it."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.http import PAGE, cut, page, position
from admin.console.sheets import http as sheets
from admin.staff.models import StaffRow
from base import clock, database, idempotency, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.settings import config
from catalog.disputes import disputing
from catalog.disputes.schemas import held_fen
from catalog.vouchers import life
from merchants.disputes import disputes
from merchants.disputes.models import MEMBER, OPEN, STATES, VERDICTS, Dispute
from merchants.models import Acceptance, Merchant, Outlet
from points.care import care

COLUMNS = (
    "dispute", "merchant", "amount_fen", "currency", "filed_at", "filed_by", "decide_by", "is_late", "looked_into_by", "state",
    "verdict",
)  # fmt: skip
blueprint = Blueprint("disputes", __name__)
Deed = Callable[[Session, Staff, tuple[int, int]], Any]


@blueprint.route("/disputes")
@needs(disputing.READS)
def dispute_list() -> ResponseReturnValue:
    """Those of one state, the oldest first; of the members that the person may see."""
    asked = request.args.get("state")
    state = asked if asked in STATES else OPEN
    place, at = position(f"disputes {state}"), clock.now()
    with database.begin() as session:
        as_file = sheets.is_asked()
        found = disputes.listed(
            session,
            current(),
            state=state,
            after=place[0] if place and not as_file else None,
            limit=sheets.MOST if as_file else PAGE + 1,
        )
        rows, after = (
            (found, None) if as_file else cut(f"disputes {state}", found, lambda row: [row.dispute_id])
        )
        database.bring(session, Acceptance, ((row.member_id, row.acceptance_id) for row in rows))
        database.bring(session, Merchant, (row.merchant_id for row in rows))
        database.bring(session, StaffRow, (row.handler_id for row in rows))
        shown = [
            (
                disputing.reference(row),
                row,
                session.get_one(Acceptance, (row.member_id, row.acceptance_id)),
                session.get_one(Merchant, row.merchant_id),
                care.name_of(session, row.handler_id) if row.handler_id else None,
                disputing.is_late(row, at),
            )
            for row in rows
        ]
        if as_file:
            return sheets.of_list(session, f"disputes-{state}", COLUMNS, map(_line, shown))
    return page(
        "console/disputes.html", rows=shown, state=state, words=words, after=after, as_file=bool(shown)
    )


def _line(shown: tuple[str, Dispute, Acceptance, Merchant, str | None, bool]) -> Sequence[Any]:
    id, row, acceptance, merchant, handler, is_late = shown
    return (
        id, merchant.code, row.amount_fen, acceptance.currency, row.opened_at.isoformat(), row.side,
        row.decide_by.isoformat(), int(is_late), handler, row.state, row.verdict,
    )  # fmt: skip


@blueprint.route("/disputes/<dispute>")
@needs(disputing.READS)
def one_dispute(dispute: str) -> ResponseReturnValue:
    """What was used where, who says so, and what can be done."""
    member_id, dispute_id = ids.parse("dsp", dispute)
    person, at = current(), clock.now()
    assert isinstance(person, Staff)
    with database.begin() as session:
        row = disputes.find(session, person, member_id, dispute_id)
        voucher, offer = life.of_member(session, member_id, row.voucher_id)
        merchant = session.get_one(Merchant, row.merchant_id)
        acceptance = session.get_one(Acceptance, (member_id, row.acceptance_id))
        return page(
            "console/dispute.html",
            id=dispute,
            row=row,
            member_ref=ids.public("mbr", member_id),
            acceptance=acceptance,
            voucher=voucher,
            voucher_state=life.state_now(voucher, at, clock.day(at, merchant.zone)),
            offer=offer,
            merchant=merchant,
            held=held_fen(row, acceptance),
            outlet=session.get_one(Outlet, row.outlet_id),
            handler=care.name_of(session, row.handler_id) if row.handler_id else None,
            is_late=disputing.is_late(row, at),
            points_due=disputing.points_due(session, row) if row.verdict == MEMBER else None,
            may_handle=disputing.HANDLES in person.permissions,
            is_mine=row.handler_id == person.staff_id,
            verdicts=[(one, words.VERDICTS[one]) for one in VERDICTS],
            words=words,
            key=str(uuid4()),
        )


@blueprint.route("/disputes/<dispute>/take", methods=["POST"])
@needs(disputing.HANDLES)
def take(dispute: str) -> ResponseReturnValue:
    """Look into it oneself."""
    return _done(dispute, lambda session, person, key: disputing.take(session, person, key, clock.now()))


@blueprint.route("/disputes/<dispute>/decide", methods=["POST"])
@needs(disputing.HANDLES)
def decide(dispute: str) -> ResponseReturnValue:
    """For the member or the merchant, once."""
    verdict, reason = request.form.get("verdict", ""), request.form.get("reason", "").strip()
    return _done(
        dispute,
        lambda session, person, key: disputing.decide(
            session, config(), person, key, verdict, reason, clock.now()
        ),
    )


@blueprint.route("/disputes/<dispute>/close", methods=["POST"])
@needs(disputing.HANDLES)
def close(dispute: str) -> ResponseReturnValue:
    """Nothing is left to do."""
    said = request.form.get("closing", "").strip()
    return _done(
        dispute, lambda session, person, key: disputing.close(session, person, key, said, clock.now())
    )


def _done(dispute: str, deed: Deed) -> ResponseReturnValue:
    key, person = idempotency.checked(request.form.get("key")), current()
    assert isinstance(person, Staff)
    member_id, dispute_id = ids.parse("dsp", dispute)

    def effect() -> tuple[int, Any]:
        deed(session, person, (member_id, dispute_id))
        return 303, None

    asked = {"page": request.path, "form": {k: v for k, v in request.form.items() if k != "csrf_token"}}
    with database.begin() as session:
        idempotency.once(session, member_id, person.actor, key, asked, effect)
    return redirect(url_for(".one_dispute", dispute=dispute), 303)

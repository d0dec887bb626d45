"""The till's pages for points: a member's number and the amount of a purchase; what was given, and the form to undo it."""

from collections.abc import Callable
from uuid import uuid4

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.till.frame import amount, blueprint, clerk_here, page, text
from base import clock, database
from base.auth.guard import needs
from base.http.settings import config
from base.idempotency import Answer, checked, once
from base.web.i18n import both
from merchants import merchants
from merchants.earnings import earnings
from merchants.earnings import till as points
from merchants.earnings.earnings import Given
from merchants.earnings.models import EarningReversal
from merchants.earnings.schemas import earning_view, reversal_view
from merchants.models import Terms
from merchants.terminals import places
from points import programmes


@blueprint.route("/points")
@needs("acceptances:own")
def points_form() -> ResponseReturnValue:
    """The number and the amount."""
    with database.begin() as db:
        there = [(one.code, both(one.names)) for one in programmes.every(db) if one.closed_at is None]
    return page("till/points.html", programmes=there, key=str(uuid4()))


@blueprint.route("/points", methods=["POST"])
@needs("earnings:give")
def give_points() -> ResponseReturnValue:
    """Give the points; the same form sent twice gives them once."""
    clerk, phone, fen = clerk_here(), text("phone", 20), amount("amount", earnings.MOST_FEN)
    programme = request.form.get("programme") or None
    asked = {"path": request.path, "phone": phone, "amount_fen": fen, "programme": programme}
    key = checked(request.form.get("key"))

    def answered(db: Session, member_id: int, effect: Callable[[], Given]) -> Answer:
        return once(db, member_id, clerk.actor, key, asked, lambda: (201, earning_view(effect())))

    answer = points.give(config(), places.place_of(clerk), phone, fen, programme, answered)
    return redirect(url_for(".earned", earning=answer.body["id"], now=1), 303)


@blueprint.route("/points/<earning>")
@needs("acceptances:own")
def earned(earning: str) -> ResponseReturnValue:
    """What was given, and the form to undo it while that is possible."""
    clerk = clerk_here()
    place = places.place_of(clerk)
    with database.begin() as db:
        row = earnings.find(db, earning, clerk.merchant_id)
        if row.outlet_id != clerk.outlet_id:
            raise earnings.EarningUnknown()
        undone = earnings.reversal_of(db, row)
        zone = merchants.zone_of(db, row.merchant_id)
        until = earnings.reversible_until(row, db.get_one(Terms, row.terms_id), zone)
    may = earnings.may_reverse(row, place) and undone is None and clock.now() < until
    return page(
        "till/earned.html",
        id=earning,
        row=row,
        undone=undone,
        undo_until=until if may else None,
        key=str(uuid4()),
    )


@blueprint.route("/points/undo", methods=["POST"])
@needs("earnings:reverse")
def undo_points() -> ResponseReturnValue:
    """Take them back."""
    clerk, earning, reason = clerk_here(), text("earning", 40), text("reason", 200)
    asked = {"path": request.path, "earning": earning, "reason": reason}
    key = checked(request.form.get("key"))

    def answered(db: Session, member_id: int, effect: Callable[[], EarningReversal]) -> Answer:
        return once(db, member_id, clerk.actor, key, asked, lambda: (201, reversal_view(effect())))

    points.reverse(places.place_of(clerk), earning, reason, answered)
    return redirect(url_for(".earned", earning=earning, now=1), 303)

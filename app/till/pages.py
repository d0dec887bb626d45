"""The till's pages: sign in, scan, check, accept, undo; on the same rules as the till's API.

The check's token travels in forms only, never in an address. A refusal is shown above the ready code field. Each form is
sent by base/web/static/till.js, which signs it with the till's key.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.till import day, points, shell
from app.till.frame import blueprint, clerk_here, page, sign_in_page, text, units, with_camera
from base import clock, database, ids
from base.auth import cookies
from base.auth.guard import needs, open_to_all, signed_by
from base.auth.signatures import TerminalRefused
from base.http.settings import config
from base.idempotency import Answer, checked, once, outcome
from base.money import part_of
from catalog.disputes import disputing
from catalog.vouchers import codes
from catalog.vouchers import till as tills
from catalog.vouchers.models import Voucher
from catalog.vouchers.schemas import acceptance_view, void_view
from merchants import acceptances
from merchants.disputes import disputes
from merchants.models import Acceptance, Terms, Void
from merchants.scope import Reach
from merchants.terminals import clerks, places, sign_in
from merchants.terminals.models import CLERK

__all__ = ["blueprint", "day", "points", "shell"]  # the other pages hang on the same blueprint

LONGEST_CODE = 80


@blueprint.route("/sign-in")
@open_to_all
def sign_in_form() -> ResponseReturnValue:
    """Clerk number and PIN; which terminal it is, its key says."""
    return sign_in_page()


@blueprint.route("/sign-in", methods=["POST"])
@open_to_all
def begin_shift() -> ResponseReturnValue:
    """Sign in at the till that signs this request, and go to the scan page."""
    terminal_id = signed_by()
    if terminal_id is None:
        raise TerminalRefused()
    token = sign_in.begin(terminal_id, text("clerk", 40), text("pin", 20))
    return cookies.signed_in(redirect("/till", 303), token, "clerk", secure=config().in_production)


@blueprint.route("")
@needs("acceptances:own")
def scan() -> ResponseReturnValue:
    """The camera and the code field, ready."""
    return with_camera("till/scan.html")


@blueprint.route("/check")
@needs("acceptances:own")
def check_again() -> ResponseReturnValue:
    """A reload or a change of language after a check: back to the code field."""
    return redirect(url_for(".scan", lang=request.args.get("lang")), 303)


@blueprint.route("/check", methods=["POST"])
@needs("vouchers:check")
def check() -> ResponseReturnValue:
    """Look the code up and hold the voucher. Harmless to repeat, so the answer is the page itself."""
    code = request.form.get("code", "").strip()
    if len(code) > LONGEST_CODE:
        raise codes.CodeMisread()
    shown = codes.read(code, request.form.get("digits"))
    found, member = tills.check(config(), places.place_of(clerk_here()), shown)
    voucher = found.voucher
    value_fen = part_of(voucher.face_fen, voucher.units_left, 0, voucher.units)
    return page(
        "till/scan.html",
        checked=found,
        member=member,
        value_fen=value_fen,
        in_money=is_in_money(voucher),
        key=str(uuid4()),
    )


@blueprint.route("/release", methods=["POST"])
@needs("vouchers:check")
def release() -> ResponseReturnValue:
    """Let the voucher go."""
    tills.release(config(), places.place_of(clerk_here()), text("check_token", 100))
    return redirect(url_for(".scan", let_go=1), 303)


@blueprint.route("/accept", methods=["POST"])
@needs("vouchers:accept")
def accept() -> ResponseReturnValue:
    """Take the checked voucher; the same form sent twice is one acceptance."""
    clerk, token, wanted = clerk_here(), text("check_token", 100), units()
    key = checked(request.form.get("key"))
    asked = {"path": request.path, "check_token": token, "units": wanted}

    def answered(db: Session, member_id: int, effect: Callable[[], Acceptance]) -> Answer:
        return once(db, member_id, clerk.actor, key, asked, lambda: (201, acceptance_view(effect())))

    answer = tills.accept(config(), places.place_of(clerk), token, wanted, answered)
    return redirect(url_for(".accepted", acceptance=answer.body["id"], now=1), 303)


@blueprint.route("/acceptances/<acceptance>")
@needs("acceptances:own")
def accepted(acceptance: str) -> ResponseReturnValue:
    """What was accepted, what is owed for it, and the form to undo it while that is possible."""
    clerk, key = clerk_here(), ids.parse("acc", acceptance)
    with database.begin() as db:
        row = acceptances.find_at(db, key[0], key[1], clerk.outlet_id)
        zone = clerks.till_of(db, clerk).merchant.zone
        version = db.get_one(Terms, row.terms_id)
        number = acceptances.clerk_number(db, row)
        voucher = db.get_one(Voucher, (row.member_id, row.voucher_id))
        void = db.get(Void, (row.member_id, row.void_id)) if row.void_id else None
        case = disputes.of_acceptance(db, *key)
    until = acceptances.undoable_until(row, version, zone, places.place_of(clerk))
    return page(
        "till/accepted.html",
        id=acceptance,
        row=row,
        by=number,
        voucher=voucher,
        in_money=is_in_money(voucher),
        void=void,
        undo_until=until if until and void is None and clock.now() <= until else None,
        ours=until is not None,
        case=case,
        key=str(uuid4()),
    )


@blueprint.route("/void", methods=["POST"])
@needs("acceptances:void")
def undo() -> ResponseReturnValue:
    """Undo an acceptance of this till, or as its manager one of the outlet; the voucher is as before."""
    clerk, acceptance, reason = clerk_here(), text("acceptance", 40), text("reason", 200)
    member_id, acceptance_id = ids.parse("acc", acceptance)
    asked = {"path": request.path, "acceptance": acceptance, "reason": reason}
    key = checked(request.form.get("key"))

    def answered(db: Session, member_id: int, effect: Callable[[], Void]) -> Answer:
        return once(db, member_id, clerk.actor, key, asked, lambda: (201, void_view(effect())))

    tills.void(config(), places.place_of(clerk), (member_id, acceptance_id), reason, answered)
    return redirect(url_for(".accepted", acceptance=acceptance, now=1), 303)


@blueprint.route("/acceptances/<acceptance>/ask", methods=["POST"])
@needs("acceptances:void")
def ask(acceptance: str) -> ResponseReturnValue:
    """Ask the operator to undo it after the window: a case of the merchant's, its amount held until a person decides."""
    clerk, reason, at = clerk_here(), text("reason", 200), clock.now()
    key, number = checked(request.form.get("key")), ids.parse("acc", acceptance)
    asked = {"path": request.path, "reason": reason}
    with database.begin() as db:
        row = acceptances.find_at(db, number[0], number[1], clerk.outlet_id)
        mine = Reach(clerk.merchant_id, clerk.outlet_id, clerk.clerk_id, CLERK, f"clerk:{clerk.clerk_id}")

        def effect() -> tuple[int, Any]:
            disputing.open_for(db, mine, (row.member_id, row.acceptance_id), reason, at)
            return 201, {"id": acceptance}

        once(db, row.member_id, clerk.actor, key, asked, effect)
    return redirect(url_for(".accepted", acceptance=acceptance), 303)


@blueprint.route("/outcome")
@needs("acceptances:own")
def became() -> ResponseReturnValue:
    """What became of an acceptance, of points or an undoing whose answer was lost, by its Idempotency-Key; changes nothing."""
    key = checked(request.headers.get("Idempotency-Key"))
    with database.begin() as db:
        found: Any = outcome(db, clerk_here().actor, key)
    if found is None:
        return page("till/none_so_far.html")
    done = found.body.get("acceptance", found.body.get("earning", found.body["id"]))
    if done.startswith("trm_"):  # a till more, added by the manager here
        return redirect(url_for("till_managing.one_terminal", terminal=done), 303)
    if done.startswith("ern_"):
        return redirect(url_for(".earned", earning=done, now=1), 303)
    return redirect(url_for(".accepted", acceptance=done, now=1), 303)


def is_in_money(voucher: Voucher) -> bool:
    """Whether a unit of it is a fen: it is shown and accepted as an amount."""
    return voucher.units == voucher.face_fen > 1

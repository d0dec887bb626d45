"""The till's pages: sign in, scan, check, accept, undo, today; on the same rules as the till's API.

The check's token travels in forms only, never in an address. A refusal is shown above the ready code field.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session

from app.till.refusals import Refusal, refusal_of
from base import clock, database, ids
from base.auth import cookies
from base.auth.guard import current, needs, open_to_all, signed_by
from base.auth.principals import Clerk
from base.auth.signatures import TerminalRefused
from base.errors import Problem, Unavailable, field_errors
from base.http.problems import PageExpired, status_of
from base.http.settings import config
from base.idempotency import Answer, checked, once
from base.money import part_of
from base.web.i18n import both
from base.web.i18n import gettext as _
from catalog.vouchers import codes
from catalog.vouchers import till as tills
from catalog.vouchers.schemas import acceptance_view, void_view
from merchants import acceptances
from merchants.models import Acceptance, Terms, Void
from merchants.terminals import clerks, shifts, sign_in
from merchants.terminals.models import Shift

LONGEST_CODE = 80
MOST_UNITS = 10**12
SHOWN_TODAY = 200
DAY = timedelta(days=1)

blueprint = Blueprint("till_pages", __name__, template_folder="templates", url_prefix="/till")


@blueprint.route("/sign-in")
@open_to_all
def sign_in_form() -> ResponseReturnValue:
    """Terminal, clerk number, PIN; the terminal is remembered for the next shift."""
    return _sign_in_page()


@blueprint.route("/sign-in", methods=["POST"])
@open_to_all
def begin_shift() -> ResponseReturnValue:
    """Sign in at the till that signs this request, and go to the scan page."""
    terminal_id = signed_by()
    if terminal_id is None:
        raise TerminalRefused()
    token = sign_in.begin(terminal_id, _text("clerk", 40), _text("pin", 20))
    return cookies.signed_in(redirect("/till", 303), token, "clerk", secure=config().in_production)


@blueprint.route("/sign-out", methods=["POST"])
@needs("shifts:own")
def end_shift() -> ResponseReturnValue:
    """Close the shift at this terminal."""
    with database.begin() as db:
        shifts.close(db, db.get_one(Shift, (_clerk().terminal_id, _clerk().shift_id)), clock.now())
    return cookies.signed_out(redirect("/till/sign-in", 303))


@blueprint.route("")
@needs("vouchers:check")
def scan() -> ResponseReturnValue:
    """The code field, ready."""
    return _page("till/scan.html")


@blueprint.route("/check")
@needs("vouchers:check")
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
    found, member = tills.check(config(), tills.place_of(_clerk()), shown)
    voucher = found.voucher
    value_fen = part_of(voucher.face_fen, voucher.units_left, 0, voucher.units)
    return _page("till/scan.html", checked=found, member=member, value_fen=value_fen, key=str(uuid4()))


@blueprint.route("/release", methods=["POST"])
@needs("vouchers:check")
def release() -> ResponseReturnValue:
    """Let the voucher go."""
    tills.release(config(), tills.place_of(_clerk()), _text("check_token", 100))
    return redirect(url_for(".scan", let_go=1), 303)


@blueprint.route("/accept", methods=["POST"])
@needs("vouchers:accept")
def accept() -> ResponseReturnValue:
    """Take the checked voucher; the same form sent twice is one acceptance."""
    clerk, token, units = _clerk(), _text("check_token", 100), _units()
    key = checked(request.form.get("key"))
    asked = {"path": request.path, "check_token": token, "units": units}

    def answered(db: Session, member_id: int, effect: Callable[[], Acceptance]) -> Answer:
        return once(db, member_id, clerk.actor, key, asked, lambda: (201, acceptance_view(effect())))

    answer = tills.accept(config(), tills.place_of(clerk), token, units, answered)
    return redirect(url_for(".accepted", acceptance=answer.body["id"]), 303)


@blueprint.route("/acceptances/<acceptance>")
@needs("acceptances:own")
def accepted(acceptance: str) -> ResponseReturnValue:
    """What was accepted, what is owed for it, and the form to undo it while that is possible."""
    clerk, key = _clerk(), ids.parse("acc", acceptance)
    with database.begin() as db:
        row = acceptances.find(db, key[0], key[1], clerk.merchant_id)
        zone = clerks.till_of(db, clerk).merchant.zone
        version = db.get_one(Terms, row.terms_id)
        void = db.get(Void, (row.member_id, row.void_id)) if row.void_id else None
    until = acceptances.undoable_until(row, version, zone, tills.place_of(clerk))
    return _page(
        "till/accepted.html",
        id=acceptance,
        row=row,
        void=void,
        undo_until=until if until and void is None and clock.now() <= until else None,
        ours=until is not None,
        key=str(uuid4()),
    )


@blueprint.route("/void", methods=["POST"])
@needs("acceptances:void")
def undo() -> ResponseReturnValue:
    """Undo an acceptance of this till; the voucher is as before."""
    clerk, acceptance, reason = _clerk(), _text("acceptance", 40), _text("reason", 200)
    member_id, acceptance_id = ids.parse("acc", acceptance)
    asked = {"path": request.path, "acceptance": acceptance, "reason": reason}
    key = checked(request.form.get("key"))

    def answered(db: Session, member_id: int, effect: Callable[[], Void]) -> Answer:
        return once(db, member_id, clerk.actor, key, asked, lambda: (201, void_view(effect())))

    tills.void(config(), tills.place_of(clerk), (member_id, acceptance_id), reason, answered)
    return redirect(url_for(".accepted", acceptance=acceptance), 303)


@blueprint.route("/today")
@needs("acceptances:own")
def today() -> ResponseReturnValue:
    """What this terminal accepted on the merchant's day, and what is owed for it."""
    clerk, at = _clerk(), clock.now()
    place = tills.place_of(clerk)
    with database.begin() as db:
        zone = clerks.till_of(db, clerk).merchant.zone
        on = clock.day(at, zone)
        since = clock.start_of(on, zone)
        rows = acceptances.of_terminal(db, clerk.terminal_id, since, SHOWN_TODAY)
        count, owed_fen = acceptances.totals_of_terminal(db, clerk.terminal_id, since)
        versions = {row.terms_id: db.get_one(Terms, row.terms_id) for row in rows}
    shown = [
        {
            "row": row,
            "id": ids.public("acc", row.member_id, row.acceptance_id),
            "undoable": row.void_id is None
            and at <= (acceptances.undoable_until(row, versions[row.terms_id], zone, place) or at - DAY),
        }
        for row in rows
    ]
    return _page("till/today.html", on=on, shown=shown, count=count, owed_fen=owed_fen, most=SHOWN_TODAY)


@blueprint.errorhandler(Problem)
def refused(problem: Problem) -> Response:
    """Every refusal of these pages: the sign-in form or the ready code field again, with the message."""
    status = status_of(type(problem))
    if request.endpoint in ("till_pages.begin_shift", "till_pages.sign_in_form"):
        answer = make_response(_sign_in_page(refusal_of(problem)), status)
    else:
        known = not isinstance(problem, Unavailable)  # the database may be away: ask it nothing more
        answer = make_response(_page("till/scan.html", known=known, refusal=refusal_of(problem)), status)
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open for too long: the same page anew."""
    return refused(PageExpired())


def _sign_in_page(refusal: Refusal | None = None) -> str:
    return render_template(
        "till/sign_in.html",
        home_url="/till",
        refusal=refusal,
        clerk=request.form.get("clerk", ""),
    )


def _page(template: str, *, known: bool = True, **values: Any) -> str:
    """A page with its menu and who is on shift (`known`: that can be looked up)."""
    principal = current()
    if known and isinstance(principal, Clerk):
        with database.begin() as db:
            place = clerks.till_of(db, principal)
        values["zone"] = place.merchant.zone
        values["till"] = {
            "outlet": both(place.outlet.names),
            "terminal": place.terminal.code,
            "clerk": place.clerk.number,
            "currency": place.merchant.currency,
            "sign_out": "/till/sign-out",
        }
    menu = [
        {"label": _("Scan"), "href": "/till", "icon": "scan", "exact": True},
        {"label": _("Today"), "href": "/till/today", "icon": "list"},
    ]
    return render_template(template, home_url="/till", nav=menu, **values)


def _clerk() -> Clerk:
    principal = current()
    assert isinstance(principal, Clerk)
    return principal


def _text(name: str, most: int) -> str:
    """A field of the form, 1 to `most` characters without control characters; Invalid."""
    text = request.form.get(name, "").strip()
    if not 0 < len(text) <= most or not text.isprintable():
        raise field_errors({name: _("must be 1 to %(most)s printable characters", most=most)})
    return text


def _units() -> int | None:
    """How many units to accept; None: all that is left."""
    text = request.form.get("units", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 13 or not 1 <= int(text) <= MOST_UNITS:
        raise field_errors({"units": _("must be a whole number of at least 1")})
    return int(text)

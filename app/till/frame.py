"""What every page of the till stands on: its blueprint, who is on shift, the fields of its forms, refusals as pages."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError

from app.till.refusals import Refusal, refusal_of
from base import clock, database
from base.auth.guard import current
from base.auth.principals import Clerk
from base.auth.signatures import TerminalRefused
from base.errors import Problem, Unavailable, field_errors
from base.http import headers
from base.http.problems import PageExpired, status_of
from base.web.i18n import both
from base.web.i18n import gettext as _
from merchants.earnings import earnings
from merchants.terminals import clerks

MOST_UNITS = 10**12
SIGNED_OUT = ("till_pages.begin_shift", "till_pages.sign_in_form", "till_pages.pair_form")

blueprint = Blueprint("till_pages", __name__, template_folder="templates", url_prefix="/till")


@blueprint.errorhandler(Problem)
def refused(problem: Problem) -> Response:
    """Every refusal of these pages: the sign-in form or the ready code field again, with the message."""
    status = status_of(type(problem))
    if request.endpoint in SIGNED_OUT:
        answer = make_response(sign_in_page(refusal_of(problem)), status)
    else:
        known = not isinstance(problem, Unavailable)  # the database may be away: ask it nothing more
        answer = make_response(page("till/scan.html", known=known, problem=problem), status)
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open for too long: the same page anew."""
    return refused(PageExpired())


def sign_in_page(refusal: Refusal | None = None) -> str:
    """The form that opens a shift; a till that is not known any more is led to be paired."""
    return render_template(
        "till/sign_in.html",
        home_url="/till",
        refusal=refusal,
        unknown=refusal is not None and refusal.kind == TerminalRefused.type_name(),
        clerk=request.form.get("clerk", ""),
    )


def page(template: str, *, known: bool = True, problem: Problem | None = None, **values: Any) -> str:
    """A page with its menu and who is on shift (`known`: that can be looked up), and what was refused."""
    principal, gives_points = current(), False
    if known and isinstance(principal, Clerk):
        with database.begin() as db:
            place = clerks.till_of(db, principal)
            gives_points = earnings.gives(db, principal.merchant_id, clock.now())
        values["zone"] = place.merchant.zone
        values["till"] = {
            "outlet": both(place.outlet.names),
            "terminal": place.terminal.code,
            "clerk": place.clerk.number,
            "currency": place.merchant.currency,
            "is_manager": principal.is_manager,
            "shift": "/till/shift",
        }
    if problem is not None:
        values["refusal"] = refusal_of(problem, values.get("zone"))
    menu = [
        {"label": _("Scan"), "href": "/till", "icon": "scan", "exact": True},
        {"label": _("Today"), "href": "/till/today", "icon": "list"},
    ]
    if gives_points:
        menu.insert(1, {"label": _("Points"), "href": "/till/points", "icon": "coin"})
    if "terminals:manage" in current().permissions:
        menu.append({"label": _("Manage"), "href": "/till/manage/terminals", "icon": "gear"})
    return render_template(template, home_url="/till", nav=menu, **values)


def with_camera(template: str) -> str:
    """The page that opens the camera; alone it may."""
    headers.let_camera()
    return page(template, may_scan=True)


def clerk_here() -> Clerk:
    """Who asks, on a page whose permission only clerks have."""
    principal = current()
    assert isinstance(principal, Clerk)
    return principal


def text(name: str, most: int) -> str:
    """A field of the form, 1 to `most` characters without control characters; Invalid."""
    told = request.form.get(name, "").strip()
    if not 0 < len(told) <= most or not told.isprintable():
        raise field_errors({name: _("must be 1 to %(most)s printable characters", most=most)})
    return told


def units() -> int | None:
    """How many units to accept; None: all that is left. Of a voucher in money `amount`, in yuan, says it; Invalid."""
    if request.form.get("amount", "").strip():
        return amount("amount", MOST_UNITS)
    told = request.form.get("units", "").strip()
    if not told:
        return None
    if not (told.isascii() and told.isdigit()) or len(told) > 13 or not 1 <= int(told) <= MOST_UNITS:
        raise field_errors({"units": _("must be a whole number of at least 1")})
    return int(told)


def amount(name: str, most: int) -> int:
    """12.4 or 12.40 yuan of the form as 1240 fen; Invalid for anything else."""
    told = request.form.get(name, "").strip()
    try:
        fen = Decimal(told) * 100 if told.isascii() and len(told) <= 13 else Decimal(0)
    except InvalidOperation:
        fen = Decimal(0)
    if not fen.is_finite() or fen != int(fen) or not 1 <= fen <= most:
        raise field_errors({name: _("must be an amount of at least 0.01, with two decimals at most")})
    return int(fen)

"""Signing in to the console: mail address and password, then a code; a link with which a first password is set."""

import segno
from flask import Blueprint, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as Answer

from admin.console.http import page
from admin.staff import entries, own_access, second_factor, signing_in, single_sign_on
from admin.staff.entries import HALFWAY, KIND
from admin.staff.http import origin
from admin.staff.models import SINGLE, StaffRow
from admin.staff.signing_in import StaffSignInRefused
from admin.staff.strength import MOST
from base import clock, database
from base.auth import cookies
from base.auth.guard import cookie_name, current, needs, open_to_all
from base.auth.principals import Halfway
from base.http.settings import config

HOME, SIGN_IN = "/staff", "/staff/sign-in"
CODES = "/recovery-codes"
MOST_MAIL, MOST_CODE = 120, 20
SINGLE_COOKIE, SINGLE_PLACE = "jifen_single", f"{SIGN_IN}/single"

blueprint = Blueprint("entry", __name__)


@blueprint.route("/sign-in")
@open_to_all
def sign_in_form() -> ResponseReturnValue:
    """Mail address and password."""
    return entrance()


@blueprint.route("/sign-in", methods=["POST"])
@open_to_all
def sign_in() -> ResponseReturnValue:
    """Sign in: to the overview, or to the second step."""
    email, password = request.form.get("email", "").strip(), request.form.get("password", "")
    if not (email.isprintable() and len(email) <= MOST_MAIL and len(password) <= MOST):
        raise StaffSignInRefused()
    entered = signing_in.with_password(email, password, origin())
    goes_on = Halfway.goes_on if entered.kind == HALFWAY else HOME
    return carried(redirect(goes_on, 303), entered.token, entered.kind)


@blueprint.route("/sign-out", methods=["POST"])
@open_to_all
def sign_out() -> ResponseReturnValue:
    """End the sign-in; who came by single sign-on is told where that is ended."""
    with database.begin() as session:
        way = entries.leave(session, token_here(), clock.now())
    return cookies.signed_out(redirect(SIGN_IN + ("?left=single" if way == SINGLE else ""), 303))


@blueprint.route("/sign-in/single")
@open_to_all
def single() -> ResponseReturnValue:
    """On to the issuer of single sign-on."""
    begun = single_sign_on.begin(config())
    answer = redirect(begun.address, 303)
    answer.set_cookie(
        SINGLE_COOKIE,
        begun.cookie,
        max_age=int(single_sign_on.LIVES.total_seconds()),
        httponly=True,
        secure=config().in_production,
        samesite="Lax",
        path=SINGLE_PLACE,
    )
    return answer


@blueprint.route("/sign-in/single/return")
@open_to_all
def single_return() -> ResponseReturnValue:
    """Back from the issuer: signed in, or to the second step."""
    entered = single_sign_on.finish(config(), request.cookies.get(SINGLE_COOKIE, ""), request.args, origin())
    answer = redirect(Halfway.goes_on if entered.kind == HALFWAY else HOME, 303)
    answer.delete_cookie(SINGLE_COOKIE, path=SINGLE_PLACE)
    return carried(answer, entered.token, entered.kind)


@blueprint.route("/sign-in/single/end")
@open_to_all
def single_end() -> ResponseReturnValue:
    """On to where the person signs out at the issuer as well."""
    return redirect(single_sign_on.sign_out_address(config()) or SIGN_IN, 303)


@blueprint.route("/second-factor")
@needs("second-factor")
def second_form() -> ResponseReturnValue:
    """The code of the authenticator; of who has none yet, setting it up."""
    return second_step()


@blueprint.route("/second-factor", methods=["POST"])
@needs("second-factor")
def second() -> ResponseReturnValue:
    """The second step, by the code of the authenticator or a recovery code."""
    token = signing_in.with_code(config(), _halfway(), token_here(), _code(), origin())
    return carried(redirect(HOME, 303), token, KIND)


@blueprint.route(CODES, methods=["POST"])
@needs("second-factor")
def set_up() -> ResponseReturnValue:
    """Setting up the second step; the recovery codes are shown in this answer alone."""
    token, codes = signing_in.by_setting_up(config(), _halfway(), token_here(), _code(), origin())
    return carried(make_response(page("console/recovery_codes.html", codes=codes)), token, KIND)


@blueprint.route(CODES)
@needs("console")
def set_up_before() -> ResponseReturnValue:
    """A reload or a change of language: the codes were shown once."""
    return redirect(HOME, 303)


@blueprint.route("/first-password")
@open_to_all
def first_password_form() -> ResponseReturnValue:
    """The form to which a link leads; its token stands behind # and is told to nobody."""
    return first_password_page()


@blueprint.route("/first-password", methods=["POST"])
@open_to_all
def first_password() -> ResponseReturnValue:
    """Set the password and go to the sign-in."""
    token, wanted = request.form.get("token", "").strip()[:100], request.form.get("password", "")
    with database.begin() as session:
        own_access.take_link(session, token, wanted, clock.now())
    return redirect(SIGN_IN, 303)


def entrance(problem: object = None) -> str:
    """The first step, maybe with what was refused."""
    single = bool(config().oidc_issuer)
    left = single and request.args.get("left") == "single"
    return page("console/sign_in.html", problem=problem, single=single, left=left)


def second_step(problem: object = None) -> str:
    """The second step, maybe with what was refused."""
    with database.begin() as session:
        row = session.get_one(StaffRow, _halfway().staff_id)
    offered = {} if second_factor.is_enrolled(row) else offer(row)
    return page("console/second_factor.html", problem=problem, name=row.name, **offered)


def first_password_page(problem: object = None) -> str:
    """The form of a link, maybe with what was refused."""
    return page("console/first_password.html", problem=problem)


def offer(row: StaffRow) -> dict[str, str]:
    """A secret for the authenticator of who is signed in here, as text and as a picture."""
    secret = second_factor.secret_for(config(), token_here())
    drawn = segno.make(second_factor.address(secret, row), error="m", micro=False)
    spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return {"secret": spaced, "picture": drawn.svg_data_uri(border=2, omitsize=True)}


def token_here() -> str:
    """The token of this browser's sign-in."""
    return request.cookies.get(cookie_name("staff"), "")


def carried(answer: Answer, token: str, kind: str) -> Answer:
    """Let the browser carry a sign-in of the staff."""
    return cookies.signed_in(answer, token, kind, secure=config().in_production)


def _halfway() -> Halfway:
    person = current()
    assert isinstance(person, Halfway)
    return person


def _code() -> str:
    return request.form.get("code", "").strip()[:MOST_CODE]

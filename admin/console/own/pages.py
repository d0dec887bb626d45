"""A person's own sign-in: the password, the second factor, where one is signed in; changing it, ending others."""

from flask import Blueprint, make_response, redirect, request
from flask.typing import ResponseReturnValue

from admin.console import words
from admin.console.entry.pages import MOST_CODE, carried, offer, token_here
from admin.console.http import page
from admin.staff import entries, own_access, second_factor
from admin.staff.entries import KIND, SignInUnknown
from admin.staff.http import origin
from admin.staff.models import NO_PASSWORD, StaffRow
from base import clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.settings import config

PLACE = "/staff/own-access"

blueprint = Blueprint("own", __name__)


@blueprint.route("/own-access")
@needs("console")
def own_form() -> ResponseReturnValue:
    """The own sign-in as it stands."""
    return shown()


@blueprint.route("/own-access/password", methods=["POST"])
@needs("console")
def password() -> ResponseReturnValue:
    """Another password; every other sign-in of the person ends."""
    token = own_access.change_password(
        _person().staff_id, request.form.get("present", ""), request.form.get("password", ""), origin()
    )
    return carried(redirect(PLACE, 303), token, KIND)


@blueprint.route("/own-access/second-factor")
@needs("console")
def factor_form() -> ResponseReturnValue:
    """Setting up an authenticator, the first one or another one."""
    return factor_page()


@blueprint.route("/own-access/second-factor", methods=["POST"])
@needs("console")
def factor() -> ResponseReturnValue:
    """From now on the codes of this authenticator count; the recovery codes are shown in this answer alone."""
    code = request.form.get("code", "").strip()[:MOST_CODE]
    token, codes = own_access.renew_second_factor(
        config(), _person().staff_id, token_here(), request.form.get("present", ""), code, origin()
    )
    return carried(make_response(page("console/recovery_codes.html", codes=codes)), token, KIND)


@blueprint.route("/own-access/sign-ins/<entry>/end", methods=["POST"])
@needs("console")
def end_sign_in(entry: str) -> ResponseReturnValue:
    """End one of the own sign-ins; SignInUnknown."""
    (entry_id,) = ids.parse("ssi", entry, parts=1, unknown=SignInUnknown)
    with database.begin() as session:
        entries.end(session, _person().staff_id, entry_id, clock.now())
    return redirect(PLACE, 303)


def shown(problem: object = None) -> str:
    """The own sign-in, maybe with what was refused."""
    at, person = clock.now(), _person()
    with database.begin() as session:
        row = session.get_one(StaffRow, person.staff_id)
        there = entries.open_ones(session, person.staff_id, at)
        left = second_factor.recovery_codes_left(session, person.staff_id)
        here = entries.here(session, token_here())
    return page(
        "console/own_access.html",
        problem=problem,
        row=row,
        has_password=row.password_hash != NO_PASSWORD,
        entries=[(ids.public("ssi", one.entry_id), one, one.entry_id == here) for one in there],
        left=left,
        words=words,
    )


def factor_page(problem: object = None) -> str:
    """Setting up an authenticator, maybe with what was refused."""
    with database.begin() as session:
        row = session.get_one(StaffRow, _person().staff_id)
    return page(
        "console/second_factor.html",
        problem=problem,
        name=row.name,
        renews=True,
        has_password=row.password_hash != NO_PASSWORD,
        **offer(row),
    )


def _person() -> Staff:
    person = current()
    assert isinstance(person, Staff)
    return person

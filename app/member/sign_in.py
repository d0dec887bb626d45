"""Sign in with phone and code; sign out. Between the two steps the number travels sealed in the session."""

import unicodedata

from flask import redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.member import sharing
from app.member.frame import blueprint
from base import clock, database, seals
from base.auth import app_tokens, cookies, devices
from base.auth.app_tokens import AppTokenRefused
from base.auth.guard import current, open_to_all
from base.auth.principals import Member
from base.errors import Problem
from base.http.problems import status_of
from base.http.settings import config
from base.web.i18n import current_language
from points import programmes
from points.members import app_sign_in, masks
from points.members import sign_in as rules
from points.members.members import PHONE, BadPhone
from points.models import Programme

ASKED = "sign_in"


@blueprint.route("/sign-in")
@open_to_all
def sign_in() -> ResponseReturnValue:
    """Programme and phone."""
    if isinstance(current(), Member):
        return redirect("/", 303)
    return render_template("member/sign_in.html", programmes=_open_programmes())


@blueprint.route("/sign-in", methods=["POST"])
@open_to_all
def send_code() -> ResponseReturnValue:
    """Send the code; the next page is the same whether the number is known or not."""
    code, phone = request.form.get("programme", ""), _plain(request.form.get("phone", ""))
    if not PHONE.fullmatch(phone):
        return _again(
            "member/sign_in.html", BadPhone(), programmes=_open_programmes(), chosen=code, typed=phone
        )
    _send(code, phone)
    session[ASKED] = [code, seals.seal(config().seal_key, phone, ASKED).hex()]
    return redirect("/sign-in/code", 303)


@blueprint.route("/sign-in/code")
@open_to_all
def code() -> ResponseReturnValue:
    """The code that came."""
    asked = _asked()
    if asked is None:
        return redirect("/sign-in", 303)
    return _code_page(asked[1])


@blueprint.route("/sign-in/code", methods=["POST"])
@open_to_all
def take_code() -> ResponseReturnValue:
    """A right code signs in; a wrong one is counted, and the form is shown again."""
    asked = _asked()
    if asked is None:
        return redirect("/sign-in", 303)
    typed = _plain(request.form.get("code", ""))
    with database.begin() as db:
        programme = programmes.by_code(db, asked[0])
        mark, words = cookies.device_mark(), devices.words(request.user_agent.string)
        token = rules.token_for_code(
            db, config(), programme, asked[1], typed, clock.now(), mark=mark, words=words,
            source=request.remote_addr or "",
        )  # fmt: skip
    if token is None:
        return _again("member/code.html", rules.CodeRefused(), phone=masks.phone(asked[1]))
    session.pop(ASKED)
    return _signed_in(token, mark)


@blueprint.route("/sign-in/app", methods=["POST"])
@open_to_all
def take_app_token() -> ResponseReturnValue:
    """The operator's app posts its token; the page that opens is the member's home.

    It comes without our form, so the token is what proves it; a form of another site, which could sign somebody in as
    somebody else, is told by what the browser says of where it comes from.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise AppTokenRefused("from another site")
    at = clock.now()
    claims = app_tokens.checked(config(), request.form.get("token", ""), at)
    mark, words = cookies.device_mark(), devices.words(request.user_agent.string)
    with database.begin() as db:
        token = app_sign_in.token_for(db, config(), claims, mark, words, at)
    return _signed_in(token, mark)


@blueprint.route("/sign-in/again", methods=["POST"])
@open_to_all
def send_again() -> ResponseReturnValue:
    """Another code to the same number."""
    asked = _asked()
    if asked is None:
        return redirect("/sign-in", 303)
    _send(*asked)
    return redirect("/sign-in/code?again=1", 303)


@blueprint.route("/sign-out", methods=["POST"])
@open_to_all
def sign_out() -> ResponseReturnValue:
    """End the sign-in, in the browser and in the database."""
    return cookies.signed_out(_to("/sign-in"))


def _signed_in(token: str, mark: str) -> Response:
    secure = config().in_production
    return cookies.marked(
        cookies.signed_in(_to(sharing.came() or "/"), token, "member", secure=secure), mark, secure=secure
    )


def _send(programme_code: str, phone: str) -> None:
    with database.begin() as db:
        programme = programmes.by_code(db, programme_code)
        mark, source = cookies.device_mark(), request.remote_addr or ""
        rules.ask_for_code(db, config(), programme, phone, clock.now(), mark=mark, source=source)


def _asked() -> tuple[str, str] | None:
    """Programme and phone of the first step."""
    asked = session.get(ASKED)
    if not asked:
        return None
    return asked[0], seals.opened(config().seal_key, bytes.fromhex(asked[1]), ASKED)


def _code_page(phone: str) -> str:
    development = not config().in_production
    return render_template("member/code.html", phone=masks.phone(phone), development=development)


def _again(template: str, problem: Problem, **shown: object) -> ResponseReturnValue:
    """The form once more, saying what was wrong."""
    shown["development"] = not config().in_production
    page = render_template(template, error=problem.title(current_language()), **shown)
    return page, status_of(type(problem))


def _open_programmes() -> list[Programme]:
    with database.begin() as db:
        return [programme for programme in programmes.every(db) if programme.closed_at is None]


def _plain(text: str) -> str:
    """Digits as people type them: full-width ones, spaces and dashes are forgiven."""
    return unicodedata.normalize("NFKC", text).translate(str.maketrans("", "", " -\t"))


def _to(url: str) -> Response:
    return redirect(url, 303)

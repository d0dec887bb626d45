"""Is this from us? Anybody types the check code of a message and is told; the code travels in the body, never in an address."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.member.frame import blueprint
from base import clock, database
from base.auth.guard import open_to_all
from base.auth.guesses import TooManyGuesses
from base.http.problems import status_of
from base.http.settings import config
from base.notices import genuine
from base.web.i18n import current_language


@blueprint.route("/genuine")
@open_to_all
def genuine_form() -> ResponseReturnValue:
    """Where a code is asked for."""
    return render_template("member/genuine.html")


@blueprint.route("/genuine", methods=["POST"])
@open_to_all
def genuine_answer() -> ResponseReturnValue:
    """What is known of the code, on the same page."""
    typed = request.form.get("code", "")[:64]
    try:
        with database.begin() as session:
            found = genuine.check(session, config(), typed, request.remote_addr or "", clock.now())
    except TooManyGuesses as problem:
        page = render_template("member/genuine.html", error=problem.title(current_language()))
        return page, status_of(type(problem)), {"Retry-After": str(problem.retry_after_s)}
    return render_template("member/genuine.html", found=found, typed=typed)

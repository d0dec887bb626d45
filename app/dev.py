"""Development only: messages that would have been sent, a stand-in for the operator's app, and codes of the demo's staff."""

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from app import demo_app, demo_staff
from base import clock, database
from base.auth.guard import open_to_all
from base.http.problems import wants_json
from base.http.settings import config
from base.notices import notices
from base.web.i18n import both
from points import programmes

blueprint = Blueprint("dev", __name__, template_folder="templates")


@blueprint.route("/dev/outbox")
@open_to_all
def outbox() -> ResponseReturnValue:
    """The newest SMS and mails, as a page or as JSON (Accept: application/json)."""
    with database.begin() as session:
        messages = notices.latest(session, config().seal_key)
    if wants_json():
        return jsonify(
            [
                {
                    "at": m.at.isoformat(),
                    "channel": m.channel,
                    "receiver": m.receiver,
                    "text": m.text,
                    "state": m.state,
                    "template": m.template,
                    "due_at": m.due_at.isoformat(),
                    "reason": m.reason,
                }
                for m in messages
            ]
        )
    return render_template("dev/outbox.html", messages=messages)


@blueprint.route("/dev/app")
@open_to_all
def app() -> ResponseReturnValue:
    """Who shall come from the app?"""
    return _app(None)


@blueprint.route("/dev/app", methods=["POST"])
@open_to_all
def sign_token() -> ResponseReturnValue:
    """A token for this customer, and the button that hands it over as the app would."""
    customer, programme = request.form.get("customer", "").strip(), request.form.get("programme", "")
    return _app(demo_app.token(config(), customer[:64], programme[:40], clock.now()))


def _app(token: str | None) -> str:
    with database.begin() as session:
        known = [(one.code, both(one.names)) for one in programmes.every(session)]
    return render_template(
        "dev/app.html",
        token=token,
        customer=request.args.get("customer", ""),
        programme=request.args.get("programme", ""),
        programmes=known,
    )


@blueprint.route("/dev/codes")
@open_to_all
def codes() -> ResponseReturnValue:
    """The codes with which the demo's staff take the second step of their sign-in, each for half a minute and once."""
    found = demo_staff.staff_codes(config())
    if wants_json():
        return jsonify([{"email": email, "code": code} for email, code in found])
    return render_template("dev/codes.html", codes=found)

"""Development only: the messages that would have been sent."""

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from base import database
from base.auth.guard import open_to_all
from base.http.problems import wants_json
from base.http.settings import config
from base.notices import notices

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

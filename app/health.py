"""Whether the process lives, and whether it can serve."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from base import cache, database, deadlines, process, schema
from base.auth.guard import open_to_all
from base.errors import Unavailable

READY_WITHIN_S = 1.0

blueprint = Blueprint("health", __name__)


class NotReady(Unavailable):
    """The service is not ready."""

    zh = "服务尚未就绪。"


@blueprint.route("/health/live")
@open_to_all
def live() -> ResponseReturnValue:
    """No input, no output: the process answers."""
    return jsonify(status="live")


@blueprint.route("/health/ready")
@open_to_all
def ready() -> ResponseReturnValue:
    """The database answers within a second, its schema is the newest or newer, and the process does not end; without Redis
    the service is degraded, still ready.
    """
    if process.is_ending():
        raise NotReady("the process ends", retry_after_s=5)
    with deadlines.within(READY_WITHIN_S), database.begin() as session:
        present = schema.present(session.connection())
    if not schema.serves(present):
        raise NotReady(f"the schema is {present}, not {schema.newest()}: run jifen migrate", retry_after_s=5)
    return jsonify(status="ready", cache="ok" if cache.answers() else "degraded")

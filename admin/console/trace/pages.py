"""Any redemption to its payout and back, on one page; each look is on record."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from admin.console.http import page
from base import audit, database
from base.auth.guard import current, needs
from catalog.trace import trace
from catalog.trace.schemas import trace_view
from merchants import words as merchant_words

MOST_LINES = 200
blueprint = Blueprint("trace", __name__)


@blueprint.route("/trace")
@needs(trace.READS)
def one() -> ResponseReturnValue:
    """What an id leads to; without one, the field to type it."""
    asked = request.args.get("id", "").strip()
    found = None
    if asked:
        with database.begin() as session:
            found = trace_view(trace.of(session, current(), asked, limit=MOST_LINES))
            audit.write(session, current().actor, "trace.looked", asked)
    return page("console/trace.html", asked=asked, found=found, words=merchant_words)

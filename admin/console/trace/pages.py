"""Any redemption to its payout and back, on one page; each look is on record."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from admin.console.http import cut, page, position
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
    found: dict[str, Any] | None = None
    after: str | None = None
    if asked:
        of_list = f"trace {asked}"
        place = position(of_list)
        with database.begin() as session:
            found = trace_view(
                trace.of(session, current(), asked, after=int(place[0]) if place else 0, limit=MOST_LINES + 1)
            )
            audit.write(session, current().actor, "trace.looked", asked)
        found["lines"], after = cut(of_list, found["lines"], lambda line: [line["line_no"]], MOST_LINES)
    return page("console/trace.html", asked=asked, found=found, words=merchant_words, after=after)

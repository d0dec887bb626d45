"""HTTP: any redemption to its payout and back, for the operator's finance."""

from typing import Any

from base import audit, database
from base.auth.guard import current, needs
from base.http.api import Blueprint
from catalog.trace import trace
from catalog.trace.schemas import TraceQuery, TraceView, trace_view

blueprint = Blueprint("trace", __name__, description="From a redemption to its payout, and back")


@blueprint.route("/trace/<id>")
@blueprint.arguments(TraceQuery, location="query")
@blueprint.response(200, TraceView)
@needs(trace.READS)
def one(query: dict[str, Any], id: str) -> dict[str, Any]:
    """What a redemption, voucher, acceptance, void, dispute, statement line or statement leads to; each look is on record."""
    with database.begin() as session:
        found = trace.of(session, current(), id, after=query["after"], limit=query["limit"])
        audit.write(session, current().actor, "trace.looked", id)
        return trace_view(found)

"""HTTP: proposals of all kinds in one list: what waits, what was decided, what nobody decided in time."""

from typing import Any

from admin.console.approvals.pages import KINDS, url_of
from admin.console.approvals.schemas import AnyProposalsView, ProposalsQuery
from base import clock, database, pages
from base.approvals import approvals
from base.approvals.schemas import case_view
from base.auth.guard import current, needs
from base.http.api import Blueprint
from base.http.settings import config

blueprint = Blueprint("proposals", __name__, description="Proposals of all kinds")


@blueprint.route("/proposals")
@blueprint.arguments(ProposalsQuery, location="query")
@blueprint.response(200, AnyProposalsView)
@needs("proposals:read")
def list_them(query: dict[str, Any]) -> dict[str, Any]:
    """Proposals of the kinds that the caller may read, newest first; with overdue=true those that nobody decided in time."""
    key, limit, at = f"proposals:{config().secret_key}", query["limit"], clock.now()
    place = pages.position(key, query["cursor"])
    state = approvals.EXPIRED if query["overdue"] else query["state"]
    mine = [kind for kind, (_, topic) in KINDS.items() if topic.READS in current().permissions]
    before = place[0] if place else None
    with database.begin() as session:
        found = approvals.listed(
            session, mine, at, state=state, before=before, person=current(), limit=limit + 1
        )
    more = len(found) > limit
    data = [
        case_view(case, at)
        | {"kind": case.proposal.kind, "href": url_of(case.proposal.kind, case.proposal.proposal_id)}
        for case in found[:limit]
    ]
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, found[limit - 1].proposal.proposal_id) if more else None,
    }

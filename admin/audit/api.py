"""HTTP: the audit log, newest first."""

from typing import Any

from admin.audit import trail
from admin.audit.schemas import AuditQuery, AuditView, asked_of, row_view
from base import database, pages
from base.auth.guard import current, needs
from base.http.api import Blueprint
from base.http.settings import config

blueprint = Blueprint("audit", __name__, description="The audit log")


@blueprint.route("/audit")
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, AuditView)
@needs(trail.READS)
def log(query: dict[str, Any]) -> dict[str, Any]:
    """Who did what, about what, when. Who works for an area asks about one member of it at a time."""
    key, limit = f"audit:{config().secret_key}", query["limit"]
    place, asked = pages.position(key, query["cursor"]), asked_of(query)
    with database.begin() as session:
        rows = trail.rows(
            session,
            current(),
            asked,
            config().zone,
            before=int(place[0]) if place else None,
            limit=limit + 1,
        )
        return pages.page(key, rows, limit, lambda row: [row.audit_id], row_view)

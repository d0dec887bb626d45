"""HTTP: planned work, for everybody."""

from typing import Any

from base import clock
from base.auth.guard import open_to_all
from base.http.api import NO_SIGN_IN, Blueprint
from base.maintenance import maintenance
from base.maintenance.schemas import MaintenanceView, planned_view

blueprint = Blueprint("maintenance", __name__, description="Planned work")


@blueprint.route("/maintenance")
@blueprint.response(200, MaintenanceView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def planned() -> dict[str, Any]:
    """Planned work that is on or begins within 72 hours; integrations can hold their writes back by it."""
    at = clock.now()
    return {"data": [planned_view(one, is_on=one.is_on(at)) for one in maintenance.shown(at)]}

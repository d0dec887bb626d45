"""HTTP: what redemption has to do with staying, from the newest stored run."""

from typing import Any

from admin.analytics import runs
from admin.analytics.schemas import RetentionQuery, RetentionView
from base import database
from base.auth.guard import current, needs
from base.auth.principals import Service
from base.errors import NotFound
from base.http.api import Blueprint
from points import programmes
from points.programmes import ProgrammeUnknown

blueprint = Blueprint("retention", __name__, description="Redemption and retention")


class NoRunYet(NotFound):
    """No analysis was run for this programme yet."""

    zh = "该积分计划还没有分析结果。"
    next_en, next_zh = "Run: jifen retention", "请运行：jifen retention"


@blueprint.route("/retention")
@blueprint.arguments(RetentionQuery, location="query")
@blueprint.response(200, RetentionView)
@needs("retention:read")
def retention(query: dict[str, Any]) -> dict[str, Any]:
    """Raw gap, its caution, and the description with redemption as a time-varying exposure. Nothing is computed here."""
    with database.begin() as session:
        programme = programmes.by_code(session, query["programme"])
        caller = current()
        if isinstance(caller, Service) and caller.programme_id != programme.programme_id:
            raise ProgrammeUnknown(programme=programme.code)
        run = runs.latest(session, programme.programme_id)
    if run is None:
        raise NoRunYet()
    return {"programme": programme.code, "at": run.at, "report": run.report}

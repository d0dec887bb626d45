"""HTTP: the queue of alerts about tills; a person closes one with what was found."""

from typing import Any

from flask import Response

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants.risk import alerts
from merchants.risk.schemas import AlertsQuery, CloseRequest, TillAlertsView, TillAlertView, alert_view

blueprint = Blueprint("till-alerts", __name__, description="What looks wrong at tills")


@blueprint.route("/till-alerts")
@blueprint.arguments(AlertsQuery, location="query")
@blueprint.response(200, TillAlertsView)
@needs("till-alerts:read")
def list_alerts(query: dict[str, Any]) -> dict[str, Any]:
    """Alerts, newest first: open ones, or those that somebody has closed."""
    key = f"till-alerts:{query['state']}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    before, limit = int(place[0]) if place else None, query["limit"]
    with database.begin() as session:
        rows = alerts.listed(session, query["state"], before=before, limit=limit + 1)
    more = len(rows) > limit
    return {
        "data": [alert_view(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].alert_id) if more else None,
    }


@blueprint.route("/till-alerts/<alert>")
@blueprint.response(200, TillAlertView)
@needs("till-alerts:read")
def one_alert(alert: str) -> dict[str, Any]:
    """One alert."""
    with database.begin() as session:
        return alert_view(alerts.find(session, ids.parse("alr", alert, parts=1)[0]))


@blueprint.route("/till-alerts/<alert>/close", methods=["POST"])
@blueprint.arguments(CloseRequest)
@blueprint.response(200, TillAlertView)
@blueprint.doc(**IDEMPOTENT)
@needs("till-alerts:close")
def close(asked: dict[str, Any], alert: str) -> Response:
    """Say what was found; once. Needs Idempotency-Key."""
    alert_id, person = ids.parse("alr", alert, parts=1)[0], current()
    assert isinstance(person, Staff)

    def effect() -> tuple[int, dict[str, Any]]:
        at = clock.now()
        row = alerts.close(
            session, alert_id, asked["outcome"], asked["note"], person.staff_id, person.actor, at
        )
        return 200, TillAlertView().dump(alert_view(row))

    with database.begin() as session:
        return answer_once(session, 0, asked, effect)

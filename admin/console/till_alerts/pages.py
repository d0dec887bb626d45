"""The queue of alerts about tills: what looks wrong, where, and the form that closes one."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.http import PAGE, cut, page, position
from admin.console.sheets import http as sheets
from base import clock, database, idempotency, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import field_errors
from merchants.models import Merchant, Outlet
from merchants.risk import alerts
from merchants.risk.models import CLOSED, OPEN, OUTCOMES, Alert
from merchants.terminals.models import ClerkRow, Terminal

COLUMNS = ("alert", "rule", "merchant", "raised_at", "latest_at", "state", "outcome")
blueprint = Blueprint("till_alerts", __name__)


@blueprint.route("/till-alerts")
@needs("till-alerts:read")
def alert_list() -> ResponseReturnValue:
    """Open alerts or closed ones, newest first."""
    state = CLOSED if request.args.get("state") == CLOSED else OPEN
    place = position(f"till-alerts {state}")
    with database.begin() as session:
        if sheets.is_asked():
            return _file(session, alerts.listed(session, state, limit=sheets.MOST))
        found = alerts.listed(session, state, before=int(place[0]) if place else None, limit=PAGE + 1)
        rows, after = cut(f"till-alerts {state}", found, lambda row: [row.alert_id])
        database.bring(session, Merchant, (row.merchant_id for row in rows))
        merchants = {row.merchant_id: session.get(Merchant, row.merchant_id) for row in rows}
    shown = [(ids.public("alr", row.alert_id), row, merchants[row.merchant_id]) for row in rows]
    return page(
        "console/till_alerts.html", rows=shown, state=state, rules=alerts.RULES, words=words, after=after,
        as_file=bool(shown),
    )  # fmt: skip


def _file(session: Session, rows: Sequence[Alert]) -> Response:
    """The alerts that the filter shows as a file."""
    database.bring(session, Merchant, (row.merchant_id for row in rows))
    lines = []
    for row in rows:
        merchant = session.get(Merchant, row.merchant_id)
        code = merchant.code if merchant else None
        moments = (row.raised_at.isoformat(), row.latest_at.isoformat())
        lines.append((ids.public("alr", row.alert_id), row.rule, code, *moments, row.state, row.outcome))
    return sheets.of_list(session, f"till-alerts-{rows[0].state if rows else OPEN}", COLUMNS, lines)


@blueprint.route("/till-alerts/<alert>")
@needs("till-alerts:read")
def one_alert(alert: str) -> ResponseReturnValue:
    """One alert with its facts, whom it is about, and the form to close it."""
    with database.begin() as session:
        row = alerts.find(session, ids.parse("alr", alert, parts=1)[0])
        return page(
            "console/till_alert.html",
            id=alert,
            row=row,
            said=alerts.RULES[row.rule],
            outcomes=[(name, words.ALERT_OUTCOMES[name][0]) for name in OUTCOMES],
            words=words,
            key=str(uuid4()),
            merchant=session.get(Merchant, row.merchant_id),
            outlet=session.get(Outlet, row.outlet_id) if row.outlet_id else None,
            terminal=session.get(Terminal, row.terminal_id) if row.terminal_id else None,
            clerk=session.get(ClerkRow, row.clerk_id) if row.clerk_id else None,
            may_close="till-alerts:close" in current().permissions,
        )


@blueprint.route("/till-alerts/<alert>", methods=["POST"])
@needs("till-alerts:close")
def close(alert: str) -> ResponseReturnValue:
    """Say what was found; once."""
    key, alert_id = idempotency.checked(request.form.get("key")), ids.parse("alr", alert, parts=1)[0]
    outcome, note = request.form.get("outcome", ""), request.form.get("note", "").strip()
    if outcome not in OUTCOMES:
        raise field_errors({"outcome": f"one of: {', '.join(OUTCOMES)}"})
    if not 0 < len(note) <= 500:
        raise field_errors({"note": "1 to 500 characters"})
    person = current()
    assert isinstance(person, Staff)

    def effect() -> tuple[int, Any]:
        alerts.close(session, alert_id, outcome, note, person.staff_id, person.actor, clock.now())
        return 303, None

    asked = {"page": "till-alert", "alert": alert, "outcome": outcome, "note": note}
    with database.begin() as session:
        idempotency.once(session, 0, person.actor, key, asked, effect)
    return redirect(url_for(".one_alert", alert=alert), 303)

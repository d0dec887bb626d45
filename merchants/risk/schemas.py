"""JSON of alerts."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View
from merchants.risk.alerts import RULES
from merchants.risk.models import CLOSED, OPEN, OUTCOMES, Alert
from points.wallets.schemas import PageQuery


class AlertsQuery(PageQuery):
    """Which alerts."""

    state = ma.fields.String(load_default=OPEN, validate=ma.validate.OneOf([OPEN, CLOSED]))


class TillAlertView(View):
    """Something that looks wrong at a till, and what a person found."""

    id = ma.fields.String()
    rule = ma.fields.String(metadata={"enum": list(RULES)})
    words = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    merchant = ma.fields.String(allow_none=True)
    terminal = ma.fields.String(allow_none=True)
    clerk = ma.fields.String(allow_none=True)
    facts = ma.fields.Dict()
    raised_at = ma.fields.AwareDateTime()
    latest_at = ma.fields.AwareDateTime()
    state = ma.fields.String()
    outcome = ma.fields.String(allow_none=True)
    note = ma.fields.String(allow_none=True)
    closed_at = ma.fields.AwareDateTime(allow_none=True)


class TillAlertsView(View):
    """A page of alerts, newest first."""

    data = ma.fields.List(ma.fields.Nested(TillAlertView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class CloseRequest(Request):
    """What was found."""

    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(OUTCOMES))
    note = Text(required=True, most=500)


def alert_view(alert: Alert) -> dict[str, Any]:
    """The alert as TillAlertView."""
    return {
        "id": ids.public("alr", alert.alert_id),
        "rule": alert.rule,
        "words": RULES[alert.rule],
        "merchant": ids.public("mer", alert.merchant_id) if alert.merchant_id else None,
        "terminal": alert.terminal_id and ids.public("trm", alert.terminal_id),
        "clerk": alert.clerk_id and ids.public("clk", alert.clerk_id),
        "facts": alert.facts,
        "raised_at": alert.raised_at,
        "latest_at": alert.latest_at,
        "state": alert.state,
        "outcome": alert.outcome,
        "note": alert.note,
        "closed_at": alert.closed_at,
    }

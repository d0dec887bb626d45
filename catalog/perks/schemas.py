"""JSON of perks at their provider."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View, WholeNumber
from catalog.perks.forms import MOST_GUESTS
from catalog.perks.models import PerkUse


class PerkUseRequest(Request):
    """Who is at the desk: the redemption that the member shows, and how many came along."""

    redemption = Text(required=True, most=60)
    member_present = ma.fields.Boolean(required=True)
    guests = WholeNumber(most=MOST_GUESTS, load_default=0)


class PerkUseView(View):
    """A perk that was used."""

    redemption = ma.fields.String()
    outcome = ma.fields.String(metadata={"description": "used or missed"})
    guests = ma.fields.Integer()
    on = ma.fields.Date()
    at = ma.fields.AwareDateTime()


def perk_use_view(row: PerkUse) -> dict[str, Any]:
    """The use as PerkUseView."""
    return {
        "redemption": ids.public("red", row.member_id, row.redemption_id),
        "outcome": row.outcome,
        "guests": row.guests,
        "on": row.on_day,
        "at": row.at,
    }

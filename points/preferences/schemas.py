"""JSON of preferences."""

from typing import Any

import marshmallow as ma

from base.channels import CHANNELS
from base.http.api import Request, Text, View
from points.members import masks
from points.preferences import preferences
from points.preferences.preferences import SECOND_CONTACT, Said


class PreferenceRequest(Request):
    """One word of a member's; no values: nothing any more."""

    name = ma.fields.String(required=True, validate=ma.validate.OneOf(list(preferences.NAMES)))
    values_ = ma.fields.List(
        Text(most=40), required=True, data_key="values", validate=ma.validate.Length(max=40)
    )
    consent = ma.fields.Boolean(
        required=True,
        truthy={True},
        falsy={False},
        metadata={"description": "whether it may be used to choose offers and messages"},
    )


class ToldRequest(PreferenceRequest):
    """A word of a member's that somebody else heard."""

    channel = Text(required=True, most=40, metadata={"description": ", ".join(CHANNELS)})
    since = ma.fields.AwareDateTime(load_default=None, metadata={"description": "left out: now"})


class PreferenceView(View):
    """The word that counts, who brought it, and since when."""

    name = ma.fields.String()
    values_ = ma.fields.List(ma.fields.String(), data_key="values", attribute="values")
    consent = ma.fields.Boolean()
    since = ma.fields.String()
    channel = ma.fields.String()


def preference_view(said: Said, *, clear: bool) -> dict[str, Any]:
    """The word as PreferenceView; a second contact in clear for the member alone."""
    values = list(said.values)
    if said.name == SECOND_CONTACT and not clear:
        values = [masks.phone(value) for value in values]
    return {
        "name": said.name,
        "values": values,
        "consent": said.consent,
        "since": said.since.isoformat(),
        "channel": said.channel,
    }

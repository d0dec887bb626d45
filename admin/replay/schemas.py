"""JSON of replays."""

import marshmallow as ma

from admin.replay import runs
from base.http.api import Request, Text, View, WholeNumber


class ReplayingRequest(Request):
    """Which proposal, and over how many months before today."""

    proposal = Text(required=True, most=40)
    months = WholeNumber(
        least=1,
        most=runs.MOST_MONTHS,
        load_default=runs.MONTHS,
        metadata={"description": "whole days of so many months, up to yesterday"},
    )


class ReplayedView(View):
    """A replay and how far it is; its report once it is done."""

    id = ma.fields.String()
    proposal = ma.fields.String()
    content_hash = ma.fields.String(metadata={"description": "the content that was replayed; no other"})
    months = ma.fields.Integer()
    from_day = ma.fields.String()
    until_day = ma.fields.String(metadata={"description": "the last day"})
    state = ma.fields.String(metadata={"description": "waiting, running, done"})
    progress_percent = ma.fields.Integer()
    asked_by = ma.fields.String()
    asked_at = ma.fields.String()
    ended_at = ma.fields.String(allow_none=True)
    report = ma.fields.Dict(
        allow_none=True, metadata={"description": "whole numbers; it says itself what it assumes"}
    )

"""JSON of the retention report."""

import marshmallow as ma

from base.http.api import Request, View


class RetentionQuery(Request):
    """Which programme."""

    programme = ma.fields.String(required=True, metadata={"description": "the programme's code"})


class RetentionView(View):
    """The newest stored run: raw gap and its caution beside the description over time."""

    programme = ma.fields.String()
    at = ma.fields.AwareDateTime()
    report = ma.fields.Dict()

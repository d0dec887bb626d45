"""JSON of the retention report."""

import marshmallow as ma

from base.http.api import Request, Text, View


class RetentionQuery(Request):
    """Which programme."""

    programme = Text(required=True, most=40, metadata={"description": "the programme's code"})


class RetentionView(View):
    """The newest stored run: raw gap and its caution beside the description over time."""

    programme = ma.fields.String()
    at = ma.fields.AwareDateTime()
    report = ma.fields.Dict()

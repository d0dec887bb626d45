"""JSON that all topics of merchants share."""

import marshmallow as ma

from base.http.api import QueryNumber, Request, Text, View


class PageQuery(Request):
    """Which page of a list."""

    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class InBothRequest(Request):
    """A name or an address in both languages."""

    zh = Text(required=True, most=120, data_key="zh-CN")
    en = Text(required=True, most=120)


class PageView(View):
    """How a list goes on."""

    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def both(said: dict[str, str]) -> dict[str, str]:
    """InBothRequest as it is stored."""
    return {"zh-CN": said["zh"], "en": said["en"]}

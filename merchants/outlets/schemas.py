"""JSON of outlets."""

from typing import Any

import marshmallow as ma

from base.http.api import Request, Text, View, WholeNumber
from merchants.models import Outlet
from merchants.outlets import outlets
from merchants.outlets.outlets import MOST_SPANS, Wanted
from merchants.schemas import InBothRequest, PageView, both


class SpanRequest(Request):
    """Hours of some days of the week."""

    days = ma.fields.List(WholeNumber(least=1, most=7), required=True, metadata={"description": "1: Monday"})
    opens = Text(required=True, most=5, data_key="from", metadata={"description": "09:00"})
    until = Text(required=True, most=5, metadata={"description": "21:00; before `from`: on the day after"})


class OutletRequest(Request):
    """An outlet, added or changed as a whole."""

    names = ma.fields.Nested(InBothRequest, required=True)
    address = ma.fields.Nested(InBothRequest, required=True)
    area = Text(required=True, most=6, metadata={"description": "the code of its city or county"})
    hours = ma.fields.List(
        ma.fields.Nested(SpanRequest), load_default=list, validate=ma.validate.Length(max=MOST_SPANS)
    )


class OutletView(View):
    """An outlet, with its hours in the merchant's time zone."""

    id = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    address = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    area = ma.fields.String()
    hours = ma.fields.List(ma.fields.Dict())


class OutletsView(PageView):
    """A page of outlets."""

    data = ma.fields.List(ma.fields.Nested(OutletView))


def wanted(asked: dict[str, Any]) -> Wanted:
    """OutletRequest as the rules take it."""
    hours = [{"days": one["days"], "from": one["opens"], "until": one["until"]} for one in asked["hours"]]
    return Wanted(both(asked["names"]), both(asked["address"]), asked["area"], hours)


def outlet_view(outlet: Outlet) -> dict[str, Any]:
    """The outlet as OutletView."""
    return {
        "id": outlets.public_id(outlet),
        "names": outlet.names,
        "address": outlet.address,
        "area": outlet.area,
        "hours": outlet.hours,
    }

"""JSON of goods: the address that comes in, the order that goes out."""

from typing import Any

import marshmallow as ma

from base.http.api import Request, Text, View
from catalog.goods.models import GoodsOrder


class AddressRequest(Request):
    """Where goods are sent; every field is checked by name before any point moves (bad-address)."""

    name = ma.fields.String(load_default="")
    phone = ma.fields.String(load_default="")
    region = ma.fields.String(load_default="", metadata={"description": "province, city and district"})
    street = ma.fields.String(load_default="")
    postcode = ma.fields.String(load_default="", metadata={"description": "six digits"})


class EndedRequest(Request):
    """Why goods are recorded as returned or lost."""

    reason = Text(required=True, most=200)


class ParcelView(View):
    """A parcel on its way."""

    carrier = ma.fields.String()
    tracking = ma.fields.String()
    units = ma.fields.Integer()


class GoodsOrderView(View):
    """An order of goods and where it is; the address is never told, codes only to their member."""

    state = ma.fields.String()
    goods_class = ma.fields.String()
    provider = ma.fields.String()
    units = ma.fields.Integer()
    units_shipped = ma.fields.Integer()
    parcels = ma.fields.List(ma.fields.Nested(ParcelView))
    return_days = ma.fields.Integer(metadata={"description": "after the delivery"})
    delivered_at = ma.fields.String(allow_none=True)
    codes = ma.fields.List(ma.fields.String(), metadata={"description": "codes or links of electronic goods"})


def order_view(order: GoodsOrder, codes: list[str]) -> dict[str, Any]:
    """The order as GoodsOrderView."""
    return {
        "state": order.state,
        "goods_class": order.goods_class,
        "provider": order.provider,
        "units": order.units,
        "units_shipped": order.units_shipped,
        "parcels": order.parcels,
        "return_days": order.return_days,
        "delivered_at": order.delivered_at.isoformat() if order.delivered_at else None,
        "codes": codes,
    }

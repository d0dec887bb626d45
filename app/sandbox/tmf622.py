"""The product-ordering part of the sandbox: TM Forum's TMF622 v4, as far as an order of a service needs it."""

from collections.abc import Sequence
from typing import Any

from app.sandbox.orders import USUAL, Protocol, Said
from app.sandbox.tmf654 import Refusal

API = "/tmf-api/productOrderingManagement/v4"
NAME = "ordering"


def _asked(body: Said, number: int) -> Said:
    """The body, its order acknowledged; 400 for what TMF622 or an order of a service does not allow."""
    items = body.get("productOrderItem")
    if not isinstance(items, list) or not items or not all(map(_is_item, items)):
        raise Refusal(400, "invalidBody", "productOrderItem: items with id, action and productOffering.id")
    if not isinstance(body.get("externalId"), str):
        raise Refusal(400, "invalidBody", "externalId: needed here")
    parties = body.get("relatedParty")
    if not isinstance(parties, list) or not all(
        isinstance(party, dict) and {"id", "@referredType"} <= party.keys() for party in parties
    ):
        raise Refusal(400, "invalidBody", "relatedParty: with id and @referredType")
    return body | {
        "id": f"order-{number}",
        "href": f"{API}/productOrder/order-{number}",
        "state": "acknowledged",
    }


def _is_item(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("id"), str)
        and item.get("action") in ("add", "modify", "delete", "noChange")
        and isinstance(item.get("productOffering"), dict)
        and isinstance(item["productOffering"].get("id"), str)
    )


def _steps(*states: str) -> Any:
    return lambda order: [{"state": state} for state in states]


def _wrong(order: Said) -> Said:
    return order | {
        "productOrderItem": [
            item | {"quantity": item.get("quantity", 1) + 1} for item in order["productOrderItem"]
        ]
    }


def _listed(found: list[Said]) -> tuple[Sequence[Said], dict[str, str]]:
    return found, {"X-Total-Count": str(len(found)), "X-Result-Count": str(len(found))}


PROTOCOL = Protocol(
    name=NAME,
    path=f"{API}/productOrder",
    reference="externalId",
    asked=_asked,
    plans={
        USUAL: _steps("completed"),
        "hold": _steps("inProgress"),
        "end": _steps("rejected"),
        "part": _steps("partial"),
    },
    wrong=_wrong,
    listed=_listed,
)

"""The fulfilment part of the sandbox: a provider who takes orders of goods, as docs/fulfilment.md says, and sends them."""

from typing import Any

from app.sandbox.orders import USUAL, Protocol, Said
from app.sandbox.tmf654 import Refusal

NAME = "fulfilment"
CARRIER = "SF Express"
_ADDRESS = ("name", "phone", "region", "street", "postcode")


def _asked(body: Said, number: int) -> Said:
    """The order as it was taken in; 422 for what cannot be one. The address is not said again."""
    texts = ("reference", "provider", "class", "sku")
    if not all(isinstance(body.get(name), str) and body[name] for name in texts):
        raise Refusal(422, "invalidOrder", f"{', '.join(texts)}: needed")
    units = body.get("units")
    if not isinstance(units, int) or units < 1:
        raise Refusal(422, "invalidOrder", "units: a whole number from 1")
    address = body.get("address")
    if body["class"] != "electronic" and not (
        isinstance(address, dict) and all(isinstance(address.get(name), str) for name in _ADDRESS)
    ):
        raise Refusal(422, "invalidOrder", "address: needed for what is sent")
    kept = {name: body[name] for name in (*texts, "units")}
    return kept | {"id": f"F{number:06d}", "state": "accepted", "shipped": 0, "parcels": [], "codes": []}


def _parcel(order: Said, number: int, units: int) -> dict[str, Any]:
    return {"carrier": CARRIER, "tracking": f"SF{order['id'][1:]}{number:02d}", "units": units}


def _shipped(order: Said) -> list[Said]:
    """Picked, sent in one parcel - or, what is electronic, delivered at once with its codes."""
    if order["class"] == "electronic":
        codes = [f"{order['id']}-{number:03d}" for number in range(1, order["units"] + 1)]
        return [{"state": "delivered", "shipped": order["units"], "codes": codes}]
    sent = {"state": "shipped", "shipped": order["units"], "parcels": [_parcel(order, 1, order["units"])]}
    return [{"state": "picked"}, sent]


def _in_parts(order: Said) -> list[Said]:
    """One unit in a parcel of its own at each look."""
    steps: list[Said] = [{"state": "picked"}]
    for sent in range(1, order["units"] + 1):
        parcels = [_parcel(order, number, 1) for number in range(1, sent + 1)]
        state = "shipped" if sent == order["units"] else "picked"
        steps.append({"state": state, "shipped": sent, "parcels": parcels})
    return steps


PROTOCOL = Protocol(
    name=NAME,
    path="/fulfilment/orders",
    reference="reference",
    asked=_asked,
    plans={
        USUAL: lambda order: [*_shipped(order), {"state": "delivered"}],
        "hold": lambda order: [],
        "end": lambda order: [{"state": "refused", "reason": "not on the shelf"}],
        "part": lambda order: [*_in_parts(order), {"state": "delivered"}],
        "lose": lambda order: [*_shipped(order), {"state": "lost", "reason": "the carrier lost it"}],
        "bring_back": lambda order: [*_shipped(order), {"state": "delivered"}, {"state": "returned"}],
    },
    wrong=lambda order: order | {"units": order["units"] + 1},
    listed=lambda found: ({"orders": found, "total": len(found)}, {}),
)

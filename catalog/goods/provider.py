"""The only module that talks to a provider of goods: plain JSON over HTTP, as docs/fulfilment.md says.

Our redemption's public id is the order's `reference`; asking.once looks for it before ever sending again. Nothing here touches
the database, and no address is logged.
"""

from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

import structlog

from catalog.goods.addresses import Address
from catalog.goods.models import CANCELLED, DELIVERED, ELECTRONIC, LOST, PICKED, REFUSED, RETURNED, SHIPPED
from catalog.redemptions import asking
from catalog.redemptions.asking import Told
from catalog.redemptions.outcomes import Done, Ended, NotFound, Outcome, Refused, UnderWay, Unknown, Wrong

ORDERS = "/orders"
TIMEOUT_S = 5.0
ACCEPTED = "accepted"
NOT_GIVEN = frozenset({REFUSED, CANCELLED})
STATES = frozenset({ACCEPTED, PICKED, SHIPPED, DELIVERED, RETURNED, LOST, *NOT_GIVEN})
log = structlog.get_logger()


@dataclass(frozen=True)
class Wanted:
    """What a provider is asked to send; the address (None for what is electronic) stays out of its repr."""

    reference: str  # our redemption's public id
    provider: str
    goods_class: str
    sku: str
    units: int
    address: Address | None = field(repr=False)


@dataclass(frozen=True)
class Seen:
    """An order as the provider tells it."""

    order_id: str
    reference: str
    sku: str
    units: int
    state: str
    shipped: int
    parcels: tuple[dict[str, Any], ...] = ()
    codes: tuple[str, ...] = field(default=(), repr=False)
    reason: str = ""


def settle(url: str, wanted: Wanted, *, sent_before: bool, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Order once: look first if an earlier try may have arrived; send; look whether it is there just once."""
    return asking.once(
        sent_before,
        lambda: look_up(url, wanted, timeout_s=timeout_s),
        lambda: send(url, wanted, timeout_s=timeout_s),
    )


def send(url: str, wanted: Wanted, *, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Send the order, without looking whether it was sent before: `settle` does that."""
    if wanted.address is None and wanted.goods_class != ELECTRONIC:
        return Refused("no-address: the person's data were erased")
    told = asking.send(url, ORDERS, _body(wanted), timeout_s)
    outcome = _outcome(wanted, told) if isinstance(told, Told) else told
    log.info("goods.send", reference=wanted.reference, outcome=type(outcome).__name__)
    return outcome


def look_up(url: str, wanted: Wanted, *, timeout_s: float = TIMEOUT_S) -> Outcome | NotFound:
    """What became of the orders under this reference. Absent is only what a whole, readable list does not name."""
    told = asking.look(url, f"{ORDERS}?{urlencode({'reference': wanted.reference})}", timeout_s)
    outcome = _found(wanted, told) if isinstance(told, Told) else told
    log.info("goods.look_up", reference=wanted.reference, outcome=type(outcome).__name__)
    return outcome


def judge(wanted: Wanted, found: list[Seen]) -> Outcome:
    """Does the provider have what we asked for, once, and has all of it been sent?

    Done: all units are on their way, or what is electronic was delivered. Ended: refused before anything was sent, or lost, or
    returned. Refused after a part was sent is Wrong: a person decides about the rest.
    """
    alive = [one for one in found if one.state not in NOT_GIVEN or one.shipped]
    if not alive:
        return Ended(found[-1].reason or f"the order is {found[-1].state}", found[-1])
    one = alive[0]
    as_asked = (one.reference, one.sku, one.units) == (wanted.reference, wanted.sku, wanted.units)
    if len(alive) != 1 or not as_asked or one.state in NOT_GIVEN or not 0 <= one.shipped <= one.units:
        return Wrong(tuple(alive))
    if one.state in (LOST, RETURNED):
        return Ended(one.reason or f"the goods were {one.state}", one)
    if one.state == DELIVERED or (one.state == SHIPPED and one.shipped == one.units):
        whole = one.shipped == one.units and (one.codes or wanted.goods_class != ELECTRONIC)
        return Done(one.order_id, one) if whole else Wrong(tuple(alive))
    return UnderWay(one.order_id, one)


def _body(wanted: Wanted) -> dict[str, Any]:
    body: dict[str, Any] = {
        "reference": wanted.reference,
        "provider": wanted.provider,
        "class": wanted.goods_class,
        "sku": wanted.sku,
        "units": wanted.units,
    }
    return body | ({"address": asdict(wanted.address)} if wanted.address else {})


def _outcome(wanted: Wanted, told: Told) -> Outcome:
    """What the answer to an order means."""
    one = _seen(told.value)
    if told.status in (200, 201) and one:
        return judge(wanted, [one])
    reason = asking.refusal(told)
    return Refused(reason) if reason else Unknown(f"status {told.status}")


def _found(wanted: Wanted, told: Told) -> Outcome | NotFound:
    """What a list says about a reference: trusted only when it is whole and readable."""
    value = told.value if isinstance(told.value, dict) else {}
    rows = value.get("orders")
    orders = [_seen(row) for row in rows] if isinstance(rows, list) else [None]
    if None in orders:
        return Unknown("the list is not readable")
    if value.get("total") != len(orders):
        return Unknown("the list may not be whole")
    named = [one for one in orders if one and one.reference == wanted.reference]
    return judge(wanted, named) if named else NotFound()


def _seen(told: Any) -> Seen | None:
    """What an answer tells about one order; None if that cannot be one."""
    if not isinstance(told, dict):
        return None
    texts = [told.get(name) for name in ("id", "reference", "sku", "state")]
    numbers = [told.get(name) for name in ("units", "shipped")]
    if not all(isinstance(text, str) and text for text in texts) or told["state"] not in STATES:
        return None
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        return None
    parcels, codes = told.get("parcels", []), told.get("codes", [])
    if not (isinstance(parcels, list) and all(map(_is_parcel, parcels))):
        return None
    if not (isinstance(codes, list) and all(isinstance(code, str) for code in codes)):
        return None
    return Seen(
        order_id=told["id"][:100],
        reference=told["reference"],
        sku=told["sku"],
        units=told["units"],
        state=told["state"],
        shipped=told["shipped"],
        parcels=tuple(
            {name: parcel[name] for name in ("carrier", "tracking", "units")} for parcel in parcels
        ),
        codes=tuple(code[:500] for code in codes),
        reason=str(told.get("reason") or "")[:200],
    )


def _is_parcel(told: Any) -> bool:
    return (
        isinstance(told, dict)
        and all(
            isinstance(told.get(name), str) and len(told[name]) <= 100 for name in ("carrier", "tracking")
        )
        and isinstance(told.get("units"), int)
    )

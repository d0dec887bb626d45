"""The only module that talks to the operator's product ordering: TM Forum TMF622 (product ordering) v4 over HTTP.

Our redemption's public id is the order's `externalId`; asking.once looks for it before ever sending again. Nothing here touches
the database: a job calls `settle` between two transactions and records the outcome.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import structlog

from catalog.redemptions import asking
from catalog.redemptions.asking import Told
from catalog.redemptions.outcomes import Done, Ended, NotFound, Outcome, Refused, UnderWay, Unknown, Wrong

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
TIMEOUT_S = 5.0
COMPLETED = "completed"
UNDER_WAY = frozenset({"acknowledged", "pending", "held", "inProgress"})
ENDED = frozenset({"rejected", "failed", "cancelled"})
log = structlog.get_logger()


@dataclass(frozen=True)
class ServiceOrder:
    """A service for a subscriber. The account is personal: it stays out of logs, out of repr too."""

    account: str = field(repr=False)  # the operator's customer id
    code: str  # what the operator calls the service
    units: int
    months: int
    reference: str  # our redemption's public id


@dataclass(frozen=True)
class ProductOrder:
    """An order as the ordering system tells it; None where it does not say."""

    order_id: str
    reference: str | None
    account: str | None = field(repr=False)
    code: str | None
    units: int | None
    state: str | None


def settle(url: str, order: ServiceOrder, *, sent_before: bool, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Order once: look first if an earlier try may have arrived; send; look whether it is there just once."""
    return asking.once(
        sent_before,
        lambda: look_up(url, order, timeout_s=timeout_s),
        lambda: send(url, order, timeout_s=timeout_s),
    )


def send(url: str, order: ServiceOrder, *, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Send the order, without looking whether it was sent before: `settle` does that."""
    told = asking.send(url, ORDERS, body_of(order), timeout_s)
    outcome = _outcome(order, told) if isinstance(told, Told) else told
    log.info("ordering.send", reference=order.reference, outcome=type(outcome).__name__)
    return outcome


def look_up(url: str, order: ServiceOrder, *, timeout_s: float = TIMEOUT_S) -> Outcome | NotFound:
    """What became of the orders under this reference. Absent is only what a complete, readable list does not name."""
    query = urlencode({"externalId": order.reference, "limit": 100})
    told = asking.look(url, f"{ORDERS}?{query}", timeout_s)
    outcome = _found(order, told) if isinstance(told, Told) else told
    log.info("ordering.look_up", reference=order.reference, outcome=type(outcome).__name__)
    return outcome


def judge(order: ServiceOrder, found: list[ProductOrder]) -> Outcome:
    """Does the ordering system have what we asked for, once? What was refused or failed counts only when all were."""
    alive = [one for one in found if one.state not in ENDED]
    if not alive:
        return Ended(f"the order is {found[-1].state}")
    one = alive[0]
    as_asked = (one.reference, one.account, one.code, one.units) == (
        order.reference,
        order.account,
        order.code,
        order.units,
    )
    if len(alive) != 1 or not as_asked:
        return Wrong(tuple(alive))
    if one.state == COMPLETED:
        return Done(one.order_id)
    return UnderWay(one.order_id) if one.state in UNDER_WAY else Wrong(tuple(alive))


def body_of(order: ServiceOrder) -> dict[str, Any]:
    """TMF622's ProductOrder_Create."""
    return {
        "externalId": order.reference,
        "category": "redemption",
        "relatedParty": [{"id": order.account, "role": "customer", "@referredType": "Customer"}],
        "productOrderItem": [
            {
                "id": "1",
                "action": "add",
                "quantity": order.units,
                "productOffering": {"id": order.code},
                "itemTerm": [{"name": "prepaid", "duration": {"amount": order.months, "units": "month"}}],
            }
        ],
    }


def _outcome(order: ServiceOrder, told: Told) -> Outcome:
    """What the answer to a POST means."""
    one = _order(told.value)
    if told.status in (200, 201) and one:
        return judge(order, [one])
    reason = asking.refusal(told)
    return Refused(reason) if reason else Unknown(f"status {told.status}")


def _found(order: ServiceOrder, told: Told) -> Outcome | NotFound:
    """What a list says about a reference. TMF622 promises no filter: trust only a list known to be whole."""
    rows = told.value if isinstance(told.value, list) else [None]
    orders = [_order(row) for row in rows]
    if None in orders:
        return Unknown("the list is not readable")
    if told.total != str(len(orders)):
        return Unknown(f"the list may not be whole: {len(orders)} of {told.total}")
    named = [one for one in orders if one and one.reference == order.reference]
    return judge(order, named) if named else NotFound()


def _order(told: Any) -> ProductOrder | None:
    """What an answer tells about one order; None if that cannot be one."""
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        return None
    items, parties = told.get("productOrderItem"), told.get("relatedParty")
    item = items[0] if isinstance(items, list) and len(items) == 1 and isinstance(items[0], dict) else {}
    party = parties[0] if isinstance(parties, list) and parties and isinstance(parties[0], dict) else {}
    offering = item.get("productOffering")
    return ProductOrder(
        order_id=told["id"],
        reference=_text(told.get("externalId")),
        account=_text(party.get("id")),
        code=_text(offering.get("id")) if isinstance(offering, dict) else None,
        units=item.get("quantity", 1) if isinstance(item.get("quantity", 1), int) else None,
        state=_text(told.get("state")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

"""Transfers to connected accounts and their reversals."""

from tests.stripe_twin import accounts, connect_shapes, shapes
from tests.stripe_twin.core import Call, Core
from tests.stripe_twin.errors import invalid, short
from tests.stripe_twin.params import positive
from tests.stripe_twin.shapes import Thing

MOST_SHOWN = 10


def create(twin: Core, call: Call) -> Thing:
    params = call.params
    amount, currency = positive(params["amount"]), params["currency"].lower()
    to = twin.named("destination", "account", params["destination"])
    if twin.fault(call.route, "account_restricted", account=to["id"]):
        raise accounts.restricted()
    accounts.may_receive(to)
    lacking = twin.fault(call.route, "insufficient_funds", account=to["id"])
    if lacking or twin.has("", currency) < amount:
        raise short("transfer")
    made = connect_shapes.transfer(
        twin.ident("tr"),
        twin.now(),
        amount,
        currency,
        to["id"],
        description=params.get("description"),
        metadata=params.get("metadata") or {},
        transfer_group=params.get("transfer_group"),
    )
    paid = _payment(twin, made)
    paid["balance_transaction"] = twin.move(to["id"], paid, amount, "payment")
    made["destination_payment"] = paid["id"]
    made["balance_transaction"] = twin.move("", made, -amount, "transfer")
    twin.keep(made)
    twin.tell("transfer.created", made)
    return made


def _payment(twin: Core, made: Thing) -> Thing:
    """What the connected account has of it: a charge of the kind `py_`."""
    paid = shapes.charge(
        twin.ident("py"),
        twin.now(),
        {
            "amount": made["amount"],
            "currency": made["currency"],
            "id": None,
            "metadata": {},
            "payment_method": None,
        },
        paid=True,
        payment_method_details={"stripe_account": {}, "type": "stripe_account"},
        source_transfer=made["id"],
        transfer_group=made["transfer_group"],
    )
    return twin.keep(paid, made["destination"])


def update(twin: Core, call: Call) -> Thing:
    found = twin.get("transfer", call.ids[0])
    twin.change(found, metadata=accounts.merged(found["metadata"], call.params))
    if "description" in call.params:
        twin.change(found, description=call.params["description"])
    twin.tell("transfer.updated", found)
    return found


# ---- reversals


def reverse(twin: Core, call: Call) -> Thing:
    """Take a transfer back, or part of it; no more than the connected account has."""
    of = twin.get("transfer", call.ids[0])
    rest = of["amount"] - of["amount_reversed"]
    amount = positive(call.params.get("amount", rest)) if rest else rest + 1
    if amount > rest:
        raise invalid(None, f"Only {rest} of this transfer is left to be reversed.", "amount")
    to, currency = of["destination"], of["currency"]
    lacking = twin.fault(call.route, "insufficient_funds", account=to)
    if lacking or twin.has(to, currency) < amount:
        raise short("transfer reversal")
    made = connect_shapes.transfer_reversal(
        twin.ident("trr"), twin.now(), amount, of, metadata=call.params.get("metadata") or {}
    )
    made["balance_transaction"] = twin.move("", made, amount, "transfer_refund")
    made["destination_payment_refund"] = _payment_refund(twin, of, made)
    twin.keep(made)
    _count(twin, of, made)
    return made


def _payment_refund(twin: Core, of: Thing, made: Thing) -> str:
    to, amount = of["destination"], made["amount"]
    paid = twin.get("charge", of["destination_payment"], to)
    back = shapes.refund(twin.ident("pyr"), twin.now(), paid, amount, transfer_reversal=made["id"])
    back["balance_transaction"] = twin.move(to, back, -amount, "payment_refund")
    twin.keep(back, to)
    refunded = paid["amount_refunded"] + amount
    twin.change(paid, to, amount_refunded=refunded, refunded=refunded == paid["amount"])
    return str(back["id"])


def _count(twin: Core, of: Thing, made: Thing) -> None:
    taken = of["amount_reversed"] + made["amount"]
    shown = of["reversals"]
    shown["data"] = [made, *shown["data"]][:MOST_SHOWN]
    twin.change(of, amount_reversed=taken, reversed=taken == of["amount"])
    shown["has_more"] = len(reversals(twin, of["id"])) > MOST_SHOWN
    twin.tell("transfer.reversed", of)


def reversals(twin: Core, transfer: str) -> dict[str, Thing]:
    """All of one transfer."""
    return {k: v for k, v in twin.all("transfer_reversal").items() if v["transfer"] == transfer}


def reversal(twin: Core, call: Call) -> Thing:
    twin.get("transfer", call.ids[0])
    found = twin.get("transfer_reversal", call.ids[1])
    return found if found["transfer"] == call.ids[0] else twin.get("transfer_reversal", "")

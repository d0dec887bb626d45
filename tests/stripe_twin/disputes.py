"""Disputes of card payments: the bank takes the money at once, and gives it back to who wins."""

from tests.stripe_twin import shapes
from tests.stripe_twin.accounts import merged
from tests.stripe_twin.core import DAY_S, Call, Core
from tests.stripe_twin.errors import invalid
from tests.stripe_twin.shapes import Thing

FEE = 1500
ANSWER_DAYS = 7
OPEN = ("needs_response", "under_review")


def open_dispute(twin: Core, charge: str, reason: str = "fraudulent", amount: int | None = None) -> Thing:
    """The holder of the card disputes a charge."""
    of = twin.get("charge", charge)
    if not of["paid"] or of["disputed"]:
        raise invalid(None, "Only a paid charge is disputed, and once.", "charge")
    made = shapes.dispute(
        twin.ident("du"),
        twin.now(),
        of,
        amount or of["amount"],
        reason,
        twin.now() + ANSWER_DAYS * DAY_S,
    )
    twin.keep(made)
    twin.change(of, disputed=True)
    _withdraw(twin, made)
    twin.tell("charge.dispute.created", made)
    twin.tell("charge.dispute.funds_withdrawn", made)
    return made


def _withdraw(twin: Core, made: Thing) -> None:
    taken = twin.move("", made, -made["amount"], "adjustment", fee=FEE)
    made["balance_transactions"].append(twin.get("balance_transaction", taken))


def answer(twin: Core, call: Call) -> Thing:
    """Evidence; unless `submit` is false it goes to the bank."""
    found, params = twin.get("dispute", call.ids[0]), call.params
    if found["status"] not in OPEN:
        raise invalid("dispute_closed", "This dispute is closed.")
    details, given = found["evidence_details"], params.get("evidence", {})
    twin.change(found, evidence=found["evidence"] | given, metadata=merged(found["metadata"], params))
    details["has_evidence"] = details["has_evidence"] or bool(given)
    if given and params.get("submit", True):
        details["submission_count"] += 1
        twin.change(found, status="under_review")
    twin.tell("charge.dispute.updated", found)
    return found


def close(twin: Core, call: Call) -> Thing:
    """Given up: the dispute is lost."""
    return end(twin, call.ids[0], "lost")


def end(twin: Core, ident: str, state: str) -> Thing:
    """The bank has decided: won or lost."""
    found = twin.get("dispute", ident)
    if found["status"] not in OPEN or state not in ("won", "lost"):
        raise invalid("dispute_closed", "An open dispute ends won or lost.")
    twin.change(found, status=state, is_charge_refundable=False)
    if state == "won":
        back = twin.move("", found, found["amount"], "adjustment")
        found["balance_transactions"].append(twin.get("balance_transaction", back))
        twin.tell("charge.dispute.funds_reinstated", found)
    twin.tell("charge.dispute.closed", found)
    return found

"""The switches of the twin, no part of Stripe's API: `/twin/...`, and its page in words at `/`."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as Answer

from tests.stripe_twin import page
from tests.stripe_twin.core import PLATFORM
from tests.stripe_twin.errors import Refusal, invalid
from tests.stripe_twin.faults import Fault
from tests.stripe_twin.payments import OPEN
from tests.stripe_twin.twin import Twin

SENDING = ("copies", "backwards", "shuffled", "delay_s")
BAD = (KeyError, TypeError, ValueError, AttributeError)


def blueprint(twin: Twin) -> Blueprint:
    """The switches of this twin."""
    made = Blueprint("twin", __name__)
    made.add_url_rule("/", view_func=lambda: Response(page.index(twin)), endpoint="index")
    made.add_url_rule("/twin/health", view_func=lambda: jsonify({"twin": "not Stripe"}), endpoint="health")
    _faults(made, twin)
    _time_and_events(made, twin)
    _deeds(made, twin)
    _onboarding(made, twin)
    made.register_error_handler(Refusal, lambda refusal: (refusal.body, refusal.status))
    for kind in BAD:
        made.register_error_handler(kind, _not_understood)
    return made


def _not_understood(error: Exception) -> tuple[dict[str, str], int]:
    return {"error": f"not understood: {type(error).__name__} {error}"}, 400


def _told() -> dict[str, Any]:
    """What was said: JSON, or a form of the page."""
    return dict(request.get_json()) if request.is_json else request.form.to_dict()


def _faults(made: Blueprint, twin: Twin) -> None:
    def show() -> Response:
        return jsonify([vars(fault) for fault in twin.faults])

    def add() -> Response:
        wanted = [Fault(**each) for each in request.get_json()]  # all of them, or none
        twin.faults += wanted
        return show()

    def clear() -> Response:
        twin.faults.clear()
        return show()

    made.add_url_rule("/twin/faults", "faults", show)
    made.add_url_rule("/twin/faults", "add_faults", add, methods=["POST"])
    made.add_url_rule("/twin/faults", "clear_faults", clear, methods=["DELETE"])


def _time_and_events(made: Blueprint, twin: Twin) -> None:
    def clock() -> Answer:
        if request.method == "POST":
            twin.advance(int(_told()["advance_s"]))
        return _then({"now": twin.now(), "ahead_s": twin.ahead_s})

    def deliver() -> Response:
        told = request.get_json(silent=True) or {}
        for name in SENDING:
            setattr(twin.webhooks, name, told.get(name, getattr(twin.webhooks, name)))
        statuses = twin.deliver() if request.method == "POST" else []
        sending = {name: getattr(twin.webhooks, name) for name in SENDING}
        return jsonify({"statuses": statuses, "waiting": len(twin.webhooks.waiting), **sending})

    made.add_url_rule("/twin/clock", "clock", clock, methods=["GET", "POST"])
    made.add_url_rule("/twin/deliver", "deliver", deliver, methods=["GET", "POST"])


def _deeds(made: Blueprint, twin: Twin) -> None:
    """What happens outside of the API: to an account, a payout, a payment, a dispute."""
    accounts: dict[str, Callable[[str], Any]] = {
        "onboard": twin.onboard,
        "pending": lambda ident: twin.onboard(ident, verified=False),
        "restrict": twin.restrict,
    }

    def account(ident: str, deed: str) -> Answer:
        return _then(accounts[deed](ident))

    def funds() -> Answer:
        told = _told()
        amount, currency = int(told["amount"]), str(told.get("currency", "cny"))
        return _then({"balance_transaction": twin.fund(amount, currency, told.get("account", PLATFORM))})

    def fail(ident: str) -> Answer:
        return _then(twin.fail_payout(ident, _told()["account"]))

    def pay(ident: str) -> Answer:
        if twin.get("payment_intent", ident)["status"] not in OPEN:
            raise invalid("payment_intent_unexpected_state", "This payment waits for no card.")
        return _then(twin.succeed(ident))

    def dispute() -> Answer:
        told = _told()
        return _then(twin.dispute(told["charge"], told.get("reason", "fraudulent"), told.get("amount")))

    def decide(ident: str, state: str) -> Answer:
        return _then(twin.end_dispute(ident, state))

    views: dict[str, Callable[..., Answer]] = {
        "/twin/accounts/<ident>/<deed>": account,
        "/twin/funds": funds,
        "/twin/payouts/<ident>/fail": fail,
        "/twin/payments/<ident>/pay": pay,
        "/twin/disputes": dispute,
        "/twin/disputes/<ident>/<state>": decide,
    }
    for rule, view in views.items():
        made.add_url_rule(rule, view_func=view, methods=["POST"])


def _then(made: Any) -> Answer:
    """JSON for a program; back to the page for a person."""
    return redirect("/", 303) if request.form.get("of") == "page" else jsonify(made)


def _onboarding(made: Blueprint, twin: Twin) -> None:
    def ask(token: str) -> Answer:
        link = twin.links.get(token)
        if link is None or link["expires_at"] <= twin.now():
            return redirect((link or {}).get("refresh_url") or "/")
        return Response(page.onboarding(twin, link["account"]))

    def fill_in(token: str) -> Answer:
        link = twin.links.pop(token, None)
        if link is None or link["expires_at"] <= twin.now():
            return redirect((link or {}).get("refresh_url") or "/")
        twin.onboard(link["account"], verified=request.form.get("outcome") != "pending")
        return redirect(link["return_url"] or "/", 303)

    made.add_url_rule("/twin/onboarding/<token>", "onboarding", ask)
    made.add_url_rule("/twin/onboarding/<token>", "onboarded", fill_in, methods=["POST"])

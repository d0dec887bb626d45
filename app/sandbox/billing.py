"""A billing sandbox: a process that stands in for the operator's billing system. No real bill changes here.

`python -m app.sandbox.billing --port 8091 [--state FILE]` serves the topup, adjustment and bucket part of TM Forum's
TMF654 v4 on 127.0.0.1, keeps balances, and can be told at /sandbox/faults to refuse, fail, fall silent,
credit or take back twice or wrongly. Beside it the same process stands in for the operator's product ordering (TMF622, tmf622.py) and for
a provider of goods (fulfilment.py), each with faults of its own.
Every answer carries `X-Sandbox`. Like TMF654 itself it has no idempotency: two POSTs are two credits.
"""

import argparse
import logging
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.sandbox import fulfilment, orders, tmf622
from app.sandbox.balances import Billing
from app.sandbox.tmf654 import ADJUST, API, NAME, TOPUP, Refusal, departures, dumps, loads, plain

log = logging.getLogger("jifen.sandbox.billing")
tmf = Blueprint("tmf654", __name__, url_prefix=API)
switches = Blueprint("sandbox", __name__, url_prefix="/sandbox")


def create_sandbox(state_file: Path | None = None) -> Flask:
    """The sandbox as a WSGI application; with a state file its credits outlive the process."""
    app = Flask("billing-sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    app.extensions["billing"] = Billing(state_file)
    app.register_blueprint(tmf)
    app.register_blueprint(switches)
    for protocol in (tmf622.PROTOCOL, fulfilment.PROTOCOL):
        orders.add(app, protocol, state_file)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_signed)
    return app


# ---- TMF654: topupBalance, adjustBalance and bucket


@tmf.post("/topupBalance")
def create_topup() -> Response:
    """Credit a bucket: once per request, unless a fault says otherwise."""
    billing, body = _billing(), _asked(TOPUP)
    if body["amount"]["amount"] < 0:
        raise Refusal(400, "invalidAmount", "an amount is more than 0")
    return _moved("topup", body, billing.credit, lambda amount: billing.credit(body, amount))


@tmf.post("/adjustBalance")
def create_adjust() -> Response:
    """Change what is on a bucket, up or down: once per request, unless a fault says otherwise."""
    billing, body = _billing(), _asked(ADJUST)
    return _moved(
        "adjust", body, billing.adjust, lambda amount: billing.adjust(body, amount, below_zero=True)
    )


def _moved(
    on: str,
    body: dict[str, Any],
    move: Callable[[dict[str, Any], Decimal], dict[str, Any]],
    wrongly: Callable[[Decimal], dict[str, Any]],
) -> Response:
    fault = _billing().fault(on, str(body.get("description", "")), body["bucket"]["id"])
    mode = fault.get("mode", "")
    if answer := _before(fault):
        return answer
    amount = body["amount"]["amount"]
    further = amount + (1 if amount > 0 else -1)
    made = wrongly(fault.get("amount", further)) if mode == "wrong_amount" else move(body, amount)
    if mode == "double":
        wrongly(amount)
    return _hang_up() if mode == "lost_reply" else _answer(made, 201, {"Location": made["href"]})


def _asked(shape: dict[str, Any]) -> dict[str, Any]:
    """The body, its amount as Decimal with two places; 400 for what TMF654 or a bill does not allow."""
    body = _json()
    if wrong := list(departures(body, shape, "body")):
        raise Refusal(400, "invalidBody", wrong[0])
    # By the definition a missing amount is 1. Nobody's bill should depend on that.
    amount = body["amount"].get("amount")
    if amount is None or not body["amount"].get("units"):
        raise Refusal(400, "invalidAmount", "amount and units are needed")
    if not 0 < abs(amount) < 10**13 or amount != round(amount, 2):
        raise Refusal(400, "invalidAmount", "an amount is not 0 and has at most two decimals")
    body["amount"]["amount"] = round(Decimal(amount), 2)
    return {name: body[name] for name in map(plain, shape) if name in body}


@tmf.get("/topupBalance")
def list_topups() -> Response:
    """All credits, oldest first, or those with exactly this description."""
    return _listed(_billing().topups, "look_up")


@tmf.get("/adjustBalance")
def list_adjusts() -> Response:
    """All adjustments, oldest first, or those with exactly this description."""
    return _listed(_billing().adjusts, "look_up_adjust")


def _listed(kept: list[dict[str, Any]], on: str) -> Response:
    wanted = request.args.get("description")
    if answer := _before(_billing().fault(on, wanted or "", "")):
        return answer
    found = [each for each in kept if wanted is None or each.get("description") == wanted]
    offset, limit = _count("offset", 0), _count("limit", 100)
    page = found[offset : offset + limit]
    return _answer(page, 200, {"X-Total-Count": str(len(found)), "X-Result-Count": str(len(page))})


@tmf.get("/topupBalance/<topup_id>")
def show_topup(topup_id: str) -> Response:
    """One credit."""
    return _shown(_billing().topups, topup_id)


@tmf.get("/adjustBalance/<adjust_id>")
def show_adjust(adjust_id: str) -> Response:
    """One adjustment."""
    return _shown(_billing().adjusts, adjust_id)


def _shown(kept: list[dict[str, Any]], wanted: str) -> Response:
    for each in kept:
        if each["id"] == wanted:
            return _answer(each)
    raise Refusal(404, "notFound", "nothing of this id")


@tmf.get("/bucket/<bucket_id>")
def show_bucket(bucket_id: str) -> Response:
    """What stands on a bucket; it comes into being with its first credit."""
    bucket = _billing().buckets.get(bucket_id)
    if bucket is None:
        raise Refusal(404, "notFound", "no bucket of this id")
    return _answer(bucket)


# ---- the sandbox's own switches, no part of TMF654


MODES = ("refuse", "error", "silent", "lost_reply", "slow", "double", "wrong_amount")
FAULT: dict[str, Any] = {
    "mode!": MODES,
    "on": ("topup", "look_up", "adjust", "look_up_adjust"),
    "times": int,
    "every": int,  # only each so many-th call that would be its
    "match": {"description": str, "bucket": str},
    "delay_ms": int,  # before the deed (slow), or until the connection closes (silent, 30 s)
    "amount": Decimal,  # what wrong_amount credits or takes off; one more than asked
    "status": int,  # what refuse answers, 409
}


@switches.get("/health")
def health() -> Response:
    """Alive, and how many credits it holds."""
    return _answer({"sandbox": NAME, "status": "ok", "topups": len(_billing().topups)})


@switches.get("/faults")
def show_faults() -> Response:
    """The faults still in force; `times` is what is left."""
    return _answer(_billing().faults)


@switches.put("/faults")
def set_faults() -> Response:
    """Replace all faults: a list of {mode, on?, times?, every?, match?, delay_ms?, amount?, status?}; see MODES.

    `every`: 10 acts on each tenth call that matches. `times` counts down and the fault goes with its last use; without it (or null) it stays. The first that
    matches acts. `on` is "topup" (default) or "adjust"; or "look_up" or "look_up_adjust", where refuse, error, silent and slow have a meaning.
    """
    plan = _json()
    for each in plan if isinstance(plan, list) else []:
        if isinstance(each, dict) and each.get("times", 0) is None:
            del each["times"]
    wrong = list(departures(plan, [FAULT], "faults"))
    if not wrong and any(
        min(f.get("times", 1), f.get("every", 1)) < 1
        or f.get("delay_ms", 0) < 0
        or not 400 <= f.get("status", 409) < 500
        for f in plan
    ):
        wrong = ["faults: times and every from 1, delay_ms from 0, status 4xx"]
    if wrong:
        raise Refusal(400, "invalidFault", wrong[0])
    _billing().set_faults(plan)
    return _answer(plan)


@switches.delete("/faults")
def clear_faults() -> Response:
    """Behave again; those who wait in silence are hung up on at once."""
    _billing().set_faults([])
    return Response(status=204)


def _before(fault: dict[str, Any]) -> Response | None:
    """The part of a fault that comes before the deed; an answer if there is no deed at all."""
    mode = fault.get("mode")
    if mode:
        log.info("fault %s", mode)
    _billing().pause.wait(fault.get("delay_ms", 30_000 if mode == "silent" else 0) / 1000)
    if mode == "silent":
        return _hang_up()
    if mode == "refuse":
        raise Refusal(fault.get("status", 409), "refused", "the billing system refuses this credit")
    if mode == "error":
        raise Refusal(500, "error", "the billing system has failed")
    return None


def _hang_up() -> Response:
    """Close the connection without a word."""
    log.info("hanging up")
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)


# ---- JSON and HTTP


def _refused(refusal: Refusal) -> Response:
    return _answer(refusal.as_error(), refusal.status)


def _http_error(error: HTTPException) -> Response:
    return _refused(Refusal(error.code or 500, error.name, error.description or error.name))


def _signed(response: Response) -> Response:
    response.headers["X-Sandbox"] = NAME
    log.info("%s %s %s", request.method, request.path, response.status_code)
    return response


def _answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(dumps(value), status, headers, content_type="application/json;charset=utf-8")


def _count(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(400, "invalidQuery", f"{name}: a whole number")
    return int(text)


def _json() -> Any:
    try:
        return loads(request.get_data())
    except (ValueError, ArithmeticError, RecursionError):
        raise Refusal(400, "invalidBody", "the body is not JSON") from None


def _billing() -> Billing:
    billing = current_app.extensions["billing"]
    assert isinstance(billing, Billing)
    return billing


# ---- running it


class _Handler(WSGIRequestHandler):
    """Under the sandbox's own name; the sandbox logs its requests itself."""

    def version_string(self) -> str:
        return "jifen-billing-sandbox"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def server(app: Flask, port: int) -> BaseWSGIServer:
    """A threaded server on 127.0.0.1, bound but not yet serving; port 0 takes a free one (`.port` tells)."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler)


def main(arguments: Iterable[str] | None = None) -> None:
    """Run the sandbox until it is stopped."""
    parser = argparse.ArgumentParser(
        prog="app.sandbox.billing", description=f"The {NAME}: no real billing system."
    )
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--state", type=Path, help="keep the credits in this file, one JSON line each")
    options = parser.parse_args(None if arguments is None else list(arguments))
    logging.basicConfig(level=logging.INFO, format=f"{NAME}: %(message)s")
    serving = server(create_sandbox(options.state), options.port)
    log.info(
        "no real billing system; on http://127.0.0.1:%s, credits kept in %s",
        serving.port,
        options.state or "memory",
    )
    with suppress(KeyboardInterrupt):
        serving.serve_forever()


if __name__ == "__main__":
    main()

"""The wire of the Stripe twin: paths, parameters, keys, answers.

It is a twin: a Flask app for tests and demos, on loopback, written by us. Passing against it is not a test against Stripe;
no live Stripe call has been made.
"""

import argparse
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, make_server

from tests.stripe_twin.errors import Refusal, invalid
from tests.stripe_twin.shapes import Thing
from tests.stripe_twin.twin import HangUp, Params, Twin

PAGE = ("limit", "starting_after")


@dataclass(frozen=True)
class Route:
    """What may be asked for: the deed, the parameters it takes, those it needs."""

    deed: Callable[[Twin, str, Params], Thing]
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


def _retrieve(kind: str) -> Route:
    return Route(lambda twin, ident, params: twin.get(kind, ident))


def _list(kind: str, *filters: str) -> Route:
    def deed(twin: Twin, _: str, params: Params) -> Thing:
        found = list(reversed(twin.all(kind).values()))
        found = [each for each in found if all(each[f] == params[f] for f in filters if f in params)]
        if after := params.get("starting_after"):
            places = [place for place, each in enumerate(found) if each["id"] == after]
            found = found[places[0] + 1 :] if places else []
        limit = params.get("limit", 10)
        return {
            "object": "list",
            "data": found[:limit],
            "has_more": len(found) > limit,
            "url": request.path,
        }

    return Route(deed, (*PAGE, *filters))


ROUTES = {
    "POST /v1/payment_intents": Route(
        lambda twin, _, params: twin.create_intent(params),
        (
            "amount",
            "currency",
            "metadata",
            "description",
            "payment_method_types",
            "automatic_payment_methods",
        ),
        ("amount", "currency"),
    ),
    "GET /v1/payment_intents": _list("payment_intent"),
    "GET /v1/payment_intents/*": _retrieve("payment_intent"),
    "POST /v1/payment_intents/*/confirm": Route(
        lambda twin, ident, params: twin.confirm(ident, params),
        ("payment_method", "client_secret", "return_url"),
    ),
    "POST /v1/payment_intents/*/cancel": Route(
        lambda twin, ident, params: twin.cancel(ident, params), ("cancellation_reason",)
    ),
    "POST /v1/refunds": Route(
        lambda twin, _, params: twin.create_refund(params),
        ("payment_intent", "charge", "amount", "reason", "metadata"),
    ),
    "GET /v1/refunds": _list("refund", "payment_intent", "charge"),
    "GET /v1/refunds/*": _retrieve("refund"),
    "GET /v1/charges/*": _retrieve("charge"),
    "GET /v1/balance_transactions/*": _retrieve("balance_transaction"),
    "GET /v1/events": _list("event", "type"),
    "GET /v1/events/*": _retrieve("event"),
    "POST /v1/webhook_endpoints": Route(
        lambda twin, _, params: twin.create_endpoint(params),
        ("url", "enabled_events", "metadata"),
        ("url", "enabled_events"),
    ),
    "GET /v1/webhook_endpoints": _list("webhook_endpoint"),
    "GET /v1/webhook_endpoints/*": _retrieve("webhook_endpoint"),
    "DELETE /v1/webhook_endpoints/*": Route(lambda twin, ident, _: twin.delete_endpoint(ident)),
}
NUMBERS = {"amount", "limit"}


def create_twin(twin: Twin) -> Flask:
    """The twin as a WSGI application."""
    app = Flask("stripe-twin", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
    def stripe(rest: str) -> Response:
        try:
            return _answered(twin)
        except HangUp as hang_up:
            time.sleep(hang_up.seconds)
            return _hang_up()
        except Refusal as refusal:
            return _answer(refusal.status, refusal.body)

    @app.post("/_twin/<switch>")
    def switches(switch: str) -> Response:
        told = request.get_json()
        if switch == "faults":
            for fault in told:
                twin.fails(fault.pop("on"), fault.pop("mode"), **fault)
        elif switch == "clock":
            twin.advance(int(told["advance_s"]))
        elif switch == "webhooks":
            deliver = told.pop("deliver", False)
            for name in ("copies", "backwards", "delay_s"):
                setattr(twin.webhooks, name, told.get(name, getattr(twin.webhooks, name)))
            return jsonify(twin.deliver() if deliver else [])
        return jsonify({"now": twin.now()})

    return app


def _answered(twin: Twin) -> Response:
    name, ident = _route()
    route = ROUTES[name]
    if not re.fullmatch(r"Bearer [sr]k_test_\w+", request.headers.get("Authorization", "")):
        raise Refusal(401, "invalid_request_error", None, "Invalid API Key provided")
    params = _params(route)
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    status, body, replayed = twin.run(
        name, request.path, params, key, lambda asked: route.deed(twin, ident, asked)
    )
    answer = _answer(status, body)
    if replayed:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _route() -> tuple[str, str]:
    """The row of ROUTES, and the id in the path."""
    parts = request.path.strip("/").split("/")
    ident = parts[2] if len(parts) > 2 else ""
    name = f"{request.method} /" + "/".join("*" if place == 2 else part for place, part in enumerate(parts))
    if name not in ROUTES:
        told = f"Unrecognized request URL ({request.method}: {request.path})."
        raise invalid("url_invalid", told, status=404)
    return name, ident


def _params(route: Route) -> Params:
    """The form or query as values; Stripe's refusal for what is unknown, missing or no number."""
    given: Params = {}
    for name, value in (request.args if request.method == "GET" else request.form).items(multi=True):
        first, _, inner = name.partition("[")
        if first not in route.takes:
            raise invalid("parameter_unknown", f"Received unknown parameter: {name}", name)
        if not inner:
            given[first] = _number(first, value) if first in NUMBERS else value
        elif inner.rstrip("]").isdigit() or inner == "]":
            given.setdefault(first, []).append(value)
        else:
            given.setdefault(first, {})[inner.rstrip("]")] = value
    for name in route.needs:
        if name not in given:
            raise invalid("parameter_missing", f"Missing required param: {name}.", name)
    return given


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"-?\d{1,15}", text):
        raise invalid("parameter_invalid_integer", f"Invalid integer: {text}", name)
    return int(text)


def _answer(status: int, body: Thing) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    answer.headers["X-Twin"] = "not Stripe"
    return answer


def _hang_up() -> Response:
    """Close the connection without a word."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def server(twin: Twin, port: int = 0) -> BaseWSGIServer:
    """A threaded server on 127.0.0.1; port 0 takes a free one (`.port` tells)."""
    return make_server("127.0.0.1", port, create_twin(twin), threaded=True)


@contextmanager
def serving(twin: Twin) -> Iterator[str]:
    """The twin on loopback for a while; its address."""
    httpd = server(twin)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.port}"
    finally:
        httpd.shutdown()
        thread.join(5)
        httpd.server_close()


def main() -> None:
    """Serve it until it is stopped; events go out each second."""
    parser = argparse.ArgumentParser(prog="tests.stripe_twin.app", description="A twin, not Stripe.")
    parser.add_argument("--port", type=int, default=8093)
    twin = Twin()

    def tell() -> Any:
        while True:
            time.sleep(1)
            twin.deliver()

    threading.Thread(target=tell, daemon=True).start()
    with suppress(KeyboardInterrupt):
        server(twin, parser.parse_args().port).serve_forever()


if __name__ == "__main__":
    main()

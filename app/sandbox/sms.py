"""An SMS sandbox: a process that stands in for the operator's SMS gateway. Nobody's phone rings here.

`python -m app.sandbox.sms --port 8092 [--receipts URL --key KEY]` takes messages on 127.0.0.1 as base/notices/gateway.py
hands them over, each reference once, and with --receipts tells that address what became of them. At /sandbox/faults it can
be told to refuse, fail, fall silent, lose its reply, be slow, send twice or answer wrongly. Every answer carries
`X-Sandbox`.
"""

import argparse
import json
import logging
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from base import calls

NAME = "jifen SMS sandbox"
MODES = ("refuse", "error", "silent", "lost_reply", "slow", "double", "wrong")
SILENCE_S = 30.0
Receipt = Callable[[str, str], None]  # reference, delivered or failed
log = logging.getLogger("jifen.sandbox.sms")


class Gateway:
    """Messages by reference, how often each went out, and the faults in force."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.faults: list[dict[str, Any]] = []
        self.pause = Event()
        self._lock = Lock()

    def take(self, reference: str, to: str, text: str, *, again: bool = False) -> None:
        """Send a message, unless its reference was sent before."""
        with self._lock:
            known = self.messages.setdefault(reference, {"to": to, "text": text, "asked": 0, "sent": 0})
            known["asked"] += 1
            if known["sent"] == 0 or again:
                known["sent"] += 1

    def fault(self) -> dict[str, Any]:
        """The first fault, used up once; {} if there is none."""
        with self._lock:
            if not self.faults:
                return {}
            fault = self.faults[0]
            if "times" in fault:
                fault["times"] -= 1
                self.faults = [each for each in self.faults if each.get("times", 1) > 0]
            return fault

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        """These from now on; whoever pauses because of an earlier one goes on."""
        with self._lock:
            self.faults = faults
            self.pause.set()
            self.pause = Event()


def create_sandbox(receipt: Receipt | None = None) -> Flask:
    """The sandbox as a WSGI application; `receipt` is told of every message that went out."""
    app, gateway = Flask("sms-sandbox", static_folder=None), Gateway()
    app.config["MAX_CONTENT_LENGTH"] = 100_000
    app.extensions["gateway"] = gateway

    @app.post("/messages")
    def take() -> Response:
        """One message, once by its reference, unless a fault says otherwise."""
        asked = request.get_json(force=True, silent=True)
        names = ("reference", "to", "text")
        if not isinstance(asked, dict) or not all(isinstance(asked.get(name), str) for name in names):
            return _answer(400, {"reason": "reference, to and text are needed"})
        fault = gateway.fault()
        mode = fault.get("mode", "")
        if mode:
            log.info("fault %s", mode)
        wait = fault.get("delay_ms", SILENCE_S * 1000 if mode == "silent" else 0)
        gateway.pause.wait(wait / 1000)
        if mode == "silent":
            return _hang_up()
        if mode == "refuse":
            return _answer(fault.get("status", 422), {"reason": "the gateway refuses this message"})
        if mode == "error":
            return _answer(500, {"reason": "the gateway has failed"})
        reference = asked["reference"]
        gateway.take(reference, asked["to"], asked["text"], again=mode == "double")
        if mode == "lost_reply":
            return _hang_up()
        if receipt is not None:
            receipt(reference, "delivered")
        return _answer(202, {"reference": f"{reference}0" if mode == "wrong" else reference})

    @app.get("/sandbox/messages")
    def messages() -> Response:
        """What was taken, by reference: to whom, how often it was asked for, how often it went out."""
        return _answer(200, gateway.messages)

    @app.put("/sandbox/faults")
    def set_faults() -> Response:
        """Replace all faults: a list of {mode, times?, delay_ms?, status?}; the first acts until its times are used up."""
        plan = request.get_json(force=True, silent=True)
        if not isinstance(plan, list) or not all(_is_fault(each) for each in plan):
            return _answer(400, {"reason": f"a list of {{mode: {', '.join(MODES)}}}"})
        gateway.set_faults(plan)
        return _answer(200, plan)

    @app.after_request
    def signed(response: Response) -> Response:
        response.headers["X-Sandbox"] = NAME
        log.info("%s %s %s", request.method, request.path, response.status_code)
        return response

    return app


def gateway_of(app: Flask) -> Gateway:
    """What the sandbox remembers."""
    gateway = app.extensions["gateway"]
    assert isinstance(gateway, Gateway)
    return gateway


def _is_fault(fault: object) -> bool:
    return (
        isinstance(fault, dict)
        and fault.get("mode") in MODES
        and all(isinstance(fault.get(name, 1), int) for name in ("times", "delay_ms", "status"))
    )


def _answer(status: int, body: object) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer


def _hang_up() -> Response:
    """Close the connection without a word."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def receipts_to(url: str, key: str) -> Receipt:
    """Receipts over HTTP to jifen's API, a moment after each message, as a gateway sends them."""

    def post(reference: str, state: str) -> None:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {key}",
            "Idempotency-Key": f"{reference}-{state}",
        }
        body = json.dumps({"reference": reference, "state": state}).encode()
        found = calls.call("POST", url, "/v1/notices/receipts", body, headers, 5)
        log.info("receipt %s", found.status if isinstance(found, calls.Answered) else found.reason)

    def later(reference: str, state: str) -> None:
        Thread(target=post, args=(reference, state), daemon=True).start()

    return later


class _Handler(WSGIRequestHandler):
    def version_string(self) -> str:
        return "jifen-sms-sandbox"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def server(app: Flask, port: int) -> BaseWSGIServer:
    """A threaded server on 127.0.0.1, bound but not yet serving; port 0 takes a free one (`.port` tells)."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler)


def main(arguments: Iterable[str] | None = None) -> None:
    """Run the sandbox until it is stopped."""
    parser = argparse.ArgumentParser(prog="app.sandbox.sms", description=f"The {NAME}: no real gateway.")
    parser.add_argument("--port", type=int, default=8092)
    parser.add_argument("--receipts", help="jifen's address, to which receipts are sent")
    parser.add_argument("--key", default="", help="an API key with the scope notices:receipts")
    options = parser.parse_args(None if arguments is None else list(arguments))
    logging.basicConfig(level=logging.INFO, format=f"{NAME}: %(message)s")
    receipt = receipts_to(options.receipts, options.key) if options.receipts else None
    serving = server(create_sandbox(receipt), options.port)
    log.info("no real gateway; on http://127.0.0.1:%s, messages kept in memory", serving.port)
    with suppress(KeyboardInterrupt):
        serving.serve_forever()


if __name__ == "__main__":
    main()

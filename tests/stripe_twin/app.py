"""The twin over HTTP.

It is a twin: a Flask app for tests and the demo, on loopback, written by us. Passing against it is not a test against
Stripe; no live Stripe call has been made.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Flask, Response, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.stripe_twin import control, wire
from tests.stripe_twin.faults import HangUp
from tests.stripe_twin.twin import Twin


def create_twin(twin: Twin) -> Flask:
    """The twin as a WSGI application."""
    app = Flask("stripe-twin", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000

    @app.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE"])
    def stripe(rest: str) -> Response:
        try:
            told = wire.answer(twin, _asked())
        except HangUp as hang_up:
            time.sleep(hang_up.seconds)
            return _hang_up()
        return Response(told.body, told.status, told.headers)

    app.register_blueprint(control.blueprint(twin))
    return app


def _asked() -> wire.Asked:
    return wire.Asked(
        request.method,
        request.path,
        request.query_string.decode(),
        request.get_data(as_text=True),
        {name.lower(): value for name, value in request.headers.items()},
    )


def _hang_up() -> Response:
    """Close the connection without a word."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)


class _Handler(WSGIRequestHandler):
    """Says nothing for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def server(twin: Twin, port: int = 0) -> BaseWSGIServer:
    """A threaded server on 127.0.0.1; port 0 takes a free one (`.port` tells)."""
    made = make_server("127.0.0.1", port, create_twin(twin), threaded=True, request_handler=_Handler)
    twin.address = f"http://127.0.0.1:{made.port}"
    return made


@contextmanager
def serving(twin: Twin) -> Iterator[str]:
    """The twin on loopback for a while; its address."""
    httpd = server(twin)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield twin.address
    finally:
        httpd.shutdown()
        thread.join(5)
        httpd.server_close()

"""A receiver on loopback that can be slow, silent, broken, gone or leading elsewhere, and checks signatures by itself."""

import base64
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def signed_with(self, secret: str) -> bool:
        """Whether one of its signatures is this secret's; written after the published scheme, without our code."""
        text = b".".join(
            (self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), self.body)
        )
        right = hmac.digest(base64.b64decode(secret[len("whsec_") :]), text, "sha256")
        told = [each.split(",", 1) for each in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and base64.b64decode(mark) == right for version, mark in told)


@dataclass
class Receiver:
    """What came, and how it answers: one plan for each request, the last one for all further ones."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    plans: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    before: Callable[[Got], None] = lambda got: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, *plans: dict[str, Any] | int) -> None:
        self.plans = [{"status": plan} if isinstance(plan, int) else plan for plan in plans]

    def plan(self, got: Got) -> dict[str, Any]:
        with self.lock:
            self.got.append(got)
            if not self.plans:
                return {"status": 204}
            return self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]

    @property
    def numbers(self) -> list[int]:
        """The n of each event that came, in the order in which they came."""
        return [got.event["data"]["n"] for got in self.got]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Got(self.path, headers, self.rfile.read(length))
            receiver.before(got)
            plan = receiver.plan(got)
            time.sleep(plan.get("slow_s", 0))
            if plan.get("silent"):
                return
            self.send_response(plan["status"])
            for name, value in plan.get("headers", {}).items():
                self.send_header(name, value)
            text = plan.get("body", "").encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            receiver.connections += 1
            super().process_request(request, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook?from=jifen"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()

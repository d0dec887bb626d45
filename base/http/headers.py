"""Security headers and request ids on every answer, one log line per request."""

import re
import secrets
import time

import structlog
from flask import Flask, Response, g, request

from base.auth.signatures import WARNED_SKEW_S

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# A page that reads codes by camera compiles the reader, which is WebAssembly.
CSP_OF_CAMERA = CSP.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
log = structlog.get_logger()


def init(app: Flask) -> None:
    """Before: an id and a clock. After: headers, and a line without personal data (no query, no body)."""
    app.before_request(_begin)
    app.after_request(_finish)


def let_camera() -> None:
    """The page that answers this request may use the camera, and compile the reader of its pictures."""
    g.camera = True


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else "req_" + secrets.token_hex(8)
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _finish(answer: Response) -> Response:
    headers = answer.headers
    headers["X-Request-Id"] = g.get("request_id", "")
    camera = g.get("camera", False)
    headers["Content-Security-Policy"] = CSP_OF_CAMERA if camera else CSP
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = f"camera=({'self' if camera else ''}), microphone=(), geolocation=()"
    if abs(skew := g.get("clock_skew_s", 0)) > WARNED_SKEW_S:
        headers["Jifen-Clock-Skew"] = str(skew)
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "web.static" and "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    principal = g.get("principal")
    log.info(
        "request",
        method=request.method,
        route=str(request.url_rule) if request.url_rule else "(none)",
        status=answer.status_code,
        ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
        actor=principal.actor if principal else "-",
    )
    return answer

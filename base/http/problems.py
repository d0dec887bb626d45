"""Problems over HTTP: the one table from kinds of errors to statuses, and application/problem+json (RFC 9457)."""

from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from base import errors
from base.errors import Problem
from base.http import reasons
from base.web.i18n import current_language

STATUS: tuple[tuple[type[Problem], int], ...] = (
    (errors.Malformed, 400),
    (errors.NotSignedIn, 401),
    (errors.NotAllowed, 403),
    (errors.OverLimit, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Invalid, 422),
    (errors.TooMany, 429),
    (errors.Unavailable, 503),
)
log = structlog.get_logger()


class PageExpired(errors.Malformed):
    """This page was open for too long, or came from elsewhere."""

    zh = "页面已过期，请刷新后重试。"
    next_en, next_zh = "Load the page again and repeat the step.", "请刷新页面后重试。"


class MethodNotAllowed(Problem):
    """This address does not take that method."""

    zh = "该地址不支持此方法。"
    next_en, next_zh = "Look at /docs for the methods of this address.", "请在 /docs 查看该地址支持的方法。"


class TooLarge(Problem):
    """The request is too large."""

    zh = "请求内容过大。"
    next_en, next_zh = (
        "Send less at once, or import a file on the command line.",
        "请减少内容，或用命令行导入文件。",
    )


class WrongMediaType(Problem):
    """Send this as application/json."""

    zh = "请以 application/json 格式发送。"
    next_en, next_zh = (
        "Set the header Content-Type: application/json.",
        "请设置请求头 Content-Type: application/json。",
    )


class InternalError(Problem):
    """Something went wrong on our side; unless you were told otherwise, nothing was changed."""

    zh = "系统内部出错；除非另有说明，没有任何变动。"


_OF_HTTP: dict[int, type[Problem]] = {
    400: errors.Malformed,
    401: errors.NotSignedIn,
    403: errors.NotAllowed,
    404: errors.NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: WrongMediaType,
    422: errors.Invalid,
    429: errors.TooMany,
    503: errors.Unavailable,
}


def status_of(kind: type[Problem]) -> int:
    """The HTTP status of a kind of problem."""
    for base, status in STATUS:
        if issubclass(kind, base):
            return status
    return next((status for status, named in _OF_HTTP.items() if kind is named), 500)


def init(app: Flask) -> None:
    """Every error of the application ends here."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(CSRFError, lambda error: _answer(PageExpired(), 400))
    app.register_error_handler(SecurityError, _strange_host)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _strange_host(error: SecurityError) -> Response:
    """A host name that is none of ours: no page, for a page has links, and no address of one can be made."""
    return make_response("This host name is not served here.\n", 400, {"Content-Type": "text/plain"})


def body_of(problem: Problem, status: int) -> dict[str, Any]:
    """The problem as JSON; the language is the caller's."""
    language = current_language()
    facts, detail = problem.facts, str(problem.detail)
    if language == "zh-CN" and not wants_json():
        facts, detail = _in_chinese(facts, detail)
    body = {
        "type": f"/problems/{problem.type_name()}",
        "title": problem.title(language),
        "status": status,
        "detail": detail or problem.title(language),
        "instance": request.path,
        "next": problem.next_step(language),
        "request_id": g.get("request_id", ""),
    }
    if problem.clerk_en and g.get("signed_by"):
        body |= {"clerk_text": {"zh-CN": problem.clerk_zh, "en": problem.clerk_en}, "then": problem.then}
    return body | {name: value for name, value in facts.items() if name not in body}


def _in_chinese(facts: dict[str, Any], detail: str) -> tuple[dict[str, Any], str]:
    """What is wrong with which field, for a page."""
    if "errors" not in facts:
        return facts, reasons.detail_in_chinese(detail)
    told, together = reasons.errors_in_chinese(
        [{k: str(v) for k, v in one.items()} for one in facts["errors"]]
    )
    return facts | {"errors": told}, together


def _problem(problem: Problem) -> Response:
    return _answer(problem, status_of(type(problem)))


def _http(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:  # a redirect made by the router
        return make_response(error.get_response())
    status = error.code or 500
    kind = _OF_HTTP.get(status, InternalError if status >= 500 else errors.Malformed)
    messages = getattr(error, "data", {}).get("messages") if status in (400, 422) else None
    problem = kind(errors=_pointers(messages)) if messages else kind()
    if messages:
        problem.detail = "; ".join(f"{row['pointer']}: {row['detail']}" for row in problem.facts["errors"])
    answer = _answer(problem, status)
    if getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return answer


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return _answer(InternalError(), 500)


def _answer(problem: Problem, status: int) -> Response:
    body = body_of(problem, status)
    if wants_json():
        answer = jsonify(body)
        answer.content_type = "application/problem+json"
    else:
        page = {404: "errors/404.html", 500: "errors/500.html", 503: "errors/503.html"}.get(status)
        answer = make_response(render_template(page or "errors/problem.html", problem=body))
        answer.headers["Cache-Control"] = "no-store"
    answer.status_code = status
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def wants_json() -> bool:
    """API calls get JSON; so does whoever prefers it to HTML."""
    if request.path.startswith(("/v1/", "/health/")) or request.path == "/v1":
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def _pointers(messages: Any, at: str = "") -> list[dict[str, str]]:
    """marshmallow's nested messages as JSON pointers: [{"pointer": "/points", "detail": "..."}]."""
    if isinstance(messages, dict):
        rows = []
        for name, inner in messages.items():
            # a field's name is the caller's: "~" and "/" are escaped (RFC 6901), lone surrogates cannot be encoded
            token = str(name).encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")[:100]
            place = at if name in ("json", "query", "_schema", "files", "form") else f"{at}/{token}"
            rows += _pointers(inner, place)
        return rows
    if isinstance(messages, list):
        return [row for inner in messages for row in _pointers(inner, at)]
    return [{"pointer": at or "/", "detail": str(messages)}]

"""Refusals in Stripe's shape."""

from typing import Any


class Refusal(Exception):
    """An answer that is an error: status, type, code, message, parameter."""

    def __init__(
        self, status: int, kind: str, code: str | None, message: str, param: str | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        told = {"code": code, "param": param, **more}
        self.body = {
            "error": {"type": kind, "message": message} | {k: v for k, v in told.items() if v is not None}
        }


def invalid(code: str | None, message: str, param: str | None = None, *, status: int = 400) -> Refusal:
    return Refusal(status, "invalid_request_error", code, message, param)


def missing(what: str, ident: str) -> Refusal:
    return invalid("resource_missing", f"No such {what}: '{ident}'", what, status=404)


def broken() -> Refusal:
    return Refusal(500, "api_error", None, "An unknown error occurred")

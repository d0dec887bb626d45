"""Refusals in Stripe's shape."""

import json
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

    @property
    def text(self) -> str:
        return json.dumps(self.body)


def invalid(code: str | None, message: str, param: str | None = None, *, status: int = 400) -> Refusal:
    return Refusal(status, "invalid_request_error", code, message, param)


def missing(what: str, ident: str) -> Refusal:
    return invalid("resource_missing", f"No such {what}: '{ident}'", what, status=404)


def broken() -> Refusal:
    return Refusal(500, "api_error", None, "An unknown error occurred")


def too_many() -> Refusal:
    return Refusal(429, "invalid_request_error", "rate_limit", "Too many requests hit the API too quickly.")


def unavailable() -> Refusal:
    """Of the door, before the API: nothing is done, and no key keeps it."""
    return Refusal(503, "api_error", None, "The service is not available for the moment.")


def short(what: str) -> Refusal:
    return invalid("balance_insufficient", f"The available balance does not cover this {what}.", "amount")

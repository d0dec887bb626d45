"""The API's frame: flask-smorest with problem+json, strict schemas and whole-number fields.

flask-smorest documents its own error body and answers with it; here both are replaced (the private
`_register_responses` is why its version is pinned in the lock).
"""

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response, jsonify, request
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from sqlalchemy.orm import Session
from webargs.flaskparser import FlaskParser

from base import idempotency
from base.auth import guard

MOST = 2**63 - 1


class WholeNumber(ma.fields.Field[int]):
    """A JSON whole number within bigint; text, floats, NaN and booleans are refused."""

    default_error_messages = {  # noqa: RUF012  # marshmallow's own way
        "invalid": "must be a whole number",
        "range": "must be from {least} to {most}",
    }

    def __init__(self, *, least: int = 0, most: int = MOST, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        if not self.least <= value <= self.most:
            raise self.make_error("range", least=self.least, most=self.most)
        return value


class QueryNumber(WholeNumber):
    """A whole number in a query string: ASCII digits only."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if isinstance(value, str):
            digits = value.removeprefix("-")
            if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
                raise self.make_error("invalid")
            value = int(value)
        return super()._deserialize(value, attr, data, **options)


class Text(ma.fields.String):
    """A text of bounded length without control characters."""

    def __init__(self, *, most: int = 200, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        # Cs: a lone surrogate, which JSON can escape but nobody can encode
        if not (0 < len(text) <= self.most and {"Cc", "Cs"}.isdisjoint(map(unicodedata.category, text))):
            raise ma.ValidationError(f"must be 1 to {self.most} characters without control characters")
        return text


class Request(ma.Schema):
    """What comes in: unknown fields are refused."""

    class Meta:
        unknown = ma.RAISE


class View(ma.Schema):
    """What goes out."""


class MoneyView(View):
    """Whole fen (hundredths) with their currency."""

    amount_fen = ma.fields.Integer(required=True)
    currency = ma.fields.String(required=True)


class ProblemView(View):
    """application/problem+json (RFC 9457)."""

    type = ma.fields.String(required=True, metadata={"description": "stable; documented at this path"})
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    instance = ma.fields.String(required=True)
    next = ma.fields.String(required=True, metadata={"description": "what to do"})
    request_id = ma.fields.String(required=True)
    errors = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "JSON pointers of the fields concerned"}
    )


class _Parser(FlaskParser):
    """Bodies that Python cannot read (too deep, numbers of thousands of digits) are no JSON; unknown query fields count."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": None}

    def _raw_load_json(self, req: Any) -> Any:
        try:
            return super()._raw_load_json(req)
        except (RecursionError, ValueError) as error:
            raise json.JSONDecodeError(type(error).__name__, "", 0) from None


class JifenApi(Api):  # type: ignore[misc]
    """flask-smorest's Api with our problem as the documented error."""

    ERROR_SCHEMA = ProblemView
    DEFAULT_RESPONSE_CONTENT_TYPE: str = "application/json"

    def _register_error_handlers(self) -> None:
        """Errors are answered by base/http/problems.py."""

    def _register_responses(self) -> None:
        usual = self.DEFAULT_RESPONSE_CONTENT_TYPE
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"  # what errors really are
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = usual


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """A blueprint of the API under /v1."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, module: str, description: str) -> None:
        super().__init__(name, module, url_prefix="/v1", description=description)

    def arguments(self, schema: Any, **options: Any) -> Any:
        """One schema for all requests: making one, which copies all its fields, takes longer than reading a request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **options)


marshmallow_plugin = MarshmallowPlugin()


IDEMPOTENT: dict[str, Any] = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": True,
            "description": "fresh for each deed, the same when the request is repeated; kept for good",
            "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST_KEY},
        }
    ]
}
NO_SIGN_IN: dict[str, Any] = {"security": []}


def init(app: Flask) -> JifenApi:
    """The API with /openapi.json and /docs."""
    app.config.update(
        API_TITLE="jifen",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = JifenApi(
        app,
        spec_kwargs={
            "marshmallow_plugin": marshmallow_plugin,
            "info": {
                "description": "Points, offers, vouchers and settlement. Errors: application/problem+json."
            },
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
            "security": [{"bearer": []}],
        },
    )
    converter = marshmallow_plugin.converter
    assert converter is not None
    converter.add_attribute_function(_number_range)  # type: ignore[no-untyped-call]
    return api


def _number_range(self: Any, field: Any, **options: Any) -> dict[str, Any]:
    if isinstance(field, WholeNumber):
        kind: Any = ["integer", "null"] if field.allow_none else "integer"
        return {"type": kind, "minimum": field.least, "maximum": field.most}
    if isinstance(field, Text):
        return {"minLength": 1, "maxLength": field.most}
    return {}


def answer_once(
    session: Session, member_id: int, payload: Any, effect: Callable[[], tuple[int, Any]]
) -> Response:
    """Answer a writing request under its Idempotency-Key; a replay says so in a header."""
    key = idempotency.checked(request.headers.get("Idempotency-Key"))
    asked = {"method": request.method, "path": request.path, "body": payload}
    found = idempotency.once(session, member_id, guard.current().actor, key, asked, effect)
    answer = jsonify(found.body)
    answer.status_code = found.status
    if found.replayed:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


def shown_once(answer: Response, name: str, fresh: list[str]) -> Response:
    """The first answer, which shows a secret that is not kept with its key; a repeated one stays as it is."""
    if not fresh:
        return answer
    shown = jsonify(answer.get_json() | {name: fresh[0]})
    shown.status_code, shown.headers["Cache-Control"] = answer.status_code, "no-store"
    return shown

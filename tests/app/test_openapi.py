"""The API's description is valid, whole, and true."""

import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from base.auth import guard

MONEY = re.compile(
    r"(_fen|_points|^points|^spendable|^held|^debt|^units|units_left|balance_after|^count|_count)$"
)
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def spec(app: Flask) -> dict[str, Any]:
    return dict(app.test_client().get("/openapi.json").json)


def operations(spec: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): told
        for path, methods in spec["paths"].items()
        for method, told in methods.items()
        if method in METHODS
    }


def properties(node: Any, name: str = "") -> Any:
    """Every named schema in the description with its name."""
    if isinstance(node, dict):
        for inner_name, inner in node.get("properties", {}).items():
            yield inner_name, inner
        for inner_name, inner in node.items():
            yield from properties(inner, inner_name)
    elif isinstance(node, list):
        for inner in node:
            yield from properties(inner)


def test_the_description_is_valid_openapi(spec):
    validate(spec)


def test_every_api_route_is_described_and_nothing_else(spec, app):
    routes = {
        (method, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/")
    }

    assert set(operations(spec)) == routes


def test_points_and_money_are_whole_numbers_and_nothing_is_a_float(spec):
    found = list(properties(spec))
    numbers = [
        name
        for name, told in found
        if told.get("type") == "number" or told.get("format") in ("float", "double")
    ]
    not_whole = {
        name: told for name, told in found
        if MONEY.search(name) and "integer" not in str(told.get("type")) and told.get("type") != "array"
    }  # fmt: skip

    assert len(found) > 50
    assert numbers == []
    assert not_whole == {}


def test_every_operation_says_what_it_is_what_it_answers_and_how_it_fails(spec):
    silent = {}
    for place, told in operations(spec).items():
        lacks = [] if told.get("summary") or told.get("description") else ["a description"]
        lacks += [] if any(status.startswith("2") for status in told["responses"]) else ["an answer"]
        lacks += [] if "default" in told["responses"] else ["an error"]
        if lacks:
            silent[place] = lacks

    assert silent == {}


def test_errors_are_described_as_problems(spec):
    problem = spec["components"]["schemas"]["ProblemView"]
    described = [
        spec["components"]["responses"][name]["content"] for name in ("DEFAULT_ERROR", "UNPROCESSABLE_ENTITY")
    ]

    assert {"type", "title", "status", "detail", "instance", "next", "request_id"} <= set(problem["required"])
    assert [list(content) for content in described] == [["application/problem+json"]] * 2


@pytest.mark.attack("A2")
def test_requests_refuse_what_they_do_not_name(spec):
    asked = {name: told for name, told in spec["components"]["schemas"].items() if name.endswith("Request")}

    assert len(asked) >= 8
    assert {name for name, told in asked.items() if told.get("additionalProperties") is not False} == set()


def test_a_write_that_needs_a_key_says_so(spec):
    keyed = {place for place, told in operations(spec).items() if "Idempotency-Key" in str(told)}

    assert {
        ("POST", "/v1/redemptions"),
        ("POST", "/v1/redemptions/{redemption}/cancel"),
        ("POST", "/v1/vouchers/accept"),
        ("POST", "/v1/acceptances/{acceptance}/void"),
    } <= keyed


def test_routes_open_to_all_ask_for_no_sign_in_in_the_description(spec, app):
    public = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/v1/") and guard.permission_of(app, rule.endpoint) == guard.OPEN:
            public |= {(method, rule.rule) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}

    wrong = {place for place in public if operations(spec)[place].get("security", spec.get("security")) != []}

    assert wrong == set()

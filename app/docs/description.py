"""The API as a person reads it: the app's own OpenAPI description, taken apart into groups, calls, schemas.

Pure but for the language of the request: the description goes in, small frozen values for the page come out.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from base.auth.permissions import CLERK, MANAGER, MEMBER, MERCHANT_ROLES, SERVICE_SCOPES
from base.auth.roles import ROLES
from base.web.i18n import gettext as _

Spec = Mapping[str, Any]
PermissionOf = Callable[[str, str], str]
REF = "#/components/schemas/"
METHODS = ("get", "post", "put", "patch", "delete")
KEY_HEADER = "Idempotency-Key"
ANYTHING = "..."


@dataclass(frozen=True)
class Field:
    """A parameter or a property. `schema` names the schema to look at; `facts` are its limits in words."""

    name: str
    type: str
    schema: str | None
    facts: tuple[str, ...]
    required: bool
    text: str
    place: str = ""


@dataclass(frozen=True)
class Body:
    """What is sent or answered: one of a schema, many of it, or nothing (schema None)."""

    schema: str | None
    many: bool = False


@dataclass(frozen=True)
class Operation:
    """One method at one address."""

    name: str
    method: str
    path: str
    text: str
    permission: str
    holders: tuple[str, ...]
    writes_once: bool
    parameters: tuple[Field, ...]
    sent: Body
    answered: Body
    status: str
    curl: str

    @property
    def open_to_all(self) -> bool:
        return self.permission == "public"


@dataclass(frozen=True)
class Group:
    """Operations that belong together."""

    name: str
    text: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Schema:
    """The properties of something sent or answered."""

    name: str
    text: str
    fields: tuple[Field, ...]


def groups(spec: Spec, permission_of: PermissionOf, host: str) -> list[Group]:
    """Every operation under its tag, in the order of the description. `host` has no slash at its end."""
    by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in spec["tags"]}
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                operation = _operation(spec, path, method, item, permission_of(method, path), host)
                by_tag[item[method]["tags"][0]].append(operation)
    texts = {tag["name"]: tag.get("description", tag["name"]) for tag in spec["tags"]}
    return [Group(name, texts[name], tuple(found)) for name, found in by_tag.items() if found]


def schemas(spec: Spec, shown: list[Group]) -> list[Schema]:
    """The schemas that operations use, directly or within each other, by name."""
    every = spec["components"]["schemas"]
    todo = [body.schema for g in shown for o in g.operations for body in (o.sent, o.answered) if body.schema]
    found: dict[str, Schema] = {}
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = _schema(name, every[name])
            todo += [field.schema for field in found[name].fields if field.schema]
    return [found[name] for name in sorted(found)]


def holders(permission: str) -> tuple[str, ...]:
    """Who has a permission, in words."""
    roles = sorted(role for role, permissions in ROLES.items() if permission in permissions)
    people = sorted(role for role, permissions in MERCHANT_ROLES.items() if permission in permissions)
    named = (
        (_("members"), permission in MEMBER),
        (_("clerks at a till"), permission in CLERK),
        (_("managers of an outlet"), permission in MANAGER),
        (_("a merchant's people: %(roles)s", roles=", ".join(people)), bool(people)),
        (_("staff: %(roles)s", roles=", ".join(roles)), bool(roles)),
        (_("systems of the operator with this scope"), permission in SERVICE_SCOPES),
    )
    return tuple(str(text) for text, true in named if true)


def _operation(
    spec: Spec, path: str, method: str, item: Mapping[str, Any], permission: str, host: str
) -> Operation:
    told = item[method]
    text = " ".join(part for part in (told.get("summary", ""), told.get("description", "")) if part)
    status = next(code for code in told["responses"] if code.startswith("2"))
    parameters = tuple(
        _field(p["name"], p["schema"], p.get("required", False), p.get("description", ""), p["in"])
        for p in (*item.get("parameters", ()), *told.get("parameters", ()))
    )
    sent, writes_once = _body(told.get("requestBody", {})), KEY_HEADER in text
    return Operation(
        name=_anchor(method, path),
        method=method.upper(),
        path=path,
        text=text,
        permission=permission,
        holders=holders(permission),
        writes_once=writes_once,
        parameters=parameters,
        sent=sent,
        answered=_body(told["responses"][status]),
        status=status,
        curl=_curl(
            method.upper(),
            host + path + _query(parameters),
            signed=permission != "public",
            writes_once=writes_once,
            sent=_example(spec["components"]["schemas"][sent.schema]) if sent.schema else None,
        ),
    )


def _anchor(method: str, path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{method} {path.removeprefix('/v1/')}".lower()).strip("-")


def _body(told: Mapping[str, Any]) -> Body:
    schema = told.get("content", {}).get("application/json", {}).get("schema", {})
    many = schema.get("type") == "array"
    return Body(_ref(schema["items"] if many else schema), many)


def _schema(name: str, told: Mapping[str, Any]) -> Schema:
    required = told.get("required", ())
    fields = (
        _field(name, inner, name in required, inner.get("description", ""))
        for name, inner in told.get("properties", {}).items()
    )
    return Schema(name, told.get("description", ""), tuple(fields))


def _field(name: str, schema: Mapping[str, Any], required: bool, text: str, place: str = "") -> Field:
    return Field(
        name, _type(schema), _ref(schema.get("items", schema)), tuple(_facts(schema)), required, text, place
    )


def _ref(schema: Mapping[str, Any]) -> str | None:
    found = schema.get("$ref") or next((s["$ref"] for s in schema.get("anyOf", ()) if "$ref" in s), None)
    return str(found).removeprefix(REF) if found else None


def _type(schema: Mapping[str, Any]) -> str:
    """The type in a word; empty for another schema, which is linked instead."""
    said = schema.get("type", [])
    types = {said} if isinstance(said, str) else set(said)
    if "array" in types:
        return str(_("list of") if _ref(schema["items"]) else _("list"))
    if "string" in types:
        return str({"date": _("day"), "date-time": _("moment")}.get(schema.get("format", ""), _("text")))
    words = {"integer": _("whole number"), "boolean": _("true or false"), "object": _("object")}
    return next((str(words[t]) for t in words if t in types), "")


def _facts(schema: Mapping[str, Any]) -> Iterator[str]:
    """Limits, choices and default, in words."""
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield _("%(least)s to %(most)s", least=least, most=most)
    elif least is not None:
        yield _("at least %(least)s", least=least)
    if "maxLength" in schema:
        yield _("at most %(most)s characters", most=schema["maxLength"])
    if "enum" in schema:
        yield _(
            "one of: %(choices)s",
            choices=", ".join(str(choice) for choice in schema["enum"] if choice is not None),
        )
    if schema.get("default") is not None:
        yield _("if absent: %(value)s", value=json.dumps(schema["default"]))
    if "null" in schema.get("type", ()) and isinstance(schema["type"], list):
        yield _("may be null")


def _query(parameters: tuple[Field, ...]) -> str:
    asked = [f"{p.name}={ANYTHING}" for p in parameters if p.place == "query" and p.required]
    return "?" + "&".join(asked) if asked else ""


def _example(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A body with what is required."""
    properties = schema.get("properties", {})
    return {name: _sample(properties[name]) for name in schema.get("required", ())}


def _sample(schema: Mapping[str, Any]) -> Any:
    return schema.get("minimum", 1) if schema.get("type") == "integer" else ANYTHING


def _curl(method: str, address: str, *, signed: bool, writes_once: bool, sent: dict[str, Any] | None) -> str:
    """The call for a shell; TOKEN and KEY are variables of the reader's."""
    parts = [f'curl "{address}"' if method == "GET" else f'curl -X {method} "{address}"']
    if signed:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if writes_once:
        parts.append(f'-H "{KEY_HEADER}: $KEY"')
    if sent is not None:
        parts += ['-H "Content-Type: application/json"', f"-d '{json.dumps(sent)}'"]
    return " \\\n  ".join(parts)

"""Forms and queries as Stripe reads them: brackets nest, values have types, what is not known is refused."""

import re
from collections.abc import Iterable
from typing import Any

from tests.stripe_twin.errors import invalid

INT, TEXT, BOOL, MAP, SPAN = "int", "text", "bool", "map", "span"
GONE = ("payment_method_types",)  # taken out of the API with its version 2026-09-30
Spec = dict[str, Any]  # name -> one of the above, [spec of each], or a Spec


def read(pairs: Iterable[tuple[str, str]], spec: Spec, needs: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values; Stripe's refusal for what is unknown, missing or of another type."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _place(tree, re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name), value)
    found = _nested(tree, spec, "")
    for name in needs:
        if name not in found:
            raise invalid("parameter_missing", f"Missing required param: {name}.", name)
    return found


def _place(tree: dict[str, Any], steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        inner = tree.setdefault(step or str(len(tree)), {})
        if not isinstance(inner, dict):
            raise invalid("parameter_invalid", "A parameter is a value and a hash at once.", steps[0])
        tree = inner
    if steps:
        tree[steps[-1] or str(len(tree))] = value


def _nested(tree: dict[str, Any], spec: Spec, within: str) -> dict[str, Any]:
    found = {}
    for name, value in tree.items():
        path = f"{within}[{name}]" if within else name
        if name in GONE:
            raise invalid(f"{name}_no_longer_supported", f"{name} is no longer supported.", path)
        if name not in spec:
            raise invalid("parameter_unknown", f"Received unknown parameter: {path}", path)
        found[name] = _value(value, spec[name], path)
    return found


def _value(value: Any, kind: Any, path: str) -> Any:
    if isinstance(kind, list):
        if not isinstance(value, dict):
            raise invalid("parameter_invalid", f"Invalid array: {path}", path)
        return [
            _value(each, kind[0], path) for _, each in sorted(value.items(), key=lambda pair: int(pair[0]))
        ]
    if kind == MAP:
        return value
    if kind == SPAN:
        kind = INT if isinstance(value, str) else dict.fromkeys(("gt", "gte", "lt", "lte"), INT)
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            raise invalid("parameter_invalid", f"Invalid hash: {path}", path)
        return _nested(value, kind, path)
    if not isinstance(value, str):
        raise invalid("parameter_invalid", f"Invalid {kind}: {path}", path)
    return _plain(value, kind, path)


def _plain(text: str, kind: str, path: str) -> str | int | bool:
    if kind == INT:
        if not re.fullmatch(r"-?[0-9]{1,15}", text):
            raise invalid("parameter_invalid_integer", f"Invalid integer: {text}", path)
        return int(text)
    if kind == BOOL:
        if text not in ("true", "false"):
            raise invalid("parameter_invalid", f"Invalid boolean: {text}", path)
        return text == "true"
    return text


def positive(amount: int, name: str = "amount") -> int:
    if amount <= 0:
        raise invalid("parameter_invalid_integer", "This value must be greater than or equal to 1.", name)
    return amount

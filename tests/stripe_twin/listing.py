"""Lists as Stripe gives them: the newest first, filters, a cursor in both directions."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.stripe_twin.core import Call, Core
from tests.stripe_twin.errors import invalid
from tests.stripe_twin.params import INT, SPAN, TEXT, Spec
from tests.stripe_twin.shapes import Thing

PAGE: Spec = {"limit": INT, "starting_after": TEXT, "ending_before": TEXT, "created": SPAN}
DEFAULT, MOST = 10, 100
BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda has, bound: has > bound,
    "gte": lambda has, bound: has >= bound,
    "lt": lambda has, bound: has < bound,
    "lte": lambda has, bound: has <= bound,
}


def listed(call: Call, kept: dict[str, Thing], filters: Iterable[str] = ()) -> Thing:
    """A page of what was kept in order of its making."""
    params = call.params
    limit = params.get("limit", DEFAULT)
    if not 1 <= limit <= MOST:
        raise invalid("parameter_invalid_integer", f"limit is 1 to {MOST}.", "limit")
    asked = {name: params[name] for name in ("created", *filters) if name in params}
    found = [each for each in reversed(kept.values()) if all(_fits(each.get(n), w) for n, w in asked.items())]
    if after := params.get("starting_after"):
        found = found[_place(found, kept, after, "starting_after") + 1 :]
    if before := params.get("ending_before"):
        found = found[: _place(found, kept, before, "ending_before")]
        return _page(call, found[-limit:], more=len(found) > limit)
    return _page(call, found[:limit], more=len(found) > limit)


def _page(call: Call, data: list[Thing], *, more: bool) -> Thing:
    return {"object": "list", "data": data, "has_more": more, "url": call.path}


def _fits(has: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return all(BOUNDS[name](has, bound) for name, bound in wanted.items())
    if isinstance(wanted, list):
        return has in wanted
    return bool(has == wanted)


def _place(found: list[Thing], kept: dict[str, Thing], ident: str, param: str) -> int:
    if ident not in kept:
        raise invalid("resource_missing", f"Nothing of this list has the id '{ident}'", param)
    return next((place for place, each in enumerate(found) if each["id"] == ident), len(found))


def of(kind: str, *filters: str) -> Callable[[Core, Call], Thing]:
    """The deed that lists the things of a kind."""
    return lambda twin, call: listed(call, twin.all(kind, call.account), filters)

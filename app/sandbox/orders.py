"""What the sandboxes of orders have in common: orders that move on by themselves at each look, and faults on demand.

Each protocol (tmf622.py, fulfilment.py) says what an order looks like on its wire. At /sandbox/<name>/faults a sandbox can be
told to refuse, fail, fall silent, lose its reply, be slow, order twice or wrongly, hold an order, or end it; at
/sandbox/<name>/orders/<reference> an order is moved by hand.
"""

import json
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request

from app.sandbox.balances import whole_lines
from app.sandbox.tmf654 import Refusal, dumps

log = logging.getLogger("jifen.sandbox.orders")
Said = dict[str, Any]
SILENCE_S = 30.0
USUAL = "usual"
MODES = ("refuse", "error", "silent", "lost_reply", "slow", "double", "wrong")


@dataclass(frozen=True)
class Protocol:
    """One kind of orders on the wire.

    `asked`: the order that a body asks for, or Refusal; `reference`: which of its members is the client's own reference.
    `plans`: by mode, what it becomes at each look, one step a look. `wrong`: the order as nobody asked for it.
    `listed`: the answer to a look.
    """

    name: str
    path: str
    reference: str
    asked: Callable[[Said, int], Said]
    plans: Mapping[str, Callable[[Said], Sequence[Said]]]
    wrong: Callable[[Said], Said]
    listed: Callable[[list[Said]], tuple[Any, dict[str, str]]]


class Orders:
    """Orders in memory, each change also a line of the state file, and the faults in force."""

    def __init__(self, protocol: Protocol, state_file: Path | None) -> None:
        self.protocol = protocol
        self.orders: list[Said] = []
        self.plans: list[list[Said]] = []
        self.faults: list[Said] = []
        self.pause = Event()
        self._lock = Lock()
        self._file = state_file
        if state_file is not None:
            state_file.parent.mkdir(parents=True, exist_ok=True)
            for line in whole_lines(state_file):
                self._put(**json.loads(line))

    def take(self, body: Said, mode: str) -> Said:
        """One order more."""
        with self._lock:
            order = self.protocol.asked(body, len(self.orders) + 1)
            if mode == "wrong":
                order = self.protocol.wrong(order)
            plan = self.protocol.plans.get(mode, self.protocol.plans[USUAL])(order)
            self._keep(len(self.orders), order, list(plan))
        return order

    def look(self, reference: str | None) -> list[Said]:
        """The orders of a reference, each one step further than at the look before."""
        with self._lock:
            found = self._places(reference)
            for place in found:
                if self.plans[place]:
                    self._keep(place, self.orders[place] | self.plans[place][0], self.plans[place][1:])
            return [self.orders[place] for place in found]

    def move(self, reference: str, changes: Said) -> list[Said]:
        """Move the orders of a reference by hand; from then on they stay where they are."""
        with self._lock:
            found = self._places(reference)
            for place in found:
                self._keep(place, self.orders[place] | changes, [])
            return [self.orders[place] for place in found]

    def set_faults(self, faults: list[Said]) -> None:
        """These faults from now on; whoever pauses because of an earlier one goes on."""
        with self._lock:
            self.faults = faults
            self.pause.set()
            self.pause = Event()

    def fault(self, on: str, reference: str) -> Said:
        """The first fault that matches, used up once; {} if there is none."""
        with self._lock:
            for fault in self.faults:
                if fault.get("on", "order") == on and fault.get("match", reference) == reference:
                    if "times" in fault:
                        fault["times"] -= 1
                        self.faults = [each for each in self.faults if each.get("times", 1) > 0]
                    return fault
        return {}

    def _places(self, reference: str | None) -> list[int]:
        name = self.protocol.reference
        return [n for n, order in enumerate(self.orders) if reference is None or order[name] == reference]

    def _keep(self, place: int, order: Said, plan: list[Said]) -> None:
        if self._file:
            with self._file.open("a", encoding="ascii") as file:
                file.write(json.dumps({"place": place, "order": order, "plan": plan}) + "\n")
        self._put(place, order, plan)

    def _put(self, place: int, order: Said, plan: list[Said]) -> None:
        if place == len(self.orders):
            self.orders.append(order)
            self.plans.append(plan)
        else:
            self.orders[place], self.plans[place] = order, plan


def add(app: Flask, protocol: Protocol, state_file: Path | None) -> None:
    """Serve a protocol in a sandbox; with a state file its orders outlive the process."""
    own = state_file.with_suffix(f".{protocol.name}.jsonl") if state_file else None
    app.extensions[f"orders:{protocol.name}"] = Orders(protocol, own)
    app.register_blueprint(_wire(protocol))


def of(app: Flask, name: str) -> Orders:
    """The orders of a sandbox's protocol."""
    orders = app.extensions[f"orders:{name}"]
    assert isinstance(orders, Orders)
    return orders


def _wire(protocol: Protocol) -> Blueprint:
    blueprint = Blueprint(protocol.name, __name__)
    own, switches = protocol.path, f"/sandbox/{protocol.name}"

    def orders() -> Orders:
        return of(current_app, protocol.name)

    @blueprint.post(own)
    def take() -> Response:
        """Order: once per request, unless a fault says otherwise."""
        body = _json()
        if not isinstance(body, dict):
            raise Refusal(400, "invalidBody", "an order is an object")
        fault = orders().fault("order", str(body.get(protocol.reference, "")))
        if answer := _before(orders(), fault):
            return answer
        mode = fault.get("mode", "")
        order = orders().take(body, mode)
        if mode == "double":
            orders().take(body, mode)
        return _hang_up() if mode == "lost_reply" else _answer(order, 201)

    @blueprint.get(own)
    def look() -> Response:
        """The orders of a reference, or all."""
        reference = request.args.get(protocol.reference)
        if answer := _before(orders(), orders().fault("look_up", reference or "")):
            return answer
        body, headers = protocol.listed(orders().look(reference))
        return _answer(body, 200, headers)

    @blueprint.put(f"{switches}/faults")
    def set_faults() -> Response:
        """Replace all faults: a list of {mode, on?, times?, match?, delay_ms?, status?}; the first that matches acts.

        `on` is "order" (default) or "look_up", where refuse, error, silent and slow have a meaning; `match` a reference.
        """
        plan = _json()
        if not isinstance(plan, list) or not all(_is_fault(each, protocol) for each in plan):
            known = ", ".join([*MODES, *sorted(set(protocol.plans) - {USUAL})])
            raise Refusal(400, "invalidFault", f"a list of {{mode: {known}}}")
        orders().set_faults(plan)
        return _answer(plan, 200)

    @blueprint.put(f"{switches}/orders/<reference>")
    def move(reference: str) -> Response:
        """Move the orders of a reference by hand: whatever members are sent are theirs from now on."""
        return _answer(orders().move(reference, _json()), 200)

    return blueprint


def _is_fault(fault: object, protocol: Protocol) -> bool:
    return (
        isinstance(fault, dict)
        and fault.get("mode") in {*MODES, *protocol.plans}
        and fault.get("on", "order") in ("order", "look_up")
        and all(isinstance(fault.get(name, 1), int) for name in ("times", "delay_ms", "status"))
        and isinstance(fault.get("match", ""), str)
    )


def _before(orders: Orders, fault: Said) -> Response | None:
    """The part of a fault that comes before the deed; an answer if there is no deed at all."""
    mode = fault.get("mode", "")
    if mode:
        log.info("fault %s", mode)
    orders.pause.wait(fault.get("delay_ms", SILENCE_S * 1000 if mode == "silent" else 0) / 1000)
    if mode == "silent":
        return _hang_up()
    if mode == "refuse":
        raise Refusal(fault.get("status", 422), "refused", "the other side refuses this order")
    if mode == "error":
        raise Refusal(500, "error", "the other side has failed")
    return None


def _json() -> Any:
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        raise Refusal(400, "invalidBody", "the body is not JSON") from None


def _answer(value: object, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(dumps(value), status, headers, content_type="application/json;charset=utf-8")


def _hang_up() -> Response:
    """Close the connection without a word."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)

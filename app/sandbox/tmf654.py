"""What the billing sandbox knows of TMF654 (prepay balance) v4.0.0: the shapes of a topup and of an adjustment, errors, exact numbers.

A shape is a type, a tuple of choices, [shape], or {name: shape}, where "!" after a name marks it as required.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

API = "/tmf-api/prepayBalanceManagement/v4"
NAME = "jifen billing sandbox"


class Refusal(Exception):
    """No, as a TMF Error."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason = status, code, reason

    def as_error(self) -> dict[str, str]:
        """The body that TMF654 defines for errors."""
        told = {"code": self.code, "reason": self.reason, "status": str(self.status)}
        return told | {"message": f"{NAME}: {self.reason}"}


_EXTENSION: dict[str, Any] = {"@baseType": str, "@schemaLocation": str, "@type": str}
_REF = {"id!": str, "href": str, "name": str, "@referredType": str} | _EXTENSION
_ROLE = {"id!": str, "href": str, "name": str, "role": str, "@referredType!": str} | _EXTENSION
TOPUP: dict[str, Any] = {
    "description": str,
    "isAutoTopup": bool,
    "numberOfPeriods": int,
    "reason": str,
    "voucher": str,
    "amount!": {"amount": Decimal, "units": str} | _EXTENSION,
    "balanceTopup": _ROLE,
    "bucket!": _REF,
    "channel": _REF,
    "logicalResource": [_REF],
    "partyAccount!": _REF | {"description": str, "status": str},
    "paymentMethod": _REF,
    "product": [_REF],
    "recurringPeriod": ("weekly", "fortnightly", "monthly"),
    "requestor": _ROLE,
    "usageType!": ("monetary", "voice", "data", "sms", "other"),
    "validFor": {"endDateTime": str, "startDateTime": str} | _EXTENSION,
} | _EXTENSION
ADJUST: dict[str, Any] = {
    "description": str,
    "reason": str,
    "adjustType": ("recurring", "oneTime"),
    "amount!": {"amount": Decimal, "units": str} | _EXTENSION,
    "bucket!": _REF,
    "channel": _REF,
    "logicalResource": [_REF],
    "product": [_REF],
    "requestor": _ROLE,
    "usageType!": ("monetary", "voice", "data", "sms", "other"),
    "validFor": {"endDateTime": str, "startDateTime": str} | _EXTENSION,
} | _EXTENSION
_WORDS = {str: "text", bool: "true or false", int: "a whole number", Decimal: "a number"}


def departures(value: object, shape: Any, where: str) -> Iterator[str]:
    """Where a JSON value departs from a shape, in words; nothing if it fits."""
    if isinstance(shape, tuple):
        if value not in shape:
            yield f"{where}: one of {', '.join(shape)}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where}: a list"
        else:
            for number, each in enumerate(value):
                yield from departures(each, shape[0], f"{where}/{number}")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{where}: an object"
        else:
            yield from _member_departures(value, shape, where)
    elif not _is(value, shape):
        yield f"{where}: {_WORDS[shape]}"


def _member_departures(value: dict[str, Any], shape: dict[str, Any], where: str) -> Iterator[str]:
    for marked, inner in shape.items():
        name = plain(marked)
        if name in value:
            yield from departures(value[name], inner, f"{where}/{name}")
        elif marked.endswith("!"):
            yield f"{where}/{name}: needed"


def _is(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, Decimal) if kind is Decimal else kind)


def plain(name: str) -> str:
    """A member's name without the mark."""
    return name.rstrip("!")


def loads(text: bytes) -> Any:
    """The value, fractions as Decimal; ValueError, ArithmeticError or RecursionError if it is not JSON."""
    return json.loads(text, parse_float=Decimal, parse_constant=_no_number)


def dumps(value: object) -> str:
    """JSON whose Decimals are written digit by digit: no amount passes through a float."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {dumps(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumps, value)) + "]"
    return json.dumps(value)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

"""Seals: one hash over a statement, its lines and the statement before, so that whoever has the rows can make it again.

Form 2 is SHA-256 over the hash before, the header as JSON (its columns but the hash, keys sorted, moments in UTC), a line feed,
and for every line its fields with `|` between them and a line feed. Moments of lines are microseconds since 1970. It is
reckoned line by line, for a statement may have a million of them. Form 1 knew fewer columns and was JSON as a whole.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from merchants.statements.models import Statement

FIRST_HASH = bytes(32)
FORM = 2
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_HEADER = (
    "merchant_id", "statement_no", "form", "owed_fen", "fee_fen", "vat_fen", "net_fen", "opening_fen", "payable_fen", "carried_fen",
    "reserve_fen", "line_count", "currency", "sums", "terms",
)  # fmt: skip
_MOMENTS = ("from_at", "to_at", "sealed_at")


def of(statement: Statement, lines: Iterable[Any]) -> bytes:
    """The seal of a statement with these lines, in order, whatever is stored as its hash."""
    made = _FORMS.get(statement.form)
    return made(statement, lines) if made else b""


def header(statement: Statement) -> bytes:
    """What form 2 says of the statement itself."""
    said = {name: getattr(statement, name) for name in _HEADER}
    said |= {name: getattr(statement, name).astimezone(UTC).isoformat() for name in _MOMENTS}
    said["due_day"] = statement.due_day.isoformat() if statement.due_day else None
    said["previous_hash"] = statement.previous_hash.hex()
    return _json(said)


def _second(statement: Statement, lines: Iterable[Any]) -> bytes:
    found = hashlib.sha256(statement.previous_hash + header(statement) + b"\n")
    for r in lines:
        moment = (r.recorded_at - _EPOCH) // _MICROSECOND
        text = f"{r.line_no}|{r.kind}|{r.member_id}|{r.source_id}|{moment}|{r.owed_fen}|{r.fee_fen}|{r.vat_fen}\n"
        found.update(text.encode())
    return found.digest()


def _first(statement: Statement, lines: Iterable[Any]) -> bytes:
    totals = ("owed_fen", "fee_fen", "vat_fen", "net_fen", "line_count")
    body = {
        "merchant": statement.merchant_id,
        "no": statement.statement_no,
        "from": statement.from_at.isoformat(),
        "to": statement.to_at.isoformat(),
        "sealed": statement.sealed_at.isoformat(),
        "currency": statement.currency,
        "totals": [getattr(statement, name) for name in totals],
        "lines": [
            [
                r.line_no, r.kind, r.member_id, r.source_id, r.recorded_at.isoformat(), r.owed_fen, r.fee_fen, r.vat_fen,
            ]
            for r in lines
        ],
    }  # fmt: skip
    return hashlib.sha256(statement.previous_hash + _json(body)).digest()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


_FORMS: dict[int, Callable[[Statement, Iterable[Any]], bytes]] = {1: _first, FORM: _second}

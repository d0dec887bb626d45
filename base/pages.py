"""Cursors: signed positions in a list, so that a page never skips or repeats a row."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any

from base.errors import Malformed


class CursorUnknown(Malformed):
    """This cursor is not one of ours."""

    zh = "分页游标无效。"
    next_en, next_zh = "Start again without a cursor.", "请从第一页重新开始。"


def cursor(key: str, *position: Any) -> str:
    """The position after a row as an opaque text."""
    body = json.dumps(position).encode()
    return base64.urlsafe_b64encode(_mark(key, body) + body).decode().rstrip("=")


def position(key: str, text: str | None) -> list[Any] | None:
    """The position again; None without a cursor; CursorUnknown for a forged one."""
    if not text:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise CursorUnknown() from None
    if not hmac.compare_digest(raw[:12], _mark(key, raw[12:])):
        raise CursorUnknown()
    found: list[Any] = json.loads(raw[12:])
    return found


def _mark(key: str, body: bytes) -> bytes:
    return hmac.new(key.encode(), body, hashlib.sha256).digest()[:12]


def page(
    key: str, rows: Sequence[Any], limit: int, place: Callable[[Any], list[Any]], shown: Callable[[Any], Any]
) -> dict[str, Any]:
    """A page out of one row more than it holds: its rows as they are shown, and the cursor to the next one."""
    more = len(rows) > limit
    return {
        "data": [shown(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": cursor(key, *place(rows[limit - 1])) if more else None,
    }

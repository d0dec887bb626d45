"""The token of a check: opaque, bound to its terminal, and leads to the voucher without a look-up."""

import base64
import hashlib
import hmac
import secrets
import struct

from catalog.vouchers.refusals import CheckLapsed


def make(key: str, member_id: int, voucher_id: int, terminal_id: int) -> str:
    """A fresh token; the voucher's row keeps only its digest."""
    body = struct.pack(">qq", member_id, voucher_id) + secrets.token_bytes(16)
    return base64.urlsafe_b64encode(_mark(key, body, terminal_id) + body).decode().rstrip("=")


def read(key: str, token: str, terminal_id: int) -> tuple[int, int]:
    """Member and voucher of a token made for this terminal; CheckLapsed for any other text."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise CheckLapsed() from None
    if len(raw) != 48 or not hmac.compare_digest(raw[:16], _mark(key, raw[16:], terminal_id)):
        raise CheckLapsed()
    member_id, voucher_id = struct.unpack(">qq", raw[16:32])
    return member_id, voucher_id


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def _mark(key: str, body: bytes, terminal_id: int) -> bytes:
    return hmac.new(key.encode(), body + terminal_id.to_bytes(8, "big"), hashlib.sha256).digest()[:16]

"""Signatures by Standard Webhooks 1.0: HMAC-SHA256 over "id.timestamp.body", one for each live secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from base import seals
from base.webhooks.models import Endpoint

MARK = "whsec_"
BYTES = 32


def fresh_secret() -> str:
    """A new secret as its receiver keeps it: whsec_ and 32 random bytes in base64."""
    return MARK + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """v1,... over a message; `timestamp` in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(MARK))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(live: list[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers, with a signature for each live secret."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(each, message_id, timestamp, body) for each in live),
    }


def sealed(seal_key: str, endpoint_id: int, secret: str) -> bytes:
    """A secret as it is kept."""
    return seals.seal(seal_key, secret, _bound(endpoint_id))


def live_secrets(seal_key: str, endpoint: Endpoint, at: datetime) -> list[str]:
    """The secrets that sign at a moment, the newest first: two while they are rotated."""
    found = [endpoint.secret_sealed]
    if endpoint.old_secret_sealed and endpoint.old_secret_until and at < endpoint.old_secret_until:
        found.append(endpoint.old_secret_sealed)
    return [seals.opened(seal_key, each, _bound(endpoint.endpoint_id)) for each in found]


def _bound(endpoint_id: int) -> str:
    return f"webhook:{endpoint_id}"

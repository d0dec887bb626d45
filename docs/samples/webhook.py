"""What a receiver of webhooks checks before it believes an event (Standard Webhooks 1.0). Standard library alone."""

import base64
import hashlib
import hmac
import json
import time


def read(secret: str, headers: dict[str, str], body: bytes) -> dict:
    """The event; ValueError when it is not ours or too old. Keep webhook-id: the same event may come again."""
    message, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        raise ValueError("too old")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = hmac.new(key, f"{message}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    told = [each.partition(",")[2] for each in headers["webhook-signature"].split()]
    if not any(hmac.compare_digest(base64.b64encode(right).decode(), each) for each in told):
        raise ValueError("not signed with our secret")
    return json.loads(body)

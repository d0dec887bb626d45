"""The public keys of the operator's app (a JWKS), out of a file or from an https address, kept for a while.

A key is found by its id alone. An id that nobody knows makes the source be asked again, at most every AGAIN_S, so that a key
may be rolled at any time and strangers cannot make us ask. Where the source is away or answers nonsense, what is known stays.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from base import calls

FRESH_S, AGAIN_S, TIMEOUT_S = 600.0, 30.0, 3.0
MOST_KEYS = 50
log = structlog.get_logger()


@dataclass
class _Kept:
    """The keys of a source by id, when they were read, and when somebody last tried."""

    keys: dict[str, ECKey] = field(default_factory=dict)
    read: float = float("-inf")
    tried: float = float("-inf")


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def find(source: str, kid: str) -> ECKey | None:
    """The key of this id for signing with ES256; None where the source has none. May call out: never in a transaction."""
    kept = _kept.setdefault(source, _Kept())
    if not _is_due(source, kept, kid) or not _lock.acquire(blocking=kid not in kept.keys):
        return kept.keys.get(kid)  # also while somebody asks already, and the key is known from before
    try:
        if _is_due(source, kept, kid):
            kept.tried = time.monotonic()
            kept.keys, kept.read = usable(json.loads(_text(source))), kept.tried
    except (OSError, ValueError, LookupError, TypeError, JoseError) as error:
        log.warning("key set not read", error=type(error).__name__)
    finally:
        _lock.release()
    return kept.keys.get(kid)


def _is_due(source: str, kept: _Kept, kid: str) -> bool:
    """Whether the source is to be asked: what is known is old, or the id is unknown, and nobody tried just now."""
    now = time.monotonic()
    wanted = now - kept.read > FRESH_S or kid not in kept.keys
    return wanted and now - kept.tried > (AGAIN_S if _is_address(source) else 0)


def usable(found: Any) -> dict[str, ECKey]:
    """Of a JWKS the public keys on P-256 that are for signing, by id; others are passed over. ValueError, TypeError."""
    if not isinstance(found, dict) or not isinstance(found["keys"], list) or len(found["keys"]) > MOST_KEYS:
        raise ValueError("not a key set")
    good = [
        one
        for one in found["keys"]
        if isinstance(one, dict)
        and (one.get("kty"), one.get("crv")) == ("EC", "P-256")
        and one.get("use", "sig") == "sig"
        and one.get("alg", "ES256") == "ES256"
        and isinstance(one.get("kid"), str)
        and "d"
        not in one  # a private key in there is the other side's mishap; nothing is trusted that it signs
    ]
    return {one["kid"]: ECKey.import_key(one) for one in good}


def forget() -> None:
    """Ask every source again at the next token."""
    _kept.clear()


def _text(source: str) -> bytes:
    if not _is_address(source):
        return Path(source).read_bytes()
    site = urlsplit(source)
    target = f"?{site.query}" if site.query else ""
    answer = calls.call(
        "GET", source.partition("?")[0], target, None, {"Accept": "application/json"}, TIMEOUT_S
    )
    if not isinstance(answer, calls.Answered) or answer.status != 200:
        raise OSError("no key set there")
    return answer.body


def _is_address(source: str) -> bool:
    return source.startswith(("https://", "http://"))

"""The cache: Redis, which holds nothing that may be lost. Slow or gone, the answer is simply "not there".

A look takes at most 50 ms, is never repeated, and after a failure nothing is asked for five seconds.
"""

import time

import redis

TIMEOUT_S = 0.05
BREAK_S = 5.0
_client: "redis.Redis | None" = None
_closed_until = 0.0


def connect(url: str | None) -> None:
    """Use this Redis, or none."""
    global _client, _closed_until
    _closed_until = 0.0
    _client = (
        redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None, decode_responses=True
        )
        if url
        else None
    )


def get(name: str) -> str | None:
    """The value, or None when it is not there or cannot be had at once."""
    if _client is None or time.monotonic() < _closed_until:
        return None
    try:
        found = _client.get(name)
        return found if isinstance(found, str) else None
    except (redis.RedisError, OSError, UnicodeDecodeError):
        _rest()
        return None


def put(name: str, value: str, life_s: int) -> None:
    """Keep a value for a while, if possible."""
    if _client is None or time.monotonic() < _closed_until:
        return
    try:
        _client.set(name, value, ex=life_s)
    except (redis.RedisError, OSError):
        _rest()


def answers() -> bool:
    """Whether there is a Redis that answers."""
    try:
        return _client is not None and bool(_client.ping())
    except (redis.RedisError, OSError):
        return False


def _rest() -> None:
    global _closed_until
    _closed_until = time.monotonic() + BREAK_S

"""Idempotency: the key, the effect and the answer in one transaction, kept for good.

The key's row is inserted first: a second request with it waits for the first one's end (at most the lock time-out,
then StillRunning), and gets its answer. A refusal rolls everything back and leaves no key.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from base import clock, database
from base.errors import Invalid, Malformed
from base.failpoints import failpoint

LONGEST_KEY = 255
TILL = "terminal:"  # how the actor of a till begins


class IdempotencyKeyMissing(Malformed):
    """This request needs the header Idempotency-Key."""

    zh = "请求缺少 Idempotency-Key。"
    next_en = "Send a fresh random key, and the same key again when you repeat the request."
    next_zh = "请附上一个随机的 Idempotency-Key；重发同一请求时使用同一个值。"


class KeyReused(Invalid):
    """This idempotency key was used for another request."""

    zh = "该 Idempotency-Key 已用于另一个请求。"
    next_en, next_zh = "Use a fresh key for another request.", "不同的请求请使用不同的 Idempotency-Key。"


@dataclass(frozen=True)
class Answer:
    """What the caller gets: a status, a body, and whether it is the answer of an earlier call."""

    status: int
    body: Any
    replayed: bool


def checked(key: str | None) -> str:
    """The key as given; IdempotencyKeyMissing when there is none, Malformed when it cannot be one."""
    if not key:
        raise IdempotencyKeyMissing()
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Malformed("Idempotency-Key: at most 255 printable ASCII characters")
    return key


def once(
    session: Session,
    member_id: int,
    actor: str,
    key: str,
    request: Any,
    effect: Callable[[], tuple[int, Any]],
) -> Answer:
    """Do the effect under this key, or give the answer that it gave before. Scope: (member, actor).

    A till, which meets many members, has each of its keys for one of them: under another it is KeyReused.
    """
    request_hash = hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).digest()
    place = (member_id, actor, key)
    if not _taken(session, place, request_hash):
        before = next(iter(database.rows(session, _BEFORE, place)), None)
        if before is None or before.request_hash != request_hash:
            raise KeyReused()
        return Answer(before.status or 500, before.answer, replayed=True)
    failpoint("key_claimed")
    status, body = effect()
    session.flush()
    failpoint("effect_done")
    database.rows(session, _KEEP, (status, Jsonb(body), *place))
    failpoint("answer_kept")
    return Answer(status, body, replayed=False)


def _taken(session: Session, place: tuple[int, str, str], request_hash: bytes) -> bool:
    """Whether the key was free, and is ours now."""
    member_id, actor, key = place
    row = (*place, request_hash, clock.now())
    if actor.startswith(TILL):
        return bool(database.rows(session, _TAKE_AT_A_TILL, (*row, actor, key, member_id)))
    return bool(database.rows(session, _TAKE, row))


def outcome(session: Session, actor: str, key: str) -> Answer | None:
    """The answer of a committed request of a till, whoever's member it was about; None: there is none so far."""
    for row in database.rows(session, _OUTCOME, (actor, key)):
        return Answer(row.status or 500, row.answer, replayed=True)
    return None


_OUTCOME = "select status, answer from idempotency_key where actor = %s and key = %s and actor like 'terminal:%%' limit 1"
# Asked with every write of a member, so in words that need no compiling, and of no row but the member's own.
_TAKE = (
    "insert into idempotency_key (member_id, actor, key, request_hash, at) values (%s, %s, %s, %s, %s) "
    "on conflict do nothing returning key"
)
_TAKE_AT_A_TILL = (
    "insert into idempotency_key (member_id, actor, key, request_hash, at) select %s, %s, %s, %s, %s "
    "where not exists (select from idempotency_key where actor = %s and key = %s and member_id <> %s "
    "and actor like 'terminal:%%') on conflict do nothing returning key"
)
_BEFORE = "select request_hash, status, answer from idempotency_key where member_id = %s and actor = %s and key = %s"
_KEEP = "update idempotency_key set status = %s, answer = %s where member_id = %s and actor = %s and key = %s returning key"

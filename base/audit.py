"""Audit: who did or looked at what. Rows are inserted and never changed, numbered and chained actor by actor.

A row's digest is sha256(digest of the row before it || audit_content(the row)); the function is the migration's, so that
writing and proving mean the same bytes. Whoever changes, removes or moves a row breaks its chain: `jifen verify` names
the place.
"""

import json
from typing import Any
from zlib import crc32

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from base import clock, ids
from base.failpoints import failpoint

LANES = 16  # a system of the operator does thousands of things at once; a person does not
_WRITE = text("""
with head as (
  insert into audit_head as h (chain, no, digest) values (:chain, 1, sha256(audit_content(
    :audit_id, :chain, :actor, :action, :subject, cast(:facts as jsonb), :request_id, cast(:at as timestamptz))))
  on conflict (chain) do update set no = h.no + 1, digest = sha256(h.digest || audit_content(
    :audit_id, :chain, :actor, :action, :subject, cast(:facts as jsonb), :request_id, cast(:at as timestamptz)))
  returning no, digest)
insert into audit (audit_id, chain, no, actor, action, subject, facts, request_id, at, digest)
select :audit_id, :chain, no, :actor, :action, :subject, cast(:facts as jsonb), :request_id, cast(:at as timestamptz), digest
from head
""")


def write(session: Session, actor: str, action: str, subject: str, **facts: Any) -> None:
    """One row; facts carry no personal data, only opaque ids and numbers. Until the end of the transaction the actor's
    next row waits for this one."""
    session.execute(
        _WRITE,
        {
            "audit_id": ids.new_id(),
            "chain": _chain(actor, subject),
            "actor": actor,
            "action": action,
            "subject": subject,
            "facts": json.dumps(facts, ensure_ascii=False),
            "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
            "at": clock.now(),
        },
    )
    failpoint("deed_noted")


def _chain(actor: str, subject: str) -> str:
    if not actor.startswith("service:"):
        return actor
    return f"{actor}/{crc32(subject.encode()) % LANES:02}"

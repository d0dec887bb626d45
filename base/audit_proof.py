"""Proof of the audit log: in each chain the numbers follow each other from 1, each digest follows from the row before
it and from the row itself, and the head stands where the chain ends."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100
_ROWS = text("""
select chain, no from (
  select chain, no, digest, lag(no) over chained as no_before, lag(digest) over chained as digest_before,
         audit_content(audit_id, chain, actor, action, subject, facts, request_id, at) as content
  from audit where :chain = '' or chain = :chain window chained as (partition by chain order by no)) as row
where no <> coalesce(no_before, 0) + 1 or digest <> sha256(coalesce(digest_before, '') || content)
order by chain, no limit :most
""")
_HEADS = text("""
select coalesce(h.chain, a.chain) from audit_head h
  full join (select distinct on (chain) chain, no, digest from audit order by chain, no desc) a on a.chain = h.chain
where (:chain = '' or coalesce(h.chain, a.chain) = :chain)
  and (h.no is distinct from a.no or h.digest is distinct from a.digest)
order by 1 limit :most
""")


def findings(session: Session, chain: str = "") -> Iterator[Finding]:
    """All that is wrong, of one chain or of all; at most MOST of each rule."""
    asked = {"chain": chain, "most": MOST}
    for name, no in session.execute(_ROWS, asked):
        yield Finding(
            "audit chain", f"{name} {no}", "this row, or one before it, was changed, moved or removed"
        )
    for (name,) in session.execute(_HEADS, asked):
        yield Finding("audit head", name, "the log of this actor does not end where it was written last")

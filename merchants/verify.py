"""Proof of settlement: statements as they were sealed; acceptances and voids that agree."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base import database
from base.findings import Finding
from merchants.statements import verify as statements_verify


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong in statements, acceptances and voids."""
    yield from statements_verify.findings(session)
    yield from _voids(session)


def _voids(session: Session) -> Iterator[Finding]:
    rows = database.rows(
        session,
        "select a.member_id, a.acceptance_id from acceptance a "
        "full join void v on v.member_id = a.member_id and v.acceptance_id = a.acceptance_id "
        "where a.void_id is distinct from v.void_id limit 100",
    )
    for member_id, acceptance_id in rows:
        yield Finding(
            "voids", f"member {member_id} acceptance {acceptance_id}", "void and acceptance do not agree"
        )

"""Proof of figures: liabilities reconcile with the ledger to the point, target mixes were set by two persons, reports are whole."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from admin.analytics import liability
from base.findings import Finding


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with figures that were kept. Read-only; give it a REPEATABLE READ transaction."""
    yield from liability.findings(session)

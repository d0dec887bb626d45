"""Audit: who did or looked at what. Rows are inserted and never changed."""

from typing import Any

from sqlalchemy.orm import Session

from base import clock, ids
from base.models import AuditRow


def write(session: Session, actor: str, action: str, subject: str, **facts: Any) -> None:
    """One row; facts carry no personal data, only opaque ids and numbers."""
    session.add(
        AuditRow(
            audit_id=ids.new_id(), actor=actor, action=action, subject=subject, facts=facts, at=clock.now()
        )
    )

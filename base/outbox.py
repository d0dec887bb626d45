"""The outbox: work promised in a member's transaction, one row keyed by the member; the worker moves it on."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import clock, ids
from base.models import OutboxRow


def put(
    session: Session, member_id: int, task: str, args: dict[str, Any], *, due_at: datetime | None = None
) -> None:
    """Promise a task; it runs after the commit, at `due_at` or at once."""
    session.add(
        OutboxRow(
            member_id=member_id, outbox_id=ids.new_id(), task=task, args=args, due_at=due_at or clock.now()
        )
    )

"""The outbox: work promised in a member's transaction, one row keyed by the member; the worker moves it on."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from base import clock, ids
from base.failpoints import failpoint
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
    failpoint("work_promised")


def promised_later(session: Session, member_id: int, task: str, args: dict[str, Any]) -> bool:
    """Whether this very task is promised for a moment still to come."""
    mine = (OutboxRow.member_id == member_id, OutboxRow.task == task, OutboxRow.args == args)
    return bool(session.scalar(select(exists().where(*mine, OutboxRow.due_at > clock.now()))))


def withdraw(session: Session, member_id: int, task: str, args: dict[str, Any]) -> None:
    """Take back what was promised and not yet handed to the queue."""
    session.execute(
        delete(OutboxRow).where(
            OutboxRow.member_id == member_id, OutboxRow.task == task, OutboxRow.args == args
        )
    )

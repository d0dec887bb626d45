"""What nobody dealt with in time climbs: a job of the worker tells it one level higher each day, up to headquarters."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.tickets import tickets
from admin.tickets.models import Ticket
from base import clock, database

EVERY_S = 60
BATCH = 100


def step() -> bool:
    """Let the next ones climb; whether there may be more at once."""
    with database.begin() as session:
        return walk(session, clock.now()) == BATCH


def walk(session: Session, at: datetime, limit: int = BATCH) -> int:
    """Those due at a moment that no other worker holds, the longest due first; how many they were."""
    due = (
        select(Ticket)
        .where(Ticket.climbs_at <= at)
        .order_by(Ticket.climbs_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(due).all()
    for row in rows:
        tickets.climb(session, row, at)
    return len(rows)

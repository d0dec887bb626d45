"""`jifen verify` each hour, by one of the workers: what it finds anew stops payouts at once and waits for a person.

What stays broken stops nothing a second time: two persons who let payouts go on have seen it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import proof
from base import clock, database
from base.findings import Finding
from base.halts import halts
from base.proving import proving
from points import verify as points_verify

EVERY_S = 60
ACTOR = "system:verify"
log = structlog.get_logger()


@contextmanager
def snapshot() -> Iterator[Session]:
    """One moment of the database, for as long as it takes; nothing can be written in it."""
    with database.begin() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text("set transaction read only"))
        database.take_time(session)
        yield session


def step() -> bool:
    """Prove the books, unless somebody has this hour; never more at once."""
    with database.begin() as session:
        hour = proving.begin(session, clock.now())
    if hour is not None:
        with snapshot() as session:
            postings, found = points_verify.count(session), list(proof.findings(session))
        with database.begin() as session:
            record(session, hour, postings, found, clock.now())
    return False


def record(session: Session, hour: datetime, postings: int, found: list[Finding], at: datetime) -> None:
    """Write down what an hour's proof came to; payouts stop where something broke that held before."""
    fresh = proving.fresh(found, proving.latest(session, before=hour))
    proving.end(session, hour, postings, found, at)
    if not fresh:
        return
    log.error("the books do not agree", findings=len(found), rules=sorted({one.rule for one in fresh}))
    reason = f"{fresh[0].rule}: {fresh[0].place}: {fresh[0].text}"[: halts.MOST_REASON]
    halts.stop(session, ACTOR, halts.PAYOUT, halts.EVERYWHERE, reason, at)

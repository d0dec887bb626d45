"""Guess limits: codes that nobody knows are counted by till, in the database, so that no restart and no lost cache opens a lock."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.auth.guesses import TooManyGuesses
from merchants.acceptances import Place
from merchants.terminals.models import Attempt

UNKNOWN = "voucher-unknown"
TRIES = 10
WINDOW = timedelta(minutes=10)
LOCK = timedelta(minutes=15)


def check(session: Session, place: Place, at: datetime) -> None:
    """TooManyGuesses, with the seconds to wait, while this till is locked: after ten unknown codes within ten minutes."""
    latest = list(
        session.scalars(
            select(Attempt.at)
            .where(
                Attempt.terminal_id == place.terminal_id,
                Attempt.problem == UNKNOWN,
                Attempt.at > at - LOCK - WINDOW,
            )
            .order_by(Attempt.at.desc())
            .limit(TRIES)
        )
    )
    if len(latest) == TRIES and latest[0] - latest[-1] <= WINDOW and at < latest[0] + LOCK:
        raise TooManyGuesses(retry_after_s=int((latest[0] + LOCK - at).total_seconds()) + 1)

"""Tries at a till that were refused: each is kept, in a transaction of its own, for whoever asks or judges afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import clock, database, ids, logs
from base.errors import Malformed, NotSignedIn, Problem, Unavailable
from merchants.acceptances import Place
from merchants.terminals import guessing
from merchants.terminals.models import Attempt

CHECK, ACCEPT, DIRECT, VOID = "check", "accept", "direct", "void"


class About:
    """Which voucher a try is about, as soon as that is known."""

    member_id: int | None = None
    voucher_id: int | None = None

    def voucher(self, member_id: int, voucher_id: int) -> None:
        self.member_id, self.voucher_id = member_id, voucher_id


@contextmanager
def noted(place: Place, deed: str) -> Iterator[About]:
    """What is refused inside is kept, then goes on to whoever asked; a misread code or a lost database is no try."""
    about = About()
    try:
        yield about
    except (Malformed, NotSignedIn, Unavailable):
        raise
    except Problem as problem:
        at = clock.now()
        with database.begin() as session:
            keep(session, place, deed, problem, about, at)
            if problem.type_name() == guessing.UNKNOWN:
                session.flush()
                guessing.counted(session, place, at)
        raise


def keep(session: Session, place: Place, deed: str, problem: Problem, about: About, at: datetime) -> None:
    """One refused try."""
    session.add(
        Attempt(
            terminal_id=place.terminal_id,
            attempt_id=ids.new_id(),
            merchant_id=place.merchant_id,
            outlet_id=place.outlet_id,
            clerk_id=place.clerk_id,
            member_id=about.member_id,
            voucher_id=about.voucher_id,
            at=at,
            deed=deed,
            problem=problem.type_name(),
            request_id=logs.request_id(),
        )
    )


def of_terminal(
    session: Session, terminal_id: int, *, before: int | None = None, limit: int = 50
) -> list[Attempt]:
    """The newest tries of a till, from before an attempt on."""
    asked = select(Attempt).where(Attempt.terminal_id == terminal_id)
    if before is not None:
        asked = asked.where(Attempt.attempt_id < before)
    return list(session.scalars(asked.order_by(Attempt.attempt_id.desc()).limit(limit)))


def count_of_voucher(session: Session, member_id: int, voucher_id: int, problem: str) -> int:
    """How often a voucher was refused with this problem, at whatever till."""
    asked = (
        select(func.count())
        .select_from(Attempt)
        .where(Attempt.member_id == member_id, Attempt.voucher_id == voucher_id, Attempt.problem == problem)
    )
    return session.scalar(asked) or 0

"""What signing in leaves behind is deleted once it is worth nothing: sign-ins that ended, codes, wrong tries that no limit counts.

In batches, so that no walk holds anything for long. What staff did stays for good in the audit log; from where they signed in
is kept for twelve months (admin/staff/entries.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete

from base.auth.models import Guess, OneTimeCode, SignIn
from base.auth.sign_ins import LIVES

KEPT = timedelta(days=2)  # longer than the longest limit's window
AT_ONCE = 1_000


def forget(session: Session, at: datetime) -> bool:
    """Delete a batch of each; whether there may be more."""
    counts = [len(session.execute(one).all()) for one in _worthless(at)]
    return max(counts) == AT_ONCE


def _worthless(at: datetime) -> Iterator[ReturningDelete[Any]]:
    idle = [(SignIn.kind == kind) & (SignIn.seen_at < at - life.idle - KEPT) for kind, life in LIVES.items()]
    ended = or_(SignIn.ends_at < at - KEPT, *idle)
    for key, over in (
        (SignIn.token_digest, ended),
        (OneTimeCode.scope, OneTimeCode.ends_at < at - KEPT),
        (Guess.guess_id, Guess.at < at - KEPT),
    ):
        yield delete(key.class_).where(key.in_(select(key).where(over).limit(AT_ONCE))).returning(key)

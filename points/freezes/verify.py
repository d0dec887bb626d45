"""Proof of freezes: a wallet is stopped exactly while a freeze is open."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

_ASTRAY = """
select coalesce(w.member_id, f.member_id) member_id, f.member_id is not null open
from wallet w full join (select distinct member_id from wallet_freeze where ended_at is null) f using (member_id)
where coalesce(w.stopped, false) <> (f.member_id is not null) order by 1
"""


def findings(session: Session) -> Iterator[Finding]:
    """All wallets that are stopped without a freeze, or free in spite of one. Read-only."""
    for member_id, is_open in session.connection().exec_driver_sql(_ASTRAY):
        wrong = "a freeze is open, and the wallet is not stopped" if is_open else "stopped without a freeze"
        yield Finding("freeze", f"member {member_id}", wrong)

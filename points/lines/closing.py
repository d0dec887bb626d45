"""Clearing what is left on cancelled lines, once the day that the member was told has come."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from points import ledger, records
from points.deeds import Request
from points.kinds import Kind, State
from points.models import Programme
from points.postings import Wallet

STEP = 500
_DUE = (
    "from member m where m.programme_id = %s and m.left_on is not null and exists (select from line_event e "
    "where e.member_id = m.member_id and e.clearing_day <= %s)"
)


@dataclass(frozen=True)
class Step:
    """What one step did: members looked at, members and points cleared, and the member to go on after."""

    looked_at: int
    members: int
    points: int
    last_member: int | None


def due(session: Session, programme: Programme, on: date) -> int:
    """How many cancelled lines have reached their clearing day (for a progress bar)."""
    found = session.connection().exec_driver_sql(f"select count(*) {_DUE}", (programme.programme_id, on))
    return int(found.scalar_one())


def step(session: Session, programme: Programme, on: date, at: datetime, after_member: int) -> Step:
    """Clear the next lines in member order whose clearing day has come. Safe to repeat; commit after each step.

    What comes back to such a line later (a bill credit that failed) is cleared by the next run.
    """
    rows: list[Any] = list(
        session.connection().exec_driver_sql(
            f"select {records.WALLET} from wallet where member_id in (select m.member_id {_DUE} and m.member_id > %s "
            "order by m.member_id limit %s) order by member_id",
            (programme.programme_id, on, after_member, STEP),
        )
    )
    wallets = [records.wallet_of(row) for row in rows]
    asked = [_request(wallet, programme, at) for wallet in wallets if _is_left(wallet)]
    answers = [a for a in ledger.post_many(session, asked) if isinstance(a, ledger.Answer)]
    moved = [[p.amount for p in a.postings if p.kind is Kind.CLOSE_OUT] for a in answers]
    cleared = [sum(amounts) for amounts in moved if amounts]
    return Step(len(wallets), len(cleared), sum(cleared), wallets[-1].member_id if wallets else None)


def _is_left(wallet: Wallet) -> bool:
    return wallet.state is State.CLOSED and wallet.balance > 0


def _request(wallet: Wallet, programme: Programme, at: datetime) -> Request:
    """Under the number of the wallet's last posting: a second run finds nothing left, or something that came later."""
    return Request(
        member_id=wallet.member_id,
        idem=ledger.key("line", f"close:{wallet.seq}"),
        kind=Kind.CLOSE_OUT,
        points=0,
        at=at,
        zone=programme.zone,
        ref="line closed",
    )

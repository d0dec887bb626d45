"""Expiry: the sweep that posts what has lapsed. A balance is right even before it runs: reads count live lots only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from points import ledger, lots
from points.deeds import Request
from points.kinds import Kind
from points.models import Programme
from points.postings import Wallet

STEP = 500


@dataclass(frozen=True)
class Step:
    """What one step of the sweep did: members looked at, points lapsed, and the member to go on after."""

    looked_at: int
    lapsed_points: int
    last_member: int | None


def sweep_step(session: Session, programme: Programme, on: date, at: datetime, after_member: int) -> Step:
    """Expire what lapsed before a day for the next wallets in member order. Safe to repeat; commit after each step."""
    rows: list[Any] = list(
        session.connection().exec_driver_sql(
            f"select {ledger.WALLET} from wallet where member_id in (select member_id from member "
            "where programme_id = %s and member_id > %s order by member_id limit %s) order by member_id",
            (programme.programme_id, after_member, STEP),
        )
    )
    wallets = [ledger.wallet_of(row) for row in rows]
    due = [_request(wallet, programme, on, at) for wallet in wallets if lapsed(wallet, on)]
    answers = [a for a in ledger.post_many(session, due) if isinstance(a, ledger.Answer)]
    points = sum(p.amount for a in answers for p in a.postings if p.kind is Kind.EXPIRE)
    return Step(len(wallets), points, wallets[-1].member_id if wallets else None)


def lapsed(wallet: Wallet, on: date) -> int:
    """Points in lots whose last day lies before a day."""
    return wallet.balance - lots.live(wallet.lots, on)


def lapsing(wallet: Wallet, on: date, until: date) -> Iterator[tuple[date, int]]:
    """Live lots that lapse by a day: their last day and what is left in them, soonest first."""
    for at, key in enumerate(wallet.lots.keys):
        last = lots.last_day(key)
        if on <= last <= until and wallet.lots.left(at):
            yield last, wallet.lots.left(at)


def _request(wallet: Wallet, programme: Programme, on: date, at: datetime) -> Request:
    name = f"expire:{on}:{wallet.seq}"  # a second run on the same day finds nothing lapsed, so the key never meets itself
    return Request(wallet.member_id, ledger.key("expiry", name), Kind.EXPIRE, 0, at, programme.zone)

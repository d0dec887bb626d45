"""Proof of lines: events run without a gap, each is as it was written, and the wallet's state is the one they lead to."""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base.findings import Finding
from points.kinds import State
from points.lines import log, states
from points.lines.models import LineEvent
from points.lines.states import WALLET_OF, LineState
from points.members.models import Member
from points.models import WalletRow

NAMES = {int(state): state.name for state in State}


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with lines that have events. Read-only; give it a REPEATABLE READ transaction."""
    rows = session.execute(
        select(LineEvent, Member.left_on, func.coalesce(WalletRow.state, 0))
        .outerjoin(Member, Member.member_id == LineEvent.member_id)
        .outerjoin(WalletRow, WalletRow.member_id == LineEvent.member_id)
        .order_by(LineEvent.member_id, LineEvent.nth)
        .execution_options(yield_per=1000)
    )
    for member_id, group in groupby(rows, key=lambda row: row[0].member_id):
        mine = list(group)
        told, (_, left_on, wallet) = [row[0] for row in mine], mine[0]
        place = f"member {member_id}"
        yield from _chain(told, place)
        if wallet == 0:
            yield Finding("line", place, "events without a wallet")
            continue
        last = LineState(states.in_order(told)[-1].state)
        if last is LineState.CANCELLED and left_on is None:
            yield Finding("line", place, "its last event is cancelled, and the member has not left")
        expected = State.CLOSED if left_on is not None else WALLET_OF[last]
        if wallet not in (expected, State.MERGED):
            yield Finding(
                "line", place, f"the wallet is {NAMES.get(wallet, wallet)}, its line says {expected.name}"
            )


def _chain(told: list[LineEvent], place: str) -> Iterator[Finding]:
    before = log.FIRST_HASH
    for number, event in enumerate(told, 1):
        if event.nth != number:
            yield Finding("line", place, f"event {event.nth} comes after event {number - 1}")
            return
        if event.hash != log.sealed(event, before):
            yield Finding("line", place, f"event {event.nth} is not as it was written")
            return
        before = event.hash

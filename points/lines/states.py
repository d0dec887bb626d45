"""The state of a line, derived from its events and from what day it is: pure functions, nothing here is stored.

Events are put in the order of their day, those of one day in the order of arrival; the last one says the state. So an
event that comes late is kept and changes nothing when a later day is known already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from points.kinds import State


class LineState(StrEnum):
    """What the operator says of a line, and what its age makes of it."""

    NEW = "new"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    PRE_CANCELLED = "pre_cancelled"
    TRANSFER = "transfer"
    CANCELLED = "cancelled"
    REJOINED = "rejoined"


REPORTED = (
    LineState.ACTIVE,
    LineState.SUSPENDED,
    LineState.PRE_CANCELLED,
    LineState.TRANSFER,
    LineState.CANCELLED,
)
WALLET_OF: dict[LineState, State] = {  # how the wallet of such a line is stored
    LineState.NEW: State.OPEN,
    LineState.ACTIVE: State.OPEN,
    LineState.REJOINED: State.OPEN,
    LineState.SUSPENDED: State.FROZEN,
    LineState.PRE_CANCELLED: State.FROZEN,
    LineState.TRANSFER: State.FROZEN,
    LineState.CANCELLED: State.CLOSED,
}
# How the ledger's guard reads it: age is a matter of the day, so it is asked for and never stored.
GUARD_OF = WALLET_OF | {LineState.NEW: State.NEW, LineState.REJOINED: State.NEW}


class Told(Protocol):
    """The part of an event that the state depends on."""

    @property
    def nth(self) -> int: ...
    @property
    def since(self) -> date: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def clearing_day(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A line on a day. `since` None: the day is not known; `from_day`: the first day on which a new line may redeem;
    `clearing_day`: when what is left on a cancelled one is cleared.
    """

    state: LineState
    since: date | None
    reason: str | None = None
    from_day: date | None = None
    clearing_day: date | None = None

    @property
    def is_frozen(self) -> bool:
        return WALLET_OF[self.state] is State.FROZEN


@dataclass(frozen=True, slots=True)
class Membership:
    """What is known of the line beside its events; `wallet` is the state as stored, `from_day` joining plus tenure."""

    joined_on: date
    left_on: date | None
    wallet: State
    from_day: date


def in_order(events: Iterable[Told]) -> list[Told]:
    """Events by their day, those of one day as they arrived."""
    return sorted(events, key=lambda event: (event.since, event.nth))


def line(events: Sequence[Told], membership: Membership, on: date) -> Line:
    """The line on a day. What the wallet says weighs as well: of two opinions the stricter one holds."""
    known = in_order(events)
    if membership.left_on is not None or membership.wallet is State.CLOSED:
        return _cancelled(known, membership)
    state = LineState(known[-1].state) if known else LineState.ACTIVE
    if state is LineState.CANCELLED:
        return _cancelled(known, membership)
    if WALLET_OF[state] is State.FROZEN:
        return _since(known, state)
    if membership.wallet is State.FROZEN:
        return Line(LineState.SUSPENDED, None)
    if membership.wallet is State.NEW or on < membership.from_day:
        again = bool(known) and known[0].state == LineState.REJOINED
        young = LineState.REJOINED if again else LineState.NEW
        return Line(young, membership.joined_on, from_day=membership.from_day)
    if known and state is LineState.ACTIVE and len({event.state for event in known}) > 1:
        return _since(known, state)
    return Line(LineState.ACTIVE, membership.joined_on)


def _since(known: Sequence[Told], state: LineState) -> Line:
    """The first of the last events that all say the same: a second word on it does not start it anew."""
    first = known[-1]
    for event in reversed(known):
        if event.state != state:
            break
        first = event
    return Line(state, first.since, known[-1].reason)


def _cancelled(known: Sequence[Told], membership: Membership) -> Line:
    last = next((event for event in reversed(known) if event.state == LineState.CANCELLED), None)
    since = membership.left_on or (last.since if last else None)
    reason, clearing_day = (last.reason, last.clearing_day) if last else (None, None)
    return Line(LineState.CANCELLED, since, reason, clearing_day=clearing_day)

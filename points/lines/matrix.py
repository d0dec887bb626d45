"""What a line in each state allows: one table for all actions, a default in code and changes by programme and day.

A change may forbid more, or allow what the ledger's own guard allows too (docs/decisions/0021): never less safe than
the ledger.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import Invalid
from points.kinds import State
from points.lines.models import LinePolicy
from points.lines.states import WALLET_OF, LineState
from points.policies import SameDayVersion


class PolicyCellFixed(Invalid):
    """The ledger does not allow this answer for such a line."""

    zh = "账本规则不允许对该状态的号码作此设置。"
    next_en, next_zh = "Choose one of the answers that are named.", "请从列出的选项中选择。"


class Action(StrEnum):
    """What is asked of a line."""

    SEE = "see"
    EARN = "earn"
    REDEEM = "redeem"
    GIFT_OUT = "gift_out"
    GIFT_IN = "gift_in"
    VOUCHER = "voucher"
    REVERSAL = "reversal"
    LAPSE = "lapse"


class Answer(StrEnum):
    """FROZEN: counted, not spendable; HISTORY: by the operator's staff alone; RECORDED: booked, never spendable;
    KEPT: re-dated on return; CLEARED: by a posting, after notice.
    """

    YES = "yes"
    NO = "no"
    FROZEN = "frozen"
    HISTORY = "history"
    RECORDED = "recorded"
    KEPT = "kept"
    CLEARED = "cleared"


Y, N, F = Answer.YES, Answer.NO, Answer.FROZEN
_YOUNG = (Y, Y, N, N, Y, Y, Y, Y)
_FROZEN = (Y, F, N, N, N, Y, F, Answer.KEPT)
_ROWS: dict[LineState, tuple[Answer, ...]] = {  # in the order of Action
    LineState.NEW: _YOUNG,
    LineState.ACTIVE: (Y,) * len(Action),
    LineState.SUSPENDED: _FROZEN,
    LineState.PRE_CANCELLED: _FROZEN,
    LineState.TRANSFER: _FROZEN,
    LineState.CANCELLED: (Answer.HISTORY, N, N, N, N, Y, Answer.RECORDED, Answer.CLEARED),
    LineState.REJOINED: _YOUNG,
}
DEFAULT = {
    (state, action): answer
    for state, row in _ROWS.items()
    for action, answer in zip(Action, row, strict=True)
}


def choices(state: LineState, action: Action) -> frozenset[Answer]:
    """The answers that a programme may give in a cell."""
    wallet, default = WALLET_OF[state], DEFAULT[state, action]
    free = (
        action is Action.VOUCHER
        or (action in (Action.REDEEM, Action.GIFT_OUT) and wallet is State.OPEN)
        or (action is Action.GIFT_IN and wallet is not State.CLOSED)
    )
    if free:
        return frozenset({Y, N})
    if action is Action.LAPSE and wallet is State.FROZEN:
        return frozenset({Answer.KEPT, Y})
    return frozenset({default})


def add(
    session: Session,
    programme_id: int,
    from_day: date,
    state: LineState,
    action: Action,
    answer: Answer,
) -> LinePolicy:
    """From a day on, this programme answers so; PolicyCellFixed, SameDayVersion."""
    if answer not in choices(state, action):
        raise PolicyCellFixed(choices=sorted(choices(state, action)))
    cell = (LinePolicy.line_state == state, LinePolicy.action == action)
    same = (LinePolicy.programme_id == programme_id, LinePolicy.from_day == from_day, *cell)
    if session.scalar(select(LinePolicy.policy_id).where(*same)) is not None:
        raise SameDayVersion(from_day=str(from_day))
    policy = LinePolicy(
        policy_id=ids.new_id(),
        programme_id=programme_id,
        from_day=from_day,
        line_state=str(state),
        action=str(action),
        answer=str(answer),
    )
    session.add(policy)
    session.flush()
    return policy


class Change(Protocol):
    """Of a version, what the answer depends on."""

    @property
    def line_state(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def from_day(self) -> date: ...


def load(session: Session, programme_id: int) -> list[Change]:
    """The changes of a programme, all versions."""
    return database.rows(session, _CHANGES, (programme_id,))


# Asked with every action of a member, so in words that need no compiling.
_CHANGES = "select line_state, action, answer, from_day from line_policy where programme_id = %s"


def answer(changes: Sequence[Change], state: LineState, action: Action, on: date) -> Answer:
    """What holds in a cell on a day: the latest change that has begun, else the default."""
    begun = [
        change
        for change in changes
        if change.line_state == state and change.action == action and change.from_day <= on
    ]
    if not begun:
        return DEFAULT[state, action]
    return Answer(max(begun, key=lambda change: change.from_day).answer)

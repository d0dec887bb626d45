"""What a sandbox terminal is answered: like a real till, from the code alone, and from what it did in the last minutes.

Vouchers, members and money are never touched; keys of repeated requests are kept as those of real tills are. Ten minutes
after its use a code is as good as new.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.auth.principals import Terminal
from base.config import Config
from base.errors import Problem
from base.money import part_of
from catalog.sandbox import cases
from catalog.sandbox.cases import ACCEPT, AFTER, CHECK, DIRECT, VOID, Case
from catalog.sandbox.models import SandboxUse
from catalog.vouchers import codes, tokens
from catalog.vouchers.codes import Shown
from catalog.vouchers.refusals import (
    CheckLapsed,
    DigitsNeeded,
    TooManyUnitsLeft,
    VoidNotLatest,
    VoucherAlreadyAccepted,
)
from merchants.acceptances import AcceptanceUnknown, AlreadyVoided
from merchants.models import Outlet
from merchants.terminals import models as terminals
from merchants.terminals.clerks import ClerkNotAllowed

NO_MEMBER = 0
AS_NEW_AFTER = timedelta(minutes=10)
KEPT = timedelta(days=1)
MEMBER = "138****0000"
PRICE_PERCENT, FEE_PERCENT, VAT_PERCENT = 90, 2, 6
_NUMBER = 1 << 40  # above the seconds since 1970, in the voucher's place of a token
R = TypeVar("R")
Asked = dict[str, Any]
Answered = Callable[[Session, int, Callable[[], dict[str, Any]]], R]


@contextmanager
def marked() -> Iterator[None]:
    """Refusals say that they are of the sandbox."""
    try:
        yield
    except Problem as problem:
        problem.facts["sandbox"] = True
        raise


def check(config: Config, desk: Terminal, asked: Asked) -> dict[str, Any]:
    """The voucher of a code, held in words alone; the answer as CheckView."""
    at, shown = clock.now(), codes.read(asked["code"], asked.get("digits"))
    case = _admitted(asked, shown, at)
    with database.begin() as session:
        left = _left(session, desk, case, at)
    number = case.number * _NUMBER + int(at.timestamp())
    return {
        "check_token": tokens.make(config.secret_key, NO_MEMBER, number, desk.terminal_id),
        "held_until": at + timedelta(seconds=config.check_hold_s),
        "names": _names(case),
        "face_fen": case.face_fen,
        "units_left": left,
        "last_day": (at + timedelta(days=30)).date(),
        "last4": case.symbols[-4:],
        "member": MEMBER,
        "sandbox": True,
    }


def release(config: Config, desk: Terminal, asked: Asked) -> None:
    """Nothing was held; CheckLapsed for a token that is none."""
    tokens.read(config.secret_key, asked["check_token"], desk.terminal_id)


def accept(config: Config, desk: Terminal, asked: Asked, answered: Answered[R]) -> R:
    """Take what a check or a code names; some cases answer that it is not clear, though it is done: ask again."""
    at, done = clock.now(), []
    case = _checked(config, desk, asked, at) if "check_token" in asked else _direct(asked, at)

    def effect() -> dict[str, Any]:
        case.refuse(ACCEPT, at)
        done.append(case)
        return _used(session, desk, case, asked.get("units"), at)

    with database.begin() as session:
        answer = answered(session, NO_MEMBER, effect)
    if done:
        case.refuse(AFTER, at)
    return answer


def void(desk: Terminal, acceptance: str, answered: Answered[R]) -> R:
    """Undo an acceptance of this terminal."""
    at, (_, use_id) = clock.now(), ids.parse("acc", acceptance)

    def effect() -> dict[str, Any]:
        use = session.get(SandboxUse, (desk.terminal_id, use_id))
        if use is None:
            raise AcceptanceUnknown()
        _undo(session, use, at)
        return {
            "id": ids.public("voi", NO_MEMBER, ids.new_id()),
            "acceptance": acceptance,
            "recorded_at": at.isoformat(),
            "sandbox": True,
        }

    with database.begin() as session:
        return answered(session, NO_MEMBER, effect)


def _admitted(asked: Asked, shown: Shown, at: datetime) -> Case:
    """The case of a code that is shown to this till, unless it is refused at once."""
    if not asked.get("clerk"):
        raise ClerkNotAllowed(clerk="")
    case = cases.of_symbols(shown.symbols)
    if case.problem is not DigitsNeeded or shown.digits is None:
        case.refuse(CHECK, at)
    return case


def _checked(config: Config, desk: Terminal, asked: Asked, at: datetime) -> Case:
    _, number = tokens.read(config.secret_key, asked["check_token"], desk.terminal_id)
    made_at = datetime.fromtimestamp(number % _NUMBER, UTC)
    if at - made_at > timedelta(seconds=config.check_hold_s):
        raise CheckLapsed()
    return cases.of_number(number // _NUMBER)


def _direct(asked: Asked, at: datetime) -> Case:
    case = _admitted(asked, codes.read(asked["code"], asked.get("digits")), at)
    case.refuse(DIRECT, at)
    return case


def _used(session: Session, desk: Terminal, case: Case, units: int | None, at: datetime) -> dict[str, Any]:
    """The use of some units, on record; the answer as AcceptanceView."""
    session.get(terminals.Terminal, desk.terminal_id, with_for_update=True)  # one use after another
    left = _left(session, desk, case, at)
    wanted = left if units is None else units
    if wanted > left:
        raise TooManyUnitsLeft(left=left)
    old = delete(SandboxUse).where(SandboxUse.terminal_id == desk.terminal_id, SandboxUse.at < at - KEPT)
    session.execute(old)
    use = SandboxUse(
        terminal_id=desk.terminal_id, use_id=ids.new_id(), case_no=case.number, units=wanted, at=at
    )
    session.add(use)
    owed_fen = part_of(case.face_fen, left, left - wanted, case.units) * PRICE_PERCENT // 100
    fee_fen = owed_fen * FEE_PERCENT // 100
    return {
        "id": ids.public("acc", NO_MEMBER, use.use_id),
        "names": _names(case),
        "last4": case.symbols[-4:],
        "units": wanted,
        "owed_fen": owed_fen,
        "fee_fen": fee_fen,
        "vat_fen": fee_fen * VAT_PERCENT // 100,
        "recorded_at": at.isoformat(),
        "voided": False,
        "sandbox": True,
    }


def _undo(session: Session, use: SandboxUse, at: datetime) -> None:
    cases.of_number(use.case_no).refuse(VOID, at)
    mine = (SandboxUse.terminal_id == use.terminal_id, SandboxUse.case_no == use.case_no)
    later = select(SandboxUse.use_id).where(
        *mine, SandboxUse.use_id > use.use_id, SandboxUse.undone_at.is_(None)
    )
    if use.undone_at is None and session.scalar(later.limit(1)) is not None:
        raise VoidNotLatest()
    undone = session.scalar(
        update(SandboxUse)
        .where(*mine, SandboxUse.use_id == use.use_id, SandboxUse.undone_at.is_(None))
        .values(undone_at=at)
        .returning(SandboxUse.use_id)
    )
    if undone is None:
        raise AlreadyVoided()


def _left(session: Session, desk: Terminal, case: Case, at: datetime) -> int:
    """What is left of a code at this terminal; VoucherAlreadyAccepted when all of it was used in the last minutes."""
    asked = select(SandboxUse).where(
        SandboxUse.terminal_id == desk.terminal_id,
        SandboxUse.case_no == case.number,
        SandboxUse.undone_at.is_(None),
        SandboxUse.at > at - AS_NEW_AFTER,
    )
    uses = list(session.scalars(asked.order_by(SandboxUse.use_id)))
    left = case.units - sum(use.units for use in uses)
    if left <= 0:
        outlet = session.get_one(Outlet, desk.outlet_id)
        raise VoucherAlreadyAccepted(
            accepted_at=uses[-1].at.isoformat(), outlet=outlet.names, here=True, clerk="07"
        )
    return left


def _names(case: Case) -> dict[str, str]:
    return {"zh-CN": case.names[0], "en": case.names[1]}

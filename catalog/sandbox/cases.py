"""The codes of the sandbox: three good vouchers, and one code for each refusal that a till must tell apart.

A code is TEST, the number of its case in four digits, 0000, and the check symbol of all that.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from base.auth.guesses import TooManyGuesses
from base.database import StillRunning
from base.errors import Problem, Unavailable
from catalog.vouchers import codes
from catalog.vouchers.refusals import (
    CheckLapsed,
    CodeStale,
    DigitsNeeded,
    DirectAcceptOff,
    MemberDaysOnly,
    OutsideHours,
    TooManyUnitsLeft,
    VoidLimit,
    VoidNotLatest,
    VoucherAlreadyAccepted,
    VoucherCancelled,
    VoucherExpired,
    VoucherHeld,
    VoucherNotUsable,
    VoucherUnknown,
    WrongOutlet,
)
from merchants.acceptances import VoidTooLate
from merchants.terminals.clerks import ClerkNotAllowed

CHECK, ACCEPT, DIRECT, AFTER, VOID = "check", "accept", "direct accept", "after the commit", "void"
_CODE = re.compile("TEST([0-9]{4})0000")
Facts = Callable[[datetime], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """What a code does: the refusal and where it comes (none: all goes well), else what the voucher is worth."""

    number: int
    problem: type[Problem] | None = None
    when: str = ""
    units: int = 1
    face_fen: int = 3000
    names: tuple[str, str] = ("测试：单次券", "Test: a single voucher")
    facts: Facts = lambda at: {}

    @property
    def symbols(self) -> str:
        """The twelve symbols of its code."""
        return f"TEST{self.number:04d}0000"

    @property
    def code(self) -> str:
        """The code as it is typed, with its check symbol."""
        return codes.shown(self.symbols)

    def refuse(self, when: str, at: datetime) -> None:
        """The refusal, where it is to come now."""
        if self.problem is not None and self.when == when:
            raise self.problem(**self.facts(at))


def _used(at: datetime) -> dict[str, Any]:
    outlet = {"zh-CN": "测试门店", "en": "Test outlet"}
    return {
        "accepted_at": (at - timedelta(hours=1)).isoformat(), "outlet": outlet, "here": True, "clerk": "07",
    }  # fmt: skip


def _yesterday(at: datetime) -> dict[str, Any]:
    return {"last_day": str((at - timedelta(days=1)).date())}


SINGLE = Case(1)
TEN = Case(2, units=10, face_fen=20_000, names=("测试：十次券", "Test: ten uses"))
MONEY = Case(3, units=5_000, face_fen=5_000, names=("测试：50 元代金券", "Test: 50 yuan"))
CASES = (
    SINGLE,
    TEN,
    MONEY,
    Case(10, VoucherUnknown, CHECK),
    Case(11, VoucherAlreadyAccepted, CHECK, facts=_used),
    Case(12, VoucherHeld, CHECK, facts=lambda at: {"retry_after_s": 60}),
    Case(13, VoucherExpired, CHECK, facts=_yesterday),
    Case(14, VoucherCancelled, CHECK),
    Case(15, VoucherNotUsable, CHECK),
    Case(16, MemberDaysOnly, CHECK, facts=lambda at: {"days": [8, 18, 28]}),
    Case(17, CodeStale, CHECK),
    Case(18, DigitsNeeded, CHECK),
    Case(19, TooManyGuesses, CHECK, facts=lambda at: {"retry_after_s": 900}),
    Case(20, ClerkNotAllowed, CHECK),
    Case(21, WrongOutlet, CHECK),
    Case(22, OutsideHours, CHECK),
    Case(30, CheckLapsed, ACCEPT),
    Case(31, TooManyUnitsLeft, ACCEPT, facts=lambda at: {"left": 1}),
    Case(32, DirectAcceptOff, DIRECT),
    Case(33, StillRunning, AFTER, facts=lambda at: {"retry_after_s": 1}),
    Case(34, Unavailable, AFTER),
    Case(40, VoidTooLate, VOID),
    Case(41, VoidNotLatest, VOID),
    Case(42, VoidLimit, VOID),
)
_BY_NUMBER = {case.number: case for case in CASES}


def of_symbols(symbols: str) -> Case:
    """The case of twelve symbols; VoucherUnknown for any others."""
    said = _CODE.fullmatch(symbols)
    return of_number(int(said[1]) if said else 0)


def of_number(number: int) -> Case:
    """The case of a number; VoucherUnknown where there is none."""
    found = _BY_NUMBER.get(number)
    if found is None:
        raise VoucherUnknown()
    return found

"""The only module that talks to the operator's billing system: TM Forum TMF654 (prepay balance) v4 over HTTP.

TMF654 knows no idempotency key: two POSTs are two credits. So our redemption's public id travels as the
`description`, and whoever does not know whether a POST arrived looks for it before ever sending again.
What was credited (topupBalance) is taken back in the same way (adjustBalance, where the operator has it).
Nothing here touches the database: a job calls `settle` between two transactions and records the outcome.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any
from urllib.parse import urlencode

import structlog

from base import calls
from base.money import FEN_PER_YUAN, MAX_FEN, yuan_text
from catalog.redemptions.outcomes import Done, NotFound, Outcome, Refused, Unknown, Unreachable, Wrong

API = "/tmf-api/prepayBalanceManagement/v4"
TIMEOUT_S = 5.0
COMPLETED, CREATED, FAILED, CANCELLED = "completed", "created", "failed", "cancelled"

log = structlog.get_logger()


@dataclass(frozen=True)
class Credit:
    """Money for a subscriber's bill, or off it again. The account is personal: it stays out of logs, out of repr too."""

    account: str = field(repr=False)  # the operator's customer id
    amount_fen: int
    currency: str  # ISO 4217
    reference: str  # our redemption's public id; what takes the credit back has one of its own
    reason: str = ""  # why it is taken back: our proposal's public id

    def __post_init__(self) -> None:
        if not 0 < self.amount_fen <= MAX_FEN:
            raise ValueError(f"a credit of {self.amount_fen} fen")
        if not self.reference or not self.account:
            raise ValueError("a credit needs a reference and an account")


@dataclass(frozen=True)
class Way:
    """A resource of TMF654 that moves money on a bucket: which, in which direction, which member of it names the account,
    and what its definition asks beside the amount.
    """

    name: str
    path: str
    sign: int
    account: str
    rest: Callable[[Credit], dict[str, object]]


TOPUP = Way(
    "top_up",
    f"{API}/topupBalance",
    1,
    "partyAccount",
    lambda credit: {
        "description": credit.reference,
        "usageType": "monetary",
        "bucket": {"id": credit.account},
        "partyAccount": {"id": credit.account},
    },
)
ADJUST = Way(  # its definition knows no account beside the bucket
    "adjust",
    f"{API}/adjustBalance",
    -1,
    "bucket",
    lambda credit: {
        "description": credit.reference,
        "reason": credit.reason,
        "adjustType": "oneTime",
        "usageType": "monetary",
        "bucket": {"id": credit.account},
    },
)


@dataclass(frozen=True)
class Topup:
    """A credit, or what takes one back, as the billing system tells it; None where it does not say, or says no whole fen."""

    topup_id: str
    reference: str | None
    account: str | None = field(repr=False)
    amount_fen: int | None
    currency: str | None
    status: str | None


@dataclass(frozen=True)
class Found:
    """The credits under one reference, those that failed or were cancelled left out; at least one."""

    topups: tuple[Topup, ...]


def settle(
    billing_url: str, credit: Credit, *, sent_before: bool, timeout_s: float = TIMEOUT_S, way: Way = TOPUP
) -> Outcome:
    """Credit once: look first if an earlier try may have arrived; send; look whether it is there just once.

    `sent_before` is True from the first try on, whatever became of it: note the try in the database before
    calling. Leave more time between tries than the billing system needs for a request that it has taken in:
    TMF654 cannot call a late one back, and sending again too early credits twice (the next look says Wrong).
    At most three requests of `timeout_s` each.
    """
    if sent_before:
        earlier = look_up(billing_url, credit.reference, timeout_s=timeout_s, way=way)
        if isinstance(earlier, Unknown):
            return earlier
        if isinstance(earlier, Found):
            return judge(credit, earlier, way)
    outcome = top_up(billing_url, credit, timeout_s=timeout_s, way=way)
    if not isinstance(outcome, Done):
        return outcome
    seen = look_up(billing_url, credit.reference, timeout_s=timeout_s, way=way)
    return judge(credit, seen, way) if isinstance(seen, Found) else outcome


def top_up(billing_url: str, credit: Credit, *, timeout_s: float = TIMEOUT_S, way: Way = TOPUP) -> Outcome:
    """Send the credit, or take it back, without looking whether it was sent before: `settle` does that."""
    answer = _call("POST", billing_url, way.path, _request_body(credit, way), timeout_s)
    outcome = _outcome(credit, answer, way) if isinstance(answer, _Answer) else answer
    said = {"reference": credit.reference, "outcome": type(outcome).__name__, "status": _status(answer)}
    log.info(f"billing.{way.name}", **said)
    return outcome


def look_up(
    billing_url: str, reference: str, *, timeout_s: float = TIMEOUT_S, way: Way = TOPUP
) -> Found | NotFound | Unknown:
    """The credits that carry this reference. Absent is only what a complete, readable list does not name."""
    query = urlencode({"description": reference, "limit": 100})
    answer = _call("GET", billing_url, f"{way.path}?{query}", None, timeout_s)
    result = _matching(reference, answer, way) if isinstance(answer, _Answer) else Unknown(answer.reason)
    log.info("billing.look_up", reference=reference, outcome=type(result).__name__, status=_status(answer))
    return result


def judge(credit: Credit, found: Found, way: Way = TOPUP) -> Done | Wrong | Unknown:
    """Does the billing system have what we asked for, once? What it has not completed yet is unknown."""
    topup = found.topups[0]
    asked = (credit.reference, credit.account, way.sign * credit.amount_fen, credit.currency)
    as_asked = asked == (topup.reference, topup.account, topup.amount_fen, topup.currency)
    if len(found.topups) != 1 or not as_asked or topup.status not in (COMPLETED, CREATED):
        return Wrong(found.topups)
    return Done(topup.topup_id) if topup.status == COMPLETED else Unknown("taken in, not completed yet")


# ---- what is said in JSON: the one place where fen become the other side's numbers and come back


def _request_body(credit: Credit, way: Way = TOPUP) -> bytes:
    """What TMF654 defines to be created. The amount is written digit by digit: a number that was never a float."""
    fen = yuan_text(way.sign * credit.amount_fen)
    amount = f'{{"amount": {fen}, "units": {json.dumps(credit.currency)}}}'
    return f'{{"amount": {amount}, {json.dumps(way.rest(credit))[1:]}'.encode()


def fen_of(amount: object) -> int | None:
    """A JSON number (read as Decimal) as fen, exactly; None if it is not one, or not whole fen in range."""
    if not isinstance(amount, Decimal) or not amount.is_finite():
        return None
    try:
        fen = Context(prec=28, traps=[Inexact, InvalidOperation]).multiply(amount, Decimal(FEN_PER_YUAN))
    except (Inexact, InvalidOperation):
        return None
    return int(fen) if abs(fen) <= MAX_FEN and fen == fen.to_integral_value() else None


def _topup(told: object, way: Way) -> Topup | None:
    """What an answer tells about one credit; None if that cannot be one."""
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        return None
    amount, account = (
        told[name] if isinstance(told.get(name), dict) else {} for name in ("amount", way.account)
    )
    return Topup(
        topup_id=told["id"],
        reference=_text(told, "description"),
        account=_text(account, "id"),
        amount_fen=fen_of(amount.get("amount")),
        currency=_text(amount, "units"),
        status=_text(told, "status"),
    )


def _text(told: Mapping[str, object], name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) else None


def _json(body: bytes) -> Any:
    """The value, its numbers as Decimal; ValueError for everything that is not JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# ---- what an answer means


@dataclass(frozen=True)
class _Answer:
    status: int
    total: str | None  # X-Total-Count
    body: bytes


def _outcome(credit: Credit, answer: _Answer, way: Way) -> Outcome:
    """What the answer to a POST means."""
    try:
        told = _json(answer.body)
    except ValueError:
        return Unknown(f"status {answer.status} without JSON")
    if answer.status in (401, 429):  # our key, our pace: nothing about this credit
        return Unreachable(f"status {answer.status}")
    if answer.status in (200, 201) and (topup := _topup(told, way)):
        if topup.status in (FAILED, CANCELLED):
            return Refused(f"the credit is {topup.status}")
        return judge(credit, Found((topup,)), way)
    # A gateway in between may say 4xx too: only a TMF Error is the billing system's own word. 408 is none.
    if 400 <= answer.status < 500 and answer.status != 408 and isinstance(told, dict):
        code, reason = _text(told, "code"), _text(told, "reason")
        if code and reason:
            return Refused(f"{code}: {reason}"[:500])
    return Unknown(f"status {answer.status}")


def _matching(reference: str, answer: _Answer, way: Way) -> Found | NotFound | Unknown:
    """What a list says about a reference. TMF654 promises no filter: trust only a list known to be whole."""
    if answer.status != 200:
        return Unknown(f"status {answer.status}")
    try:
        told = _json(answer.body)
    except ValueError:
        return Unknown("the list is not JSON")
    topups = [_topup(each, way) for each in told] if isinstance(told, list) else [None]
    if None in topups:
        return Unknown("the list is not readable")
    if answer.total != str(len(topups)):
        return Unknown(f"the list may not be whole: {len(topups)} of {answer.total}")
    named = [topup for topup in topups if topup and topup.reference == reference]
    alive = tuple(topup for topup in named if topup.status not in (FAILED, CANCELLED))
    return Found(alive) if alive else NotFound()


# ---- one request over HTTP


def _call(
    method: str, billing_url: str, target: str, body: bytes | None, timeout_s: float
) -> _Answer | Unknown | Unreachable:
    found = calls.call(method, billing_url, target, body, _HEADERS, timeout_s)
    if isinstance(found, calls.NotSent):
        return Unreachable(found.reason)
    if isinstance(found, calls.Lost):
        return Unknown(found.reason)
    return _Answer(found.status, found.headers.get("X-Total-Count"), found.body)


_HEADERS = {"Content-Type": "application/json;charset=utf-8", "Accept": "application/json"}


def _status(answer: _Answer | Unknown | Unreachable) -> int | None:
    return answer.status if isinstance(answer, _Answer) else None

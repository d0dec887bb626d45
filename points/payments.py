"""Payments of bill lines: each releases the share of the line's points that it pays for.

A payment brings floor(points * paid after / payable) - floor(points * paid before / payable), so that the parts of a
line add up to it however it is paid. They enter the lot of the bill's day. A payment counts once: its key in the
ledger comes from the programme, the line and the payment's id. Several of one line follow each other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Unpack
from uuid import UUID

from sqlalchemy.orm import Session

from base import clock, csv_files
from base.errors import Problem
from points import imports, ledger, line_history, policies
from points.deeds import Request
from points.imports import Format, How, Outcome, Report, What, refused
from points.kinds import Kind
from points.line_history import Line, Named, Paid, Place, Standing
from points.models import Programme

REQUIRED = ("payment_id", "bill_id", "line_no", "customer_id", "paid_day", "paid_fen")
CHANGED = "changed: a payment is never edited; send a correction of the bill line"


@dataclass(frozen=True, slots=True)
class PaymentIn:
    """Money that came for a bill line, in fen."""

    customer_id: str
    payment_id: str
    bill_id: str
    line_no: int
    paid_day: date
    paid_fen: int


@dataclass(frozen=True, slots=True)
class _Rated:
    """A payment that can be posted: the line before it and how it stands after it."""

    payment: PaymentIn
    line: Line
    after: Standing

    @property
    def points(self) -> int:
        """What the payment releases."""
        return self.after.earned - self.line.latest.earned


class _CannotPay(ValueError):
    """The payment cannot be posted; the text says why."""


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of payments; opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme), **how)


def form(programme: Programme) -> Format[PaymentIn]:
    """How payments are taken in."""
    return Format(
        kind="payments",
        required=REQUIRED,
        optional=(),
        changed=CHANGED,
        parse=_parse,
        take=lambda session, payments: post_payments(session, programme, payments),
        identity=lambda one: (*_named(one), one.payment_id),
    )


def post_payments(session: Session, programme: Programme, payments: Sequence[PaymentIn]) -> list[Outcome]:
    """Release what payments pay for, one outcome each in the same order; safe to repeat. Nothing is committed here.

    Those of one line are done in the order given. Another run that changes the same members' lines at this moment
    is waited for; StillRunning after a second.
    """
    outcomes: dict[int, Outcome] = {}
    for numbered in line_history.turns(payments, _named):
        outcomes |= _post_turn(session, programme, numbered)
    return [outcomes[number] for number in range(len(payments))]


def key(programme: Programme, place: Place, payment_id: str) -> UUID:
    """Under which key of the ledger a payment earns."""
    return ledger.key("bill-payment", json.dumps([programme.code, *place[1:], payment_id]))


def _named(payment: PaymentIn) -> Named:
    return payment.customer_id, payment.bill_id, payment.line_no


def _post_turn(
    session: Session, programme: Programme, payments: Mapping[int, PaymentIn]
) -> dict[int, Outcome]:
    lines = line_history.of_customers(session, programme, map(_named, payments.values()))
    today = clock.day(clock.now(), programme.zone)
    outcomes: dict[int, Outcome] = {}
    rated: dict[int, _Rated] = {}
    for number, payment in payments.items():
        line = lines.get(_named(payment))
        if line is None:
            outcomes[number] = refused("bill_id: this customer has no such bill line in this programme")
        elif known := _known(line, payment.payment_id):
            same = (known.paid_fen, known.day) == (payment.paid_fen, payment.paid_day)
            outcomes[number] = Outcome(What.THERE) if same else refused(CHANGED)
        else:
            try:
                rated[number] = _rate(payment, line, today)
            except _CannotPay as fault:
                outcomes[number] = refused(str(fault))
    return outcomes | _post(session, programme, rated)


def _known(line: Line, payment_id: str) -> Paid | None:
    return next((e for e in line.events if isinstance(e, Paid) and e.payment_id == payment_id), None)


def _rate(payment: PaymentIn, line: Line, today: date) -> _Rated:
    latest = line.latest
    if latest.paid_fen is None:
        raise _CannotPay("bill_id: this line came as paid in full")
    if payment.paid_fen <= 0:
        raise _CannotPay("paid_fen: must be more than 0")
    due = max(0, latest.payable_fen - latest.paid_fen)
    if payment.paid_fen > due:
        raise _CannotPay(f"paid_fen: is more than the {due} that are still to be paid")
    if payment.paid_day < line.first.day:
        raise _CannotPay(f"paid_day: lies before the bill's day, {line.first.day}")
    if payment.paid_day > today:
        raise _CannotPay("paid_day: lies in the future")
    return _Rated(payment, line, replace(latest, paid_fen=latest.paid_fen + payment.paid_fen))


def _post(session: Session, programme: Programme, rated: Mapping[int, _Rated]) -> dict[int, Outcome]:
    """Points go to the wallets, payments to `bill_payment`; one that releases no whole point is only kept."""
    expiry = policies.expiry_by_id(session, {one.line.policy_id for one in rated.values() if one.points})
    at = clock.now()
    requests = {
        number: _request(programme, one, policies.lot_key(expiry[one.line.policy_id], one.line.first.day), at)
        for number, one in rated.items()
        if one.points
    }
    answers = dict(zip(requests, ledger.post_many(session, list(requests.values())), strict=True))
    outcomes: dict[int, Outcome] = {}
    good: list[tuple[_Rated, int | None]] = []
    for number, one in rated.items():
        answer = answers.get(number)
        if isinstance(answer, Problem):
            outcomes[number] = refused(f"points: {answer}")
            continue
        good.append((one, answer.seq if answer else None))
        outcomes[number] = Outcome(What.POSTED, one.points, one.line.line_type)
    _keep(session, good, at)
    return outcomes


def _request(programme: Programme, one: _Rated, lot_key: int, at: datetime) -> Request:
    member_id, bill_id, line_no = one.line.place
    return Request(
        member_id=member_id,
        idem=key(programme, one.line.place, one.payment.payment_id),
        kind=Kind.EARN,
        points=one.points,
        at=at,
        zone=programme.zone,
        lot_key=lot_key,
        version_id=one.line.rule.rule_id,
        ref=f"bill {bill_id} line {line_no} payment {one.payment.payment_id}",
    )


def _keep(session: Session, good: Sequence[tuple[_Rated, int | None]], at: datetime) -> None:
    rows: list[tuple[Any, ...]] = [
        (*one.line.place, one.payment.payment_id, len(one.line.events) + 1, one.payment.paid_fen, one.points,
         one.payment.paid_day, seq)
        for one, seq in good
    ]  # fmt: skip
    session.connection().exec_driver_sql(
        "insert into bill_payment (member_id, bill_id, line_no, payment_id, nth, paid_fen, points, paid_day, seq, at) "
        "select k.*, %s from unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::int[], %s::bigint[], "
        "%s::bigint[], %s::date[], %s::bigint[]) k",
        (at, *([row[column] for row in rows] for column in range(9))),
    )


def _parse(cells: dict[str, str]) -> PaymentIn:
    return PaymentIn(
        customer_id=csv_files.text(cells, "customer_id"),
        payment_id=csv_files.text(cells, "payment_id"),
        bill_id=csv_files.text(cells, "bill_id"),
        line_no=csv_files.whole_number(cells, "line_no"),
        paid_day=csv_files.day(cells, "paid_day"),
        paid_fen=csv_files.whole_number(cells, "paid_fen"),
    )

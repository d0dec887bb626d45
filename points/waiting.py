"""Bill lines that wait for a rule: how many of which type, and rating them once somebody has decided.

A line that no rule is in force for is refused and kept here as it came last. Once a rule is added, the queue is
worked off; a line that came again by a file and was rated there no longer waits.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from points import bills
from points.bills import BillLineIn
from points.imports import What
from points.line_history import Place
from points.members.models import Member
from points.models import BillLine, Programme, WaitingLine
from points.policies import Policies

CHUNK = 500


@dataclass
class Step:
    """What became of a part of the queue: points by type, lines that still wait by type, refusals; `last` None: done."""

    looked_at: int = 0
    posted: int = 0
    points: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    last: Place | None = None

    def add(self, other: "Step") -> None:
        """Count a further part of the queue in."""
        self.looked_at += other.looked_at
        self.posted += other.posted
        self.points += other.points
        self.waiting += other.waiting
        self.refused += other.refused
        self.last = other.last

    def facts(self) -> dict[str, Any]:
        """The counts as JSON."""
        return {
            "posted": self.posted,
            "points": dict(self.points),
            "waiting": dict(self.waiting),
            "refused": self.refused,
        }


def counts(session: Session, programme_id: int) -> dict[str, int]:
    """How many lines wait for a rule, by type."""
    rated = exists().where(
        BillLine.member_id == WaitingLine.member_id,
        BillLine.bill_id == WaitingLine.bill_id,
        BillLine.line_no == WaitingLine.line_no,
    )
    asked = (
        select(WaitingLine.line_type, func.count())
        .join(Member, Member.member_id == WaitingLine.member_id)
        .where(Member.programme_id == programme_id, ~rated)
        .group_by(WaitingLine.line_type)
        .order_by(WaitingLine.line_type)
    )
    return {row[0]: row[1] for row in session.execute(asked)}


def step(session: Session, programme: Programme, versions: Policies, after: Place | None) -> Step:
    """Rate and post the next lines of the queue; what still has no rule goes on waiting. Nothing is committed here."""
    if after is None:
        _take_off_rated(session)
    rows = session.connection().exec_driver_sql(
        "select w.member_id, w.bill_id, w.line_no, m.customer_id, w.bill_day, w.line_type, w.amount_fen, w.waived_fen, "
        "w.paid_fen from waiting_line w join member m on m.member_id = w.member_id "
        "where m.programme_id = %s and (w.member_id, w.bill_id, w.line_no) > (%s, %s, %s) "
        "order by w.member_id, w.bill_id, w.line_no limit %s for update of w",
        (programme.programme_id, *(after or (-1, "", -1)), CHUNK),
    )
    places: list[Place] = []
    lines: list[BillLineIn] = []
    for member_id, bill_id, line_no, customer_id, day, line_type, amount, waived, paid in rows:
        places.append((member_id, bill_id, line_no))
        lines.append(BillLineIn(customer_id, bill_id, line_no, day, line_type, amount, waived, paid))
    done = Step(looked_at=len(lines), last=places[-1] if len(places) == CHUNK else None)
    outcomes = bills.post_lines(session, programme, versions, lines)
    for line, outcome in zip(lines, outcomes, strict=True):
        if outcome.what is What.POSTED:
            done.posted += 1
            done.points[outcome.name] += outcome.points
        elif outcome.reason.startswith(bills.NO_RULE):
            done.waiting[line.line_type] += 1
        elif outcome.what is What.REFUSED:
            done.refused.append(
                f"{line.customer_id} bill {line.bill_id} line {line.line_no}: {outcome.reason}"
            )
    if done.last is None:
        _take_off_rated(session)
    return done


def forget(session: Session, programme: Programme, lines: Sequence[BillLineIn]) -> None:
    """Take exactly these lines off the queue."""
    if lines:
        session.connection().exec_driver_sql(
            "delete from waiting_line w using member m, unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) "
            "k(c, b, n, a) where m.programme_id = %s and m.customer_id = k.c and w.member_id = m.member_id "
            "and w.bill_id = k.b and w.line_no = k.n and w.amount_fen = k.a",
            (
                [line.customer_id for line in lines],
                [line.bill_id for line in lines],
                [line.line_no for line in lines],
                [line.amount_fen for line in lines],
                programme.programme_id,
            ),
        )


def _take_off_rated(session: Session) -> None:
    session.connection().exec_driver_sql(
        "delete from waiting_line w using bill_line b "
        "where b.member_id = w.member_id and b.bill_id = w.bill_id and b.line_no = w.line_no"
    )

"""A bill line with everything told about it since: corrections and payments in their order, and what they make it.

A correction changes amounts and points, a payment what is paid; what a line has earned follows from how it stands
(points/rating.py), and what it has not earned yet is pending: outside the ledger.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database
from points import ledger, policies
from points.models import EarnFactor, EarnRule, Programme
from points.rating import share

Named = tuple[str, str, int]  # a line as billing names it: customer, bill, number
Place = tuple[int, str, int]  # the key of bill_line: member, bill, number
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a line stands at some time: amounts, points as a whole, what is paid (None: in full), the day it was told."""

    amount_fen: int
    waived_fen: int
    points: int
    paid_fen: int | None
    day: date

    @property
    def payable_fen(self) -> int:
        return self.amount_fen - self.waived_fen

    @property
    def earned(self) -> int:
        return share(self.points, self.payable_fen, self.paid_fen)

    @property
    def pending(self) -> int:
        return self.points - self.earned


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction that was taken: the amounts and points since, and what it says the points were before."""

    correction_id: str
    amount_fen: int
    waived_fen: int
    points_before: int
    points: int
    day: date
    nth: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that was taken, and the points that it released."""

    payment_id: str
    paid_fen: int
    points: int
    day: date
    nth: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A rated line with its versions, how it came, and what happened to it since."""

    place: Place
    line_type: str
    rule: EarnRule
    policy_id: int
    factors: tuple[EarnFactor, ...]
    first: Standing
    events: tuple[Corrected | Paid, ...] = ()

    def standings(self) -> list[Standing]:
        """How the line came, and how it stood after each event."""
        found = [self.first]
        for event in self.events:
            before = found[-1]
            if isinstance(event, Paid):
                found.append(replace(before, paid_fen=(before.paid_fen or 0) + event.paid_fen))
            else:
                found.append(
                    Standing(event.amount_fen, event.waived_fen, event.points, before.paid_fen, event.day)
                )
        return found

    @property
    def latest(self) -> Standing:
        return self.standings()[-1]

    def points_for(self, amount_fen: int, waived_fen: int) -> int:
        """What the line would be worth with these amounts, by the rule and the factors that it came under."""
        return policies.points_for(self.rule, amount_fen, waived_fen, self.factors)


def turns(items: Sequence[Item], line_of: Callable[[Item], Hashable]) -> list[dict[int, Item]]:
    """The items by number, the first of each line together, then the second of each, and so on."""
    found: list[dict[int, Item]] = []
    met: dict[Hashable, int] = defaultdict(int)
    for number, item in enumerate(items):
        turn = met[line_of(item)]
        met[line_of(item)] += 1
        if turn == len(found):
            found.append({})
        found[turn][number] = item
    return found


# Reading

_LINE = (
    "b.member_id, b.bill_id, b.line_no, b.line_type, b.bill_day, b.rule_id, b.policy_id, b.factor_ids, b.amount_fen, "
    "b.waived_fen, b.points, b.paid_fen"
)


def of_customers(session: Session, programme: Programme, named: Iterable[Named]) -> dict[Named, Line]:
    """The lines that customers have, over all their memberships, for changing them.

    Their wallets are locked until the commit, in member order: what is told of a line is told one after the other.
    """
    customers, bills, numbers = _columns(sorted(set(named)), 3)
    members = session.connection().exec_driver_sql(
        "select member_id from member where programme_id = %s and customer_id = any(%s)",
        (programme.programme_id, sorted(set(customers))),
    )
    ledger.lock(session, members.scalars().all())
    rows = session.connection().exec_driver_sql(
        f"select {_LINE}, k.c from unnest(%s::text[], %s::text[], %s::bigint[]) k(c, b, n) "
        "join member m on m.programme_id = %s and m.customer_id = k.c "
        "join bill_line b on b.member_id = m.member_id and b.bill_id = k.b and b.line_no = k.n "
        "order by m.joined_on, m.member_id",
        (customers, bills, numbers, programme.programme_id),
    )
    by_name = {(row[-1], row[1], row[2]): row for row in rows}  # the latest membership that has the line
    lines = _lines(session, list(by_name.values()))
    return {name: lines[row[0], row[1], row[2]] for name, row in by_name.items()}


def of_member(
    session: Session, member_id: int, *, places: Iterable[tuple[str, int]] | None = None
) -> dict[Place, Line]:
    """Lines of a member: the named ones, or all of those that did not come as paid in full."""
    if places is None:
        rows = database.rows(
            session,
            f"select {_LINE} from bill_line b where b.member_id = %s and b.paid_fen is not null",
            (member_id,),
        )
    else:
        rows = database.rows(
            session,
            f"select {_LINE} from unnest(%s::text[], %s::bigint[]) k(b, n) "
            "join bill_line b on b.member_id = %s and b.bill_id = k.b and b.line_no = k.n",
            (*_columns(sorted(set(places)), 2), member_id),
        )
    return _lines(session, rows)


def of_members(session: Session, first: int, last: int) -> dict[Place, Line]:
    """All lines of the members whose ids lie between two, both included, by key."""
    rows = session.connection().exec_driver_sql(
        f"select {_LINE} from bill_line b where b.member_id between %s and %s "
        "order by b.member_id, b.bill_id, b.line_no",
        (first, last),
    )
    return _lines(session, rows.all())


def pending(session: Session, member_id: int) -> int:
    """Points that a member's lines will still bring as they are paid."""
    return sum(line.latest.pending for line in of_member(session, member_id).values())


def _lines(session: Session, rows: Sequence[Any]) -> dict[Place, Line]:
    if not rows:
        return {}
    asked = select(EarnRule).where(EarnRule.rule_id.in_({row[5] for row in rows}))
    rules = {rule.rule_id: rule for rule in session.scalars(asked)}
    factors = _factors(session, {factor_id for row in rows for factor_id in row[7]})
    events = _events(session, [(row[0], row[1], row[2]) for row in rows])
    return {
        (row[0], row[1], row[2]): Line(
            place=(row[0], row[1], row[2]),
            line_type=row[3],
            rule=rules[row[5]],
            policy_id=row[6],
            factors=tuple(factors[factor_id] for factor_id in row[7]),
            first=Standing(row[8], row[9], row[10], row[11], row[4]),
            events=tuple(events.get((row[0], row[1], row[2]), ())),
        )
        for row in rows
    }


def _factors(session: Session, wanted: set[int]) -> dict[int, EarnFactor]:
    if not wanted:
        return {}
    asked = select(EarnFactor).where(EarnFactor.factor_id.in_(wanted))
    return {factor.factor_id: factor for factor in session.scalars(asked)}


def _events(session: Session, places: Iterable[Place]) -> Mapping[Place, list[Corrected | Paid]]:
    """Corrections and payments of lines in the order in which they were taken, in one statement."""
    told = session.connection().exec_driver_sql(
        "with k as (select * from unnest(%s::bigint[], %s::text[], %s::bigint[]) k(m, b, n)) "
        "select c.member_id, c.bill_id, c.line_no, c.nth, true, c.correction_id, c.points, c.correction_day, c.seqs, "
        "c.amount_fen, c.waived_fen, c.points_before from k join bill_correction c "
        "on c.member_id = k.m and c.bill_id = k.b and c.line_no = k.n union all "
        "select p.member_id, p.bill_id, p.line_no, p.nth, false, p.payment_id, p.points, p.paid_day, "
        "array_remove(array[p.seq], null), p.paid_fen, 0, 0 from k join bill_payment p "
        "on p.member_id = k.m and p.bill_id = k.b and p.line_no = k.n order by 1, 2, 3, 4",
        tuple(_columns(sorted(set(places)), 3)),
    )
    found: dict[Place, list[Corrected | Paid]] = defaultdict(list)
    for member, bill, number, nth, is_correction, name, points, day, seqs, amount, waived, before in told:
        found[member, bill, number].append(
            Corrected(name, amount, waived, before, points, day, nth, tuple(seqs))
            if is_correction
            else Paid(name, amount, points, day, nth, tuple(seqs))
        )
    return found


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(width)]

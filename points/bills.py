"""Bill lines: what a customer paid for becomes points under the rule and the policy in force on the bill's
day.

A line earns once: its key in the ledger comes from the programme, the bill and the line's number, never from
a file or a position in it, and each rated line is kept in `bill_line`. A known line with other contents is
refused.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from base import clock, csv_files, database
from base.errors import Problem
from points import ledger, policies, staged_imports
from points.deeds import Request
from points.imports import Format, Outcome, Report, What, refused
from points.kinds import Kind, State
from points.models import EarnRule, Programme
from points.policies import BILL_POINTS, NoRuleInForce, Policies

REQUIRED = ("bill_id", "line_no", "customer_id", "bill_day", "line_type", "amount_fen")
OPTIONAL = ("waived_fen",)
CHANGED = "changed: send a correction"
MOST_LINE_NO = 2**31 - 1
MOST_FEN = 10**13


@dataclass(frozen=True, slots=True)
class BillLineIn:
    """A line as it comes from billing. Amounts in fen; the waived or gifted part earns nothing."""

    customer_id: str
    bill_id: str
    line_no: int
    bill_day: date
    line_type: str
    amount_fen: int
    waived_fen: int = 0


Moment = datetime | Callable[[BillLineIn], datetime] | None
Place = tuple[int, str, int]  # the key of bill_line: member, bill, number


@dataclass(frozen=True, slots=True)
class _Membership:
    """One time of a customer in the programme."""

    member_id: int
    joined_on: date
    left_on: date | None
    state: int


@dataclass(frozen=True, slots=True)
class _Terms:
    """What lines of a type earn on a day."""

    rule: EarnRule
    policy_id: int
    lot_key: int


@dataclass(frozen=True, slots=True)
class _Rated:
    """A line that can be posted."""

    place: Place
    line: BillLineIn
    points: int
    terms: _Terms
    at: datetime


def take_in(
    programme: Programme,
    path: Path,
    *,
    errors: Path | None = None,
    dry_run: bool = False,
    quiet: bool = False,
    workers: int | None = 1,
) -> Report:
    """A file of bill lines; opens its own transactions, see points/staged_imports.py."""
    return staged_imports.run(
        programme, path, form, errors=errors, dry_run=dry_run, quiet=quiet, workers=workers
    )


def form(session: Session, programme: Programme) -> Format[BillLineIn]:
    """How bill lines are taken in under the rules and policies of now."""
    versions = policies.load(session, programme.programme_id)
    return Format(
        kind="bills",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=lambda session, lines: post_lines(session, programme, versions, lines),
        identity=lambda line: (line.customer_id, line.bill_id, line.line_no),
    )


def post_lines(
    session: Session, programme: Programme, versions: Policies, lines: Sequence[BillLineIn], at: Moment = None
) -> list[Outcome]:
    """Rate and post lines, one outcome each in the same order; safe to repeat. Nothing is committed here.

    `at` is the moment of the postings: now, one moment for all, or, for history, a function of the line.
    Lines of one member are posted in the order given. A refusal of one line leaves the others alone.
    """
    now = clock.now()
    moment = at if callable(at) else lambda line: at or now
    members = _memberships(session, programme.programme_id, {line.customer_id for line in lines})
    holders = [_holder(members[line.customer_id], line.bill_day) for line in lines]
    places = [
        (holder.member_id, line.bill_id, line.line_no) if holder else None
        for holder, line in zip(holders, lines, strict=True)
    ]
    known = _stored(session, {place for place in places if place})
    rate = _rater(versions, programme.zone, clock.day(now, programme.zone))
    outcomes: dict[int, Outcome] = {}
    fresh: dict[int, _Rated] = {}
    first: dict[Place, int] = {}
    repeats: dict[int, int] = {}
    for number, (line, holder, place) in enumerate(zip(lines, holders, places, strict=True)):
        if holder is None or place is None:
            outcomes[number] = refused("customer_id: no such customer in this programme")
        elif place in known:
            outcomes[number] = Outcome(What.THERE) if known[place] == _contents(line) else refused(CHANGED)
            if place in first and outcomes[number].what is What.THERE:
                repeats[number] = first[place]
        else:
            try:
                fresh[number] = rate(line, holder, moment(line))
            except _CannotEarn as fault:
                outcomes[number] = refused(str(fault))
            else:
                known[place], first[place] = _contents(line), number
    outcomes |= _post(session, programme, fresh)
    outcomes |= {number: outcomes[of] for number, of in repeats.items() if outcomes[of].what is What.REFUSED}
    return [outcomes[number] for number in range(len(lines))]


# Rating


class _CannotEarn(ValueError):
    """The line cannot be posted; the text says why."""


def _rater(
    versions: Policies, zone: str, today: date
) -> Callable[[BillLineIn, _Membership, datetime], _Rated]:
    """Rates lines; rules and policies are looked up once for a type and day."""
    found: dict[tuple[str, date], _Terms] = {}

    def rate(line: BillLineIn, holder: _Membership, at: datetime) -> _Rated:
        _check_member(holder, clock.day(at, zone))
        _check_line(line, today)
        kind = (line.line_type, line.bill_day)
        terms = found.get(kind) or found.setdefault(kind, _terms(versions, *kind))
        points = policies.points_for(terms.rule, line.amount_fen, line.waived_fen)
        return _Rated((holder.member_id, line.bill_id, line.line_no), line, points, terms, at)

    return rate


def _check_member(holder: _Membership, on: date) -> None:
    if holder.left_on is not None and (holder.left_on < on or holder.state == State.CLOSED):
        raise _CannotEarn(f"customer_id: the customer left on {holder.left_on}")
    if holder.state == State.CLOSED:
        raise _CannotEarn("customer_id: the customer's wallet is closed")


def _check_line(line: BillLineIn, today: date) -> None:
    if not 0 <= line.line_no <= MOST_LINE_NO:
        raise _CannotEarn(f"line_no: must lie between 0 and {MOST_LINE_NO}")
    if line.amount_fen < 0:
        raise _CannotEarn("amount_fen: is negative; send a correction")
    if line.amount_fen > MOST_FEN:
        raise _CannotEarn(f"amount_fen: is over {MOST_FEN}")
    if not 0 <= line.waived_fen <= line.amount_fen:
        raise _CannotEarn("waived_fen: must lie between 0 and the amount")
    if line.bill_day > today:
        raise _CannotEarn("bill_day: lies in the future")


def _terms(versions: Policies, line_type: str, on: date) -> _Terms:
    try:
        rule, policy = versions.earn_rule(line_type, on), versions.expiry_policy(BILL_POINTS, on)
    except NoRuleInForce as error:
        raise _CannotEarn(f"line_type: no rule is in force for {error.detail}") from error
    return _Terms(rule, policy.policy_id, policies.lot_key(policy, on))


def _holder(memberships: list[_Membership], on: date) -> _Membership | None:
    """Of a customer who came back, the membership that the bill's day lies in; so a line never changes its
    member.
    """
    begun = [membership for membership in memberships if membership.joined_on <= on]
    return begun[-1] if begun else next(iter(memberships), None)


# Posting


def _post(session: Session, programme: Programme, fresh: Mapping[int, _Rated]) -> dict[int, Outcome]:
    """Points go to the wallets, lines to `bill_line`; a line without points is only kept."""
    earning = {number: rated for number, rated in fresh.items() if rated.points}
    answers = ledger.post_many(session, [_request(programme, rated) for rated in earning.values()])
    outcomes = {
        number: refused(f"points: {answer}")
        for number, answer in zip(earning, answers, strict=True)
        if isinstance(answer, Problem)
    }
    good = {number: rated for number, rated in fresh.items() if number not in outcomes}
    new = _keep(session, good.values())
    for number, rated in good.items():
        posted = Outcome(What.POSTED, rated.points, rated.line.line_type)
        outcomes[number] = posted if rated.place in new else Outcome(What.THERE)  # another run was first
    return outcomes


def _request(programme: Programme, rated: _Rated) -> Request:
    line = rated.line
    return Request(
        member_id=rated.place[0],
        idem=ledger.key("bill", f"{programme.code}:{line.bill_id}:{line.line_no}"),
        kind=Kind.EARN,
        points=rated.points,
        at=rated.at,
        zone=programme.zone,
        lot_key=rated.terms.lot_key,
        version_id=rated.terms.rule.rule_id,
        ref=f"bill {line.bill_id} line {line.line_no}",
    )


# Reading and keeping

_Contents = tuple[date, str, int, int]
_KEPT = "member_id, bill_id, line_no, amount_fen, waived_fen, points, rule_id, policy_id, bill_day, line_type"
_KEPT_TYPES = ("bigint", "text", "int", "bigint", "bigint", "bigint", "bigint", "bigint", "date", "text")


def _contents(line: BillLineIn) -> _Contents:
    return line.bill_day, line.line_type, line.amount_fen, line.waived_fen


def _memberships(
    session: Session, programme_id: int, customers: Iterable[str]
) -> Mapping[str, list[_Membership]]:
    rows = session.connection().exec_driver_sql(
        "select m.customer_id, m.member_id, m.joined_on, m.left_on, w.state "
        "from member m join wallet w on w.member_id = m.member_id "
        "where m.programme_id = %s and m.customer_id = any(%s) order by m.joined_on, m.member_id",
        (programme_id, sorted(customers)),
    )
    found = defaultdict[str, list[_Membership]](list)
    for customer_id, *rest in rows:
        found[customer_id].append(_Membership(*rest))
    return found


def _stored(session: Session, places: Iterable[Place]) -> dict[Place, _Contents]:
    members, bills, numbers = _columns(sorted(places), 3)
    rows = session.connection().exec_driver_sql(
        "select b.member_id, b.bill_id, b.line_no, b.bill_day, b.line_type, b.amount_fen, b.waived_fen "
        "from unnest(%s::text::bigint[], %s::text::text[], %s::text::bigint[]) k(m, b, n) "
        "join bill_line b on b.member_id = k.m and b.bill_id = k.b and b.line_no = k.n",
        tuple(map(database.array, (members, bills, numbers))),
    )
    return {(row[0], row[1], row[2]): (row[3], row[4], row[5], row[6]) for row in rows}


def _keep(session: Session, rated: Iterable[_Rated]) -> set[Place]:
    """Insert the rated lines in the order of their keys; those that were not there yet."""
    rows = sorted(
        (*r.place, r.line.amount_fen, r.line.waived_fen, r.points, r.terms.rule.rule_id, r.terms.policy_id,
         r.line.bill_day, r.line.line_type)
        for r in rated
    )  # fmt: skip
    arrays = ", ".join(f"%s::text::{name}[]" for name in _KEPT_TYPES)
    new = session.connection().exec_driver_sql(
        f"insert into bill_line ({_KEPT}) select * from unnest({arrays}) on conflict do nothing "
        "returning member_id, bill_id, line_no",
        tuple(map(database.array, _columns(rows, len(_KEPT_TYPES)))),
    )
    return {(row[0], row[1], row[2]) for row in new}


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(width)]


def _parse(cells: dict[str, str]) -> BillLineIn:
    return BillLineIn(
        customer_id=csv_files.text(cells, "customer_id"),
        bill_id=csv_files.text(cells, "bill_id"),
        line_no=csv_files.whole_number(cells, "line_no"),
        bill_day=csv_files.day(cells, "bill_day"),
        line_type=csv_files.text(cells, "line_type"),
        amount_fen=csv_files.whole_number(cells, "amount_fen"),
        waived_fen=csv_files.whole_number(cells, "waived_fen", default=0),
    )

"""Bill lines: what a customer pays for becomes points under the rule, the factors and the policy in force on the
bill's day.

A line earns once: its key in the ledger comes from the programme, the bill and the line's number, never from
a file or a position in it, and each rated line is kept in `bill_line`. A known line with other contents is
refused. A line that says how much of it is paid earns its share; points/payments.py releases the rest.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Unpack
from uuid import UUID

from sqlalchemy.orm import Session

from base import clock, csv_files, database
from base.errors import Problem
from base.failpoints import failpoint
from points import factors, ledger, policies, rating, staged_imports
from points.deeds import Request
from points.imports import Format, Outcome, Report, What, refused
from points.kinds import MOST_POINTS, Kind, State
from points.line_history import Place
from points.members import attributes
from points.members.attributes import NOTHING_KNOWN, Attributes
from points.merges import redirects
from points.models import Programme
from points.policies import NoRuleInForce, Policies
from points.rating import Terms, Worth
from points.staged_imports import How

REQUIRED = ("bill_id", "line_no", "customer_id", "bill_day", "line_type", "amount_fen")
OPTIONAL = ("waived_fen", "paid_fen")
CHANGED = "changed: send a correction"
PAID_SINCE = "paid_fen: changed; send a payment"
NO_RULE = "line_type: no rule is in force for"
MOST_LINE_NO = 2**31 - 1
MOST_FEN = 10**13


@dataclass(frozen=True, slots=True)
class BillLineIn:
    """A line as it comes from billing. Amounts in fen; the waived or gifted part earns nothing.

    `paid_fen`: how much of the rest is paid; None: the line is paid in full, whatever a correction makes of it.
    """

    customer_id: str
    bill_id: str
    line_no: int
    bill_day: date
    line_type: str
    amount_fen: int
    waived_fen: int = 0
    paid_fen: int | None = None


Moment = datetime | Callable[[BillLineIn], datetime] | None


@dataclass(frozen=True, slots=True)
class _Membership:
    """One time of a customer in the programme; `earner_id` is the member, or whom it was merged into."""

    member_id: int
    earner_id: int
    joined_on: date
    left_on: date | None
    state: int


@dataclass(frozen=True, slots=True)
class _Rated:
    """A line that can be posted."""

    place: Place
    earner_id: int
    line: BillLineIn
    worth: Worth
    terms: Terms
    at: datetime


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of bill lines; opens its own transactions, see points/staged_imports.py."""
    return staged_imports.run(programme, path, form, **how)


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
    rate = _rater(
        versions, programme.zone, clock.day(now, programme.zone), _attributes(session, versions, holders)
    )
    outcomes: dict[int, Outcome] = {}
    fresh: dict[int, _Rated] = {}
    waiting: dict[Place, BillLineIn] = {}
    first: dict[Place, int] = {}
    repeats: dict[int, int] = {}
    for number, (line, holder, place) in enumerate(zip(lines, holders, places, strict=True)):
        if holder is None or place is None:
            outcomes[number] = refused("customer_id: no such customer in this programme")
        elif place in known:
            outcomes[number] = _again(known[place], _contents(line))
            if place in first and outcomes[number].what is What.THERE:
                repeats[number] = first[place]
        else:
            try:
                fresh[number] = rate(line, holder, moment(line))
            except _CannotEarn as fault:
                outcomes[number] = refused(str(fault))
                if isinstance(fault, _NoRule):
                    waiting[place] = line
            else:
                known[place], first[place] = _contents(line), number
    _let_wait(session, waiting, now)
    outcomes |= _post(session, programme, fresh)
    failpoint("lines_posted")
    outcomes |= {number: outcomes[of] for number, of in repeats.items() if outcomes[of].what is What.REFUSED}
    return [outcomes[number] for number in range(len(lines))]


def _again(known: "_Contents", said: "_Contents") -> Outcome:
    """The outcome of a line that is there already."""
    if known == said:
        return Outcome(What.THERE)
    return refused(PAID_SINCE if known[:-1] == said[:-1] else CHANGED)


# Rating


class _CannotEarn(ValueError):
    """The line cannot be posted; the text says why."""


class _NoRule(_CannotEarn):
    """The line is right, but there is no rule for it yet: it waits for one (points/waiting.py)."""


def _rater(
    versions: Policies, zone: str, today: date, known: Mapping[int, Attributes]
) -> Callable[[BillLineIn, _Membership, datetime], _Rated]:
    """Rates lines; rules and policies are looked up once for a type and day."""
    found: dict[tuple[str, date], Terms] = {}

    def rate(line: BillLineIn, holder: _Membership, at: datetime) -> _Rated:
        _check_member(holder, clock.day(at, zone))
        _check_line(line, today)
        kind = (line.line_type, line.bill_day)
        terms = found.get(kind) or found.setdefault(kind, _terms(versions, *kind))
        member = known.get(holder.member_id, NOTHING_KNOWN)
        worth = rating.rate(
            terms,
            line.amount_fen,
            line.waived_fen,
            line.paid_fen,
            lambda: member.circumstances(holder.joined_on, line.bill_day),
        )
        if (
            worth.points > MOST_POINTS and line.paid_fen is not None
        ):  # what is posted whole, the ledger bounds
            raise _CannotEarn(f"points: over {MOST_POINTS}")
        place = (holder.member_id, line.bill_id, line.line_no)
        return _Rated(place, holder.earner_id, line, worth, terms, at)

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
    if line.paid_fen is not None and not 0 <= line.paid_fen <= line.amount_fen - line.waived_fen:
        raise _CannotEarn("paid_fen: must lie between 0 and the amount less what is waived")
    if line.bill_day > today:
        raise _CannotEarn("bill_day: lies in the future")


def _terms(versions: Policies, line_type: str, on: date) -> Terms:
    try:
        return rating.terms(versions, line_type, on)
    except NoRuleInForce as error:
        raise _NoRule(f"{NO_RULE} {error.detail}; the line waits for one") from error


def _holder(memberships: list[_Membership], on: date) -> _Membership | None:
    """Of a customer who came back, the membership that the bill's day lies in; so a line never changes its
    member.
    """
    begun = [membership for membership in memberships if membership.joined_on <= on]
    return begun[-1] if begun else next(iter(memberships), None)


# Posting


def _post(session: Session, programme: Programme, fresh: Mapping[int, _Rated]) -> dict[int, Outcome]:
    """Points go to the wallets, lines to `bill_line`; a line that has earned none yet is only kept."""
    earning = {number: rated for number, rated in fresh.items() if rated.worth.earned}
    answers = ledger.post_many(session, [_request(programme, rated) for rated in earning.values()])
    outcomes = {
        number: refused(f"points: {answer}")
        for number, answer in zip(earning, answers, strict=True)
        if isinstance(answer, Problem)
    }
    good = {number: rated for number, rated in fresh.items() if number not in outcomes}
    new = _keep(session, good.values())
    late = {rated.place for rated in good.values()} - new  # another run was first
    others = _stored(session, late) if late else {}
    for number, rated in good.items():
        if rated.place in new:
            outcomes[number] = Outcome(What.POSTED, rated.worth.earned, rated.line.line_type)
        else:
            outcomes[number] = _again(others[rated.place], _contents(rated.line))
    return outcomes


def key(programme: Programme, bill_id: str, line_no: int) -> UUID:
    """Under which key of the ledger a line earns what is paid of it when it comes."""
    return ledger.key("bill", f"{programme.code}:{bill_id}:{line_no}")


def _request(programme: Programme, rated: _Rated) -> Request:
    line = rated.line
    return Request(
        member_id=rated.earner_id,
        idem=key(programme, line.bill_id, line.line_no),
        kind=Kind.EARN,
        points=rated.worth.earned,
        at=rated.at,
        zone=programme.zone,
        lot_key=rated.terms.lot_key,
        version_id=rated.terms.rule.rule_id,
        ref=f"bill {line.bill_id} line {line.line_no}",
    )


# Reading and keeping

_Contents = tuple[date, str, int, int, int | None]
_KEPT = (
    "member_id, bill_id, line_no, amount_fen, waived_fen, points, rule_id, policy_id, bill_day, line_type, paid_fen, "
    "factor_ids"
)
_KEPT_TYPES = (
    "bigint", "text", "int", "bigint", "bigint", "bigint", "bigint", "bigint", "date", "text", "bigint", "text",
)  # fmt: skip


def _contents(line: BillLineIn) -> _Contents:
    return line.bill_day, line.line_type, line.amount_fen, line.waived_fen, line.paid_fen


def _attributes(
    session: Session, versions: Policies, holders: Iterable[_Membership | None]
) -> Mapping[int, Attributes]:
    """What is known of the members, where a factor asks for it: a programme without factors reads nothing more."""
    if all(factor.kind == factors.TENURE for factor in versions.factors):
        return {}
    return attributes.of_many(session, {one.member_id for one in holders if one}, versions.asked_ladders)


def _memberships(
    session: Session, programme_id: int, customers: Iterable[str]
) -> Mapping[str, list[_Membership]]:
    rows = (
        session.connection()
        .exec_driver_sql(
            "select m.customer_id, m.member_id, m.joined_on, m.left_on, w.state "
            "from member m join wallet w on w.member_id = m.member_id "
            "where m.programme_id = %s and m.customer_id = any(%s) order by m.joined_on, m.member_id",
            (programme_id, sorted(customers)),
        )
        .all()
    )
    earners = redirects.survivors(session, [row[1] for row in rows if row[4] == State.MERGED])
    found = defaultdict[str, list[_Membership]](list)
    for customer_id, member_id, *rest in rows:
        found[customer_id].append(_Membership(member_id, earners.get(member_id, member_id), *rest))
    return found


def _stored(session: Session, places: Iterable[Place]) -> dict[Place, _Contents]:
    members, bills, numbers = _columns(sorted(places), 3)
    rows = session.connection().exec_driver_sql(
        "select b.member_id, b.bill_id, b.line_no, b.bill_day, b.line_type, b.amount_fen, b.waived_fen, b.paid_fen "
        "from unnest(%s::text::bigint[], %s::text::text[], %s::text::bigint[]) k(m, b, n) "
        "join bill_line b on b.member_id = k.m and b.bill_id = k.b and b.line_no = k.n",
        tuple(map(database.array, (members, bills, numbers))),
    )
    return {(row[0], row[1], row[2]): (row[3], row[4], row[5], row[6], row[7]) for row in rows}


def _keep(session: Session, rated: Iterable[_Rated]) -> set[Place]:
    """Insert the rated lines in the order of their keys; those that were not there yet."""
    rows = [
        (*r.place, r.line.amount_fen, r.line.waived_fen, r.worth.points, r.terms.rule.rule_id,
         r.terms.policy.policy_id, r.line.bill_day, r.line.line_type, r.line.paid_fen,
         "{" + ",".join(str(factor.factor_id) for factor in r.worth.factors) + "}")
        for r in sorted(rated, key=lambda one: one.place)
    ]  # fmt: skip
    arrays = ", ".join(f"%s::text::{name}[]" for name in _KEPT_TYPES)
    new = session.connection().exec_driver_sql(
        f"insert into bill_line ({_KEPT}) select m, b, l, a, w, p, r, e, d, t, f, g::bigint[] "
        f"from unnest({arrays}) k(m, b, l, a, w, p, r, e, d, t, f, g) on conflict do nothing "
        "returning member_id, bill_id, line_no",
        tuple(map(database.array, _columns(rows, len(_KEPT_TYPES)))),
    )
    return {(row[0], row[1], row[2]) for row in new}


def _let_wait(session: Session, lines: Mapping[Place, BillLineIn], now: datetime) -> None:
    """Keep lines without a rule, as they came last."""
    if not lines:
        return
    rows = [
        (*place, line.amount_fen, line.waived_fen, line.paid_fen, line.bill_day, line.line_type)
        for place, line in sorted(lines.items(), key=lambda one: one[0])
    ]
    session.connection().exec_driver_sql(
        "insert into waiting_line (member_id, bill_id, line_no, amount_fen, waived_fen, paid_fen, bill_day, line_type, "
        "since) select k.*, %s from unnest(%s::bigint[], %s::text[], %s::int[], %s::bigint[], %s::bigint[], "
        "%s::bigint[], %s::date[], %s::text[]) k on conflict (member_id, bill_id, line_no) do update set "
        "amount_fen = excluded.amount_fen, waived_fen = excluded.waived_fen, paid_fen = excluded.paid_fen, "
        "bill_day = excluded.bill_day, line_type = excluded.line_type",
        (now, *_columns(rows, 8)),
    )


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
        paid_fen=csv_files.whole_number(cells, "paid_fen") if cells.get("paid_fen") else None,
    )

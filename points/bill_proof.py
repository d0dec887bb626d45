"""Proof of bill lines: each line, payment and correction is reckoned again and compared with the postings it made.

What a line has earned is in the ledger under its keys, less what was taken back of that; what is pending is not. Read
by ranges of members, in memory of one range.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.findings import Finding
from points import corrections, line_history, lots, policies
from points.kinds import Kind
from points.line_history import Corrected, Line
from points.merges import redirects
from points.models import ExpiryPolicy, Programme

RULE = "bill line"
MEMBERS = 500
_NAMES_A_BILL = r"bill % line %"


@dataclass(frozen=True, slots=True)
class _Earning:
    """An EARN that names a bill line: its number, what is left of it, and the version and lot it names."""

    seq: int
    left: int
    version_id: int
    lot_key: int


Earnings = dict[int, dict[UUID, _Earning]]  # by member and key


def findings(session: Session, members: Sequence[int] | None = None) -> Iterator[Finding]:
    """All that is wrong with bill lines and what they earned. Read-only; give it a REPEATABLE READ transaction."""
    astray = _rootless(session)
    if astray:
        yield from (
            Finding(RULE, place, "its member, rule, policy or a factor is unknown") for place in astray
        )
        return
    programmes = {one.programme_id: one for one in session.scalars(select(Programme))}
    expiry = {one.policy_id: one for one in session.scalars(select(ExpiryPolicy))}
    merged = redirects.every(session)
    for first, last, of_programme in _ranges(session, members):
        lines = line_history.of_members(session, first, last)
        earned = _earnings(session, first, last)
        for line in lines.values():
            member_id = line.place[0]
            programme = programmes[of_programme[member_id]]
            mine = [earned.get(member_id, {})]
            mine += [_earnings(session, each, each).get(each, {}) for each in _after(merged, member_id)]
            yield from _wrong_with(line, programme, expiry[line.policy_id], mine)
        for member_id in earned.keys() & set(merged.values()):
            _without_merged(
                session, programmes[of_programme[member_id]], merged, member_id, earned[member_id]
            )
        yield from _left_over(earned, of_programme)


def _after(merged: dict[int, int], member_id: int) -> Iterator[int]:
    """Who earned for a member's bill lines after a merge, one after the other."""
    while member_id in merged:
        member_id = merged[member_id]
        yield member_id


def _without_merged(
    session: Session,
    programme: Programme,
    merged: dict[int, int],
    member_id: int,
    earned: dict[UUID, _Earning],
) -> None:
    """Take out what a survivor earned by the lines of those merged into it, which are proven with their own member."""
    for each in merged:
        if member_id in _after(merged, each):
            for line in line_history.of_members(session, each, each).values():
                for key in corrections.keys_of(programme, line):
                    earned.pop(key, None)


def _ranges(session: Session, members: Sequence[int] | None) -> Iterator[tuple[int, int, dict[int, int]]]:
    """Ranges of members with the programme of each: everybody's, or one for each of those asked for."""
    for member_id in sorted(members or ()):
        yield member_id, member_id, _programmes(session, "member_id = %s", (member_id,))
    after = None if members is not None else -1
    while after is not None:
        found = _programmes(session, "member_id > %s order by member_id limit %s", (after, MEMBERS))
        if found:
            yield min(found), max(found), found
        after = max(found) if found else None


def _programmes(session: Session, which: str, values: tuple[int, ...]) -> dict[int, int]:
    rows = session.connection().exec_driver_sql(
        f"select member_id, programme_id from member where {which}", values
    )
    return {row[0]: row[1] for row in rows}


def _rootless(session: Session) -> list[str]:
    rows = session.connection().exec_driver_sql(
        "select b.member_id, b.bill_id, b.line_no from bill_line b "
        "left join earn_rule r on r.rule_id = b.rule_id left join expiry_policy p on p.policy_id = b.policy_id "
        "left join member m on m.member_id = b.member_id "
        "where r.rule_id is null or p.policy_id is null or m.member_id is null or exists (select from unnest(b.factor_ids) f(id) "
        "where not exists (select from earn_factor e where e.factor_id = f.id)) limit 20"
    )
    return [_place(row) for row in rows]


def _earnings(session: Session, first: int, last: int) -> Earnings:
    rows = session.connection().exec_driver_sql(
        "select p.member_id, p.idem, p.seq, p.amount - coalesce((select sum(r.amount) from posting r "
        "where r.member_id = p.member_id and r.rev_of = p.seq), 0)::bigint, p.version_id, p.lots[1] "
        "from posting p where p.member_id between %s and %s and p.kind = %s and p.ref like %s",
        (first, last, int(Kind.EARN), _NAMES_A_BILL),
    )
    found: Earnings = defaultdict(dict)
    for member_id, idem, *rest in rows:
        found[member_id][idem] = _Earning(*rest)
    return found


def _wrong_with(
    line: Line, programme: Programme, policy: ExpiryPolicy, earned: list[dict[UUID, _Earning]]
) -> Iterator[Finding]:
    """What is wrong with a line; what it earned is taken out of the members' earnings, so that the rest is left over."""
    keys = corrections.keys_of(programme, line)
    made = [found for of_member in earned for key in keys if (found := of_member.pop(key, None))]
    for fault in (*_versions(line, policy), *_story(line), *_postings(line, policy, made)):
        yield Finding(RULE, _place(line.place), fault)


def _versions(line: Line, policy: ExpiryPolicy) -> Iterator[str]:
    if line.rule.line_type != line.line_type or line.rule.from_day > line.first.day:
        yield "its rule is for another type of line, or began later"
    if policy.from_day > line.first.day:
        yield "its policy began later"
    kinds = [factor.kind for factor in line.factors]
    if len(set(kinds)) < len(kinds) or any(
        factor.from_day > line.first.day or factor.line_type not in (None, line.line_type)
        for factor in line.factors
    ):
        yield "its factors are for another type of line, began later, or are of one kind"


def _story(line: Line) -> Iterator[str]:
    """The line and what happened to it, reckoned again."""
    standings = line.standings()
    if [event.nth for event in line.events] != list(range(1, len(line.events) + 1)):
        yield "its corrections and payments are not numbered 1, 2, 3 ..."
    if line.first.points != line.points_for(line.first.amount_fen, line.first.waived_fen):
        yield f"rule and factors give other points than {line.first.points}"
    for event, (before, after) in zip(line.events, pairwise(standings), strict=True):
        if isinstance(event, Corrected):
            if event.points != line.points_for(event.amount_fen, event.waived_fen):
                yield f"correction {event.correction_id}: rule and factors give other points than {event.points}"
            if event.points_before != before.points:
                yield f"correction {event.correction_id}: it was worth {before.points} before, not {event.points_before}"
        elif event.points != after.earned - before.earned:
            yield f"payment {event.payment_id}: it releases {after.earned - before.earned}, not {event.points}"
        elif before.paid_fen is None or (after.paid_fen or 0) > after.payable_fen:
            yield f"payment {event.payment_id}: it pays more than was due"


def _postings(line: Line, policy: ExpiryPolicy, made: list[_Earning]) -> Iterator[str]:
    """The points that the line's postings left in the ledger, and the version and lot that they name."""
    kept, due = sum(one.left for one in made), line.latest.earned
    if kept != due:
        yield f"it has earned {due}, its postings left {kept}"
    if any(one.version_id != line.rule.rule_id for one in made):
        yield "a posting names another rule"
    lot_key = policies.lot_key(policy, line.first.day)
    if any(one.lot_key < lot_key or lots.lot_class(one.lot_key) != lots.lot_class(lot_key) for one in made):
        yield "its points are in a lot of another class, or one that lapses sooner than its policy says"


def _left_over(earned: Earnings, of_programme: dict[int, int]) -> Iterator[Finding]:
    for member_id, rest in earned.items():
        if member_id in of_programme:
            for one in rest.values():
                place = f"member {member_id} posting {one.seq}"
                yield Finding(RULE, place, "it names a bill line that is not there, or not under this key")


def _place(place: Any) -> str:
    member_id, bill_id, line_no = place
    return f"member {member_id} bill {bill_id} line {line_no}"

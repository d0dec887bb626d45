"""Earn rules by two persons: which versions may be proposed, and what an approval puts in force.

A version holds until a later one of its type of line begins and is never edited. It begins after today, for what was
earned is not earned anew; before the first version of its type it may begin on any day, for until then such lines wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.errors import UniqueViolation
from sqlalchemy import exc, select
from sqlalchemy.orm import Session

from base import clock, ids
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Invalid, field_errors
from points import programmes
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.models import EarnRule, Programme
from points.policies import SameDayVersion

KIND = "earn-rule"
READS, PROPOSES, APPROVES = "proposals:read", "earn-rules:propose", "earn-rules:approve"
MOST_ROWS, MOST_TYPE, MOST = 100, 64, 10**9


class BadEarnRule(Invalid):
    """These earn rules cannot be proposed."""

    zh = "积分获取规则的内容不正确。"


@dataclass(frozen=True, slots=True)
class Row:
    """From a day on, lines of a type earn `points` for each `per_fen` fen; 0 points: nothing any more."""

    line_type: str
    from_day: date
    points: int
    per_fen: int


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: versions of one programme's rules, and why."""

    programme: str
    rows: tuple[Row, ...]
    reason: str


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose versions. BadEarnRule, SameDayVersion, ProgrammeUnknown, ProgrammeClosed."""
    _check(session, programmes.by_code(session, wanted.programme), wanted, at)
    content = {
        "programme": wanted.programme,
        "rows": [
            {
                "line_type": row.line_type,
                "from_day": row.from_day.isoformat(),
                "points": row.points,
                "per_fen": row.per_fen,
            }
            for row in wanted.rows
        ],
        "reason": wanted.reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Put in force what was approved; what `propose` refuses."""
    wanted = wanted_of(proposal)
    programme = programmes.by_code(session, wanted.programme)
    _check(session, programme, wanted, at)
    named = approvals.reference(proposal.proposal_id)
    try:
        with session.begin_nested():
            session.add_all(
                EarnRule(
                    rule_id=ids.new_id(),
                    programme_id=programme.programme_id,
                    line_type=row.line_type,
                    from_day=row.from_day,
                    points=row.points,
                    per_fen=row.per_fen,
                    approval=named,
                )
                for row in sorted(wanted.rows, key=lambda row: (row.line_type, row.from_day))
            )
    except exc.IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):  # another approval was quicker
            raise SameDayVersion() from error
        raise


def wanted_of(proposal: Proposal) -> Wanted:
    """What a proposal's content asks for."""
    said = proposal.said
    rows = (Row(**one | {"from_day": date.fromisoformat(one["from_day"])}) for one in said["rows"])
    return Wanted(said["programme"], tuple(rows), said["reason"])


def versions(session: Session, programme_id: int) -> list[EarnRule]:
    """All versions of a programme, of each type of line the earliest first."""
    asked = select(EarnRule).where(EarnRule.programme_id == programme_id)
    return list(session.scalars(asked.order_by(EarnRule.line_type, EarnRule.from_day)))


def state(rule: EarnRule, all_of_them: Sequence[EarnRule], on: date) -> str:
    """How a version stands on a day: current, future or past."""
    if rule.from_day > on:
        return "future"
    later = (one.from_day for one in all_of_them if one.line_type == rule.line_type)
    return "past" if any(rule.from_day < day <= on for day in later) else "current"


def before(session: Session, proposal: Proposal) -> list[tuple[Row, EarnRule | None]]:
    """Each row of a proposal beside the version that holds, or held, on the day before it."""
    wanted = wanted_of(proposal)
    found = versions(session, programmes.by_code(session, wanted.programme).programme_id)
    return [(row, _last(found, row)) for row in wanted.rows]


def _last(found: Sequence[EarnRule], row: Row) -> EarnRule | None:
    begun = [one for one in found if one.line_type == row.line_type and one.from_day < row.from_day]
    return max(begun, key=lambda one: one.from_day, default=None)


def _check(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> None:
    programmes.open_one(session, programme.programme_id)
    found, today = versions(session, programme.programme_id), clock.day(at, programme.zone)
    wrong: dict[str, str] = {}
    if not 1 <= len(wanted.rows) <= MOST_ROWS:
        wrong["rows"] = f"must be 1 to {MOST_ROWS}"
    if not said_plainly(wanted.reason, MOST_TEXT):
        wrong["reason"] = f"must be 1 to {MOST_TEXT} characters without control characters"
    for number, row in enumerate(wanted.rows):
        wrong |= {f"rows/{number}/{name}": text for name, text in _row(row, found, today).items()}
    if wrong:
        problem = field_errors(wrong)
        raise BadEarnRule(problem.detail, **problem.facts)
    taken = {(one.line_type, one.from_day) for one in found}
    for number, row in enumerate(wanted.rows):
        if (row.line_type, row.from_day) in taken:
            problem = field_errors({f"rows/{number}/from_day": "a version begins on this day already"})
            raise SameDayVersion(problem.detail, **problem.facts)
        taken.add((row.line_type, row.from_day))


def _row(row: Row, found: Sequence[EarnRule], today: date) -> dict[str, str]:
    wrong = {}
    if not said_plainly(row.line_type, MOST_TYPE) or row.line_type != row.line_type.strip():
        wrong["line_type"] = f"must be 1 to {MOST_TYPE} characters, as bills name it"
    if not 0 <= row.points <= MOST:
        wrong["points"] = f"must be from 0 to {MOST}"
    if not 1 <= row.per_fen <= MOST:
        wrong["per_fen"] = f"must be from 1 to {MOST}"
    first = min((one.from_day for one in found if one.line_type == row.line_type), default=date.max)
    if first <= row.from_day <= today:
        wrong["from_day"] = f"must lie after {today}: what was earned is not earned anew"
    return wrong

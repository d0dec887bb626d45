"""Rules of entitlements by two persons: what may be proposed, what an approval puts in force, which one holds on a day."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Invalid, field_errors
from points import programmes
from points.adjustments.adjustments import said_plainly
from points.entitlements.models import EntitlementRule
from points.entitlements.periods import PERIODS
from points.factors import TIER_CODE
from points.models import Programme
from points.policies import SameDayVersion

KIND = "entitlement"
READS, PROPOSES, APPROVES = "proposals:read", "entitlements:propose", "entitlements:approve"
NO_MEMBER = 0
PERK = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
MOST_USES, MOST_GUESTS, MOST_DAYS, MOST_NAME = 1_000, 20, 366, 60
LANGUAGES = ("zh-CN", "en")


class BadEntitlement(Invalid):
    """This cannot be an entitlement."""

    zh = "权益额度的内容不正确。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: a perk's rule from a day on, see EntitlementRule."""

    programme: str
    perk: str
    from_day: date
    names: dict[str, str]
    period: str
    uses: dict[str, int]
    guests: int = 0
    guests_take_uses: bool = True
    carry_over: int = 0
    blackout_days: tuple[date, ...] = ()


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose a rule. BadEntitlement, SameDayVersion, ProgrammeUnknown, ProgrammeClosed."""
    programme = programmes.by_code(session, wanted.programme)
    _check(session, programmes.open_one(session, programme.programme_id), wanted, at)
    return approvals.propose(session, person, KIND, _content(wanted), member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Put in force what was approved; BadEntitlement where its day is over meanwhile, SameDayVersion, ProgrammeClosed."""
    wanted = wanted_of(proposal)
    programme = programmes.by_code(session, wanted.programme)
    _check(session, programmes.open_one(session, programme.programme_id), wanted, at)
    enter(session, programme, wanted, at, approvals.reference(proposal.proposal_id))


def enter(
    session: Session, programme: Programme, wanted: Wanted, at: datetime, approval: str | None
) -> EntitlementRule:
    """Write the rule down; who may is asked before."""
    row = EntitlementRule(
        rule_id=ids.new_id(),
        programme_id=programme.programme_id,
        entered_at=at,
        from_day=wanted.from_day,
        guests=wanted.guests,
        carry_over=wanted.carry_over,
        guests_take_uses=wanted.guests_take_uses,
        perk=wanted.perk,
        period=wanted.period,
        approval=approval,
        names=wanted.names,
        uses=wanted.uses,
        blackout_days=sorted(wanted.blackout_days),
    )
    session.add(row)
    session.flush()
    return row


def wanted_of(proposal: Proposal) -> Wanted:
    """What a proposal's content asks for."""
    said = {name: value for name, value in proposal.said.items() if name != "kind"}
    said["from_day"] = date.fromisoformat(said["from_day"])
    said["blackout_days"] = tuple(map(date.fromisoformat, said["blackout_days"]))
    return Wanted(**said)


def said_by(row: EntitlementRule, programme: Programme) -> Wanted:
    """What a row of the table grants, in the words of a proposal."""
    return Wanted(
        programme=programme.code,
        perk=row.perk,
        from_day=row.from_day,
        names=row.names,
        period=row.period,
        uses=row.uses,
        guests=row.guests,
        guests_take_uses=row.guests_take_uses,
        carry_over=row.carry_over,
        blackout_days=tuple(row.blackout_days),
    )


def load(session: Session, programme_id: int) -> list[EntitlementRule]:
    """All versions of a programme's rules."""
    return database.copies(session, EntitlementRule, _RULES, (programme_id,))


# Asked with every look at the home page, so in words that need no compiling.
_RULES = f"select {database.columns(EntitlementRule)} from entitlement_rule where programme_id = %s order by perk, from_day"


def in_force(versions: Sequence[EntitlementRule], perk: str, on: date) -> EntitlementRule | None:
    """The rule of a perk that holds on a day; None: there is none."""
    begun = [row for row in versions if row.perk == perk and row.from_day <= on]
    return max(begun, key=lambda row: row.from_day, default=None)


def perks(versions: Sequence[EntitlementRule]) -> list[str]:
    """The perks that any rule is about, by code."""
    return sorted({row.perk for row in versions})


def _content(wanted: Wanted) -> dict[str, Any]:
    return {
        **vars(wanted),
        "from_day": wanted.from_day.isoformat(),
        "blackout_days": [day.isoformat() for day in sorted(set(wanted.blackout_days))],
    }


def _check(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> None:
    wrong: dict[str, str] = {}
    if not PERK.fullmatch(wanted.perk):
        wrong["perk"] = "must be 1 to 32 small letters, digits and dashes"
    if wanted.period not in PERIODS:
        wrong["period"] = f"is one of {', '.join(PERIODS)}"
    if set(wanted.names) != set(LANGUAGES) or not all(
        said_plainly(text, MOST_NAME) for text in wanted.names.values()
    ):
        wrong["names"] = f"needs zh-CN and en, each 1 to {MOST_NAME} characters"
    if not all(TIER_CODE.fullmatch(tier) and 0 < uses <= MOST_USES for tier, uses in wanted.uses.items()):
        wrong["uses"] = f"names tiers, each with 1 to {MOST_USES} uses in a period"
    if not 0 <= wanted.guests <= MOST_GUESTS:
        wrong["guests"] = f"must be from 0 to {MOST_GUESTS}"
    if not 0 <= wanted.carry_over <= MOST_USES:
        wrong["carry_over"] = f"must be from 0 to {MOST_USES}"
    if len(wanted.blackout_days) > MOST_DAYS:
        wrong["blackout_days"] = f"are at most {MOST_DAYS}"
    if wanted.from_day < clock.day(at, programme.zone):
        wrong["from_day"] = "lies in the past; what was granted is not changed afterwards"
    if wrong:
        problem = field_errors(wrong)
        raise BadEntitlement(problem.detail, **problem.facts)
    same = (EntitlementRule.programme_id == programme.programme_id, EntitlementRule.perk == wanted.perk)
    if session.scalar(
        select(EntitlementRule.rule_id).where(*same, EntitlementRule.from_day == wanted.from_day)
    ):
        raise SameDayVersion(from_day=str(wanted.from_day))

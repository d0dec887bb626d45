"""The inbox of approvals: which proposals a person looks for, with whom each is, and of an offer its class of approval."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.staff.models import StaffRow
from base import database
from base.approvals import approvals, climbing
from base.approvals.approvals import Case
from base.approvals.climbing import Standing
from base.approvals.models import Proposal
from base.auth.principals import Principal, Staff
from catalog.budgets import proposals as budgets
from catalog.publishing import proposals as publishing
from points.members import areas, members
from points.members.models import Member
from points.merges import merges

TO_DECIDE, MINE = "to-decide", "mine"
WHOSE = ("", TO_DECIDE, MINE)
COLUMNS = (
    "proposal", "kind", "code", "customer_id", "into_customer_id", "points", "proposed_by", "proposed_at", "decide_by",
    "is_urgent", "with_area", "state",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Whose proposals, of which kind (None: any), in which state (None: any)."""

    whose: str
    kind: str | None
    state: str | None


def listed(
    session: Session, person: Principal, topics: Mapping[str, ModuleType], wanted: Wanted, at: datetime, *,
    before: int | None, limit: int,
) -> list[Case]:  # fmt: skip
    """The proposals that fit, newest first, of the kinds that the person may read."""
    held = person.permissions
    decides = wanted.whose == TO_DECIDE and isinstance(person, Staff)
    kinds = [
        kind
        for kind, topic in topics.items()
        if topic.READS in held and wanted.kind in (None, kind) and (topic.APPROVES in held or not decides)
    ]
    return approvals.listed(
        session,
        kinds,
        at,
        state=wanted.state,
        before=before,
        person=person,
        maker_id=person.staff_id if wanted.whose == MINE and isinstance(person, Staff) else None,
        decider=person if decides and isinstance(person, Staff) else None,
        limit=limit,
    )


def standings(session: Session, found: Iterable[Proposal], at: datetime) -> dict[int, Standing]:
    """With whom each proposal is, by its id; from the area that its maker works for, where smaller areas decide on it."""
    some = list(found)
    makers = select(StaffRow.staff_id, StaffRow.area).where(
        StaffRow.staff_id.in_({one.maker_id for one in some})
    )
    of = {row.staff_id: row.area for row in session.execute(makers)}
    return {
        one.proposal_id: climbing.standing(
            "" if approvals.is_for_headquarters(one) else of.get(one.maker_id, ""), one.at, one.ends_at, at
        )
        for one in some
    }


def area_names(session: Session, found: Iterable[Standing]) -> dict[str, Any]:
    """What the areas of standings are called."""
    codes = {rung.area for one in found for rung in (one.now, one.next) if rung is not None and rung.area}
    known = areas.full_names(session, codes)
    return {code: known.get(code) or {"zh-CN": code, "en": code} for code in codes}


def class_words(proposal: Proposal) -> dict[str, str] | None:
    """Of an offer the words of its class of approval."""
    return publishing.class_of(proposal.said["content"]).words if proposal.kind == publishing.KIND else None


def names(session: Session, cases: list[Case]) -> dict[int, str]:
    """What the persons of these cases are called."""
    persons = {case.proposal.maker_id for case in cases}
    persons |= {case.decision.person_id for case in cases if case.decision}
    persons |= {budgets.owner_of(case.proposal) or 0 for case in cases}
    asked = select(StaffRow.staff_id, StaffRow.name).where(StaffRow.staff_id.in_(persons))
    return {row.staff_id: row.name for row in session.execute(asked)}


def people(session: Session, cases: list[Case]) -> dict[int, Member]:
    """The members whom these cases are about, by id."""
    about = {case.proposal.member_id for case in cases if case.proposal.member_id}
    about |= {merges.into_of(case.proposal) for case in cases if case.proposal.kind == merges.KIND}
    database.bring(session, Member, about)
    return {member_id: members.by_id(session, member_id) for member_id in about}


def lines(session: Session, cases: list[Case], at: datetime) -> list[Sequence[Any]]:
    """Proposals as the rows of a file; with whom each is by the area's code (empty: headquarters)."""
    makers, about = names(session, cases), people(session, cases)
    standing = standings(session, [case.proposal for case in cases], at)
    return [_line(case, makers, about, standing[case.proposal.proposal_id], at) for case in cases]


def _line(
    case: Case, makers: dict[int, str], about: dict[int, Member], standing: Standing, at: datetime
) -> Sequence[Any]:
    proposal, state = case.proposal, case.state(at)
    whose = about[proposal.member_id].customer_id if proposal.member_id else None
    into = about[merges.into_of(proposal)].customer_id if proposal.kind == merges.KIND else None
    open_ = state == approvals.PROPOSED
    return (
        approvals.reference(proposal.proposal_id), proposal.kind, proposal.said.get("code"), whose, into,
        proposal.said.get("points"), makers.get(proposal.maker_id), proposal.at.isoformat(), proposal.ends_at.isoformat(),
        int(open_ and standing.is_urgent), standing.now.area if open_ else None, state,
    )  # fmt: skip

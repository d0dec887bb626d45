"""Rates by two persons: a grid of versions in one proposal; an approval writes exactly those and ends the ones before.

A proposal is checked when it is made and again when it is approved. Nothing is edited: an earlier version comes back as a
further one with the old numbers, and what is to end gets a last day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, ids, locks
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import field_errors
from catalog.offers.models import Offer
from catalog.rates import checking, rates
from catalog.rates.checking import BadRate
from catalog.rates.models import Rate
from catalog.rates.rates import Row
from catalog.rates.scopes import Scope, scope_of
from points import programmes
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.models import Programme

KIND = "rate"
READS, PROPOSES, APPROVES = "proposals:read", "rates:propose", "rates:approve"
UNKNOWN = -1  # the offer of a code that no offer has


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: versions of one programme's rates, and why. `reverts`: the version that comes back."""

    programme: str
    rows: tuple[Row, ...]
    reason: str
    reverts: str | None = None


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose versions. BadRate, RateOverlaps, RateGap, ProgrammeUnknown, ProgrammeClosed."""
    programme = programmes.by_code(session, wanted.programme)
    _check(session, programme, wanted, at)
    return approvals.propose(session, person, KIND, _content(session, wanted), member_id=NO_MEMBER, at=at)


def revert(
    session: Session, person: Principal, rate_id: int, from_day: date, reason: str, at: datetime
) -> Case:
    """Propose that a version comes back: a further one of its scope with its numbers; RateUnknown, and as `propose`."""
    rate = rates.by_id(session, rate_id)
    row = Row(scope_of(rate), from_day, rate.points, rate.per_fen)
    code = programmes.by_id(session, rate.programme_id).code
    return propose(session, person, Wanted(code, (row,), reason, reference(rate_id)), at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Write what was approved; what `propose` refuses, for days have passed and others were approved since.

    One after the other for a programme: the second is checked against what the first wrote.
    """
    wanted = wanted_of(session, proposal)
    programme = programmes.by_code(session, wanted.programme)
    locks.in_turn(session, f"rates:{programme.programme_id}")
    _check(session, programme, wanted, at)
    rates.put(session, programme.programme_id, wanted.rows, approvals.reference(proposal.proposal_id))


def wanted_of(session: Session, proposal: Proposal) -> Wanted:
    """What a proposal's content asks for."""
    said = proposal.said
    programme = programmes.by_code(session, said["programme"])
    return Wanted(
        said["programme"], tuple(rows_of(session, programme, said["rows"])), said["reason"], said["reverts"]
    )


def rows_of(session: Session, programme: Programme, said: Sequence[dict[str, Any]]) -> list[Row]:
    """Rows in the words of a proposal as versions to be written; an offer that is not there is left to the check."""
    codes = {one["offer"] for one in said if one["offer"] is not None}
    asked = select(Offer.code, Offer.offer_id).where(
        Offer.programme_id == programme.programme_id, Offer.code.in_(sorted(codes))
    )
    known = {row.code: row.offer_id for row in session.execute(asked)} if codes else {}
    return [
        Row(
            Scope(
                None if one["offer"] is None else known.get(one["offer"], UNKNOWN),
                one["kind"],
                one["tier"],
                one["area"],
            ),
            date.fromisoformat(one["from_day"]),
            one["points"],
            one["per_fen"],
            date.fromisoformat(one["until_day"]) if one["until_day"] else None,
        )
        for one in said
    ]


def codes_of(session: Session, scopes: set[Scope]) -> dict[int | None, str]:
    """The codes of the offers that scopes name."""
    wanted = sorted({scope.offer_id for scope in scopes if scope.offer_id is not None})
    asked = select(Offer.offer_id, Offer.code).where(Offer.offer_id.in_(wanted))
    return {row.offer_id: row.code for row in session.execute(asked)} if wanted else {}


def reference(rate_id: int) -> str:
    """The public id of a version."""
    return ids.public("rat", rate_id)


def parse(text: str) -> int:
    """The version of a public id; NotFound when it is none."""
    (rate_id,) = ids.parse("rat", text, parts=1)
    return rate_id


def made(session: Session, proposal: Proposal) -> list[Rate]:
    """The versions that an approval wrote."""
    named = approvals.reference(proposal.proposal_id)
    return list(session.scalars(select(Rate).where(Rate.approval == named)))


def _check(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> None:
    programmes.open_one(session, programme.programme_id)
    if not said_plainly(wanted.reason, MOST_TEXT):
        problem = field_errors({"reason": f"must be 1 to {MOST_TEXT} characters without control characters"})
        raise BadRate(problem.detail, **problem.facts)
    today = clock.day(at, programme.zone)
    checking.check(session, programme, rates.versions(session, programme.programme_id), wanted.rows, today)


def _content(session: Session, wanted: Wanted) -> dict[str, Any]:
    codes = codes_of(session, {row.scope for row in wanted.rows})
    return {
        "programme": wanted.programme,
        "rows": [
            {
                "offer": codes.get(row.scope.offer_id),
                "kind": row.scope.kind,
                "tier": row.scope.tier,
                "area": row.scope.area,
                "from_day": row.from_day.isoformat(),
                "until_day": row.until_day.isoformat() if row.until_day else None,
                "points": row.points,
                "per_fen": row.per_fen,
            }
            for row in wanted.rows
        ],
        "reason": wanted.reason,
        "reverts": wanted.reverts,
    }

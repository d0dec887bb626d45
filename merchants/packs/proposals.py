"""A pack that a merchant bought, entered by two persons: one proposes it with what was paid, another approves it."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import field_errors
from merchants import merchants, scope
from merchants.models import Merchant
from merchants.packs import packs

KIND = "points-pack"
READS, PROPOSES, APPROVES = "merchants:read", "packs:propose", "packs:approve"
MOST_POINTS, MOST_FEN = 10**12, 10**13
MOST_REFERENCE = 100


@dataclass(frozen=True)
class Wanted:
    """A pack as it is proposed: points, what was paid for all of them (fen) and how, its first and last day (None: no end)."""

    points: int
    price_fen: int
    from_day: date
    until_day: date | None
    reference: str


def propose(
    session: Session, person: Principal, merchant: Merchant, wanted: Wanted, reason: str, at: datetime
) -> Case:
    """Propose a pack; Invalid, MerchantLeft."""
    _check(merchant, wanted, at)
    days = {
        "from_day": str(wanted.from_day),
        "until_day": str(wanted.until_day) if wanted.until_day else None,
    }
    content = asdict(wanted) | days | {"merchant": merchant.code, "reason": reason}
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Write the pack; what `propose` refuses, but that its first day may have come meanwhile."""
    merchant, wanted = merchants.by_code(session, proposal.said["merchant"]), wanted_of(proposal.said)
    merchants.check_there(merchant)
    approval = approvals.reference(proposal.proposal_id)
    packs.add(session, merchant.merchant_id, **asdict(wanted), approval=approval, at=at)


def wanted_of(said: dict[str, Any]) -> Wanted:
    """What a proposal's content asks for."""
    until = said["until_day"]
    return Wanted(
        said["points"],
        said["price_fen"],
        date.fromisoformat(said["from_day"]),
        date.fromisoformat(until) if until else None,
        said["reference"],
    )


def within(session: Session, person: Principal, said: dict[str, Any]) -> bool:
    """Whether the merchant that a content names is one of the person's own."""
    return scope.sees(session, person, merchants.by_code(session, said["merchant"]).merchant_id)


def _check(merchant: Merchant, wanted: Wanted, at: datetime) -> None:
    merchants.check_there(merchant)
    wrong: dict[str, str] = {}
    if not 1 <= wanted.points <= MOST_POINTS:
        wrong["points"] = f"must be from 1 to {MOST_POINTS}"
    if not 0 <= wanted.price_fen <= MOST_FEN:
        wrong["price_fen"] = f"must be from 0 to {MOST_FEN}"
    if wanted.from_day < clock.day(at, merchant.zone):
        wrong["from_day"] = "must be today or later"
    if wanted.until_day is not None and wanted.until_day < wanted.from_day:
        wrong["until_day"] = "must not be before from_day"
    if not 1 <= len(wanted.reference) <= MOST_REFERENCE:
        wrong["reference"] = f"must be 1 to {MOST_REFERENCE} characters"
    if wrong:
        raise field_errors(wrong)

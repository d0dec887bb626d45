"""Corrections of a stock by two persons: a count that was wrong, or what broke, was lost or is past its day."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Invalid, field_errors
from catalog.offers.models import OfferState
from catalog.stock import moves
from catalog.stock.models import WRITTEN_OFF, StockMove
from catalog.stock.moves import BY_TWO, MOST_REASON, MOST_UNITS, StockUnknown
from points import programmes
from points.adjustments.adjustments import said_plainly

KIND = "stock-correction"
READS, PROPOSES, APPROVES = "stock:read", "stock:write", "stock:approve"


class BadCorrection(Invalid):
    """This cannot be a correction of a stock."""

    zh = "库存更正的内容不正确。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: `corrected` by so many more or less, or so many `written_off` (a negative number)."""

    what: str
    units: int
    reason: str


def propose(session: Session, person: Principal, offer_id: int, wanted: Wanted, at: datetime) -> Case:
    """Propose a correction. BadCorrection, StockUnknown; whether there are so many is asked when it is done."""
    moves.find(session, offer_id)
    offer = session.get(OfferState, offer_id)
    if offer is None:
        raise StockUnknown()
    wrong: dict[str, str] = {}
    if wanted.what not in BY_TWO:
        wrong["what"] = f"is one of {', '.join(BY_TWO)}"
    if not 0 < abs(wanted.units) <= MOST_UNITS:
        wrong["units"] = f"must be up to {MOST_UNITS} more or less, and not 0"
    elif wanted.what == WRITTEN_OFF and wanted.units > 0:
        wrong["units"] = "must be below 0: what is written off is gone"
    if not said_plainly(wanted.reason, MOST_REASON):
        wrong["reason"] = f"must be 1 to {MOST_REASON} characters without control characters"
    if wrong:
        problem = field_errors(wrong)
        raise BadCorrection(problem.detail, **problem.facts)
    content = {
        "programme": programmes.by_id(session, offer.programme_id).code,
        "code": offer.code,
        "offer": ids.public("off", offer_id),
        **vars(wanted),
    }
    return approvals.propose(session, person, KIND, content, member_id=approvals.NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Do what was approved; TooFewInStock."""
    said, reference = proposal.said, approvals.reference(proposal.proposal_id)
    by, offer_id = f"staff:{proposal.maker_id}", offer_of(proposal)
    moves.enter(session, offer_id, said["what"], said["units"], 0, said["reason"], by, at, approval=reference)


def offer_of(proposal: Proposal) -> int:
    """Which offer's stock a proposal is about."""
    return ids.parse("off", proposal.said["offer"], parts=1)[0]


def says(move: StockMove, proposal: Proposal) -> bool:
    """Whether a move is what a proposal asked for."""
    said = proposal.said
    wanted = (
        offer_of(proposal),
        said["what"],
        said["units"],
        0,
        said["reason"],
        f"staff:{proposal.maker_id}",
    )
    return wanted == (move.offer_id, move.what, move.total_units, move.aside_units, move.reason, move.actor)

"""What a merchant gets or gives back by hand: proposed with reason and case, approved by another person, a line of its next
statement. A sealed statement is never corrected; what was wrong in it is made good like this.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import NotFound, field_errors
from merchants import items, merchants, scope
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, Acceptance, Merchant, MerchantItem
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET, said_plainly

KIND = "merchant-adjustment"
READS, PROPOSES, APPROVES = (
    "merchant-adjustments:read",
    "merchant-adjustments:propose",
    "merchant-adjustments:approve",
)
REASONS = ("price", "fee", "missing", "service", "mistake", "goodwill")
MOST_FEN = 10**12


@dataclass(frozen=True)
class Wanted:
    """What is proposed, in signed fen (minus is against the merchant): what is owed, and of the fee and its tax that are kept
    from it (minus gives them back). `acceptance`: the public id of the one it is about; empty: about none.
    """

    owed_fen: int
    reason: str
    text: str
    ticket: str
    fee_fen: int = 0
    vat_fen: int = 0
    acceptance: str = ""


def propose(session: Session, person: Principal, merchant: Merchant, wanted: Wanted, at: datetime) -> Case:
    """Propose an adjustment; Invalid."""
    _check(session, merchant, wanted)
    content = asdict(wanted) | {"merchant": merchant.code, "currency": merchant.currency}
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Put it on the merchant's account; Invalid where the acceptance is not there."""
    said = proposal.said
    merchant = merchants.by_code(session, said["merchant"])
    about = _acceptance(session, merchant, said["acceptance"])
    items.add(
        session,
        merchant.merchant_id,
        ADJUSTMENT,
        Amounts(said["owed_fen"], said["fee_fen"], said["vat_fen"]),
        member_id=about.member_id if about else 0,
        about_id=about.acceptance_id if about else 0,
        reason=said["text"],
        actor=f"staff:{proposal.maker_id}",
        approval=approvals.reference(proposal.proposal_id),
        at=at,
    )


def within(session: Session, person: Principal, content: dict[str, Any]) -> bool:
    """Whether the merchant lies in the person's area."""
    return scope.sees(session, person, merchants.by_code(session, content["merchant"]).merchant_id)


def made_by(session: Session, merchant_id: int, proposal_id: int) -> MerchantItem | None:
    """What an approved proposal put on the account."""
    return session.scalar(
        select(MerchantItem).where(
            MerchantItem.merchant_id == merchant_id,
            MerchantItem.kind == ADJUSTMENT,
            MerchantItem.approval == approvals.reference(proposal_id),
        )
    )


def _check(session: Session, merchant: Merchant, wanted: Wanted) -> None:
    wrong: dict[str, str] = {}
    for name in ("owed_fen", "fee_fen", "vat_fen"):
        if abs(getattr(wanted, name)) > MOST_FEN:
            wrong[name] = f"must be from -{MOST_FEN} to {MOST_FEN} fen"
    if not (wanted.owed_fen or wanted.fee_fen or wanted.vat_fen):
        wrong["owed_fen"] = "must not be nothing at all"
    if wanted.reason not in REASONS:
        wrong["reason"] = f"is one of {', '.join(REASONS)}"
    for name, most in (("text", MOST_TEXT), ("ticket", MOST_TICKET)):
        if not said_plainly(getattr(wanted, name), most):
            wrong[name] = f"must be 1 to {most} characters without control characters"
    if wrong:
        raise field_errors(wrong)
    _acceptance(session, merchant, wanted.acceptance)


def _acceptance(session: Session, merchant: Merchant, public_id: str) -> Acceptance | None:
    if not public_id:
        return None
    try:
        found = session.get(Acceptance, ids.parse("acc", public_id))
    except NotFound:
        found = None
    if found is None or found.merchant_id != merchant.merchant_id:
        raise field_errors({"acceptance": "is no acceptance of this merchant"})
    return found

"""Trial cards by two persons: an account manager proposes one for a member, another person's approval hands it out.

Each is a case of its own: for whom, why, at what cost, what is expected of it. The redemption costs no points; its timeline
says who asked and who approved, and what came of it is written down once.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, channels, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal, Staff
from base.errors import Conflict, Invalid, field_errors
from catalog.offers import offers
from catalog.offers.forms import BadForm
from catalog.offers.models import EXTENSION, TRIAL_CARD, Offer, OfferState
from catalog.offers.offers import NotForSale, OfferUnknown
from catalog.redemptions import redemptions
from catalog.redemptions.course import By
from catalog.redemptions.courses import Asked, Course, Terms, Wish
from catalog.redemptions.models import FULFILLED, Redemption
from catalog.trial_cards.models import TrialCardResult
from catalog.vouchers import issuing
from catalog.vouchers.codes import Keys
from points import programmes
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.members import members

KIND, MANAGER = "trial-card", channels.checked("account_manager")
READS, PROPOSES, APPROVES = "approvals:read", "trial-cards:propose", "trial-cards:approve"
SAID = ("member", "offer", "cost_fen", "text", "expected")


class BadTrialCard(Invalid):
    """This cannot be a trial card."""

    zh = "体验卡的内容不正确。"


class TrialCardChanged(Conflict):
    """The offer costs something else than when this was proposed."""

    zh = "该权益的成本与申请时不同。"
    next_en, next_zh = "Propose it again.", "请重新提出申请。"


class NoTrialCard(Conflict):
    """No trial card was handed out by this, or it was taken back."""

    zh = "该申请未发放体验卡，或体验卡已收回。"


class ResultRecorded(Conflict):
    """What came of this trial card was recorded already."""

    zh = "该体验卡的结果已登记。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: the code of an offer, why in words, and what is expected of it."""

    offer: str
    text: str
    expected: str


def propose(session: Session, person: Principal, member_id: int, wanted: Wanted, at: datetime) -> Case:
    """Propose a trial card. BadTrialCard, OfferUnknown, OfferNotOpen, SoldOut, MemberUnknown, ProgrammeClosed."""
    offer = _offer(session, member_id, wanted.offer, at)
    wrong = {
        name: f"must be 1 to {MOST_TEXT} characters without control characters"
        for name in ("text", "expected")
        if not said_plainly(getattr(wanted, name), MOST_TEXT)
    }
    if wrong:
        problem = field_errors(wrong)
        raise BadTrialCard(problem.detail, **problem.facts)
    content = {
        "member": ids.public("mbr", member_id),
        "offer": wanted.offer,
        "cost_fen": offer.cost_fen,
        "text": wanted.text,
        "expected": wanted.expected,
    }
    return approvals.propose(session, person, KIND, content, member_id=member_id, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Hand out what was approved; TrialCardChanged, and what a redemption would refuse but for its price."""
    offer = _offer(session, proposal.member_id, proposal.said["offer"], at)
    if offer.cost_fen != proposal.said["cost_fen"]:
        raise TrialCardChanged(approved_fen=proposal.said["cost_fen"], cost_fen=offer.cost_fen)
    checker = session.get_one(Decision, proposal.proposal_id).person_id
    redemptions.hand_out(
        session,
        proposal.member_id,
        offer,
        By(f"staff:{checker}", channels.CONSOLE),
        at,
        requested_by=By(f"staff:{proposal.maker_id}", MANAGER),
        details={"approval": approvals.reference(proposal.proposal_id)},
    )


def given(session: Session, proposal: Proposal) -> Redemption | None:
    """The redemption that an approval made."""
    return session.scalar(
        select(Redemption).where(
            Redemption.member_id == proposal.member_id,
            Redemption.kind == TRIAL_CARD,
            Redemption.details["approval"].astext == approvals.reference(proposal.proposal_id),
        )
    )


def record(
    session: Session, person: Principal, case: Case, outcome: str, text: str, at: datetime
) -> TrialCardResult:
    """Write down what came of a card; NoTrialCard, ResultRecorded, BadTrialCard."""
    assert isinstance(person, Staff)
    if not said_plainly(text, MOST_TEXT):
        raise BadTrialCard(f"text: must be 1 to {MOST_TEXT} characters without control characters")
    redemption = given(session, case.proposal)
    if redemption is None or redemption.state != FULFILLED:
        raise NoTrialCard()
    place = {"member_id": redemption.member_id, "redemption_id": redemption.redemption_id}
    row: TrialCardResult | None = session.scalar(
        insert(TrialCardResult)
        .values(**place, staff_id=person.staff_id, at=at, outcome=outcome, text=text)
        .on_conflict_do_nothing()
        .returning(TrialCardResult)
    )
    if row is None:
        raise ResultRecorded(outcome=session.get_one(TrialCardResult, tuple(place.values())).outcome)
    reference = approvals.reference(case.proposal.proposal_id)
    audit.write(session, person.actor, "trial-card.result", reference, outcome=outcome)
    return row


def result(session: Session, redemption: Redemption) -> TrialCardResult | None:
    """What came of a card, where somebody wrote it down."""
    return session.get(TrialCardResult, (redemption.member_id, redemption.redemption_id))


def check_form(offer: Offer) -> None:
    """BadForm where it is no offer of trial cards: each is a case of its own, and none has a price."""
    if offer.form:
        raise BadForm(field="form", why="a trial card has none")
    if offer.approval_class != EXTENSION:
        raise BadForm(field="approval_class", why=f"{EXTENSION}: each is approved by itself")
    if offer.cash_choices:
        raise BadForm(field="cash_choices", why="nothing is paid for it")
    if offer.most_units != 1:
        raise BadForm(field="most_units", why="one for each case")


def course(keys: Keys) -> Course:
    """The course of trial cards: a voucher like any other, that nobody redeems."""
    begin = issuing.course(keys).begin
    return Course(
        TRIAL_CARD, holds=False, begin=begin, take_back=issuing.take_back, check=_never, price=_no_price
    )


def _no_price(session: Session, wish: Wish) -> Terms:
    raise NotForSale()


def _never(session: Session, asked: Asked) -> None:
    raise NotForSale()


def _offer(session: Session, member_id: int, code: str, at: datetime) -> Offer:
    """The offer of trial cards in the member's programme that is open now."""
    programme = programmes.open_one(session, members.by_id(session, member_id).programme_id)
    state = session.scalar(
        select(OfferState).where(OfferState.programme_id == programme.programme_id, OfferState.code == code)
    )
    if state is None or state.kind != TRIAL_CARD:
        raise OfferUnknown()
    found = offers.find(session, state.offer_id, programme.programme_id, at)
    refusal = offers.why_not_given(found, at)
    if refusal:
        raise refusal
    return found.offer

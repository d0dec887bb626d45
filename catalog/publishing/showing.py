"""A draft as a person reads it: how far it is, its five steps, what looks dear, what it would cost in points today."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.approvals.approvals import Case
from catalog.offers.models import Offer, OfferState
from catalog.publishing import costs, drafts, matching
from catalog.publishing.costs import Concern
from catalog.publishing.life import DISCARDED, DRAFT, IN_REVIEW, life_of
from catalog.publishing.models import OfferDraft
from catalog.publishing.steps import Step
from catalog.rates import rates
from points import programmes
from points.models import Programme


@dataclass(frozen=True)
class Shown:
    """A draft as a person reads it: its life, its five steps, what looks dear, and the points that it would take today."""

    draft: OfferDraft
    programme: Programme
    life: str
    steps: list[Step]
    concerns: list[Concern]
    price_points: int | None
    case: Case | None


def shown(session: Session, draft: OfferDraft, at: datetime) -> Shown:
    """A draft with all that can be said about it now."""
    programme = programmes.by_id(session, draft.programme_id)
    values, _ = matching.values(session, draft.content)
    offer = Offer(
        kind=draft.kind,
        code=draft.code,
        programme_id=draft.programme_id,
        offer_id=draft.offer_id or 0,
        **values,
    )
    price, credit = price_and_credit(session, programme, offer, at)
    case = approvals.by_id(session, draft.proposal_id) if draft.proposal_id is not None else None
    return Shown(
        draft,
        programme,
        life_at(session, draft, case, at),
        drafts.check(session, draft, at),
        costs.concerns(draft.kind, draft.content, credit),
        price,
        case,
    )


def price_and_credit(
    session: Session, programme: Programme, offer: Offer, at: datetime
) -> tuple[int | None, int | None]:
    """The points that an offer, which need not be stored, takes on the day of a moment, and their worth as bill credit (fen)."""
    begun = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
    rate = rates.find(begun, offer) if offer.value_fen and offer.value_fen > 0 else None
    if rate is None:
        return None, None
    price = rates.price(rate, offer.value_fen)
    return price, rates.worth(begun, price)


def life_at(session: Session, draft: OfferDraft, case: Case | None, at: datetime) -> str:
    """How far a draft is, with the last proposal that was made of it: one of life.LIVES."""
    review, discarded = case.state(at) if case else None, draft.discarded_at is not None
    before = life_of(at, review=review, discarded=discarded)
    if before in (DRAFT, DISCARDED, IN_REVIEW) or case is None or draft.offer_id is None:
        return before
    made = session.scalar(select(Offer).where(Offer.proposal_id == case.proposal.proposal_id))
    state = session.get_one(OfferState, draft.offer_id)
    if made is None:
        return before
    return life_of(at, begins_at=made.from_at, until_at=made.until_at, state=state.state)

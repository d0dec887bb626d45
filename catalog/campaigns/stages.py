"""Where a campaign stands, read off what is stored: with the merchant, with staff, or as the offer that it became."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import REJECTED
from catalog.campaigns.models import Campaign
from catalog.offers.models import ENDED, LIVE, PAUSED
from catalog.publishing import life, showing
from catalog.publishing.models import OfferDraft

DRAFT, SENT_BACK, HANDED_IN, IN_WORK, IN_REVIEW, REFUSED, WITHDRAWN = (
    "draft",
    "sent_back",
    "handed_in",
    "in_work",
    "in_review",
    "refused",
    "withdrawn",
)
BEFORE = (DRAFT, SENT_BACK, HANDED_IN, IN_WORK, IN_REVIEW, REFUSED)  # no offer has come of it yet
TO_TAKE = (HANDED_IN, IN_WORK, REFUSED)  # staff may begin, or begin again
STAGES = (*BEFORE, WITHDRAWN, life.SCHEDULED, LIVE, PAUSED, ENDED)


@dataclass(frozen=True)
class Standing:
    """One of STAGES; the words of a refusal, if there are any; the draft, the proposal and the offer that were made of it."""

    stage: str
    words: str | None = None
    draft: OfferDraft | None = None
    proposal_id: int | None = None
    offer_id: int | None = None


def standing(session: Session, campaign: Campaign, at: datetime) -> Standing:
    """Where it stands at a moment."""
    if campaign.withdrawn_at is not None:
        return Standing(WITHDRAWN, campaign.refusal)
    if campaign.handed_in_at is None:
        return Standing(SENT_BACK if campaign.refusal else DRAFT, campaign.refusal)
    if campaign.draft_id is None:
        return Standing(HANDED_IN)
    return _of_draft(session, session.get_one(OfferDraft, campaign.draft_id, populate_existing=True), at)


def _of_draft(session: Session, draft: OfferDraft, at: datetime) -> Standing:
    case = approvals.by_id(session, draft.proposal_id) if draft.proposal_id is not None else None
    is_at = showing.life_at(session, draft, case, at)
    if is_at == life.DISCARDED:
        return Standing(HANDED_IN)
    if is_at == life.DRAFT:
        said_no = case is not None and case.state(at) == REJECTED
        words = case.decision.note if said_no and case and case.decision else None
        return Standing(REFUSED if said_no else IN_WORK, words, draft, draft.proposal_id)
    return Standing(is_at, None, draft, draft.proposal_id, draft.offer_id)

"""Staff's side of a campaign: what waits, making it a draft of one's own with what only the operator knows, sending it back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from base import audit
from base.approvals.approvals import Case, NotAPerson
from base.auth.principals import Principal, Staff
from base.errors import Conflict
from catalog.campaigns import campaigns, stages, wanted
from catalog.campaigns.campaigns import BadWords, CampaignUnknown
from catalog.campaigns.models import Campaign
from catalog.offers import eligibility_words
from catalog.offers.models import VOUCHER, Offer
from catalog.offers.times import MemberDays
from catalog.publishing import drafts, proposals
from catalog.publishing.models import OfferDraft
from catalog.publishing.wording import is_plain
from catalog.vouchers import conditions
from merchants import scope, terms
from merchants.models import Merchant
from points import programmes

READS, TAKES = proposals.READS, proposals.PROPOSES
MOST_WORDS = 500


class NotToTake(Conflict):
    """This campaign is not the operator's turn."""

    zh = "该活动目前不由运营商处理。"
    next_en, next_zh = "Look at where it stands.", "请查看活动当前的进度。"


@dataclass(frozen=True)
class Completed:
    """What staff add: the offer's code and category, its class of approval, what one unit costs the operator (fen), its budget."""

    code: str
    category: str
    approval_class: str
    cost_fen: int | None
    budget: str | None = None


@dataclass(frozen=True)
class Row:
    """A campaign with its merchant and where it stands."""

    campaign: Campaign
    merchant: Merchant
    standing: stages.Standing


def waiting(session: Session, person: Principal) -> int:
    """How many campaigns wait to be taken over, of merchants in the person's area."""
    asked = _handed_in(person).where(Campaign.draft_id.is_(None))
    return session.scalar(asked.with_only_columns(func.count())) or 0


def listed(session: Session, person: Principal, at: datetime, *, before: int | None = None, limit: int) -> list[Row]:  # fmt: skip
    """What was handed in, of merchants in the person's area, the newest first; what became an offer stays in the list."""
    asked = _handed_in(person).order_by(Campaign.campaign_id.desc()).limit(limit)
    if before is not None:
        asked = asked.where(Campaign.campaign_id < before)
    return [Row(one, merchant, stages.standing(session, one, at)) for one, merchant in session.execute(asked)]


def find(session: Session, person: Principal, public_id: str, at: datetime) -> Row:
    """A campaign that was handed in once, of a merchant in the person's area; CampaignUnknown."""
    number = scope.number_of("cmp", public_id, CampaignUnknown)
    campaign = session.get(Campaign, number)
    if campaign is None or not scope.sees(session, person, campaign.merchant_id):
        raise CampaignUnknown()
    standing = stages.standing(session, campaign, at)
    if standing.stage == stages.DRAFT:  # nobody's business yet but the merchant's
        raise CampaignUnknown()
    return Row(campaign, session.get_one(Merchant, campaign.merchant_id), standing)


def take(session: Session, person: Principal, public_id: str, revision: int, completed: Completed, at: datetime) -> OfferDraft:  # fmt: skip
    """Make it a draft of one's own, again with other values as often as it takes; an earlier one of one's own is thrown away.

    NotToTake, CampaignChanged, CampaignUnknown, and what `drafts.begin` refuses.
    """
    campaign = _mine(session, person, public_id, revision, at)
    assert isinstance(person, Staff)
    before = stages.standing(session, campaign, at).draft
    if before is not None and before.maker_id == person.staff_id and before.discarded_at is None:
        drafts.discard(session, person, before.draft_id, before.revision, at)
    programme = programmes.by_id(session, campaign.programme_id)
    content = wanted.from_now_on(campaign.content, at) | {
        "category": completed.category,
        "approval_class": completed.approval_class,
        "cost_fen": completed.cost_fen,
        "budget": completed.budget,
    }
    made = drafts.begin(
        session,
        person,
        programme.code,
        VOUCHER,
        completed.code,
        content,
        campaign_id=campaign.campaign_id,
    )
    campaign.draft_id, campaign.taken_by = made.draft_id, person.staff_id
    session.flush()
    draft = drafts.reference(made.draft_id)
    audit.write(session, person.actor, "campaign.taken", campaigns.reference(campaign), draft=draft)
    return made


def take_and_propose(session: Session, person: Principal, public_id: str, revision: int, completed: Completed, at: datetime) -> Case:  # fmt: skip
    """The same, and propose the draft at once: another person decides. As `take` and `proposals.propose`; all or nothing."""
    made = take(session, person, public_id, revision, completed, at)
    return proposals.propose(session, person, made.draft_id, made.revision, at)[1]


def send_back(session: Session, person: Principal, public_id: str, revision: int, words: str, at: datetime) -> Campaign:  # fmt: skip
    """Back to the merchant, with what has to change; BadWords, NotToTake, CampaignChanged, CampaignUnknown."""
    if not is_plain(words, MOST_WORDS, lines=True):
        raise BadWords(field="words")
    campaign = _mine(session, person, public_id, revision, at)
    campaign.refusal, campaign.handed_in_at, campaign.handed_in_by = words, None, None
    campaign.draft_id, campaign.taken_by = None, None
    campaign.revision, campaign.changed_at = campaign.revision + 1, at
    session.flush()
    audit.write(session, person.actor, "campaign.sent-back", campaigns.reference(campaign))
    return campaign


def due_for(session: Session, row: Row, at: datetime) -> terms.Due:
    """What the merchant gets for a use, by the terms in force when it begins; CampaignNeedsTerms."""
    content, zone = row.campaign.content, row.merchant.zone
    asked = wanted.of(row.campaign.kind, content, row.campaign.wished_points, zone)
    held = campaigns.terms_for(session, row.merchant, asked, at)
    return terms.due(held, content["value_fen"], merchant_bp=content["form"].get("merchant_bp", 0))


def rules(session: Session, row: Row) -> list[dict[str, str]]:
    """Whom it is for and what its vouchers are bound to, in sentences of both languages."""
    content, said = row.campaign.content, []
    if days := content["eligibility"].get("member_days"):
        both = MemberDays(tuple(days.get("days", ())), tuple(days.get("weekdays", ())))
        said.append(eligibility_words.member_days(both, None))
    if content["eligibility"].get("birthday_month"):
        said.append(eligibility_words.birthday(None))
    offer = Offer(kind=VOUCHER, merchant_id=row.merchant.merchant_id, form=content["form"])
    return said + conditions.said(session, offer)


def _mine(session: Session, person: Principal, public_id: str, revision: int, at: datetime) -> Campaign:
    if not isinstance(person, Staff):
        raise NotAPerson()
    campaign = campaigns.lock(session, find(session, person, public_id, at).campaign.campaign_id)
    if campaign.revision != revision:
        raise campaigns.CampaignChanged(revision=campaign.revision)
    if stages.standing(session, campaign, at).stage not in stages.TO_TAKE:
        raise NotToTake()
    return campaign


def _handed_in(person: Principal) -> Select[Campaign, Merchant]:
    return (
        select(Campaign, Merchant)
        .join(Merchant, Merchant.merchant_id == Campaign.merchant_id)
        .where(Campaign.handed_in_at.is_not(None), Campaign.withdrawn_at.is_(None), scope.rule(person))
    )

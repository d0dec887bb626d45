"""A merchant's people write, change, hand in and withdraw campaigns of their own merchant; what is changed is approved anew.

An outlet's manager writes for that outlet, and an owner hands it in. What was handed in is the operator's turn: a person of the
staff makes a draft of it (taking.py), and another one approves. Whoever changes or withdraws it here takes that draft's ground
away: `still_asked` lets no approval pass of what the merchant does not ask for any more, word for word.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.approvals.models import Proposal
from base.errors import Conflict, Invalid, NotAllowed, NotFound
from catalog.campaigns import stages, wanted
from catalog.campaigns.models import Campaign
from catalog.campaigns.wanted import Wanted
from catalog.offers.models import BASIC, VOUCHER
from catalog.publishing import steps
from catalog.publishing.faults import EndsBeforeItStarts, MerchantNotActive
from catalog.publishing.models import OfferDraft
from merchants import scope, terms
from merchants.models import ACTIVE, Merchant, Terms
from merchants.scope import Reach
from merchants.terminals.models import OWNER
from points import programmes
from points.models import Programme

READS, WRITES, HANDS_IN = "campaigns:read", "campaigns:write", "campaigns:hand-in"
# What staff add; while a merchant writes, anything that every step takes.
OF_STAFF = {"category": "goods", "cost_fen": 0, "approval_class": BASIC}


class CampaignUnknown(NotFound):
    """There is no such campaign."""

    zh = "没有该活动。"


class CampaignNeedsTerms(Conflict):
    """No terms are in force for your merchant when the campaign begins."""

    zh = "活动开始时贵商户没有生效的结算条款。"
    next_en = "Confirm the terms that wait on the page Terms; if none wait, ask the operator for them."
    next_zh = "请在“结算条款”页面确认待确认的条款；如没有，请联系运营商签订。"


class CampaignChanged(Conflict):
    """Somebody changed this campaign meanwhile."""

    zh = "该活动已被他人修改。"
    next_en, next_zh = "Look at it again, then decide.", "请重新查看活动后再操作。"


class CampaignGone(Conflict):
    """This campaign was withdrawn, or is an offer already."""

    zh = "该活动已撤回，或已成为权益。"
    next_en = "Propose another one; of a running offer the operator is asked to pause it."
    next_zh = "请另行提出活动；如需停止进行中的权益，请联系运营商暂停。"


class HandedInAlready(Conflict):
    """This campaign was handed in already."""

    zh = "该活动已提交。"
    next_en, next_zh = "Wait for the operator, or change it and hand it in anew.", "请等待运营商处理，或修改后重新提交。"  # fmt: skip


class OwnerHandsIn(NotAllowed):
    """An owner of the merchant hands a campaign in."""

    zh = "活动由商户店主提交。"
    next_en, next_zh = "Save it as a draft and tell the owner.", "请保存为草稿并告知店主。"


class CampaignMoved(Conflict):
    """The merchant changed or withdrew this campaign after the draft was made of it."""

    zh = "该草稿生成后，商户修改或撤回了活动。"
    next_en, next_zh = "Reject it; the campaign is taken over anew once it is handed in.", "请驳回；商户重新提交后再受理。"  # fmt: skip


class CampaignAltered(Conflict):
    """This is not what the merchant proposed."""

    zh = "内容与商户提出的活动不一致。"
    next_en, next_zh = "Reject it, and send the campaign back with the words of what has to change.", "请驳回，并将活动退回商户，说明需要修改之处。"  # fmt: skip


class BadWords(Invalid):
    """Say what has to change, in 1 to 500 characters."""

    zh = "请用 1 至 500 字说明需要修改之处。"


class ShareNotOffered(Conflict):
    """No campaign of the merchant offers to bear this share of the price."""

    zh = "商户没有在活动中提出承担该比例。"
    next_en, next_zh = "Leave merchant_bp out of the form; a larger share is proposed by the merchant.", "请从 form 中去掉 merchant_bp；更高的承担比例由商户提出。"  # fmt: skip


def begin(session: Session, mine: Reach, programme: str, asked: Wanted, at: datetime) -> Campaign:
    """Write a campaign down; it is a draft until an owner hands it in.

    CampaignNeedsTerms, MerchantNotActive, ProgrammeUnknown, ProgrammeClosed, what `wanted.check` refuses, and every fault of the
    steps of an offer.
    """
    found = programmes.open_one(session, programmes.by_code(session, programme).programme_id)
    campaign = Campaign(
        campaign_id=ids.new_id(),
        merchant_id=mine.merchant_id,
        outlet_id=mine.outlet_id,
        programme_id=found.programme_id,
        made_by=mine.clerk_id,
        made_at=at,
        changed_at=at,
        revision=1,
        kind=asked.kind,
        wished_points=asked.wished_points,
        content=_checked(session, mine, found, asked, at),
    )
    session.add(campaign)
    session.flush()
    audit.write(session, mine.actor, "campaign.begun", reference(campaign), kind=asked.kind)
    return campaign


def change(session: Session, mine: Reach, public_id: str, revision: int, asked: Wanted, at: datetime) -> Campaign:  # fmt: skip
    """Write other words; what was handed in is a draft again, and an approval that was under way is not to be had any more.

    CampaignUnknown, CampaignChanged (another revision than the one seen), CampaignGone, and as `begin`.
    """
    campaign = _open(session, mine, public_id, revision, at)
    programme = programmes.open_one(session, campaign.programme_id)
    campaign.content = _checked(session, mine, programme, asked, at)
    campaign.kind, campaign.wished_points = asked.kind, asked.wished_points
    campaign.handed_in_at = campaign.handed_in_by = campaign.draft_id = campaign.taken_by = None
    _changed(session, mine, campaign, "changed", at)
    return campaign


def hand_in(session: Session, mine: Reach, public_id: str, revision: int, at: datetime) -> Campaign:
    """It is the operator's turn. OwnerHandsIn, HandedInAlready, and as `change`."""
    if mine.role != OWNER:
        raise OwnerHandsIn()
    campaign = _open(session, mine, public_id, revision, at)
    if campaign.handed_in_at is not None:
        raise HandedInAlready()
    _check(session, mine, programmes.open_one(session, campaign.programme_id), campaign.content, at)
    campaign.handed_in_at, campaign.handed_in_by, campaign.refusal = at, mine.clerk_id, None
    _changed(session, mine, campaign, "handed-in", at)
    return campaign


def withdraw(session: Session, mine: Reach, public_id: str, revision: int, at: datetime) -> Campaign:
    """It is not asked for any more, for good. CampaignUnknown, CampaignChanged, CampaignGone; OwnerHandsIn: as to hand it in."""
    campaign = _open(session, mine, public_id, revision, at)
    if campaign.handed_in_at is not None and mine.role != OWNER:
        raise OwnerHandsIn()
    campaign.withdrawn_at = at
    _changed(session, mine, campaign, "withdrawn", at)
    return campaign


def find(session: Session, mine: Reach, public_id: str) -> Campaign:
    """A campaign in reach; CampaignUnknown."""
    number = scope.number_of("cmp", public_id, CampaignUnknown)
    asked = scope.ours(mine, select(Campaign), Campaign.merchant_id, Campaign.outlet_id)
    found: Campaign | None = session.scalar(asked.where(Campaign.campaign_id == number))
    if found is None:
        raise CampaignUnknown()
    return found


def listed(session: Session, mine: Reach, *, before: int | None = None, limit: int) -> list[Campaign]:
    """Campaigns in reach, the newest first, from before an id on."""
    asked = scope.ours(mine, select(Campaign), Campaign.merchant_id, Campaign.outlet_id)
    if before is not None:
        asked = asked.where(Campaign.campaign_id < before)
    return list(session.scalars(asked.order_by(Campaign.campaign_id.desc()).limit(limit)))


def terms_for(session: Session, merchant: Merchant, asked: Wanted | None, at: datetime) -> Terms:
    """The terms in force when a campaign begins, now without one; CampaignNeedsTerms."""
    today = clock.day(at, merchant.zone)
    begins = max(today, asked.first_day or today) if asked else today
    try:
        return terms.in_force(session, merchant.merchant_id, begins)
    except terms.NoTermsInForce:
        raise CampaignNeedsTerms(on=begins.isoformat()) from None


def still_asked(session: Session, proposal: Proposal, at: datetime) -> None:
    """Nothing where the merchant asks for what is approved; CampaignMoved, CampaignAltered, ShareNotOffered.

    The campaign stays locked until the approval is written: who changes it meanwhile waits, and is told that it is an offer.
    """
    draft = session.get(OfferDraft, _draft_of(proposal))
    if draft is None:
        return
    if draft.campaign_id is None:
        _refuse_share(session, draft, proposal.said["content"])
        return
    campaign = lock(session, draft.campaign_id)
    if campaign.withdrawn_at is not None or campaign.draft_id != draft.draft_id:
        raise CampaignMoved()
    if other := wanted.altered(campaign.content, proposal.said["content"]):
        raise CampaignAltered(fields=other)


def of_proposal(session: Session, proposal: Proposal) -> Campaign | None:
    """The campaign that a proposed offer was made of."""
    draft = session.get(OfferDraft, _draft_of(proposal))
    return session.get(Campaign, draft.campaign_id) if draft is not None and draft.campaign_id else None


def lock(session: Session, campaign_id: int) -> Campaign:
    """The campaign as it is now, and nobody changes it until this transaction ends."""
    asked = select(Campaign).where(Campaign.campaign_id == campaign_id).with_for_update()
    return session.execute(asked.execution_options(populate_existing=True)).scalar_one()


def reference(campaign: Campaign) -> str:
    """The public id."""
    return ids.public("cmp", campaign.campaign_id)


def _checked(session: Session, mine: Reach, programme: Programme, asked: Wanted, at: datetime) -> dict[str, object]:  # fmt: skip
    merchant = scope.merchant_of(session, mine)
    if mine.outlet_id is not None:  # a manager's campaign is one of the own outlet
        asked = _narrowed(asked, ids.public("out", mine.outlet_id))
    held = terms_for(session, merchant, asked, at)
    wanted.check(asked, terms_bp=held.merchant_bp, brand_bp=held.brand_bp)
    if asked.last_day is not None and asked.last_day < (asked.first_day or clock.day(at, merchant.zone)):
        raise EndsBeforeItStarts(field="last_day")
    content = wanted.document(asked, merchant.code, merchant.currency, merchant.zone)
    _check(session, mine, programme, content, at)
    return content


def _narrowed(asked: Wanted, outlet: str) -> Wanted:
    return Wanted(**vars(asked) | {"outlets": (outlet,)})


def _check(session: Session, mine: Reach, programme: Programme, content: dict[str, object], at: datetime) -> None:  # fmt: skip
    """The five steps of an offer, as far as they are the merchant's."""
    merchant = scope.merchant_of(session, mine)
    if merchant.state != ACTIVE:
        raise MerchantNotActive(field="merchant", state=merchant.state)
    whole = OF_STAFF | wanted.from_now_on(content, at)
    steps.refuse_faults(steps.of(session, programme, VOUCHER, merchant.code, whole, is_new=True, at=at))


def _open(session: Session, mine: Reach, public_id: str, revision: int, at: datetime) -> Campaign:
    campaign = lock(session, find(session, mine, public_id).campaign_id)
    if campaign.revision != revision:
        raise CampaignChanged(revision=campaign.revision)
    if stages.standing(session, campaign, at).stage not in stages.BEFORE:
        raise CampaignGone()
    return campaign


def _changed(session: Session, mine: Reach, campaign: Campaign, what: str, at: datetime) -> None:
    campaign.revision, campaign.changed_at = campaign.revision + 1, at
    session.flush()
    audit.write(session, mine.actor, f"campaign.{what}", reference(campaign), revision=str(campaign.revision))


def _draft_of(proposal: Proposal) -> int:
    return int(ids.parse("drf", proposal.said["draft"], parts=1)[0])


def _refuse_share(session: Session, draft: OfferDraft, content: dict[str, object]) -> None:
    """A further version bears no more of the merchant's money than the campaign that its offer came of."""
    form = content.get("form")
    share = form.get("merchant_bp", 0) if isinstance(form, dict) else 0
    if not share:
        return
    asked = (
        select(Campaign.content)
        .join(OfferDraft, OfferDraft.campaign_id == Campaign.campaign_id)
        .where(OfferDraft.offer_id == draft.offer_id)
    )
    offered = [one["form"].get("merchant_bp", 0) for one in session.scalars(asked)] if draft.offer_id else []
    if share > max(offered, default=0):
        raise ShareNotOffered(field="form.merchant_bp")

"""From a proposal to what it would change, beside the rates, terms and rules that there are without it."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.replay import changes, earning
from admin.replay.changes import EARN_RULE, OFFER, RATE, Change
from base import ids
from base.approvals import approvals
from base.approvals.models import Proposal
from base.errors import NotFound
from catalog.offers.models import Offer
from catalog.rates import proposals as rate_proposals
from catalog.rates import rates
from merchants.models import Merchant, Terms
from points import programmes
from points.earn_rules import earn_rules
from points.earn_rules.earn_rules import Row
from points.models import Programme

KINDS = (RATE, OFFER, EARN_RULE)
NEEDED_BY = (RATE, OFFER)


class NotReplayed(NotFound):
    """Only proposals of rates, offers and earn rules are replayed."""

    zh = "只有兑换比例、权益和积分获取规则的申请可以回放。"
    next_en, next_zh = "Look at the proposal itself.", "请直接查看该申请。"


@dataclass(frozen=True)
class Draft:
    """A proposal as it is replayed: a change of redemptions, or the rows of earn rules by type of line."""

    kind: str
    programme: Programme
    change: Change = field(default_factory=Change)
    earns: dict[str, Row] = field(default_factory=dict)
    left_out: int = 0
    name: str = ""


def programme_of(session: Session, proposal: Proposal) -> Programme:
    """Whose change it is; NotReplayed."""
    if proposal.kind not in KINDS:
        raise NotReplayed(kind=proposal.kind)
    return programmes.by_code(session, proposal.said["programme"])


def read(session: Session, proposal: Proposal) -> Draft:
    """What a proposal would change; NotReplayed."""
    programme = programme_of(session, proposal)
    if proposal.kind == EARN_RULE:
        wanted = earn_rules.wanted_of(proposal).rows
        first = earning.first_of(wanted)
        return Draft(EARN_RULE, programme, earns=first, left_out=len(wanted) - len(first))
    named = approvals.reference(proposal.proposal_id)
    versions = [one for one in rates.versions(session, programme.programme_id) if one.approval != named]
    if proposal.kind == RATE:
        rows = rate_proposals.wanted_of(session, proposal).rows
        change = changes.of_rates(versions, _terms(session, programme, None), rows)
        return Draft(RATE, programme, change, left_out=change.left_out)
    said = proposal.said
    offer_id = ids.parse("off", said["offer"], parts=1)[0] if said["offer"] else None
    code = said["content"].get("merchant")
    merchant_id = session.scalar(select(Merchant.merchant_id).where(Merchant.code == code)) if code else None
    change = Change(
        versions,
        _terms(session, programme, merchant_id),
        drafted=changes.drafted_of(said, offer_id, merchant_id),
    )
    return Draft(OFFER, programme, change, name=said["code"])


def _terms(session: Session, programme: Programme, merchant_id: int | None) -> list[Terms]:
    mine = select(Offer.merchant_id).where(
        Offer.programme_id == programme.programme_id, Offer.merchant_id.is_not(None)
    )
    return list(
        session.scalars(
            select(Terms).where(Terms.merchant_id.in_(mine) | (Terms.merchant_id == (merchant_id or 0)))
        )
    )

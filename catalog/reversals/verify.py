"""Proof of reversals: each redemption that was reversed by persons names an approval of just that, and each approval was
carried out, is under way at another system, or was refused there.

Goods are the exception: what came back or was lost is one person's record, a step of the goods by the same person.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from base import ids, jobs
from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from catalog.goods.models import LOST, RETURNED, GoodsStep
from catalog.redemptions import course, undoing
from catalog.redemptions.models import FULFILLED, REVERSED, Redemption, Step
from catalog.reversals import reversals
from catalog.vouchers.models import Voucher
from merchants.models import CLAWBACK, Acceptance, MerchantItem

MOST = 100
_NAMED = array([undoing.UNDOING, undoing.UNDONE, undoing.REFUSED])
_recorded = exists().where(
    GoodsStep.member_id == Step.member_id,
    GoodsStep.redemption_id == Step.redemption_id,
    GoodsStep.at == Step.at,
    GoodsStep.actor == Step.actor,
    GoodsStep.state.in_((RETURNED, LOST)),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with reversals by persons, at most MOST."""
    approved = {
        approvals.reference(row.proposal_id): row.said["redemption"]
        for row in session.scalars(
            select(Proposal)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == reversals.KIND, Decision.verdict == APPROVED)
        )
    }
    rows = session.execute(
        select(Redemption, Step.reason)
        .join(
            Step,
            (Step.member_id == Redemption.member_id) & (Step.redemption_id == Redemption.redemption_id),
        )
        .where(Step.state == REVERSED, Step.actor.startswith("staff:"), ~_recorded)
    )
    done = set()
    for redemption, reason in rows:
        reference = course.reference(redemption)
        done.add(reference)
        if approved.get(reason or "") != reference:
            place = f"{redemption.member_id} {redemption.redemption_id}"
            yield Finding("reversal", place, "no two persons approved that it is undone")
    named = session.scalars(select(Redemption).where(Redemption.details.has_any(_NAMED))).all()
    asked: dict[str, str] = {}
    for redemption in named:
        asked |= dict.fromkeys(_cases(redemption), course.reference(redemption))
    for reversal, reference in asked.items():
        if approved.get(reversal) != reference:
            yield Finding("reversal", reference, "it is taken back and no two persons approved it")
    for proposal, reference in approved.items():
        if reference not in done and asked.get(proposal) != reference:
            yield Finding("reversal", proposal, "it was approved and nothing was undone")
    yield from _under_way(session, named)
    yield from _clawed_back(session, approved)


def _clawed_back(session: Session, approved: dict[str, str]) -> Iterator[Finding]:
    """What is taken back from a merchant belongs to a redemption whose undoing two persons approved."""
    rows = session.execute(
        select(MerchantItem, Voucher.redemption_id)
        .outerjoin(
            Acceptance,
            (Acceptance.member_id == MerchantItem.member_id)
            & (Acceptance.acceptance_id == MerchantItem.about_id),
        )
        .outerjoin(
            Voucher,
            (Voucher.member_id == Acceptance.member_id) & (Voucher.voucher_id == Acceptance.voucher_id),
        )
        .where(MerchantItem.kind == CLAWBACK)
    )
    for item, redemption_id in rows:
        reference = ids.public("red", item.member_id, redemption_id or 0)
        if approved.get(item.approval or "") != reference:
            place = f"merchant {item.merchant_id} item {item.item_id}"
            yield Finding("clawback", place, "no two persons approved that it is taken back")


def _cases(redemption: Redemption) -> list[str]:
    """The reversals that its notes name."""
    note = undoing.under_way(redemption)
    return [*undoing.refused(redemption), *([note["case"]] if note else [])]


def _under_way(session: Session, named: Sequence[Redemption]) -> Iterator[Finding]:
    """What is under way is still given, and somebody looks again; what was taken back is reversed."""
    looked = {(args["member_id"], args["redemption_id"]) for args in jobs.promised(session, undoing.TASK)}
    for redemption in named:
        place, reference = (redemption.member_id, redemption.redemption_id), course.reference(redemption)
        if undoing.is_undone(redemption) != (redemption.state == REVERSED):
            yield Finding(
                "reversal", reference, "taken back elsewhere, but not reversed; or reversed without"
            )
        if undoing.under_way(redemption) and redemption.state != FULFILLED:
            yield Finding("reversal", reference, "it is under way and the redemption is not fulfilled")
        if undoing.under_way(redemption) and place not in looked:
            yield Finding("reversal", reference, "it is under way and nobody looks what came of it")

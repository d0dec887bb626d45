"""A member says "this was not me": what is left of the voucher is frozen, and a person of the staff decides within 14 days.

For the merchant: the use stands, and what is left is usable again. For the member: the voucher stays unusable, and where all of
its uses were another's, undoing its redemption is proposed to a second person (catalog/reversals); else the points are given
back by hand, by an adjustment. The merchant's money is not moved here: that is an adjustment of a later statement.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.auth.principals import Member, Staff
from base.config import Config
from base.errors import Problem, field_errors
from base.notices.templates import Fact, Facts
from catalog.offers import eligibility_words as words
from catalog.offers.models import VOUCHER
from catalog.redemptions import redemptions
from catalog.reversals import reversals
from catalog.vouchers import freezing, life
from catalog.vouchers.models import CANCELLED, Voucher
from merchants import acceptances, merchants
from merchants.acceptances import AcceptanceUnknown, AlreadyVoided
from merchants.disputes import disputes
from merchants.disputes.models import BY_HAND, MERCHANT, OPEN, PROPOSED, VERDICTS, Dispute
from merchants.models import Acceptance
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.groups import spending
from points.notices import telling

READS, HANDLES = "disputes:read", "disputes:handle"


def not_me(session: Session, config: Config, member: Member, key: tuple[int, int], at: datetime) -> Dispute:
    """Open the dispute of an acceptance (its key: member id, acceptance id), or return the one there is; tells the member.

    AcceptanceUnknown for anybody else's; AlreadyVoided where it was undone anyway.
    """
    acceptance = session.get(Acceptance, key, populate_existing=True)
    voucher = session.get(Voucher, (key[0], acceptance.voucher_id)) if acceptance else None
    if acceptance is None or voucher is None:
        raise AcceptanceUnknown()
    if not spending.belongs(session, member.member_id, voucher.member_id, voucher.spender_id):
        raise AcceptanceUnknown()
    freezing.lock(session, (key[0], voucher.voucher_id))  # whoever undoes it just now ends first, and is seen
    session.refresh(acceptance)
    if acceptance.void_id is not None:
        raise AlreadyVoided()
    dispute, is_fresh = disputes.open_one(session, acceptance, member.actor, at)
    if is_fresh:
        freezing.freeze_for(session, (key[0], voucher.voucher_id), dispute.dispute_id, member.actor, at)
        until = clock.day(dispute.decide_by, merchants.zone_of(session, acceptance.merchant_id))
        _tell(session, config, dispute, "dispute-opened", until=words.day(until))
    return dispute


def take(session: Session, person: Staff, key: tuple[int, int], at: datetime) -> Dispute:
    """The person looks into it from now on. DisputeUnknown, DisputeTaken."""
    dispute = disputes.find(session, person, *key)
    if dispute.handler_id != person.staff_id:
        dispute = disputes.take(session, dispute, person.staff_id, at)
        audit.write(session, person.actor, "dispute.taken", reference(dispute))
    return dispute


def decide(
    session: Session,
    config: Config,
    person: Staff,
    key: tuple[int, int],
    verdict: str,
    reason: str,
    at: datetime,
) -> Dispute:
    """Decide it as the one who took it; tells the member. DisputeUnknown, DisputeNotTaken, DisputeDecided, Invalid."""
    _plainly("reason", reason)
    if verdict not in VERDICTS:
        raise field_errors({"verdict": f"one of: {', '.join(VERDICTS)}"})
    dispute = disputes.find(session, person, *key)
    dispute = disputes.decide(session, dispute, person.staff_id, verdict, reason, at)
    place = (dispute.member_id, dispute.voucher_id)
    if verdict == MERCHANT:
        freezing.thaw(session, place, person.actor, "dispute", at, dispute_id=dispute.dispute_id)
    else:
        voucher = freezing.cancel(session, place, at)
        dispute.points_back = _give_back(session, person, dispute, voucher, at)
        session.flush()
    audit.write(session, person.actor, "dispute.decided", reference(dispute), verdict=verdict)
    _tell(session, config, dispute, f"dispute-for-{verdict}")
    return dispute


def close(session: Session, person: Staff, key: tuple[int, int], closing: str, at: datetime) -> Dispute:
    """Nothing is left to do. DisputeUnknown, DisputeOpen, Invalid."""
    _plainly("closing", closing)
    dispute = disputes.close(session, disputes.find(session, person, *key), closing, at)
    audit.write(session, person.actor, "dispute.closed", reference(dispute))
    return dispute


def reference(dispute: Dispute) -> str:
    """Its public id."""
    return ids.public("dsp", dispute.member_id, dispute.dispute_id)


def is_late(dispute: Dispute, at: datetime) -> bool:
    """Whether it should have been decided by now."""
    return dispute.state == OPEN and at > dispute.decide_by


def points_due(session: Session, dispute: Dispute) -> int | None:
    """Of a dispute decided for the member: the points of what was another's and of what is left; None: none were paid by
    the member (a gift).
    """
    voucher = session.get_one(Voucher, (dispute.member_id, dispute.voucher_id))
    lost = disputes.lost(session, dispute.member_id, dispute.voucher_id)
    used = acceptances.of_voucher(session, dispute.member_id, dispute.voucher_id)
    units = voucher.units_left + sum(one.units for one, _ in used if one.acceptance_id in lost)
    try:
        redemption = redemptions.find(session, dispute.member_id, voucher.redemption_id)
    except redemptions.RedemptionUnknown:
        return None
    return redemption.price_points * units // voucher.units


def _give_back(session: Session, person: Staff, dispute: Dispute, voucher: Voucher, at: datetime) -> str:
    """A reversal is proposed where the rules of reversals allow one: of a whole voucher that was redeemed by itself."""
    place = (dispute.member_id, voucher.redemption_id)
    if voucher.state != CANCELLED or not freezing.is_whole(session, voucher):
        return BY_HAND
    try:
        with session.begin_nested():
            if redemptions.find(session, *place).kind != VOUCHER:
                return BY_HAND
            reversals.propose(session, person, *place, dispute.reason or "", reference(dispute), at)
    except Problem:
        return BY_HAND
    return PROPOSED


def _plainly(field: str, said: str) -> None:
    if not said_plainly(said, MOST_TEXT):
        raise field_errors({field: f"must be 1 to {MOST_TEXT} characters without control characters"})


def _tell(session: Session, config: Config, dispute: Dispute, template: str, **more: Fact) -> None:
    acceptance = session.get_one(Acceptance, (dispute.member_id, dispute.acceptance_id))
    person = life.holder(session.get_one(Voucher, (dispute.member_id, dispute.voucher_id)))
    facts: Facts = {"offer": acceptance.offer_names, "last4": acceptance.last4, **more}
    telling.tell(session, config, person, template, facts, subject=reference(dispute))

"""A member says "this was not me", or a merchant that a use is not right: its amount is held, a person decides within 14 days.

What the member disputes is frozen as far as it is left; a merchant's dispute leaves the rest of the voucher alone until the
member says so too: there is one dispute of a use, and both are heard in it. For the merchant: the use stands, what was held is
released, and what is left is usable again. For the member: the use does not stand and the hold stays; the voucher is unusable
for good, and where all of its uses were another's, undoing its redemption is proposed to a second person (catalog/reversals);
else the points are given back by hand, by an adjustment, dispute by dispute.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.auth.principals import Member, Staff
from base.config import Config
from base.errors import Conflict, NotFound, Problem, field_errors
from base.notices.templates import Fact, Facts
from catalog.offers import eligibility_words as words
from catalog.offers.models import VOUCHER
from catalog.redemptions import redemptions
from catalog.redemptions.models import Redemption
from catalog.reversals import reversals
from catalog.vouchers import freezing, life
from catalog.vouchers.models import ACCEPTED, CANCELLED, Voucher
from merchants import merchants
from merchants.acceptances import AcceptanceUnknown, AlreadyVoided
from merchants.disputes import disputes
from merchants.disputes.disputes import DisputeThere
from merchants.disputes.models import BY_HAND, MEMBER, MERCHANT, OPEN, PROPOSED, VERDICTS, Dispute
from merchants.models import Acceptance
from merchants.scope import Reach
from merchants.statements.closing import MOST_NUMBER
from merchants.statements.models import StatementLine
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.groups import spending
from points.notices import telling

READS, HANDLES = "disputes:read", "disputes:handle"
OPENS = "disputes:merchant"


class LineUnknown(NotFound):
    """There is no such line of a statement."""

    zh = "没有该结算明细。"


class LineNotDisputed(Conflict):
    """Only the line of an acceptance can be disputed."""

    zh = "只能对核销明细提出争议。"
    next_en, next_zh = (
        "Dispute the acceptance that it is about, or ask the operator for an adjustment.",
        "请对其所涉的核销提出争议，或请运营商作调整。",
    )


def not_me(session: Session, config: Config, member: Member, key: tuple[int, int], at: datetime) -> Dispute:
    """Open the dispute of an acceptance (its key: member id, acceptance id), or return the one there is; tells the member. In an
    open one of the merchant's the member is heard as in an own one: what is left is frozen.

    AcceptanceUnknown for anybody else's; AlreadyVoided where it was undone anyway; AlreadyClawedBack, DisputeTooLate.
    """
    acceptance = session.get(Acceptance, key, populate_existing=True)
    voucher = session.get(Voucher, (key[0], acceptance.voucher_id)) if acceptance else None
    if acceptance is None or voucher is None:
        raise AcceptanceUnknown()
    if not spending.belongs(session, member.member_id, voucher.member_id, voucher.spender_id):
        raise AcceptanceUnknown()
    _lock(session, acceptance)
    dispute, is_fresh = disputes.open_one(session, acceptance, member.actor, at)
    if is_fresh or (dispute.state == OPEN and not _is_heard(session, dispute)):
        freezing.freeze_for(session, (key[0], voucher.voucher_id), dispute.dispute_id, member.actor, at)
        until = clock.day(dispute.decide_by, merchants.zone_of(session, acceptance.merchant_id))
        _tell(session, config, dispute, "dispute-opened", until=words.day(until))
    return dispute


def open_for(session: Session, mine: Reach, key: tuple[int, int], said: str, at: datetime) -> Dispute:
    """A merchant's person disputes an acceptance (its key: member id, acceptance id) of the own merchant; its amount is held.

    AcceptanceUnknown for anybody else's; AlreadyVoided, DisputeThere, AlreadyClawedBack, DisputeTooLate, Invalid.
    """
    _plainly("said", said)
    acceptance = session.get(Acceptance, key, populate_existing=True)
    if acceptance is None or acceptance.merchant_id != mine.merchant_id:
        raise AcceptanceUnknown()
    _lock(session, acceptance)
    dispute, is_fresh = disputes.open_one(session, acceptance, mine.actor, at, side=MERCHANT, said=said)
    if not is_fresh:
        raise DisputeThere()
    audit.write(session, mine.actor, "dispute.opened", reference(dispute))
    return dispute


def open_line(session: Session, mine: Reach, line: tuple[int, int, int], said: str, at: datetime) -> Dispute:
    """The same, by a line of a statement (merchant id, statement's number, line's number). LineUnknown, LineNotDisputed."""
    row = session.get(StatementLine, line) if max(line[1:]) <= MOST_NUMBER else None
    if row is None or row.merchant_id != mine.merchant_id:
        raise LineUnknown()
    if row.kind != "acceptance":
        raise LineNotDisputed(kind=row.kind)
    return open_for(session, mine, (row.member_id, row.source_id), said, at)


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
    place = (dispute.member_id, dispute.voucher_id)
    voucher = freezing.lock(
        session, place
    )  # a member who speaks just now is heard first, or is told of the decision
    dispute = disputes.decide(session, dispute, person.staff_id, verdict, reason, at)
    is_heard = _is_heard(session, dispute)
    if verdict == MEMBER:
        if is_heard or voucher.state == ACCEPTED:  # where the merchant alone spoke, what is left stays usable
            voucher = freezing.cancel(session, place, at)
        dispute.points_back = _give_back(session, person, dispute, voucher, at)
        session.flush()
    elif is_heard:
        freezing.thaw(session, place, person.actor, "dispute", at, dispute_id=dispute.dispute_id)
    audit.write(session, person.actor, "dispute.decided", reference(dispute), verdict=verdict)
    if is_heard:
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


def of_member(session: Session, member_id: int, voucher_id: int) -> dict[int, Dispute]:
    """Disputes of a voucher's uses that its member knows of, by acceptance; not a merchant's that is open without the member."""
    return {
        one.acceptance_id: one
        for one in disputes.of_voucher(session, member_id, voucher_id)
        if one.state != OPEN or _is_heard(session, one)
    }


def points_due(session: Session, dispute: Dispute) -> int | None:
    """Of a dispute decided for the member: the points of the use that was another's, and of what is left where this decision made
    that unusable, so that of several disputes of a voucher none counts it again; None: none were paid by the member (a gift).
    """
    voucher = session.get_one(Voucher, (dispute.member_id, dispute.voucher_id))
    used = session.get_one(Acceptance, (dispute.member_id, dispute.acceptance_id))
    ended_it = voucher.state == CANCELLED and voucher.cancelled_at == dispute.decided_at
    units = used.units + (voucher.units_left if ended_it else 0)
    redemption = session.get(Redemption, (dispute.member_id, voucher.redemption_id))
    return redemption.price_points * units // voucher.units if redemption else None


def _give_back(session: Session, person: Staff, dispute: Dispute, voucher: Voucher, at: datetime) -> str:
    """A reversal is proposed where the rules of reversals allow one: of a whole voucher that was redeemed by itself, and of which
    no other dispute left a share to be given back by hand.
    """
    place = (dispute.member_id, voucher.redemption_id)
    every = disputes.of_voucher(session, dispute.member_id, dispute.voucher_id)
    if any(one.points_back == BY_HAND for one in every):
        return BY_HAND
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


def _is_heard(session: Session, dispute: Dispute) -> bool:
    """Whether the member has spoken in it."""
    place = (dispute.member_id, dispute.voucher_id)
    return dispute.side == MEMBER or dispute.dispute_id in freezing.disputes_of(session, place)


def _lock(session: Session, acceptance: Acceptance) -> None:
    """Lock the voucher of an acceptance: whoever undoes it just now ends first, and is seen. AlreadyVoided."""
    freezing.lock(session, (acceptance.member_id, acceptance.voucher_id))
    session.refresh(acceptance)
    if acceptance.void_id is not None:
        raise AlreadyVoided()


def _plainly(field: str, said: str) -> None:
    if not said_plainly(said, MOST_TEXT):
        raise field_errors({field: f"must be 1 to {MOST_TEXT} characters without control characters"})


def _tell(session: Session, config: Config, dispute: Dispute, template: str, **more: Fact) -> None:
    acceptance = session.get_one(Acceptance, (dispute.member_id, dispute.acceptance_id))
    person = life.holder(session.get_one(Voucher, (dispute.member_id, dispute.voucher_id)))
    facts: Facts = {"offer": acceptance.offer_names, "last4": acceptance.last4, **more}
    telling.tell(session, config, person, template, facts, subject=reference(dispute))

"""Points that a member earns with a purchase at a merchant: given at a till, paid from packs first, else owed; undone the same day.

The member's wallet comes first, what members share (packs) after it, in one transaction with the idempotency key.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, ids
from base.errors import Conflict, NotAllowed, NotFound
from base.failpoints import failpoint
from base.money import BASIS_POINTS, ratio
from merchants import cycles, merchants, terms
from merchants.acceptances import Place
from merchants.earnings.models import Earning, EarningReversal
from merchants.models import POSTPAID, STOP, Merchant, Terms
from merchants.packs import packs
from merchants.packs.models import PackUse
from merchants.packs.packs import Drawn
from merchants.terminals import shifts
from points import explain, ledger, policies
from points.deeds import Request
from points.kinds import Kind
from points.members.models import Member
from points.models import Programme

ACTOR = "merchant-earning"
PER_POINTS = 1_000  # Terms.issuing_fen is the price of so many
MOST_FEN = 10**9


class NoPointsHere(NotAllowed):
    """Members earn no points at this merchant."""

    zh = "该商户不发放积分。"
    next_en, next_zh = (
        "The operator and the merchant agree in the terms what a purchase earns.",
        "请与运营商在结算条款中约定消费积分。",
    )
    clerk_en, clerk_zh = "We give no points here.", "本店不发放积分。"
    then = "support"


class TooSmallToEarn(Conflict):
    """This purchase is too small to earn a point."""

    zh = "该笔消费金额不足以获得积分。"
    clerk_en, clerk_zh = "That is too little for a point.", "这笔金额还不够获得积分。"
    then = "support"


class PacksUsedUp(Conflict):
    """The merchant's prepaid points do not suffice."""

    zh = "商户预购的积分不足。"
    next_en, next_zh = "The merchant buys another pack of points.", "请商户购买新的积分包。"
    clerk_en, clerk_zh = "We have no points to give at the moment.", "本店暂时没有可发放的积分。"
    then = "manager"


class EarningUnknown(NotFound):
    """There is no such earning at this till."""

    zh = "本终端没有该笔积分记录。"


class EarningReversed(Conflict):
    """This earning was undone already."""

    zh = "该笔积分已撤销。"
    clerk_en, clerk_zh = "It was undone already.", "这笔积分已经撤销。"
    then = "support"


class ReversalTooLate(Conflict):
    """It is too late to undo this earning here."""

    zh = "已超过可撤销的时间。"
    next_en, next_zh = "Open a case for support.", "请提交工单处理。"
    clerk_en, clerk_zh = "I can't undo it here; I'll open a case for you.", "这里无法撤销，我为您提交工单。"
    then = "support"


@dataclass(frozen=True)
class Given:
    """An earning, what it took out of packs, and whether the merchant is to be warned that there was too little in them."""

    earning: Earning
    drawn: Drawn
    warns: bool


def give(
    session: Session, member: Member, programme: Programme, place: Place, amount_fen: int, at: datetime
) -> Given:
    """Give a member the points of a purchase, which the merchant pays from its packs or owes.

    The member's line allows it (merchants/earnings/buyers.py). MerchantNotOpen, NoTermsInForce, NoPointsHere,
    TooSmallToEarn, PacksUsedUp, ShiftEnded.
    """
    shifts.going_on(session, place.terminal_id, place.shift_id)
    merchant = merchants.by_id(session, place.merchant_id)
    merchants.check_takes(merchant.state)
    version = terms.in_force(session, merchant.merchant_id, clock.day(at, merchant.zone))
    points = points_for(version, amount_fen)
    earning_id = ids.new_id()
    seq = _post(session, member, programme, merchant, version, (earning_id, amount_fen, points), at)
    failpoint("purchase_posted")
    day = cycles.day_of(version.cutoff_minute, merchant.zone, at)
    drawn = packs.draw(session, merchant.merchant_id, day, member.member_id, earning_id, points)
    if drawn.missing and version.issuing_rule == STOP:
        raise PacksUsedUp(points=points, in_packs=points - drawn.missing)
    earning = Earning(
        member_id=member.member_id,
        earning_id=earning_id,
        seq=seq,
        merchant_id=merchant.merchant_id,
        outlet_id=place.outlet_id,
        terminal_id=place.terminal_id,
        clerk_id=place.clerk_id,
        shift_id=place.shift_id,
        terms_id=version.terms_id,
        amount_fen=amount_fen,
        points=points,
        postpaid_points=drawn.missing,
        price_fen=price_of(version, drawn.missing),
        recorded_at=at,
        currency=merchant.currency,
    )
    session.add(earning)
    session.flush()
    failpoint("earning_kept")
    return Given(earning, drawn, drawn.missing > 0 and version.issuing_rule != POSTPAID)


def gives(session: Session, merchant_id: int, at: datetime) -> bool:
    """Whether members earn points at a merchant now."""
    zone = merchants.zone_of(session, merchant_id)
    try:
        return terms.in_force(session, merchant_id, clock.day(at, zone)).points_per_100_yuan > 0
    except terms.NoTermsInForce:
        return False


def points_for(version: Terms, amount_fen: int) -> int:
    """What a purchase earns, rounded down; NoPointsHere, TooSmallToEarn."""
    if not version.points_per_100_yuan:
        raise NoPointsHere()
    points = amount_fen * version.points_per_100_yuan // BASIS_POINTS
    if not points:
        raise TooSmallToEarn(amount_fen=amount_fen)
    return points


def price_of(version: Terms, points: int) -> int:
    """What the merchant owes for points that no pack paid (fen), rounded once."""
    return ratio(points, version.issuing_fen, PER_POINTS)


def reverse(
    session: Session, earning: Earning, programme: Programme, place: Place, reason: str, at: datetime
) -> EarningReversal:
    """Take the points back, once, before the cut-off: at the same till, or by the manager of its outlet.

    What was spent of them is owed by the member; what packs paid goes back into them. EarningUnknown, ReversalTooLate,
    EarningReversed, ShiftEnded.
    """
    shifts.going_on(session, place.terminal_id, place.shift_id)
    if not may_reverse(earning, place):
        raise EarningUnknown()
    version = session.get_one(Terms, earning.terms_id)
    until = reversible_until(earning, version, merchants.zone_of(session, earning.merchant_id))
    if at >= until:
        raise ReversalTooLate(until=until.isoformat())
    reversal = EarningReversal(
        member_id=earning.member_id,
        reversal_id=ids.new_id(),
        earning_id=earning.earning_id,
        seq=_take_back(session, earning, programme, at),
        merchant_id=earning.merchant_id,
        outlet_id=place.outlet_id,
        terminal_id=place.terminal_id,
        clerk_id=place.clerk_id,
        shift_id=place.shift_id,
        recorded_at=at,
        reason=reason,
    )
    session.add(reversal)
    session.flush()
    packs.put_back(session, earning.member_id, earning.earning_id, reversal.reversal_id)
    return reversal


def may_reverse(earning: Earning, place: Place) -> bool:
    """Whether it was given at this till, or at the outlet of which this is the manager."""
    if place.is_manager and earning.outlet_id == place.outlet_id:
        return True
    return earning.terminal_id == place.terminal_id


def reversible_until(earning: Earning, version: Terms, zone: str) -> datetime:
    """The cut-off of its day: from then on it is not undone."""
    day = cycles.day_of(version.cutoff_minute, zone, earning.recorded_at)
    return cycles.end_of(day, version.cutoff_minute, zone)


def find(session: Session, public: str, merchant_id: int) -> Earning:
    """An earning of this merchant, by its public id; EarningUnknown for anybody else's."""
    try:
        key = ids.parse("ern", public)
    except NotFound:
        raise EarningUnknown() from None
    found = session.get(Earning, key)
    if found is None or found.merchant_id != merchant_id:
        raise EarningUnknown()
    return found


def reversal_of(session: Session, earning: Earning) -> EarningReversal | None:
    """What undid it, if something did."""
    return session.scalar(
        select(EarningReversal).where(
            EarningReversal.member_id == earning.member_id, EarningReversal.earning_id == earning.earning_id
        )
    )


def from_packs(session: Session, earning: Earning) -> list[PackUse]:
    """What it took of which pack."""
    return list(
        session.scalars(
            select(PackUse)
            .where(PackUse.member_id == earning.member_id, PackUse.source_id == earning.earning_id)
            .order_by(PackUse.pack_id)
        )
    )


def public_id(earning: Earning) -> str:
    return ids.public("ern", earning.member_id, earning.earning_id)


def posting_key(earning: str, *, reverses: bool = False) -> UUID:
    """The key of the posting of an earning (its public id), or of its reversal: neither can be posted twice."""
    return ledger.key(ACTOR, f"{earning} reversed" if reverses else earning)


def _post(
    session: Session,
    member: Member,
    programme: Programme,
    merchant: Merchant,
    version: Terms,
    said: tuple[int, int, int],
    at: datetime,
) -> int:
    """The posting's number. `said`: id of the earning, fen of the purchase, points."""
    earning_id, amount_fen, points = said
    name = ids.public("ern", member.member_id, earning_id)
    on = clock.day(at, programme.zone)
    life = policies.load(session, programme.programme_id).expiry_policy(policies.PROMOTION_POINTS, on)
    request = Request(
        member.member_id,
        posting_key(name),
        Kind.EARN,
        points,
        at,
        programme.zone,
        lot_key=policies.lot_key(life, on),
        version_id=version.terms_id,
        ref=explain.purchase_reference(
            merchant.code, name, amount_fen, version.points_per_100_yuan, BASIS_POINTS
        ),
    )
    return ledger.post(session, request).seq


def _take_back(session: Session, earning: Earning, programme: Programme, at: datetime) -> int:
    """The number of the posting that takes the points back; EarningReversed."""
    name = public_id(earning)
    request = Request(
        earning.member_id,
        posting_key(name, reverses=True),
        Kind.UNEARN,
        earning.points,
        at,
        programme.zone,
        rev_of=earning.seq,
        version_id=earning.terms_id,
        ref=name,
    )
    answer = ledger.post(session, request)
    if answer.replayed:
        raise EarningReversed()
    return answer.seq

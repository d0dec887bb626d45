"""The life of a voucher: issued to a member, held by a till's check, accepted once, voided back, cancelled."""

import base64
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.errors import Conflict, Invalid, NotAllowed, NotFound, Problem
from base.money import part_of
from catalog.offers.models import Offer
from catalog.vouchers import codes, forms
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import ACCEPTED, CANCELLED, EXPIRED, FROZEN, HELD, ISSUED, Voucher
from merchants import acceptances, merchants
from merchants.acceptances import Place, Use
from merchants.models import Acceptance, Void
from points.lines import standing

MOST_CYCLES = 10


class VoucherUnknown(NotFound):
    """This voucher is not known here."""

    zh = "查不到该券。"
    next_en, next_zh = "Ask the customer to open it again in their app.", "请顾客在应用中重新打开该券。"
    clerk_en = "I can't find this one. Please open it again in your app."
    clerk_zh = "我查不到这张券，请您在应用里重新打开。"


class VoucherAlreadyAccepted(Conflict):
    """This voucher was already accepted."""

    zh = "该券已核销。"
    next_en, next_zh = "The customer's app shows where and when.", "顾客的应用中可查看核销时间和门店。"
    clerk_en, clerk_zh = (
        "It was used already; your app shows when and where.",
        "这张券已经用过了，您的应用里可以看到时间和门店。",
    )


class VoucherHeld(Conflict):
    """This voucher is open at another till."""

    zh = "该券正在另一收银台处理。"
    next_en, next_zh = "Wait until the other till lets it go.", "请等待另一收银台处理完。"
    clerk_en, clerk_zh = "It is open at another till. A moment, please.", "另一个收银台正在处理，请稍等。"


class VoucherExpired(Conflict):
    """This voucher has run out."""

    zh = "该券已过期。"
    next_en, next_zh = "The customer's app shows the details.", "顾客的应用中可查看详情。"
    clerk_en, clerk_zh = "It ran out; your app shows the details.", "这张券已过期，您的应用里有详情。"


class VoucherCancelled(Conflict):
    """This voucher was handed back."""

    zh = "该券已退回。"
    next_en, next_zh = "The customer's app shows the details.", "顾客的应用中可查看详情。"
    clerk_en, clerk_zh = "It was handed back; your app shows the details.", "这张券已退回，您的应用里有详情。"


class VoucherNotUsable(Conflict):
    """This voucher cannot be used now."""

    zh = "该券暂不可用。"
    next_en, next_zh = "The customer's app says whom to ask.", "顾客的应用中有联系方式。"
    clerk_en, clerk_zh = (
        "It can't be used right now. Your app says whom to ask.",
        "这张券暂时不能用，您的应用里有联系方式。",
    )


class CheckLapsed(Conflict):
    """The check is too old; nothing was taken."""

    zh = "查券结果已失效，没有核销。"
    next_en, next_zh = "Scan the voucher once more.", "请重新扫描该券。"
    clerk_en, clerk_zh = "I'll scan it once more.", "我再扫一次。"


class TooManyUnitsLeft(Invalid):
    """That is more than is left on this voucher."""

    zh = "超过该券剩余额度。"
    clerk_en, clerk_zh = "There is less left on it.", "券内剩余不足。"


class MemberDaysOnly(NotAllowed):
    """This voucher is for member days alone."""

    zh = "该券仅限会员日使用。"
    next_en, next_zh = "Come back on one of the days that are named.", "请在所列会员日使用。"
    clerk_en, clerk_zh = (
        "It is for member days; your app says which.",
        "这张券只能在会员日使用，您的应用里有日期。",
    )


class VoidNotLatest(Conflict):
    """Only the latest use of a voucher can be undone."""

    zh = "只能撤销最近一次使用。"
    clerk_en, clerk_zh = "I can't undo it here; I'll open a case for you.", "这里无法撤销，我为您提交工单。"


class VoidLimit(Conflict):
    """This voucher was accepted and undone too often."""

    zh = "该券反复核销撤销次数过多。"


@dataclass(frozen=True)
class Checked:
    """A voucher held by a till, and the token that accepts it."""

    voucher: Voucher
    offer: Offer
    token: str


def issue(
    session: Session,
    keys: Keys,
    redemption: tuple[int, int],
    offer: Offer,
    booked_fen: int,
    units: int,
    at: datetime,
    spender_id: int | None = None,
) -> Voucher:
    """The voucher of a paid redemption (member id, redemption id); its code can be opened by its member, or of a group by
    the spender who redeemed it.
    """
    member_id, redemption_id = redemption
    merchant_id = offer.merchant_id or 0
    today = clock.day(at, merchants.zone_of(session, merchant_id))
    symbols, voucher_id = codes.fresh(), ids.new_id()
    voucher = Voucher(
        member_id=member_id,
        voucher_id=voucher_id,
        redemption_id=redemption_id,
        offer_id=offer.offer_id,
        version_id=offer.version_id,
        merchant_id=merchant_id,
        units=units,
        units_left=units,
        face_fen=offer.value_fen * units,
        booked_fen=booked_fen,
        issued_at=at,
        last_day=today + timedelta(days=offer.voucher_days or 0),
        pepper_id=keys.newest,
        state=ISSUED,
        last4=symbols[-4:],
        spender_id=spender_id,
        digest=codes.digest(keys, keys.newest, symbols),
        code_sealed=codes.sealed(keys, voucher_id, symbols),
        held_by=None,
        held_until=None,
        use_no=0,
        cycles=0,
        token_digest=None,
    )
    database.insert(session, voucher)
    return voucher


def find_by_digests(
    session: Session, digests: list[bytes], merchant_id: int, member_id: int | None
) -> Voucher | None:
    """The voucher of a code at this merchant; `member_id` is only a hint where to look."""
    asked = select(Voucher).where(Voucher.digest.in_(digests), Voucher.merchant_id == merchant_id)
    if member_id is not None:
        found = session.scalar(asked.where(Voucher.member_id == member_id))
        if found is not None:
            return found
    several = list(session.scalars(asked.limit(2)))
    return several[0] if len(several) == 1 else None


def check(session: Session, key: str, found: Voucher, place: Place, at: datetime, hold_s: int) -> Checked:
    """Hold a voucher for a till and return the token that accepts it; the same till may check again."""
    zone = merchants.by_id(session, found.merchant_id).zone
    days = forms.member_days(session.get_one(Offer, found.version_id))
    if days and clock.day(at, zone).day not in days:
        raise MemberDaysOnly(days=days)
    token = _token(key, found, place.terminal_id)
    voucher = session.scalar(
        update(Voucher)
        .where(*_key(found), _free_for(place.terminal_id, at), Voucher.last_day >= clock.day(at, zone))
        .values(
            state=HELD,
            held_by=place.terminal_id,
            held_until=at + timedelta(seconds=hold_s),
            token_digest=hashlib.sha256(token.encode()).digest(),
        )
        .returning(Voucher)
        .execution_options(populate_existing=True)
    )
    if voucher is None:
        raise why_not(session, found, place, at, clock.day(at, zone))
    if not standing.takes_vouchers(session, found.member_id, at):
        raise VoucherNotUsable()
    return Checked(voucher, session.get_one(Offer, voucher.version_id), token)


def release(session: Session, key: str, token: str, place: Place) -> None:
    """The till lets the voucher go; harmless when it no longer holds it."""
    member_id, voucher_id = read_token(key, token, place.terminal_id)
    session.execute(
        update(Voucher)
        .where(
            Voucher.member_id == member_id,
            Voucher.voucher_id == voucher_id,
            Voucher.state == HELD,
            Voucher.token_digest == hashlib.sha256(token.encode()).digest(),
        )
        .values(state=ISSUED, held_by=None, held_until=None, token_digest=None)
    )


def accept(
    session: Session, key: str, token: str, units: int | None, place: Place, at: datetime
) -> Acceptance:
    """Take the voucher at the till; what is owed to the merchant starts here."""
    member_id, voucher_id = read_token(key, token, place.terminal_id)
    before = session.get(Voucher, (member_id, voucher_id), populate_existing=True)
    if before is None:
        raise VoucherUnknown()
    wanted = before.units_left if units is None else units
    if wanted > before.units_left > 0:
        raise TooManyUnitsLeft(left=before.units_left)
    # One conditional UPDATE: of two simultaneous tries the database lets exactly one through.
    voucher = session.scalar(
        update(Voucher)
        .where(
            *_key(before),
            Voucher.state == HELD,
            Voucher.held_by == place.terminal_id,
            Voucher.token_digest == hashlib.sha256(token.encode()).digest(),
            Voucher.held_until > at,
            Voucher.units_left >= wanted,
        )
        .values(
            units_left=Voucher.units_left - wanted,
            use_no=Voucher.use_no + 1,
            held_by=None,
            held_until=None,
            token_digest=None,
            state=case((Voucher.units_left == wanted, ACCEPTED), else_=ISSUED),
        )
        .returning(Voucher)
        .execution_options(populate_existing=True)
    )
    if voucher is None:
        zone = merchants.by_id(session, before.merchant_id).zone
        raise why_not(session, before, place, at, clock.day(at, zone), accepting=True)
    if not standing.takes_vouchers(session, member_id, at):
        raise VoucherNotUsable()
    return acceptances.record(session, _use(session, voucher, wanted), place, at)


def void(session: Session, acceptance: Acceptance, place: Place, reason: str, at: datetime) -> Void:
    """Undo the latest use at the till where it was taken; the voucher is as before."""
    undone = acceptances.undo(session, acceptance, place, reason, at)
    given_back = session.execute(
        update(Voucher)
        .where(
            Voucher.member_id == acceptance.member_id,
            Voucher.voucher_id == acceptance.voucher_id,
            Voucher.use_no == acceptance.use_no,
            or_(Voucher.state == ACCEPTED, _free_for(place.terminal_id, at)),
            Voucher.cycles < MOST_CYCLES,
        )
        .values(
            units_left=Voucher.units_left + acceptance.units,
            use_no=Voucher.use_no - 1,
            cycles=Voucher.cycles + 1,
            state=ISSUED,
            held_by=None,
            held_until=None,
            token_digest=None,
        )
        .returning(Voucher.voucher_id)
    ).one_or_none()
    if given_back is None:
        voucher = session.get_one(
            Voucher, (acceptance.member_id, acceptance.voucher_id), populate_existing=True
        )
        raise VoidLimit() if voucher.cycles >= MOST_CYCLES else VoidNotLatest()
    return undone


def cancel(session: Session, member_id: int, redemption_id: int, at: datetime) -> None:
    """The member hands an unused voucher back; a till's hold, a use or its last day refuses it."""
    voucher = of_redemption(session, member_id, redemption_id)
    if voucher is None:
        raise VoucherUnknown()
    today = clock.day(at, merchants.by_id(session, voucher.merchant_id).zone)
    cancelled = session.execute(
        update(Voucher)
        .where(
            Voucher.member_id == member_id,
            Voucher.redemption_id == redemption_id,
            Voucher.units_left == Voucher.units,
            Voucher.last_day >= today,
            or_(Voucher.state == ISSUED, and_(Voucher.state == HELD, Voucher.held_until <= at)),
        )
        .values(state=CANCELLED, held_by=None, held_until=None, token_digest=None)
        .returning(Voucher.voucher_id)
    ).one_or_none()
    if cancelled is None:
        session.refresh(voucher)
        raise _refusal(voucher, at) if state_now(voucher, at, today) != EXPIRED else VoucherExpired()


def why_not(
    session: Session, seen: Voucher, place: Place, at: datetime, today: date, *, accepting: bool = False
) -> Problem:
    """Why a check or an acceptance found no row to change."""
    voucher = session.get(Voucher, (seen.member_id, seen.voucher_id), populate_existing=True)
    if voucher is None or voucher.merchant_id != place.merchant_id:
        return VoucherUnknown()
    if voucher.state == ACCEPTED:
        return _already(session, voucher)
    if voucher.state in (ISSUED, HELD) and voucher.last_day < today:
        return VoucherExpired(last_day=str(voucher.last_day))
    if accepting and (voucher.state == ISSUED or voucher.held_by == place.terminal_id):
        return CheckLapsed()
    return _refusal(voucher, at)


def holder(voucher: Voucher) -> int:
    """The member id of the person who shows this voucher: its member, or of a group the spender who redeemed it."""
    return voucher.member_id if voucher.spender_id is None else voucher.spender_id


def of_redemption(session: Session, member_id: int, redemption_id: int) -> Voucher | None:
    """The voucher of a redemption."""
    return session.scalar(
        select(Voucher).where(Voucher.member_id == member_id, Voucher.redemption_id == redemption_id),
        execution_options={"populate_existing": True},
    )


def id_of_redemption(session: Session, member_id: int, redemption_id: int) -> int | None:
    """The id of the voucher of a redemption."""
    for row in database.rows(session, _ID_OF_REDEMPTION, (member_id, redemption_id)):
        return int(row.voucher_id)
    return None


# Asked with every redemption, so in words that need no compiling.
_ID_OF_REDEMPTION = "select voucher_id from voucher where member_id = %s and redemption_id = %s"


def of_member(session: Session, member_id: int, voucher_id: int) -> tuple[Voucher, Offer]:
    """A member's voucher with its offer; VoucherUnknown."""
    row = session.execute(
        select(Voucher, Offer)
        .join(Offer, Offer.version_id == Voucher.version_id)
        .where(Voucher.member_id == member_id, Voucher.voucher_id == voucher_id)
    ).one_or_none()
    if row is None:
        raise VoucherUnknown()
    return row[0], row[1]


def all_of(session: Session, member_id: int, limit: int = 50) -> list[tuple[Voucher, Offer]]:
    """A member's vouchers, newest first."""
    rows = session.execute(
        select(Voucher, Offer)
        .join(Offer, Offer.version_id == Voucher.version_id)
        .where(Voucher.member_id == member_id)
        .order_by(Voucher.voucher_id.desc())
        .limit(limit)
    )
    return [(voucher, offer) for voucher, offer in rows]


def state_now(voucher: Voucher, at: datetime, today: date) -> str:
    """The state a person should see: a lapsed hold is issued, a past last day is expired."""
    if voucher.state == HELD and voucher.held_until and voucher.held_until <= at:
        return EXPIRED if voucher.last_day < today else ISSUED
    return EXPIRED if voucher.state == ISSUED and voucher.last_day < today else voucher.state


def _refusal(voucher: Voucher, at: datetime) -> Problem:
    if voucher.state == HELD and voucher.held_until:
        return VoucherHeld(retry_after_s=max(1, int((voucher.held_until - at).total_seconds()) + 1))
    kinds = {
        ACCEPTED: VoucherAlreadyAccepted,
        EXPIRED: VoucherExpired,
        CANCELLED: VoucherCancelled,
        FROZEN: VoucherNotUsable,
    }
    return kinds.get(voucher.state, VoucherAlreadyAccepted)()


def _already(session: Session, voucher: Voucher) -> VoucherAlreadyAccepted:
    """With time and outlet: the asking merchant is the voucher's own."""
    last = session.scalar(
        select(Acceptance)
        .where(
            Acceptance.member_id == voucher.member_id,
            Acceptance.voucher_id == voucher.voucher_id,
            Acceptance.void_id.is_(None),
        )
        .order_by(Acceptance.use_no.desc())
        .limit(1)
    )
    if last is None:
        return VoucherAlreadyAccepted()
    outlet = {o.outlet_id: o.names for o in merchants.outlets_of(session, voucher.merchant_id)}.get(
        last.outlet_id, {}
    )
    return VoucherAlreadyAccepted(accepted_at=last.recorded_at.isoformat(), outlet=outlet)


def _use(session: Session, voucher: Voucher, units: int) -> Use:
    before, after = voucher.units_left + units, voucher.units_left
    offer = session.get_one(Offer, voucher.version_id)
    return Use(
        member_id=voucher.member_id,
        voucher_id=voucher.voucher_id,
        use_no=voucher.use_no,
        units=units,
        face_fen=part_of(voucher.face_fen, before, after, voucher.units),
        booked_fen=part_of(voucher.booked_fen, before, after, voucher.units),
        last4=voucher.last4,
        offer_names=offer.names,
    )


def _key(voucher: Voucher) -> tuple[ColumnElement[bool], ...]:
    return (Voucher.member_id == voucher.member_id, Voucher.voucher_id == voucher.voucher_id)


def _free_for(terminal_id: int, at: datetime) -> ColumnElement[bool]:
    held = and_(Voucher.state == HELD, or_(Voucher.held_until <= at, Voucher.held_by == terminal_id))
    return or_(Voucher.state == ISSUED, held)


def _token(key: str, voucher: Voucher, terminal_id: int) -> str:
    body = struct.pack(">qq", voucher.member_id, voucher.voucher_id) + secrets.token_bytes(16)
    return base64.urlsafe_b64encode(_mark(key, body, terminal_id) + body).decode().rstrip("=")


def read_token(key: str, token: str, terminal_id: int) -> tuple[int, int]:
    """Member and voucher of a token made for this terminal; CheckLapsed for any other text."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise CheckLapsed() from None
    if len(raw) != 48 or not hmac.compare_digest(raw[:16], _mark(key, raw[16:], terminal_id)):
        raise CheckLapsed()
    member_id, voucher_id = struct.unpack(">qq", raw[16:32])
    return member_id, voucher_id


def _mark(key: str, body: bytes, terminal_id: int) -> bytes:
    return hmac.new(key.encode(), body + terminal_id.to_bytes(8, "big"), hashlib.sha256).digest()[:16]

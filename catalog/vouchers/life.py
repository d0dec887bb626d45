"""The life of a voucher on its member's side: issued, found, handed back. What tills do to it is in using.py."""

from datetime import date, datetime
from functools import partial

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.errors import Problem
from catalog.offers.models import Offer
from catalog.vouchers import codes, conditions, directory
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import ACCEPTED, CANCELLED, EXPIRED, FROZEN, HELD, ISSUED, Voucher
from catalog.vouchers.refusals import (
    VoucherAlreadyAccepted,
    VoucherCancelled,
    VoucherExpired,
    VoucherHeld,
    VoucherNotUsable,
    VoucherUnknown,
)
from merchants import merchants


def issue(
    session: Session,
    keys: Keys,
    redemption: tuple[int, int],
    offer: Offer,
    booked_fen: int,
    units: int,
    at: datetime,
    spender_id: int | None = None,
    cash_fen: int = 0,
) -> Voucher:
    """The voucher of a paid redemption (member id, redemption id); its code can be opened by its member, or of a group by
    the spender who redeemed it. Of `booked_fen` `cash_fen` was paid in money.
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
        cash_fen=cash_fen,
        issued_at=at,
        last_day=conditions.last_day(offer, today),
        pepper_id=keys.newest,
        state=ISSUED,
        last4=symbols[-4:],
        spender_id=spender_id,
        digest=codes.digest(keys, keys.newest, symbols),
        code_sealed=codes.sealed(keys, voucher_id, symbols),
        held_by=None,
        held_until=None,
        last_step=0,
        use_no=0,
        cycles=0,
        token_digest=None,
        stale_told_at=None,
        cancelled_at=None,
    )
    database.insert(session, voucher)
    database.after_commit(session, partial(directory.write, voucher))
    return voucher


def find_by_digests(
    session: Session, digests: list[bytes], merchant_id: int, member_id: int | None
) -> Voucher | None:
    """A copy of the voucher of a code at this merchant; `member_id` is only a hint where to look."""
    if member_id is not None:
        found = database.copies(session, Voucher, _BY_CODE_AND_MEMBER, (digests, merchant_id, member_id))
        if found:
            return found[0]
    several = database.copies(session, Voucher, _BY_CODE, (digests, merchant_id))
    return several[0] if len(several) == 1 else None


def read(session: Session, member_id: int, voucher_id: int) -> Voucher | None:
    """A copy of a voucher as it is at this moment."""
    return next(iter(database.copies(session, Voucher, _BY_KEY, (member_id, voucher_id))), None)


# Asked with every check and acceptance, so in words that need no compiling.
COLUMNS = database.columns(Voucher)
_BY_KEY = f"select {COLUMNS} from voucher where member_id = %s and voucher_id = %s"
_BY_CODE = f"select {COLUMNS} from voucher where digest = any(%s) and merchant_id = %s limit 2"
_BY_CODE_AND_MEMBER = (
    f"select {COLUMNS} from voucher where digest = any(%s) and merchant_id = %s and member_id = %s"
)


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
        .values(state=CANCELLED, cancelled_at=at, held_by=None, held_until=None, token_digest=None)
        .returning(Voucher.voucher_id)
    ).one_or_none()
    if cancelled is None:
        session.refresh(voucher)
        raise refusal_of(voucher, at) if state_now(voucher, at, today) != EXPIRED else VoucherExpired()


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


def refusal_of(voucher: Voucher, at: datetime) -> Problem:
    """Why a voucher in this state is not to be had."""
    if voucher.state == HELD and voucher.held_until:
        return VoucherHeld(retry_after_s=max(1, int((voucher.held_until - at).total_seconds()) + 1))
    if voucher.state == EXPIRED:
        return VoucherExpired(last_day=str(voucher.last_day))
    kinds = {
        ACCEPTED: VoucherAlreadyAccepted,
        CANCELLED: VoucherCancelled,
        FROZEN: VoucherNotUsable,
    }
    return kinds.get(voucher.state, VoucherAlreadyAccepted)()

"""Acceptances: the merchant's side of a voucher's use, with all amounts frozen under the terms of the day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import ids
from base.errors import Conflict, NotFound
from base.failpoints import failpoint
from merchants import cycles, merchants, terms
from merchants.models import CHECKED, DAILY, Acceptance, Outlet, Terms, Void
from merchants.terminals import shifts
from merchants.terminals.models import ClerkRow
from merchants.terms import House


class AcceptanceUnknown(NotFound):
    """There is no such acceptance at this till."""

    zh = "本终端没有该笔核销。"


class VoidTooLate(Conflict):
    """It is too late to undo this acceptance here."""

    zh = "已超过可撤销的时间。"
    next_en, next_zh = "Open a case for support.", "请提交工单处理。"
    clerk_en, clerk_zh = "I can't undo it here; I'll open a case for you.", "这里无法撤销，我为您提交工单。"
    then = "support"


class AlreadyVoided(Conflict):
    """This acceptance was undone already."""

    zh = "该笔核销已撤销。"
    clerk_en, clerk_zh = (
        "It was undone already; your voucher is valid again.",
        "这笔已经撤销，您的券又可以用了。",
    )
    then = "rescan"


@dataclass(frozen=True)
class Place:
    """Where and by whom something was done at a till."""

    merchant_id: int
    outlet_id: int
    terminal_id: int
    clerk_id: int
    shift_id: int | None = None
    is_manager: bool = False


@dataclass(frozen=True)
class Use:
    """The use of a voucher that is being accepted: its number, offer, units, face value and booked value (fen).

    `merchant_bp`: what the merchant has offered to bear of its price; 0: what the terms say.
    """

    member_id: int
    voucher_id: int
    use_no: int
    units: int
    face_fen: int
    booked_fen: int
    last4: str
    offer_names: dict[str, str]
    offer_id: int = 0
    merchant_bp: int = 0


def record(
    session: Session, use: Use, place: Place, house: House, at: datetime, source: str = CHECKED
) -> Acceptance:
    """The acceptance, with what is owed for it; a second one of the same use is refused by the database. ShiftEnded."""
    shifts.going_on(session, place.terminal_id, place.shift_id)
    due = terms.due(house, use.face_fen, offer_id=use.offer_id, units=use.units, merchant_bp=use.merchant_bp)
    acceptance = Acceptance(
        acceptance_id=ids.new_id(),
        member_id=use.member_id,
        voucher_id=use.voucher_id,
        use_no=use.use_no,
        units=use.units,
        booked_fen=use.booked_fen,
        last4=use.last4,
        offer_names=use.offer_names,
        merchant_id=place.merchant_id,
        outlet_id=place.outlet_id,
        terminal_id=place.terminal_id,
        clerk_id=place.clerk_id,
        shift_id=place.shift_id,
        source=source,
        terms_id=house.terms_id,
        owed_fen=due.owed_fen,
        fee_fen=due.fee_fen,
        vat_fen=due.vat_fen,
        brand_fen=due.brand_fen,
        recorded_at=at,
        currency=house.currency,
    )
    session.add(acceptance)
    session.flush()
    failpoint("acceptance_kept")
    return acceptance


def find(session: Session, member_id: int, acceptance_id: int, merchant_id: int) -> Acceptance:
    """An acceptance of this merchant; AcceptanceUnknown for anybody else's."""
    found = session.get(Acceptance, (member_id, acceptance_id))
    if found is None or found.merchant_id != merchant_id:
        raise AcceptanceUnknown()
    return found


def find_at(session: Session, member_id: int, acceptance_id: int, outlet_id: int) -> Acceptance:
    """An acceptance of this outlet; AcceptanceUnknown also for another outlet's of the same merchant."""
    found = session.get(Acceptance, (member_id, acceptance_id))
    if found is None or found.outlet_id != outlet_id:
        raise AcceptanceUnknown()
    return found


def undo(session: Session, acceptance: Acceptance, place: Place, reason: str, at: datetime) -> Void:
    """Void an acceptance once, before the cut-off: at its terminal in a short window, by a manager at its outlet in a longer one."""
    shifts.going_on(session, place.terminal_id, place.shift_id)
    zone = merchants.by_id(session, acceptance.merchant_id).zone
    version = session.get_one(Terms, acceptance.terms_id)
    until = undoable_until(acceptance, version, zone, place)
    if until is None:
        raise AcceptanceUnknown()
    if at > until:
        raise VoidTooLate(until=until.isoformat())
    void_id = session.scalar(
        insert(Void)
        .values(
            member_id=acceptance.member_id,
            void_id=ids.new_id(),
            acceptance_id=acceptance.acceptance_id,
            merchant_id=acceptance.merchant_id,
            terminal_id=place.terminal_id,
            clerk_id=place.clerk_id,
            recorded_at=at,
            reason=reason,
        )
        .on_conflict_do_nothing()
        .returning(Void.void_id)
    )
    if void_id is None:
        raise AlreadyVoided()
    session.execute(
        update(Acceptance)
        .where(
            Acceptance.member_id == acceptance.member_id, Acceptance.acceptance_id == acceptance.acceptance_id
        )
        .values(void_id=void_id)
    )
    return session.get_one(Void, (acceptance.member_id, void_id))


def of_voucher(session: Session, member_id: int, voucher_id: int) -> list[tuple[Acceptance, Outlet]]:
    """The acceptances of a voucher that stand (were not undone), the latest use first, with their outlets."""
    rows = session.execute(
        select(Acceptance, Outlet)
        .join(Outlet, Outlet.outlet_id == Acceptance.outlet_id)
        .where(
            Acceptance.member_id == member_id,
            Acceptance.voucher_id == voucher_id,
            Acceptance.void_id.is_(None),
        )
        .order_by(Acceptance.use_no.desc())
    )
    return [(acceptance, outlet) for acceptance, outlet in rows]


def clerk_number(session: Session, acceptance: Acceptance) -> str:
    """The number of the clerk who took it."""
    return session.get_one(ClerkRow, acceptance.clerk_id).number


def undoable_until(acceptance: Acceptance, version: Terms, zone: str, place: Place) -> datetime | None:
    """The last moment at which it can be undone from here, before the cut-off of its day; None: never from here."""
    if place.is_manager and acceptance.outlet_id == place.outlet_id:
        window_s = version.manager_void_window_s
    elif acceptance.terminal_id == place.terminal_id:
        window_s = version.void_window_s
    else:
        return None
    day = cycles.period_of(DAILY, version.cutoff_minute, zone, acceptance.recorded_at)
    return min(acceptance.recorded_at + timedelta(seconds=window_s), day.to_at - timedelta(microseconds=1))

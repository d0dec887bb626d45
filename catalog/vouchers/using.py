"""What a till does to a voucher: a check holds it, an acceptance takes it, exactly once, a void gives it back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, update
from sqlalchemy.orm import Session

from base import database
from base.errors import Problem
from base.failpoints import failpoint
from base.halts import halts
from base.money import part_of
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.vouchers import codes, conditions, freezing, life, tokens
from catalog.vouchers.codes import Keys, Shown
from catalog.vouchers.models import ACCEPTED, FROZEN, HELD, ISSUED, Voucher
from catalog.vouchers.refusals import (
    CheckLapsed,
    CodeStale,
    DigitsNeeded,
    DirectAcceptOff,
    TooManyUnitsLeft,
    VoidLimit,
    VoidNotLatest,
    VoucherAlreadyAccepted,
    VoucherExpired,
    VoucherNotUsable,
    VoucherUnknown,
)
from merchants import acceptances, terms
from merchants.acceptances import Place, Use
from merchants.disputes import holding
from merchants.models import CHECKED, DIRECT, Acceptance, Void
from merchants.terms import House
from points.lines import standing

MOST_CYCLES = 10


@dataclass(frozen=True)
class Checked:
    """A voucher held by a till, the token that accepts it, and what it is bound to, in words."""

    voucher: Voucher
    offer: Offer
    token: str
    conditions: list[dict[str, str]]


@dataclass(frozen=True)
class Till:
    """Where a voucher is shown, the moment, and the secrets with which codes and tokens are read."""

    place: Place
    at: datetime
    keys: Keys
    token_key: str


def check(session: Session, till: Till, found: Voucher, shown: Shown, hold_s: int) -> Checked:
    """Hold a voucher for a till and return the token that accepts it; the same till may check again."""
    house = terms.house(session, till.place.merchant_id, till.at)
    offer, step = _admitted(session, till, found, shown, house)
    token = tokens.make(till.token_key, found.member_id, found.voucher_id, till.place.terminal_id)
    values = _asked(till, found, house, step) | {
        "until": till.at + timedelta(seconds=hold_s),
        "token": tokens.digest(token),
    }
    for voucher in database.copies(session, Voucher, _HOLD, values):
        failpoint("voucher_held")
        if not standing.takes_vouchers(session, found.member_id, till.at):
            raise VoucherNotUsable()
        return Checked(voucher, offer, token, conditions.said(session, offer))
    raise why_not(session, till, found, house.today, step=step)


def release(session: Session, till: Till, token: str) -> None:
    """The till lets the voucher go; harmless when it no longer holds it."""
    member_id, voucher_id = tokens.read(till.token_key, token, till.place.terminal_id)
    session.execute(
        update(Voucher)
        .where(
            Voucher.member_id == member_id,
            Voucher.voucher_id == voucher_id,
            Voucher.state == HELD,
            Voucher.token_digest == tokens.digest(token),
        )
        .values(state=ISSUED, held_by=None, held_until=None, token_digest=None)
    )


def accept(session: Session, till: Till, token: str, units: int | None) -> Acceptance:
    """Take a checked voucher, all of it or some units; what is owed to the merchant starts here."""
    before = life.read(session, *tokens.read(till.token_key, token, till.place.terminal_id))
    if before is None:
        raise VoucherUnknown()
    wanted, shown = _wanted(before, units), tokens.digest(token)
    house = terms.house(session, till.place.merchant_id, till.at)
    offer = offers.version(session, before.version_id)
    halts.check_among(house.stopped, halts.ACCEPT, offer.programme_id)
    if before.token_digest == shown:
        conditions.admit_use(session, before, offer, till.at, house.zone)
    values = _asked(till, before, house, None) | {"wanted": wanted, "token": shown}
    for taken in database.copies(session, Voucher, _TAKE_HELD, values):
        failpoint("voucher_taken")
        return _recorded(session, till, house, taken, wanted, CHECKED)
    raise why_not(session, till, before, house.today, accepting=True)


def accept_directly(
    session: Session, till: Till, found: Voucher, shown: Shown, units: int | None
) -> Acceptance:
    """Take a voucher without a check before, where the merchant's terms allow that to its cash-desk systems."""
    house = terms.house(session, till.place.merchant_id, till.at)
    if not house.direct_accept:
        raise DirectAcceptOff()
    offer, step = _admitted(session, till, found, shown, house)
    halts.check_among(house.stopped, halts.ACCEPT, offer.programme_id)
    wanted = _wanted(found, units)
    values = _asked(till, found, house, step) | {"wanted": wanted}
    for taken in database.copies(session, Voucher, _TAKE_SHOWN, values):
        failpoint("voucher_taken_directly")
        return _recorded(session, till, house, taken, wanted, DIRECT)
    raise why_not(session, till, found, house.today, step=step)


def void(session: Session, till: Till, acceptance: Acceptance, reason: str) -> Void:
    """Undo the latest use; the voucher is as before, and frozen where something freezes it. Not what is disputed or was taken
    back from the merchant: AcceptanceDisputed, AlreadyClawedBack.
    """
    undone = acceptances.undo(session, acceptance, till.place, reason, till.at)
    failpoint("acceptance_undone")
    # Whoever freezes it just now writes the reason first: it is seen below.
    freezing.lock(session, (acceptance.member_id, acceptance.voucher_id))
    holding.check_free(session, acceptance)
    given_back = session.execute(
        update(Voucher)
        .where(
            Voucher.member_id == acceptance.member_id,
            Voucher.voucher_id == acceptance.voucher_id,
            Voucher.use_no == acceptance.use_no,
            or_(Voucher.state.in_((ACCEPTED, FROZEN)), _free_for(till)),
            Voucher.cycles < MOST_CYCLES,
        )
        .values(
            units_left=Voucher.units_left + acceptance.units,
            use_no=Voucher.use_no - 1,
            cycles=Voucher.cycles + 1,
            state=case(
                (freezing.is_frozen(acceptance.member_id, acceptance.voucher_id), FROZEN), else_=ISSUED
            ),
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


def why_not(
    session: Session,
    till: Till,
    seen: Voucher,
    today: date,
    *,
    step: int | None = None,
    accepting: bool = False,
) -> Problem:
    """Why a check or an acceptance found no row to change."""
    voucher = session.get(Voucher, (seen.member_id, seen.voucher_id), populate_existing=True)
    if voucher is None or voucher.merchant_id != till.place.merchant_id:
        return VoucherUnknown()
    if voucher.state == ACCEPTED:
        return _already(session, till, voucher)
    if voucher.state in (ISSUED, HELD) and voucher.last_day < today:
        return VoucherExpired(last_day=str(voucher.last_day))
    if accepting and (voucher.state == ISSUED or voucher.held_by == till.place.terminal_id):
        return CheckLapsed()
    if step is not None and voucher.last_step >= step and _is_free(till, voucher):
        return CodeStale()
    return life.refusal_of(voucher, till.at)


def _admitted(
    session: Session, till: Till, found: Voucher, shown: Shown, house: House
) -> tuple[Offer, int | None]:
    """The offer and the step of the picture that was shown; any reason why it is not to be used here and now."""
    if not _is_free(till, found) or found.last_day < house.today:
        raise why_not(session, till, found, house.today)
    offer = offers.version(session, found.version_id)
    conditions.admit(session, found, offer, till.place, till.at, house.zone)
    if shown.digits is None:
        if part_of(found.face_fen, found.units_left, 0, found.units) > house.typed_limit_fen:
            raise DigitsNeeded()
        return offer, None
    step = codes.step_of(till.keys, found.voucher_id, shown.digits, till.at)
    if step is None:
        raise CodeStale()
    return offer, step


def _wanted(voucher: Voucher, units: int | None) -> int:
    wanted = voucher.units_left if units is None else units
    if wanted > voucher.units_left > 0:
        raise TooManyUnitsLeft(left=voucher.units_left)
    return wanted


def _recorded(
    session: Session, till: Till, house: House, taken: Voucher, units: int, source: str
) -> Acceptance:
    if not standing.takes_vouchers(session, taken.member_id, till.at):
        raise VoucherNotUsable()
    return acceptances.record(session, _use(session, taken, units), till.place, house, till.at, source)


def _use(session: Session, voucher: Voucher, units: int) -> Use:
    before, after = voucher.units_left + units, voucher.units_left
    offer = offers.version(session, voucher.version_id)
    return Use(
        member_id=voucher.member_id,
        voucher_id=voucher.voucher_id,
        use_no=voucher.use_no,
        units=units,
        face_fen=part_of(voucher.face_fen, before, after, voucher.units),
        booked_fen=part_of(voucher.booked_fen, before, after, voucher.units),
        last4=voucher.last4,
        offer_names=offer.names,
        offer_id=voucher.offer_id,
        merchant_bp=offer.form.get("merchant_bp", 0),
    )


def _already(session: Session, till: Till, voucher: Voucher) -> VoucherAlreadyAccepted:
    """With time and outlet, for the asking merchant is the voucher's own; at the outlet itself with the clerk as well."""
    latest = acceptances.of_voucher(session, voucher.member_id, voucher.voucher_id)[:1]
    for acceptance, outlet in latest:
        here = outlet.outlet_id == till.place.outlet_id
        facts: dict[str, Any] = {"accepted_at": acceptance.recorded_at.isoformat(), "outlet": outlet.names}
        if here:
            facts["clerk"] = acceptances.clerk_number(session, acceptance)
        return VoucherAlreadyAccepted(here=here, **facts)
    return VoucherAlreadyAccepted()


def _free_for(till: Till) -> ColumnElement[bool]:
    mine = Voucher.held_by == till.place.terminal_id
    held = and_(Voucher.state == HELD, or_(Voucher.held_until <= till.at, mine))
    return or_(Voucher.state == ISSUED, held)


def _is_free(till: Till, voucher: Voucher) -> bool:
    """The same of a voucher that was read."""
    if voucher.state != HELD or voucher.held_until is None:
        return voucher.state == ISSUED
    return voucher.held_by == till.place.terminal_id or voucher.held_until <= till.at


def _asked(till: Till, voucher: Voucher, house: House, step: int | None) -> dict[str, Any]:
    return {
        "member": voucher.member_id,
        "voucher": voucher.voucher_id,
        "terminal": till.place.terminal_id,
        "at": till.at,
        "today": house.today,
        "step": step,
    }


# One conditional UPDATE each: of two simultaneous tries the database lets exactly one through. Sent with every check and
# acceptance, so in words that need no compiling. One picture is good for one check; only the till that holds the voucher may
# show it again.
_THIS = "member_id = %(member)s and voucher_id = %(voucher)s"
_SHOWN = (
    "last_day >= %(today)s "
    "and (state = 'issued' or state = 'held' and (held_until <= %(at)s or held_by = %(terminal)s)) "
    "and (%(step)s::bigint is null or last_step < %(step)s "
    "or last_step = %(step)s and state = 'held' and held_by = %(terminal)s and held_until > %(at)s)"
)
_TAKEN = (
    "units_left = units_left - %(wanted)s, use_no = use_no + 1, held_by = null, held_until = null, token_digest = null, "
    "state = case when units_left = %(wanted)s then 'accepted' else 'issued' end"
)
_HOLD = (
    "update voucher set state = 'held', held_by = %(terminal)s, held_until = %(until)s, token_digest = %(token)s, "
    f"last_step = coalesce(%(step)s::bigint, last_step) where {_THIS} and {_SHOWN} returning {life.COLUMNS}"
)
_TAKE_HELD = (
    f"update voucher set {_TAKEN} where {_THIS} and state = 'held' and held_by = %(terminal)s "
    f"and token_digest = %(token)s and held_until > %(at)s and units_left >= %(wanted)s returning {life.COLUMNS}"
)
_TAKE_SHOWN = (
    f"update voucher set {_TAKEN}, last_step = coalesce(%(step)s::bigint, last_step) "
    f"where {_THIS} and {_SHOWN} and units_left >= %(wanted)s returning {life.COLUMNS}"
)

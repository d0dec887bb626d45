"""What a till does with a voucher, in the order of its transactions: guess limits, look-up, hold, acceptance, void.

A refused try is kept in a transaction of its own, so these functions open their own; both the API and the till's pages
stand on them. An acceptance and a void are done once for an idempotency key, in its transaction: `answered` does that.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from sqlalchemy.orm import Session

from base import clock, database, patience
from base.config import Config
from catalog.vouchers import codes, directory, events, life, stale, telling, tokens, using
from catalog.vouchers.codes import Keys, Shown
from catalog.vouchers.models import Voucher
from catalog.vouchers.refusals import VoucherUnknown
from catalog.vouchers.using import Checked, Till
from merchants import acceptances, merchants
from merchants.acceptances import Place
from merchants.models import Acceptance, Void
from merchants.terminals import attempts, guessing
from merchants.terminals.attempts import About
from points.members import masks, members
from points.members.members import Secrets

SLOWED_S = 1.0
R = TypeVar("R")


def check(config: Config, place: Place, shown: Shown) -> tuple[Checked, str]:
    """Look a voucher up and hold it for this till; returns it with the masked member. Unknown codes count as guesses."""
    till = _till(config, place)
    with _evenly(config), stale.watched(config, place, attempts.CHECK) as about, database.begin() as session:
        found = _found(session, till, shown, about)
        checked = using.check(session, till, found, shown, config.check_hold_s)
        phone = members.phone_of(session, Secrets(config.seal_key, config.secret_key), life.holder(found))
        return checked, masks.phone(phone)


def release(config: Config, place: Place, token: str) -> None:
    """Let a checked voucher go; harmless to repeat."""
    with database.begin() as session:
        using.release(session, _till(config, place), token)


def accept(
    config: Config,
    place: Place,
    token: str,
    units: int | None,
    answered: Callable[[Session, int, Callable[[], Acceptance]], R],
) -> R:
    """Take the checked voucher; its member is told behind it. `answered` does it once for its key, in the scope of the member."""
    till = _till(config, place)
    with attempts.noted(place, attempts.ACCEPT) as about:
        member_id, voucher_id = tokens.read(config.secret_key, token, place.terminal_id)
        about.voucher(member_id, voucher_id)
        with database.begin() as session:
            return answered(
                session,
                member_id,
                lambda: _told(session, using.accept(session, till, token, units)),
            )


def accept_directly(
    config: Config,
    place: Place,
    shown: Shown,
    units: int | None,
    answered: Callable[[Session, int, Callable[[], Acceptance]], R],
) -> R:
    """Take a voucher by its code alone, for cash-desk systems whose merchant's terms allow it."""
    till = _till(config, place)
    with _evenly(config), stale.watched(config, place, attempts.DIRECT) as about, database.begin() as session:
        found = _found(session, till, shown, about)
        return answered(
            session,
            found.member_id,
            lambda: _told(session, using.accept_directly(session, till, found, shown, units)),
        )


def void(
    config: Config,
    place: Place,
    key: tuple[int, int],
    reason: str,
    answered: Callable[[Session, int, Callable[[], Void]], R],
) -> R:
    """Undo an acceptance (its key: member id, acceptance id); the member is told behind it."""
    till = _till(config, place)
    with attempts.noted(place, attempts.VOID) as about, database.begin() as session:
        acceptance = acceptances.find(session, *key, place.merchant_id)
        about.voucher(acceptance.member_id, acceptance.voucher_id)

        def undone() -> Void:
            made = using.void(session, till, acceptance, reason)
            telling.promise(session, acceptance, telling.VOIDED)
            events.voided(session, acceptance, made)
            return made

        return answered(session, key[0], undone)


def _evenly(config: Config) -> AbstractContextManager[None]:
    """What is not known here is said after one and the same time, and after a longer one while codes are guessed everywhere."""

    def floor_s() -> float:
        with database.reading() as session:
            return (
                SLOWED_S
                if guessing.is_fleet_guessing(session, clock.now())
                else config.unknown_floor_ms / 1000
            )

    return patience.no_sooner(VoucherUnknown, floor_s)


def _till(config: Config, place: Place) -> Till:
    return Till(place, clock.now(), Keys.of(config), config.secret_key)


def _found(session: Session, till: Till, shown: Shown, about: About) -> Voucher:
    """The voucher of a code at this merchant, within the limits of guessing; VoucherUnknown for any other.

    MerchantNotOpen where the merchant is still joining: its till is being tried.
    """
    guessing.check(session, till.place, till.at)
    found = _find(session, codes.digests(till.keys, shown.symbols), till.place.merchant_id)
    if found is None:
        merchants.check_takes(merchants.by_id(session, till.place.merchant_id).state)
        raise VoucherUnknown()
    about.voucher(found.member_id, found.voucher_id)
    if shown.digits is not None:
        guessing.check_pictures(session, found.member_id, found.voucher_id, till.at)
    return found


def _find(session: Session, digests: list[bytes], merchant_id: int) -> Voucher | None:
    """By the directory, which is only believed about where to look; else by the index."""
    hint = directory.member_of(digests)
    found = life.find_by_digests(session, digests, merchant_id, hint)
    if found is not None and hint != found.member_id:
        directory.write(found)
    return found


def _told(session: Session, acceptance: Acceptance) -> Acceptance:
    telling.promise(session, acceptance, telling.ACCEPTED)
    events.accepted(session, acceptance)
    return acceptance

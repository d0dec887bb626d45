"""What a till does with a voucher, in the order of its transactions: guess limits, look-up, hold, acceptance, void.

A wrong guess is counted in a transaction of its own, so these functions open their own; both the API and the till's
pages stand on them.
"""

import re
from datetime import timedelta

from sqlalchemy.orm import Session

from base import cache, clock, database
from base.auth import guesses
from base.auth.guesses import Limit
from base.auth.principals import Clerk
from base.config import Config
from base.notices.templates import Facts
from catalog.vouchers import codes, life
from catalog.vouchers.codes import Keys
from catalog.vouchers.life import Checked, VoucherUnknown
from catalog.vouchers.models import Voucher
from merchants import acceptances
from merchants.acceptances import Place
from merchants.models import Acceptance, Void
from points.members import masks, members
from points.members.members import Secrets
from points.notices import telling

GUESSES = Limit(tries=10, window=timedelta(minutes=15))
DIRECTORY_LIFE_S = 86_400


def place_of(clerk: Clerk) -> Place:
    """Where and by whom."""
    return Place(clerk.merchant_id, clerk.outlet_id, clerk.terminal_id, clerk.clerk_id)


def check(config: Config, clerk: Clerk, code: str) -> tuple[Checked, str]:
    """Look a voucher up and hold it for this till; returns it with the masked member. Unknown codes count as guesses."""
    at, keys, scope = clock.now(), Keys.of(config), f"till:{clerk.terminal_id}"
    digests = codes.digests(keys, codes.read(code))
    with database.begin() as session:
        guesses.check(session, scope, GUESSES, at)
        found = _find(session, digests, clerk.merchant_id)
        if found is not None:
            checked = life.check(session, config.secret_key, found, place_of(clerk), at, config.check_hold_s)
            phone = members.phone_of(session, Secrets(config.seal_key, config.secret_key), life.holder(found))
            return checked, masks.phone(phone)
        guesses.wrong(session, scope, at)
    raise VoucherUnknown()


def accept(session: Session, config: Config, clerk: Clerk, token: str, units: int | None) -> Acceptance:
    """Take the voucher and tell its member."""
    at = clock.now()
    acceptance = life.accept(session, config.secret_key, token, units, place_of(clerk), at)
    _tell(session, config, acceptance, voided=False)
    return acceptance


def void(session: Session, config: Config, clerk: Clerk, key: tuple[int, int], reason: str) -> Void:
    """Undo an acceptance (its key: member id, acceptance id) and tell the member."""
    at = clock.now()
    acceptance = acceptances.find(session, *key, clerk.merchant_id)
    undone = life.void(session, acceptance, place_of(clerk), reason, at)
    _tell(session, config, acceptance, voided=True)
    return undone


def member_of_token(config: Config, clerk: Clerk, token: str) -> int:
    """The member whose voucher a token holds: the scope of the idempotency key."""
    return life.read_token(config.secret_key, token, clerk.terminal_id)[0]


def _find(session: Session, digests: list[bytes], merchant_id: int) -> Voucher | None:
    """By the directory in the cache, which is only believed about where to look; else by the index."""
    hints = [cache.get(f"vd:{digest.hex()}") for digest in digests]
    numbers = [int(text) for text in hints if text and re.fullmatch("[0-9]{1,19}", text)]
    hint = next((number for number in numbers if number < 1 << 63), None)
    found = life.find_by_digests(session, digests, merchant_id, hint)
    if found is not None and hint != found.member_id:
        cache.put(f"vd:{found.digest.hex()}", str(found.member_id), DIRECTORY_LIFE_S)
    return found


def _tell(session: Session, config: Config, acceptance: Acceptance, *, voided: bool) -> None:
    person = life.holder(session.get_one(Voucher, (acceptance.member_id, acceptance.voucher_id)))
    facts: Facts = {"offer": acceptance.offer_names, "last4": acceptance.last4}
    telling.tell(session, config, person, "voucher-voided" if voided else "voucher-accepted", facts)

"""The second factor of staff: a code of an authenticator (RFC 6238: SHA-1, 30 seconds, 6 digits), or a recovery code.

A code counts once: the step that was used last is kept, and only a later one is taken. The secret lies sealed for its
person; recovery codes lie as keyed digests and are shown once.
"""

import base64
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

import pyotp
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from admin.staff.models import CODE, RECOVERY, RecoveryCode, StaffRow
from base import audit, ids, seals
from base.auth.roles import needs_second_factor
from base.config import Config

STEP_S = 30
WINDOW = (-1, 0, 1)  # steps by which the person's clock may be wrong
RECOVERY_CODES = 10
_ISSUER = "jifen"
_SYMBOLS = 10


def is_enrolled(row: StaffRow) -> bool:
    """Whether the person has a second factor."""
    return row.factor_sealed is not None


def is_needed(row: StaffRow) -> bool:
    """Whether this person signs in in two steps: whoever has a second factor, and whose roles ask for one."""
    return is_enrolled(row) or needs_second_factor(frozenset(row.roles))


def secret_for(config: Config, token: str) -> str:
    """The secret that is offered to whoever holds a sign-in's token: the same as long as it lives, and kept nowhere."""
    return base64.b32encode(seals.blind(config.seal_key, "second factor", token)[:20]).decode()


def address(secret: str, row: StaffRow) -> str:
    """What the picture for the authenticator says."""
    return pyotp.TOTP(secret).provisioning_uri(name=row.email, issuer_name=_ISSUER)


def code_at(secret: str, at: datetime) -> str:
    """What an authenticator with this secret shows at a moment."""
    return pyotp.TOTP(secret).generate_otp(int(at.timestamp()) // STEP_S)


def is_right(secret: str, code: str, at: datetime) -> bool:
    """Whether a code is one of the secret's at this moment; nothing is used up."""
    return _step(secret, code, at) is not None


def enrol(
    session: Session, config: Config, row: StaffRow, secret: str, at: datetime, *, used_code: str = ""
) -> list[str]:
    """From now on the codes of this secret count, and no earlier ones; returns the recovery codes, to be shown once.

    `used_code`: the one by which the person has just proved to hold it; it does not count again.
    """
    row.factor_sealed, row.factor_at = seals.seal(config.seal_key, secret, _bound(row.staff_id)), at
    row.factor_step = _step(secret, used_code, at) or 0
    audit.write(session, f"staff:{row.staff_id}", "staff.second-factor", f"staff:{row.staff_id}")
    return fresh_recovery_codes(session, config, row, at)


def fresh_recovery_codes(session: Session, config: Config, row: StaffRow, at: datetime) -> list[str]:
    """Ten recovery codes in the place of those that were there."""
    _end_recovery_codes(session, row.staff_id, at)
    made = [_readable(secrets.choice(ids.ALPHABET) for _ in range(_SYMBOLS)) for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(
            staff_id=row.staff_id, digest=_digest(config, row.staff_id, code), made_at=at, used_at=None
        )
        for code in made
    )
    session.flush()
    return made


def take(session: Session, config: Config, row: StaffRow, code: str, at: datetime) -> str | None:
    """By what the code is right, which uses it up: CODE or RECOVERY; None: it is wrong or was used."""
    if row.factor_sealed is None:
        return None
    secret = seals.opened(config.seal_key, row.factor_sealed, _bound(row.staff_id))
    step = _step(secret, code, at)
    if step is None:
        return RECOVERY if _took_recovery(session, config, row.staff_id, code, at) else None
    used = session.scalar(
        update(StaffRow)
        .where(StaffRow.staff_id == row.staff_id, StaffRow.factor_step < step)
        .values(factor_step=step)
        .returning(StaffRow.staff_id)
        .execution_options(synchronize_session=False)
    )
    return CODE if used is not None else None


def forget(session: Session, row: StaffRow, at: datetime) -> None:
    """The person has no second factor any more, and enrols anew where the roles ask for one."""
    _end_recovery_codes(session, row.staff_id, at)
    row.factor_sealed = row.factor_at = None


def recovery_codes_left(session: Session, staff_id: int) -> int:
    """How many were not used yet."""
    asked = select(func.count()).where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    return session.scalar(asked) or 0


def _end_recovery_codes(session: Session, staff_id: int, at: datetime) -> None:
    unused = (RecoveryCode.staff_id == staff_id) & RecoveryCode.used_at.is_(None)
    session.execute(update(RecoveryCode).where(unused).values(used_at=at))


def _took_recovery(session: Session, config: Config, staff_id: int, code: str, at: datetime) -> bool:
    digest = _digest(config, staff_id, code)
    used = session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.staff_id == staff_id, RecoveryCode.digest == digest, RecoveryCode.used_at.is_(None)
        )
        .values(used_at=at)
        .returning(RecoveryCode.staff_id)
    )
    if used is not None:
        audit.write(session, f"staff:{staff_id}", "staff.recovery-code", f"staff:{staff_id}")
    return used is not None


def _step(secret: str, code: str, at: datetime) -> int | None:
    typed, now, totp = "".join(code.split()), int(at.timestamp()) // STEP_S, pyotp.TOTP(secret)
    if not (typed.isascii() and typed.isdigit()):
        return None
    right = [now + apart for apart in WINDOW if hmac.compare_digest(totp.generate_otp(now + apart), typed)]
    return max(right, default=None)


def _readable(symbols: Iterable[str]) -> str:
    text = "".join(symbols)
    return f"{text[:5]}-{text[5:]}"


def _digest(config: Config, staff_id: int, code: str) -> bytes:
    plain = "".join(symbol for symbol in code.upper() if symbol in ids.ALPHABET)
    return seals.blind(config.secret_key, "recovery", f"{staff_id}:{plain}")


def _bound(staff_id: int) -> str:
    return f"second-factor:{staff_id}"

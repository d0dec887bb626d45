"""What a person of the staff changes of the own sign-in: the password, the second factor, sign-ins that are open elsewhere.

Whoever changes the password or the second factor is signed out everywhere, and signed in afresh here.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.staff import entries, second_factor, strength
from admin.staff.entries import Origin
from admin.staff.models import CODE, NO_PASSWORD, PASSWORD, StaffRow
from admin.staff.signing_in import LIMIT, CodeRefused
from base import audit, clock, database
from base.auth import guesses, passwords
from base.config import Config
from base.errors import Invalid, NotFound

LINK_LIVES = timedelta(hours=24)


class PasswordNotRight(Invalid):
    """The present password is not right."""

    zh = "当前密码不正确。"
    next_en, next_zh = "Check it and try again.", "请核对后重试。"


class LinkUnknown(NotFound):
    """This link was used, has run out, or never was."""

    zh = "该链接已使用、已过期或不存在。"
    next_en, next_zh = "Ask a system administrator for another one.", "请联系系统管理员重新生成。"


def change_password(staff_id: int, present: str, wanted: str, of: Origin) -> str:
    """Another password; the token of a fresh sign-in. PasswordNotRight, PasswordTooWeak, TooManyGuesses."""
    at, scope = clock.now(), f"staff-password:{staff_id}"
    with database.begin() as session:
        guesses.check(session, scope, LIMIT, at)
        row = session.get_one(StaffRow, staff_id, with_for_update=True)
        if passwords.matches(row.password_hash, present):
            guesses.forget(session, scope)
            _set(session, row, wanted, at)
            return entries.begin(session, staff_id, of, PASSWORD, at)
        guesses.wrong(session, scope, at)
    raise PasswordNotRight()


def renew_second_factor(
    config: Config, staff_id: int, token: str, present: str, code: str, of: Origin
) -> tuple[str, list[str]]:
    """Another authenticator in the place of the present one, or the first; the token of a fresh sign-in, recovery codes.

    `token`: of the sign-in to which the secret was offered. CodeRefused, PasswordNotRight (where there is one), TooManyGuesses.
    """
    at, secret, scope = clock.now(), second_factor.secret_for(config, token), f"staff-code:{staff_id}"
    is_right = False
    with database.begin() as session:
        guesses.check(session, scope, LIMIT, at)
        row = session.get_one(StaffRow, staff_id, with_for_update=True)
        is_right = row.password_hash == NO_PASSWORD or passwords.matches(row.password_hash, present)
        if is_right and second_factor.is_right(secret, code, at):
            guesses.forget(session, scope)
            codes = second_factor.enrol(session, config, row, secret, at, used_code=code)
            entries.end_all(session, staff_id, at)
            return entries.begin(session, staff_id, of, CODE, at), codes
        guesses.wrong(session, scope, at)
    raise CodeRefused() if is_right else PasswordNotRight()


def make_link(session: Session, row: StaffRow, maker: str, at: datetime) -> str:
    """A link's token, by which the person sets a password within a day; an older one is worth nothing any more."""
    token = secrets.token_urlsafe(32)
    row.link_digest, row.link_ends_at = hashlib.sha256(token.encode()).digest(), at + LINK_LIVES
    audit.write(session, maker, "staff.link", f"staff:{row.staff_id}")
    return token


def linked(session: Session, token: str, at: datetime) -> StaffRow:
    """Whose link this is; LinkUnknown."""
    digest = hashlib.sha256(token.encode()).digest()
    asked = select(StaffRow).where(
        StaffRow.link_digest == digest, StaffRow.link_ends_at > at, StaffRow.ended_at.is_(None)
    )
    row = session.scalar(asked.with_for_update())
    if row is None:
        raise LinkUnknown()
    return row


def take_link(session: Session, token: str, wanted: str, at: datetime) -> None:
    """Set the password by a link, which is used up; LinkUnknown, PasswordTooWeak."""
    _set(session, linked(session, token, at), wanted, at)


def _set(session: Session, row: StaffRow, wanted: str, at: datetime) -> None:
    strength.check(wanted, row.name, row.email)
    row.password_hash, row.password_at = passwords.hashed(wanted), at
    row.link_digest = row.link_ends_at = None
    entries.end_all(session, row.staff_id, at)
    audit.write(session, f"staff:{row.staff_id}", "staff.password", f"staff:{row.staff_id}")

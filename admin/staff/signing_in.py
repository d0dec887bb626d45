"""How staff sign in: mail address and password, then the second factor where it is needed.

Between the two the person holds a sign-in of the kind "halfway", which opens nothing but the second step. Each whole
sign-in is a fresh one. Wrong tries are counted even though they are refused.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.staff import entries, second_factor
from admin.staff.entries import HALFWAY, HERE, KIND, Origin
from admin.staff.models import CODE, PASSWORD, StaffRow
from base import clock, database
from base.auth import guesses, passwords, sign_ins
from base.auth.guesses import Limit
from base.auth.principals import Halfway
from base.config import Config
from base.errors import Conflict, NotSignedIn

LIMIT = Limit(tries=5, window=timedelta(minutes=15))


class StaffSignInRefused(NotSignedIn):
    """Mail address or password is not right."""

    zh = "邮箱或密码不正确。"
    next_en, next_zh = "Check them and try again.", "请核对后重试。"


class SecondFactorNeeded(NotSignedIn):
    """This person signs in in two steps."""

    zh = "该账号需要两步登录。"
    next_en, next_zh = "Send the code of your authenticator as well.", "请同时提供身份验证器中的验证码。"


class CodeRefused(NotSignedIn):
    """This code is not right, or was used already."""

    zh = "验证码不正确或已使用。"
    next_en = "Wait for the next code of your authenticator, or take a recovery code."
    next_zh = "请等待身份验证器显示下一个验证码，或使用恢复码。"


class SecondFactorMissing(Conflict):
    """This person has no second factor yet, and the roles ask for one."""

    zh = "该账号尚未设置两步登录，而其角色要求两步登录。"
    next_en, next_zh = "Sign in to the console once and set it up there.", "请先登录运营控制台完成设置。"


class SecondFactorThere(Conflict):
    """There is a second factor already."""

    zh = "已设置两步登录。"


@dataclass(frozen=True)
class Entered:
    """A sign-in that began; `kind` "halfway" while its second factor is awaited."""

    token: str
    kind: str


def with_password(email: str, password: str, of: Origin) -> Entered:
    """The first step, or the only one; StaffSignInRefused, TooManyGuesses."""
    at, row = clock.now(), None
    with database.begin() as session:
        row = _known(session, email, password)
        if row is not None and not second_factor.is_needed(row):
            return Entered(entries.begin(session, row.staff_id, of, PASSWORD, at), KIND)
        if row is not None:
            return Entered(sign_ins.begin(session, HALFWAY, row.staff_id, at), HALFWAY)
    raise StaffSignInRefused()


def with_code(config: Config, person: Halfway, token: str, code: str, of: Origin) -> str:
    """The second step; the token of a whole sign-in in the place of `token`. CodeRefused, TooManyGuesses."""
    with database.begin() as session:
        row = session.get_one(StaffRow, person.staff_id)
        fresh = _second(session, config, row, code, of)
        if fresh is not None:
            sign_ins.end(session, token)
            return fresh
    raise CodeRefused()


def by_setting_up(
    config: Config, person: Halfway, token: str, code: str, of: Origin
) -> tuple[str, list[str]]:
    """The second step of who has no second factor yet: a code of the offered secret sets it up.

    Returns the token of a whole sign-in and the recovery codes; CodeRefused, TooManyGuesses, SecondFactorThere.
    """
    at, secret, scope = clock.now(), second_factor.secret_for(config, token), _scope_of_codes(person.staff_id)
    with database.begin() as session:
        guesses.check(session, scope, LIMIT, at)
        row = session.get_one(StaffRow, person.staff_id, with_for_update=True)
        if second_factor.is_enrolled(row):
            raise SecondFactorThere()
        if second_factor.is_right(secret, code, at):
            guesses.forget(session, scope)
            codes = second_factor.enrol(session, config, row, secret, at, used_code=code)
            entries.end_all(session, row.staff_id, at)
            return entries.begin(session, row.staff_id, of, CODE, at), codes
        guesses.wrong(session, scope, at)
    raise CodeRefused()


def at_once(config: Config, email: str, password: str, code: str | None, of: Origin = HERE) -> str:
    """Both steps in one, for a program or the command line; the token.

    StaffSignInRefused, SecondFactorNeeded, SecondFactorMissing, CodeRefused, TooManyGuesses.
    """
    at = clock.now()
    with database.begin() as session:
        row = _known(session, email, password)
        if row is not None and not second_factor.is_needed(row):
            return entries.begin(session, row.staff_id, of, PASSWORD, at)
        if row is not None and not second_factor.is_enrolled(row):
            raise SecondFactorMissing()
        if row is not None and not code:
            raise SecondFactorNeeded()
        fresh = _second(session, config, row, code or "", of) if row else None
        if fresh is not None:
            return fresh
    raise CodeRefused() if row else StaffSignInRefused()


def halfway(session: Session, staff_id: int, place_id: int) -> Halfway | None:
    """Whose second factor is awaited; None for a leaver."""
    row = session.get(StaffRow, staff_id)
    return Halfway(staff_id) if row and row.ended_at is None else None


def _known(session: Session, email: str, password: str) -> StaffRow | None:
    """Whose mail address and password these are; a wrong try is counted, so commit in either case."""
    at, scope = clock.now(), f"staff:{email.lower()[:100]}"
    guesses.check(session, scope, LIMIT, at)
    row = session.scalar(select(StaffRow).where(StaffRow.email == email.lower(), StaffRow.ended_at.is_(None)))
    if passwords.matches(row.password_hash if row else None, password) and row is not None:
        guesses.forget(session, scope)
        return row
    guesses.wrong(session, scope, at)
    return None


def _second(session: Session, config: Config, row: StaffRow, code: str, of: Origin) -> str | None:
    at, scope = clock.now(), _scope_of_codes(row.staff_id)
    guesses.check(session, scope, LIMIT, at)
    way = second_factor.take(session, config, row, code, at)
    if way is None:
        guesses.wrong(session, scope, at)
        return None
    guesses.forget(session, scope)
    return entries.begin(session, row.staff_id, of, way, at)


def _scope_of_codes(staff_id: int) -> str:
    return f"staff-code:{staff_id}"

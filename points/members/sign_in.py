"""A member signs in with the phone number and a code sent to it. The answer never tells whether a number is known.

Wrong codes and codes that are sent are limited by number and by source. A device that the member is known by has codes and
a count of its own: who guesses at a number from elsewhere locks neither its member out nor spoils the code that was sent there.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from base import database, seals
from base.auth import guesses, one_time_codes, sign_ins
from base.auth.guesses import Limit
from base.auth.principals import Member as MemberPrincipal
from base.config import Config
from base.errors import NotSignedIn
from base.notices import notices
from base.notices.templates import Facts
from points.members import devices, members
from points.members.members import PHONE, BadPhone, Secrets
from points.members.models import Member
from points.models import Programme

CODES = Limit(tries=5, window=timedelta(minutes=15))
WRONG = Limit(tries=10, window=timedelta(hours=1))
# From one address, which many may share behind an operator's network.
CODES_FROM = Limit(tries=200, window=timedelta(hours=1))
WRONG_FROM = Limit(tries=100, window=timedelta(hours=1))


class CodeRefused(NotSignedIn):
    """This code is not right or has run out."""

    zh = "验证码不正确或已过期。"
    next_en, next_zh = "Check the code or ask for another one.", "请核对验证码或重新获取。"


def ask_for_code(
    session: Session,
    config: Config,
    programme: Programme,
    phone: str,
    at: datetime,
    *,
    mark: str | None = None,
    source: str = "",
) -> None:
    """Send a code to the number if a member has it; at most a few a quarter of an hour, and so many from one source.

    `mark`: what the browser or app is known again by; `source`: the network address.
    """
    if not PHONE.fullmatch(phone):
        raise BadPhone()
    member = members.by_phone(session, secrets_of(config), programme.programme_id, phone)
    scope = _scope(config, programme, phone) + _device(session, config, member, mark)
    asked = {f"codes:{scope}": CODES, guesses.of_source(config, "codes-from", source): CODES_FROM}
    for counted, limit in asked.items():
        guesses.check(session, counted, limit, at)
        guesses.wrong(session, counted, at)
    if member is not None:
        code = one_time_codes.make(session, _of(scope, member), config.secret_key, at)
        facts: Facts = {"code": code, "minutes": one_time_codes.LIFE // timedelta(minutes=1)}
        notices.send(
            session, config, member.member_id, phone, "sign-in-code", facts,
            zone=programme.zone, language=member.language,
        )  # fmt: skip


def token_for_code(
    session: Session,
    config: Config,
    programme: Programme,
    phone: str,
    code: str,
    at: datetime,
    *,
    mark: str | None = None,
    words: str = "",
    source: str = "",
) -> str | None:
    """A token for a right code; None for a wrong one, which is counted (so the caller commits, then refuses).

    `mark`: what the browser or app is known again by; `words`: what it says it is; `source`: the network address.
    """
    if not PHONE.fullmatch(phone):
        raise BadPhone()
    member = members.by_phone(session, secrets_of(config), programme.programme_id, phone)
    scope = _scope(config, programme, phone) + _device(session, config, member, mark)
    place = guesses.of_source(config, "sign-in-from", source)
    guesses.check(session, f"sign-in:{scope}", WRONG, at)
    guesses.check(session, place, WRONG_FROM, at)
    # The code is the member's who asked: whoever gets the number meanwhile cannot be signed in as somebody else by it.
    if not one_time_codes.take(session, _of(scope, member), code, config.secret_key, at) or member is None:
        guesses.wrong(session, f"sign-in:{scope}", at)
        guesses.wrong(session, place, at)
        return None
    guesses.forget(session, f"sign-in:{scope}")
    guesses.forget(session, f"codes:{scope}")
    device = devices.at_sign_in(session, config, member.member_id, mark, words, at)
    return sign_ins.begin(session, "member", member.member_id, at, device=device)


def holder(session: Session, member_id: int, place_id: int) -> MemberPrincipal | None:
    """The principal behind a member's sign-in; None after leaving."""
    row = next(iter(database.rows(session, _HOLDER, (member_id,))), None)
    return MemberPrincipal(member_id, row.programme_id) if row and row.left_on is None else None


# Asked with every request of a member, so in words that need no compiling.
_HOLDER = "select programme_id, left_on from member where member_id = %s"


def forget_codes(session: Session, config: Config, programme: Programme, member: Member, phone: str) -> None:
    """Codes that were sent to this number for this member are worth nothing any more."""
    scope = _scope(config, programme, phone)
    for device in ("", *(_marked(digest) for digest in devices.of_member(session, member.member_id))):
        one_time_codes.forget(session, _of(scope + device, member))


def secrets_of(config: Config) -> Secrets:
    """The keys of personal data."""
    return Secrets(seal_key=config.seal_key, index_key=config.secret_key)


def _device(session: Session, config: Config, member: Member | None, mark: str | None) -> str:
    """What a device that the member is known by adds to the scope; nothing for every other one."""
    digest = devices.known(session, config, member.member_id, mark) if member else None
    return _marked(digest) if digest else ""


def _marked(digest: bytes) -> str:
    return f"@{digest.hex()[:32]}"


def _of(scope: str, member: Member | None) -> str:
    return f"{scope}:{member.member_id if member else 0}"


def _scope(config: Config, programme: Programme, phone: str) -> str:
    return f"{programme.code}:{seals.blind(config.secret_key, 'sign-in', phone).hex()[:32]}"

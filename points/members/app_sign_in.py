"""A member comes from the operator's app: its token says which customer of which programme is there."""

from datetime import datetime

from sqlalchemy.orm import Session

from base import clock, database
from base.auth import app_tokens, sign_ins
from base.auth.app_tokens import AppSignInOff, AppTokenRefused, Claims
from base.auth.principals import Member as MemberPrincipal
from base.config import Config
from base.errors import NotFound
from points import programmes
from points.members import devices, members
from points.members.models import Member


def token_for(
    session: Session, config: Config, claims: Claims, mark: str | None, words: str, at: datetime
) -> str:
    """The same sign-in as by SMS; the app's token is used up. AppTokenRefused."""
    app_tokens.use(session, config, claims, at)
    member = _member(session, claims)
    device = devices.at_sign_in(session, config, member.member_id, mark, words, at)
    return sign_ins.begin(session, "member", member.member_id, at, device=device)


def bearer(config: Config, token: str) -> MemberPrincipal | None:
    """The member that a token in a request to the API stands for, while it lives; one that has signed in is used up.

    None for a token that does not count.
    """
    try:
        claims = app_tokens.checked(config, token, clock.now())
        with database.reading() as session:
            if app_tokens.is_used(session, config, claims):
                return None
            member = _member(session, claims)
            return MemberPrincipal(member.member_id, member.programme_id)
    except (AppSignInOff, AppTokenRefused):
        return None


def _member(session: Session, claims: Claims) -> Member:
    """Who is there; of a customer or programme that nobody knows no more is told than of a forged token."""
    try:
        programme = programmes.by_code(session, claims.programme)
    except NotFound:
        raise AppTokenRefused("unknown") from None
    member_id = members.open_member(session, programme.programme_id, claims.customer_id)
    if member_id is None:
        raise AppTokenRefused("unknown")
    return members.by_id(session, member_id)

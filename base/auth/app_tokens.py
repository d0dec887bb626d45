"""Tokens of the operator's app: a JWT that says which customer is there, signed with ES256 by a key of the operator's set.

What is trusted is pinned here and in the configuration, never read from the token: the algorithm, the issuer, the audience,
and where keys come from. A token lives five minutes at most, and signs in once.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base.auth import key_sets
from base.auth.models import AppToken
from base.config import Config
from base.errors import Conflict, NotSignedIn

ALGORITHM = "ES256"
LIFE, SKEW = timedelta(minutes=5), timedelta(seconds=60)
MOST_CHARACTERS, LEAST_ID = 4_096, 8
TIMES = {"iat": None, "exp": None, "nbf": 0}  # the last one may be missing


class AppTokenRefused(NotSignedIn):
    """This token of the app does not count."""

    zh = "App 登录凭证无效或已过期。"
    next_en, next_zh = "Open the page again from the app.", "请从 App 重新进入。"


class AppSignInOff(Conflict):
    """Signing in by the app is not set up here."""

    zh = "此处未开通 App 登录。"
    next_en, next_zh = "Sign in with your number and a code.", "请使用手机号码和验证码登录。"


@dataclass(frozen=True)
class Claims:
    """Who is there: customer id and programme, as the operator says; `token_id` counts once."""

    customer_id: str
    programme: str
    token_id: str
    ends_at: datetime


def checked(config: Config, token: str, at: datetime) -> Claims:
    """What a token says, if it is to be believed at this moment. AppSignInOff, AppTokenRefused. May call out."""
    if not (config.app_keys and config.app_issuer):
        raise AppSignInOff()
    if len(token) > MOST_CHARACTERS or not token.isascii():
        raise AppTokenRefused("too long")
    header = _header(token)
    if header.get("alg") != ALGORITHM or "crit" in header or header.get("typ", "JWT") != "JWT":
        raise AppTokenRefused("algorithm")
    kid = header.get("kid")
    key = key_sets.find(config.app_keys, kid) if isinstance(kid, str) else None
    if key is None:
        raise AppTokenRefused("unknown key")
    try:
        body = json.loads(jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload)
    except (JoseError, ValueError, RecursionError):
        raise AppTokenRefused("signature") from None
    return _claims(config, body, at)


def use(session: Session, config: Config, claims: Claims, at: datetime) -> None:
    """The token is used up with this transaction; AppTokenRefused when it was before."""
    values = {"digest": _digest(config, claims), "used_at": at, "ends_at": claims.ends_at}
    fresh = session.execute(
        insert(AppToken).values(values).on_conflict_do_nothing().returning(AppToken.digest)
    )
    if fresh.one_or_none() is None:
        raise AppTokenRefused("used before")


def is_used(session: Session, config: Config, claims: Claims) -> bool:
    """Whether the token has signed somebody in."""
    return bool(session.scalar(select(exists().where(AppToken.digest == _digest(config, claims)))))


def forget(session: Session, before: datetime) -> bool:
    """Let go of tokens that ended before a moment and so count no more; never more at once."""
    session.execute(delete(AppToken).where(AppToken.ends_at < before))
    return False


def _header(token: str) -> dict[str, Any]:
    part = token.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise AppTokenRefused("not a token") from None
    if not isinstance(found, dict):
        raise AppTokenRefused("not a token")
    return found


def _claims(config: Config, body: Any, at: datetime) -> Claims:
    if not isinstance(body, dict) or body.get("iss") != config.app_issuer:
        raise AppTokenRefused("issuer")
    audience = body.get("aud")
    if config.app_audience not in (audience if isinstance(audience, list) else [audience]):
        raise AppTokenRefused("audience")
    begins, ends, not_before = (_moment(body.get(name, at_least)) for name, at_least in TIMES.items())
    now = at.timestamp()
    if ends <= now or max(begins, not_before) > now + SKEW.total_seconds():
        raise AppTokenRefused("expired")
    if not 0 < ends - begins <= LIFE.total_seconds():
        raise AppTokenRefused("lives too long")
    customer_id, programme, token_id = (_text(body.get(name)) for name in ("sub", "programme", "jti"))
    if len(token_id) < LEAST_ID:
        raise AppTokenRefused("claims")
    return Claims(customer_id, programme, token_id, datetime.fromtimestamp(ends, at.tzinfo))


def _moment(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 40:
        raise AppTokenRefused("times")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 128:
        raise AppTokenRefused("claims")
    return value


def _digest(config: Config, claims: Claims) -> bytes:
    return hashlib.sha256(f"{config.app_issuer}\n{claims.token_id}".encode()).digest()

"""Signing in at an issuer (authorization code with PKCE, state and nonce) as somebody who is on the staff already.

The issuer proves who it is, never what the person may do: an account is not made by signing in, and whoever is not known
here is refused. A second factor that the issuer says it asked for counts; otherwise ours is asked for.
"""

import base64
import hmac
import json
import secrets
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from admin.staff import entries, issuer, second_factor
from admin.staff.entries import HALFWAY, KIND, Origin
from admin.staff.issuer import SingleSignOnRefused
from admin.staff.models import SINGLE, StaffRow
from admin.staff.signing_in import Entered
from base import clock, database, seals
from base.auth import sign_ins
from base.config import Config
from base.errors import NotAllowed, NotFound

LIVES = timedelta(minutes=10)
SCOPE = "openid email"
# RFC 8176: what a person has or is, beside a password, or several of them.
TWO_STEPS = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "iris", "vbm"})
_BOUND = "single sign-on"


class NoSingleSignOn(NotFound):
    """Staff sign in with mail address and password here."""

    zh = "未启用单点登录，请使用邮箱和密码登录。"


class NotOnTheStaff(NotAllowed):
    """The sign-in was right, and nobody of the staff here is linked to it."""

    zh = "登录成功，但该账号未关联本系统的员工。"
    next_en, next_zh = "Ask a system administrator.", "请联系系统管理员。"


@dataclass(frozen=True)
class Begun:
    """Where the browser goes, and what it brings back in a cookie, sealed."""

    address: str
    cookie: str


def begin(config: Config) -> Begun:
    """Begin a sign-in at the issuer; NoSingleSignOn, IssuerAway."""
    if not config.oidc_issuer:
        raise NoSingleSignOn()
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    address = prepare_grant_uri(
        issuer.said(config)["authorization_endpoint"],
        config.oidc_client_id,
        "code",
        redirect_uri=config.oidc_return_url,
        scope=SCOPE,
        state=kept["state"],
        nonce=kept["nonce"],
        code_challenge=create_s256_code_challenge(kept["verifier"]),
        code_challenge_method="S256",
    )
    until = {"until": (clock.now() + LIVES).timestamp()}
    sealed = seals.seal(config.seal_key, json.dumps(kept | until), _BOUND)
    return Begun(str(address), base64.urlsafe_b64encode(sealed).decode())


def finish(config: Config, cookie: str, came: Mapping[str, str], of: Origin) -> Entered:
    """What the issuer sent back, in the browser that began; SingleSignOnRefused, NotOnTheStaff, IssuerAway."""
    if not config.oidc_issuer:
        raise NoSingleSignOn()
    kept = _opened(config, cookie)
    if not hmac.compare_digest(str(kept["state"]).encode(), came.get("state", "").encode()):
        raise SingleSignOnRefused("state")
    if came.get("iss", config.oidc_issuer) != config.oidc_issuer or not came.get("code"):
        raise SingleSignOnRefused(came.get("error", "code")[:80])
    token = issuer.exchanged(config, came["code"], str(kept["verifier"]))
    return _enter(config, issuer.claims(config, token, str(kept["nonce"])), of)


def sign_out_address(config: Config) -> str | None:
    """Where the person signs out at the issuer as well; None: it has no such place."""
    place = issuer.said(config).get("end_session_endpoint") if config.oidc_issuer else None
    if not isinstance(place, str):
        return None
    return str(add_params_to_uri(place, [("client_id", config.oidc_client_id)]))


def _enter(config: Config, said: Mapping[str, Any], of: Origin) -> Entered:
    at = clock.now()
    with database.begin() as session:
        row = session.scalar(select(StaffRow).where(_is(config, said), StaffRow.ended_at.is_(None)))
        if row is None:
            raise NotOnTheStaff()
        if second_factor.is_needed(row) and not _in_two_steps(config, said):
            return Entered(sign_ins.begin(session, HALFWAY, row.staff_id, at), HALFWAY)
        return Entered(entries.begin(session, row.staff_id, of, SINGLE, at), KIND)


def _is(config: Config, said: Mapping[str, Any]) -> Any:
    value = said.get(config.oidc_claim)
    if not isinstance(value, str) or not value:
        raise SingleSignOnRefused(config.oidc_claim)
    if config.oidc_claim != "email":
        return StaffRow.subject == value
    if said.get("email_verified") is not True:
        raise SingleSignOnRefused("email_verified")
    return StaffRow.email == value.lower()


def _in_two_steps(config: Config, said: Mapping[str, Any]) -> bool:
    methods = {one for one in said.get("amr") or () if isinstance(one, str)}
    by_class = bool(config.oidc_two_step_acr) and said.get("acr") == config.oidc_two_step_acr
    return by_class or not methods.isdisjoint(TWO_STEPS)


def _opened(config: Config, cookie: str) -> dict[str, Any]:
    try:
        text = seals.opened(config.seal_key, base64.urlsafe_b64decode(cookie), _BOUND)
    except (InvalidTag, NotBase64, ValueError):
        raise SingleSignOnRefused("it was not begun in this browser") from None
    kept: dict[str, Any] = json.loads(text)
    if kept["until"] < clock.now().timestamp():
        raise SingleSignOnRefused("it took too long")
    return kept

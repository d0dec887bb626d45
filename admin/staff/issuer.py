"""The issuer of single sign-on (OpenID Connect), spoken to over HTTP: what it says of itself, its keys, a code for a token.

What it says is believed for ten minutes. A token signed with a key that is not known yet has the keys asked for once more,
at most every ten seconds. Every answer has a deadline.
"""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from base import calls, clock
from base.calls import Answered
from base.config import Config
from base.errors import NotSignedIn, Unavailable

DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "PS256", "ES256")
KEPT_S, ASKED_AGAIN_S, LEEWAY_S = 600.0, 10.0, 60
MOST_TOKEN = 20_000


class IssuerAway(Unavailable):
    """Single sign-on cannot be reached at this moment."""

    zh = "单点登录服务暂时无法访问。"
    next_en = "Try again in a minute, or sign in with mail address and password."
    next_zh = "请稍后重试，或使用邮箱和密码登录。"


class SingleSignOnRefused(NotSignedIn):
    """What came back from single sign-on cannot be trusted."""

    zh = "单点登录返回的内容无法确认。"
    next_en, next_zh = "Begin the sign-in again.", "请重新开始登录。"


@dataclass
class _Known:
    """What an issuer said, and when; times of this process's own clock."""

    said: dict[str, Any] = field(default_factory=dict)
    keys: KeySet | None = None
    said_at: float = -KEPT_S
    keys_at: float = -KEPT_S


_known: dict[str, _Known] = {}


def forget() -> None:
    """This process asks every issuer afresh."""
    _known.clear()


def said(config: Config) -> dict[str, Any]:
    """What the issuer says of itself: its addresses; IssuerAway."""
    known = _known.setdefault(config.oidc_issuer, _Known())
    if time.monotonic() - known.said_at >= KEPT_S:
        found = _json(_asked(config, "GET", config.oidc_issuer.rstrip("/") + DISCOVERY))
        if found.get("issuer") != config.oidc_issuer:
            raise IssuerAway("it names another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _checked_address(config, found.get(name))
        known.said, known.said_at = found, time.monotonic()
    return known.said


def exchanged(config: Config, code: str, verifier: str) -> str:
    """The ID token for a code; SingleSignOnRefused, IssuerAway."""
    body = prepare_token_request(
        "authorization_code", redirect_uri=config.oidc_return_url, code=code, code_verifier=verifier
    )
    pair = f"{quote(config.oidc_client_id, safe='')}:{quote(config.oidc_client_secret, safe='')}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    answer = _asked(config, "POST", said(config)["token_endpoint"], body.encode(), headers)
    token = _json(answer).get("id_token") if answer.status == 200 else None
    if not isinstance(token, str) or len(token) > MOST_TOKEN:
        raise SingleSignOnRefused("the issuer gave no ID token")
    return token


def claims(config: Config, token: str, nonce: str) -> Mapping[str, Any]:
    """What an ID token says, its signature, issuer, audience, times and nonce proven; SingleSignOnRefused, IssuerAway."""
    try:
        decoded = _decoded(config, token)
        options = {
            "iss": {"essential": True, "value": config.oidc_issuer},
            "aud": {"essential": True, "value": config.oidc_client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        found = CodeIDToken(
            decoded.claims, decoded.header, options, {"nonce": nonce, "client_id": config.oidc_client_id}
        )
        found.validate(int(clock.now().timestamp()), LEEWAY_S)
    except (JoseError, ValueError) as error:
        raise SingleSignOnRefused(getattr(error, "error", "") or type(error).__name__) from error
    return dict[str, Any](found)


def _decoded(config: Config, token: str) -> jwt.Token:
    try:
        return jwt.decode(token, _keys(config), algorithms=ALGORITHMS)
    except InvalidKeyIdError:
        return jwt.decode(token, _keys(config, kept_s=ASKED_AGAIN_S), algorithms=ALGORITHMS)


def _keys(config: Config, kept_s: float = KEPT_S) -> KeySet:
    known = _known.setdefault(config.oidc_issuer, _Known())
    if known.keys is None or time.monotonic() - known.keys_at >= kept_s:
        known.keys = KeySet.import_key_set(_json(_asked(config, "GET", said(config)["jwks_uri"])))  # type: ignore[arg-type]
        known.keys_at = time.monotonic()
    return known.keys


def _asked(
    config: Config, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answered:
    answer = calls.call(
        method, url, "", body, headers or {"Accept": "application/json"}, config.oidc_timeout_s
    )
    if not isinstance(answer, Answered):
        raise IssuerAway(answer.reason, retry_after_s=30)
    if answer.status >= 500 or (method == "GET" and answer.status != 200):
        raise IssuerAway(f"it answered {answer.status}", retry_after_s=30)
    return answer


def _json(answer: Answered) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise IssuerAway("its answer cannot be read", retry_after_s=30)
    return found


def _checked_address(config: Config, url: object) -> None:
    schemes = {"https", urlsplit(config.oidc_issuer).scheme}
    if not isinstance(url, str) or urlsplit(url).scheme not in schemes or not urlsplit(url).hostname:
        raise IssuerAway("one of its addresses is missing or not safe")

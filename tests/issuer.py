"""A stand-in for the operator's issuer of single sign-on: OpenID Connect's code flow with PKCE, on loopback, with keys that
roll and lies on demand. It is no real issuer; it does what the standard says an issuer does, and what a bad one would.
"""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import make_server

from base import clock
from base.config import Config

CLIENT, SECRET, RETURN_URL = "jifen", "a secret of the client", "http://localhost/staff/sign-in/single/return"


@dataclass
class Issuer:
    """Who signs in there next (`person`), and what it says wrongly (`lies`: claims that replace the right ones)."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "p-1"})
    lies: dict[str, Any] = field(default_factory=dict)
    keys: list[ECKey] = field(default_factory=lambda: [_fresh_key()])
    signs_with: ECKey | None = None
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def roll(self) -> None:
        """Sign with a new key; the old one is no longer told of."""
        self.keys = [_fresh_key()]

    def sign_in(self, address: str) -> dict[str, str]:
        """What a browser that goes to this address brings back, after the person has signed in."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["redirect_uri"] == RETURN_URL
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.url}

    def at(self, config: Config) -> Config:
        """The configuration of who lets staff sign in here."""
        return config.at(
            oidc_issuer=self.url, oidc_client_id=CLIENT, oidc_client_secret=SECRET, oidc_return_url=RETURN_URL
        )

    def token(self, asked: dict[str, str]) -> str:
        """The ID token of a sign-in, true but for the lies."""
        now = int(clock.now().timestamp())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        key = self.signs_with or self.keys[0]
        said = {
            name: value for name, value in (claims | self.person | self.lies).items() if value is not None
        }
        return jwt.encode({"alg": "ES256", "kid": key.kid}, said, key)


def create_issuer(issuer: Issuer) -> Flask:
    """Its addresses."""
    app = Flask(__name__)

    @app.before_request
    def _heard() -> Any:
        issuer.asked.append(request.path)
        return ("", 503) if issuer.is_down else None

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Any:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        places["end_session_endpoint"] = "end"
        return {"issuer": issuer.url} | {name: f"{issuer.url}/{place}" for name, place in places.items()}

    @app.get("/authorize")
    def authorize() -> Any:
        return redirect(f"{RETURN_URL}?{urlencode(issuer.sign_in(request.url))}", 303)

    @app.get("/keys")
    def keys() -> Any:
        return jsonify(KeySet(list(issuer.keys)).as_dict(private=False))

    @app.post("/token")
    def token() -> Any:
        asked = issuer.codes.pop(request.form.get("code", ""), None)
        pair = base64.b64decode(request.headers.get("Authorization", "").partition(" ")[2]).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.form["code_verifier"].encode()).digest())
        if pair != f"{CLIENT}:{SECRET.replace(' ', '%20')}" or request.form["redirect_uri"] != RETURN_URL:
            return {"error": "invalid_client"}, 401
        if asked is None or challenge.decode().rstrip("=") != asked["code_challenge"]:
            return {"error": "invalid_grant"}, 400
        return {"access_token": "x", "token_type": "Bearer", "id_token": issuer.token(asked)}

    return app


@contextmanager
def running() -> Iterator[Issuer]:
    """The stand-in on a free port of loopback."""
    issuer = Issuer()
    server = make_server("127.0.0.1", 0, create_issuer(issuer), threaded=True)
    issuer.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def _fresh_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": f"k-{time.monotonic_ns()}", "use": "sig"})

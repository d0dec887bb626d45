"""Tokens of the operator's app: one signed as it should be is believed, everything else is not, whatever it claims."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from base import calls, clock
from base.auth import app_tokens, key_sets
from base.auth.app_tokens import AppSignInOff, AppTokenRefused

ISSUER = "https://app.operator.test"
KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})
OTHER = ECKey.generate_key("P-256", {"kid": "k1"})
LONGER = ECKey.generate_key("P-384", {"kid": "k384"})


@pytest.fixture
def config(config, tmp_path):
    key_sets.forget()
    source = tmp_path / "keys.json"
    source.write_text(json.dumps({"keys": [KEY.as_dict(private=False), LONGER.as_dict(private=False)]}))
    yield config.at(app_keys=str(source), app_issuer=ISSUER, app_audience="jifen")
    key_sets.forget()


def claims(at, **changes):
    now = int(at.timestamp())
    said = {
        "iss": ISSUER,
        "aud": "jifen",
        "sub": "C000001",
        "programme": "gotone",
        "iat": now,
        "exp": now + 300,
        "jti": "0123456789abcdef",
    }
    said |= changes
    return {name: value for name, value in said.items() if value is not None}


def signed(body, key=KEY, **header):
    said = {"alg": "ES256", "kid": "k1", "typ": "JWT"} | header
    return jws.serialize_compact(said, json.dumps(body), key, algorithms=[said["alg"]])


def part(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def test_a_token_as_it_should_be_says_who_is_there(config):
    at = clock.now()

    found = app_tokens.checked(config, signed(claims(at, aud=["other", "jifen"])), at)

    assert (found.customer_id, found.programme, found.token_id) == ("C000001", "gotone", "0123456789abcdef")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.test"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["another"]},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"programme": None},
        {"jti": None},
        {"jti": "short"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e400},
        {"iat": None},
    ],
    ids=str,
)
def test_a_claim_that_is_missing_strange_or_anothers_is_refused(config, changes):
    at = clock.now()

    with pytest.raises(AppTokenRefused):
        app_tokens.checked(config, signed(claims(at, **changes)), at)


@pytest.mark.parametrize(
    ("begins", "ends", "not_before"),
    [(-400, -1, 0), (0, 301, 0), (0, 0, 0), (100, 200, 0), (10, 5, 0), (-3600, 200, 0), (0, 300, 120)],
)
def test_a_token_that_has_ended_lives_too_long_or_has_not_begun_is_refused(config, begins, ends, not_before):
    at = clock.now()
    now = int(at.timestamp())
    said = claims(at, iat=now + begins, exp=now + ends, nbf=now + not_before)

    with pytest.raises(AppTokenRefused):
        app_tokens.checked(config, signed(said), at + timedelta(microseconds=1))


def test_no_algorithm_but_ours_and_no_key_but_those_of_the_set(config):
    at = clock.now()
    body = claims(at)
    public = json.dumps(KEY.as_dict(private=False)).encode()
    head = part({"alg": "HS256", "kid": "k1"}) + "." + part(body)
    with_public_as_secret = head + "." + part(hmac.new(public, head.encode(), hashlib.sha256).digest())
    forged = {
        "none": part({"alg": "none", "kid": "k1"}) + "." + part(body) + ".",
        "None": part({"alg": "None", "kid": "k1"}) + "." + part(body) + ".",
        "public key as secret": with_public_as_secret,
        "another's key": signed(body, OTHER),
        "key in the header": signed(body, OTHER, jwk=OTHER.as_dict(private=False)),
        "address in the header": signed(body, OTHER, jku="https://evil.test/keys"),
        "another curve": signed(body, LONGER, alg="ES384", kid="k384"),
        "unknown key": signed(body, KEY, kid="k9"),
        "no key named": part({"alg": "ES256"}) + "." + ".".join(signed(body).split(".")[1:]),
        "changed": signed(body).replace(".", ".e30", 1),
        "half": signed(body)[:-20],
        "zeros": ".".join([*signed(body).split(".")[:2], part(bytes(64))]),
        "too long": signed(body | {"more": "x" * 5000}),
        "no token": "a.b.c",
        "nothing": "",
    }
    believed = []
    for name, token in forged.items():
        try:
            app_tokens.checked(config, token, at)
            believed.append(name)
        except AppTokenRefused:
            pass

    assert believed == []


def test_without_keys_or_issuer_nobody_comes_this_way(config):
    at = clock.now()

    with pytest.raises(AppSignInOff):
        app_tokens.checked(config.at(app_keys="", app_issuer=""), signed(claims(at)), at)


class Source:
    """A key set behind an address; counts who asks."""

    def __init__(self, *keys):
        self.keys, self.asked, self.away = list(keys), 0, False

    def call(self, method, url, target, body, headers, timeout_s, **more):
        self.asked += 1
        if self.away:
            return calls.NotSent("away")
        return calls.Answered(200, json.dumps({"keys": self.keys}).encode(), None)


@pytest.fixture
def source(monkeypatch):
    made = Source(KEY.as_dict(private=False))
    monkeypatch.setattr(calls, "call", made.call)
    monkeypatch.setattr(key_sets, "time", Clock())
    key_sets.forget()
    yield made
    key_sets.forget()


class Clock:
    now = 1000.0

    def monotonic(self):
        return Clock.now


ADDRESS = "https://operator.test/keys"


def test_keys_from_an_address_are_kept_rolled_by_id_and_stay_while_it_is_away(source):
    assert key_sets.find(ADDRESS, "k1") is not None
    assert key_sets.find(ADDRESS, "k1") is not None
    once = source.asked
    fresh = ECKey.generate_key("P-256", {"kid": "k2"})
    source.keys.append(fresh.as_dict(private=False))
    too_soon = key_sets.find(ADDRESS, "k2")
    Clock.now += key_sets.AGAIN_S + 1
    rolled = key_sets.find(ADDRESS, "k2")
    source.away = True
    Clock.now += key_sets.FRESH_S + 1
    stale = key_sets.find(ADDRESS, "k1")
    asked = source.asked
    for number in range(20):
        key_sets.find(ADDRESS, f"guess{number}")

    assert (once, too_soon) == (1, None)
    assert rolled is not None
    assert stale is not None
    assert source.asked == asked


@pytest.mark.parametrize(
    "one",
    [
        {"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "o", "k": "AQAB"},
        LONGER.as_dict(private=False),
        KEY.as_dict(private=True),
        KEY.as_dict(private=False) | {"use": "enc"},
        KEY.as_dict(private=False) | {"alg": "ES512"},
        "no key",
    ],
    ids=["rsa", "secret", "curve", "private", "use", "alg", "text"],
)
def test_of_a_set_only_public_keys_for_signing_with_es256_count(one):
    assert key_sets.usable({"keys": [one]}) == {}

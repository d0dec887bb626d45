"""Signed requests: only the key's holder is believed, each request once, and a copied key gives itself away."""

import secrets
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from base import clock, database
from base.auth import signatures
from base.auth.signatures import ED25519, P256, Key
from merchants.terminals import keys
from merchants.terminals.models import Terminal
from tests.given import caller, clerk_token, given_colleague, given_shop
from tests.tills import Signer

PATH = "/v1/vouchers/check"
BODY = b'{"code": "0000-0000-00000"}'
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = Key(ED25519, PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def token(shop):
    return clerk_token(shop)


def sent(app, token, headers, *, path=PATH, body=BODY, method="POST"):
    every = {"Authorization": f"Bearer {token}", **headers}
    return app.test_client().open(
        path, method=method, data=body, content_type="application/json", headers=every
    )


def kind(answer):
    return answer.json["type"].removeprefix("/problems/")


def test_a_known_answer():
    signed = signatures.text(
        "POST", PATH, b"{}", timestamp=1_790_000_000, nonce="1.aaaaaaaaaaaaaaaa", terminal="trm_0000000000001"
    )

    assert signed.decode().split("\n") == [
        "POST",
        "/v1/vouchers/check",
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "1790000000",
        "1.aaaaaaaaaaaaaaaa",
        "trm_0000000000001",
    ]
    assert signatures.is_right(KEY, PRIVATE.sign(signed), signed)


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=60), st.integers(0, 511))
@pytest.mark.attack("A11")
def test_no_other_text_and_no_changed_bit_is_believed(signed, other, bit):
    signature = PRIVATE.sign(signed)
    turned = bytearray(signature)
    turned[bit // 8] ^= 1 << bit % 8

    assert signatures.is_right(KEY, signature, signed)
    assert not signatures.is_right(KEY, bytes(turned), signed)
    assert not signatures.is_right(KEY, signature, signed + other)


def test_the_curve_of_older_browsers_is_believed_too():
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    r, s = decode_dss_signature(private.sign(b"text", ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")

    assert signatures.is_key(Key(P256, point))
    assert signatures.is_right(Key(P256, point), signature, b"text")
    assert not signatures.is_right(Key(P256, point), signature, b"other")


@pytest.mark.parametrize(
    "key", [Key(ED25519, b""), Key(ED25519, bytes(31)), Key(P256, bytes(65)), Key(P256, b"\x04" + bytes(64))]
)
def test_what_is_no_key_is_no_key(key):
    assert not signatures.is_key(key)
    assert not signatures.is_right(key, bytes(64), b"text")


def test_a_signed_request_reaches_the_rules_and_an_unsigned_one_does_not(app, shop, token):
    assert kind(sent(app, token, shop.signer.headers("POST", PATH, BODY))) == "voucher-unknown"
    assert kind(sent(app, token, {})) == "terminal-refused"


def test_what_a_manager_changes_at_a_till_is_signed_too(app, shop):
    token = clerk_token(shop, given_colleague(shop, "manager", "90"))
    path = f"/v1/merchant/terminals/{shop.signer.terminal}/revoke"
    stranger = Signer(shop.terminal.terminal_id)

    refused = [
        sent(app, token, {"Idempotency-Key": "k"} | headers, path=path, body=b"")
        for headers in ({}, stranger.headers("POST", path))
    ]
    closed = sent(app, token, {}, path="/v1/till/shift/close", body=b"")
    looked = sent(app, token, {}, path="/v1/merchant/terminals", body=b"", method="GET")

    assert [kind(answer) for answer in (*refused, closed)] == ["terminal-refused"] * 3
    assert looked.json["data"][0]["state"] == "paired"


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b'{"code": "0000-0000-00001"}'},
        {"path": PATH + "?x=1"},
        {"path": "/v1/vouchers/release"},
        {"path": "/v1/acceptances/outcome", "method": "GET"},
    ],
)
def test_a_signature_is_good_for_its_own_request_alone(app, shop, token, changed):
    answer = sent(app, token, shop.signer.headers("POST", PATH, BODY), **changed)

    assert (answer.status_code, kind(answer)) == (401, "terminal-refused")


@pytest.mark.parametrize("away_s", [-301, 301, -(10**9)])
@pytest.mark.attack("A11")
def test_a_request_from_another_time_is_refused(app, shop, token, away_s):
    then = int(clock.now().timestamp()) + away_s

    answer = sent(app, token, shop.signer.headers("POST", PATH, BODY, timestamp=max(0, then)))

    assert (answer.status_code, kind(answer)) == (401, "terminal-refused")
    assert "clock" in answer.json["detail"]


def test_a_clock_that_is_wrong_by_two_minutes_is_told(app, shop, token):
    late = shop.signer.headers("POST", PATH, BODY, timestamp=int(clock.now().timestamp()) - 200)

    assert int(sent(app, token, late).headers["Jifen-Clock-Skew"]) == pytest.approx(-200, abs=2)
    right = sent(app, token, shop.signer.headers("POST", PATH, BODY))
    assert "Jifen-Clock-Skew" not in right.headers


@pytest.mark.attack("A11")
def test_the_same_request_again_is_a_replay_and_does_not_freeze(app, shop, token):
    headers = shop.signer.headers("POST", PATH, BODY)
    sent(app, token, headers)

    again = [sent(app, token, headers) for _ in range(100)]

    assert {(answer.status_code, kind(answer)) for answer in again} == {(401, "replayed")}
    assert kind(sent(app, token, shop.signer.headers("POST", PATH, BODY))) == "voucher-unknown"


@pytest.mark.attack("A21")
def test_one_counter_with_two_nonces_freezes_the_terminal(app, shop, token):
    sent(app, token, shop.signer.headers("POST", PATH, BODY, nonce="7." + "a" * 16))

    copied = sent(app, token, shop.signer.headers("POST", PATH, BODY, nonce="7." + "b" * 16))
    after = sent(app, token, shop.signer.headers("POST", PATH, BODY, nonce="8." + "a" * 16))

    assert (kind(copied), kind(after)) == ("terminal-refused", "terminal-refused")
    with database.begin() as session:
        assert session.get_one(Terminal, shop.terminal.terminal_id).frozen_at is not None
        assert session.scalar(text("select count(*) from till_alert where rule = 'copied-key'")) == 1


@pytest.mark.attack("A21")
def test_a_counter_that_was_passed_long_ago_freezes_too(app, shop, token):
    sent(app, token, shop.signer.headers("POST", PATH, BODY, nonce="900." + "a" * 16))
    with database.begin() as session:
        assert not keys.forget_nonces(session, clock.now() + timedelta(seconds=1))
        assert session.scalar(text("select count(*) from terminal_nonce")) == 0
    signatures.forget(shop.terminal.terminal_id)

    older = sent(app, token, shop.signer.headers("POST", PATH, BODY, nonce="900." + "b" * 16))

    assert kind(older) == "terminal-refused"
    assert "copied" in older.json["detail"]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"Jifen-Nonce": ""},
        {"Jifen-Nonce": "0." + "a" * 16},
        {"Jifen-Nonce": "1.short"},
        {"Jifen-Nonce": "1." + "a" * 65},
        {"Jifen-Nonce": "12345678901234567." + "a" * 16},
        {"Jifen-Timestamp": "soon"},
        {"Jifen-Timestamp": "-5"},
        {"Jifen-Terminal": "trm_nonsense"},
        {"Jifen-Terminal": "trm_0000000000001"},
        {"Jifen-Signature": ""},
        {"Jifen-Signature": "!!!"},
        {"Jifen-Signature": "A" * 86},
        {"Jifen-Signature": "A" * 500},
    ],
)
def test_headers_that_make_no_sense_are_refused_without_harm(app, shop, token, spoiled):
    answer = sent(app, token, shop.signer.headers("POST", PATH, BODY) | spoiled)

    assert (answer.status_code, kind(answer)) == (401, "terminal-refused")
    assert answer.json["then"] == "manager" if "then" in answer.json else True


def test_the_sign_in_of_one_till_is_worth_nothing_at_another(app, shop, token):
    other = given_shop("cake")

    answer = sent(app, token, other.signer.headers("POST", PATH, BODY))

    assert (answer.status_code, kind(answer)) == (401, "terminal-refused")


def test_a_cash_desk_needs_no_sign_in_and_a_browser_till_does(app, shop):
    signed = caller(app, None, shop.signer)
    with database.begin() as session:
        as_it_is = signed.post(PATH, {"code": "0000-0000-00000"})
        session.execute(text("update terminal set kind = 'pos'"))
    as_desk = signed.post(PATH, {"code": "0000-0000-00000", "clerk": "01"})
    unnamed = signed.post(PATH, {"code": "0000-0000-00000"})

    assert as_it_is.status_code == 401
    assert kind(as_desk) == "voucher-unknown"
    assert (unnamed.status_code, kind(unnamed)) == (403, "clerk-not-allowed")


def test_a_nonce_is_used_up_even_where_the_request_is_refused(app, shop):
    headers = shop.signer.headers("POST", PATH, BODY)

    refused = sent(app, "no such token" + secrets.token_hex(4), headers)
    again = sent(app, clerk_token(shop), headers)

    assert refused.status_code == 401
    assert kind(again) == "replayed"

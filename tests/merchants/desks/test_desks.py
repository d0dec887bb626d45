"""Cash desks: keys are shown once or stay with their developer, are rolled with an overlap, and end within seconds."""

import subprocess
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from sqlalchemy import select, text

from base import clock, database, ids
from base.auth import signatures
from merchants.terminals import keys
from merchants.terminals.models import Shift
from tests.given import Caller, Shop, caller, given_shop
from tests.persons import person_token
from tests.tills import Signer

HERE = "/v1/merchant/desks"
UNKNOWN_CODE = {"code": "7M4P-8KQ2-XZ3T8", "clerk": "01"}


@pytest.fixture
def shop(db) -> Shop:
    return given_shop()


@pytest.fixture
def owner(app, shop) -> Caller:
    return caller(app, person_token(shop))


def outlet(shop: Shop) -> str:
    return ids.public("out", shop.outlet.outlet_id)


def signer(made, pem=None, private=None) -> Signer:
    (terminal_id,) = ids.parse("trm", made.json["id"], parts=1)
    return Signer(
        terminal_id, private or load_pem_private_key((pem or made.json["private_key"]).encode(), None)
    )


def asks(app, by: Signer):
    """What the till's key is worth now: unknown-voucher means that it was let through."""
    signatures.forget(by.terminal_id)  # what another process believes for three seconds
    return caller(app, None, by).post("/v1/vouchers/check", UNKNOWN_CODE).json["type"]


def test_a_key_made_here_is_shown_once_signs_at_once_and_is_stored_nowhere(app, owner, shop):
    asked = {"outlet": outlet(shop), "name": "desk-1"}

    made = owner.post(HERE, asked, key="first")
    again = owner.post(HERE, asked, key="first")
    shown = owner.get(f"{HERE}/{made.json['id']}")

    assert (made.status_code, made.json["code"], made.json["state"]) == (201, "tea-desk-1", "live")
    assert made.headers["Cache-Control"] == "no-store"
    assert made.json["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert (again.headers["Idempotency-Replayed"], again.json) == ("true", made.json | {"private_key": None})
    assert shown.json == {name: value for name, value in made.json.items() if name != "private_key"}
    assert asks(app, signer(made)) == "/problems/voucher-unknown"
    secret = made.json["private_key"].splitlines()[1]
    with database.begin() as session:
        for table in ("idempotency_key", "terminal_key", "audit"):
            rows = session.scalars(text(f"select row_to_json(t)::text from {table} t")).all()
            assert rows
            assert not any(secret in row for row in rows), table


@pytest.mark.parametrize("form", ["pem", "der", "raw"])
def test_the_developers_own_key_is_told_by_its_public_half_in_the_usual_forms(app, owner, shop, form):
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    told = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "der": signatures.encoded(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        "raw": signatures.encoded(public.public_bytes(Encoding.Raw, PublicFormat.Raw)),
    }[form]

    made = owner.post(HERE, {"outlet": outlet(shop), "name": "own", "public_key": told})

    assert (made.status_code, made.json["private_key"]) == (201, None)
    assert asks(app, signer(made, private=private)) == "/problems/voucher-unknown"


def test_the_fingerprint_is_what_openssl_says_of_the_key(owner, shop, tmp_path):
    made = owner.post(HERE, {"outlet": outlet(shop), "name": "desk-1"})
    file = tmp_path / "key.pem"
    file.write_text(made.json["private_key"])

    said = subprocess.run(
        f"openssl pkey -in {file} -pubout -outform DER | tail -c 32 | sha256sum | cut -c 61-64",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert said.stdout.strip() == made.json["keys"][0]["fingerprint"]


def test_a_rolled_key_counts_for_the_overlap_and_an_older_one_no_longer(app, owner, shop):
    first = owner.post(HERE, {"outlet": outlet(shop), "name": "desk-1"})
    place = f"{HERE}/{first.json['id']}"
    second = owner.post(f"{place}/keys", {})
    by = [signer(first), signer(first, second.json["private_key"])]
    numbers = by[1].counter  # one desk has one counter
    by[0] = Signer(by[0].terminal_id, by[0].private, numbers)

    assert [asks(app, one) for one in by] == ["/problems/voucher-unknown"] * 2
    fresh, old = second.json["keys"]
    assert fresh["until"] is None
    assert old["until"] is not None

    with clock.stopped(clock.now() + timedelta(hours=24, seconds=1)):
        assert [asks(app, one) for one in by] == ["/problems/terminal-refused", "/problems/voucher-unknown"]

    owner.post(f"{place}/keys", {"overlap_s": 3600})
    assert asks(app, by[0]) == "/problems/terminal-refused"  # two count, never three
    assert asks(app, by[1]) == "/problems/voucher-unknown"
    ended = owner.post(f"{place}/keys/{fresh['id']}/end")
    assert ended.status_code == 200
    assert asks(app, by[1]) == "/problems/terminal-refused"


def test_the_only_key_is_not_ended_and_a_revoked_desk_stays_revoked(app, owner, shop):
    made = owner.post(HERE, {"outlet": outlet(shop), "name": "desk-1"})
    place, by = f"{HERE}/{made.json['id']}", signer(made)

    only = owner.post(f"{place}/keys/{made.json['keys'][0]['id']}/end")
    revoked = owner.post(f"{place}/revoke")

    assert only.json["type"] == "/problems/only-key"
    assert revoked.json["state"] == "revoked"
    assert asks(app, by) == "/problems/terminal-refused"
    assert owner.post(f"{place}/keys", {}).json["type"] == "/problems/desk-revoked"
    assert owner.post(f"{place}/revoke").json["state"] == "revoked"


def test_a_clerks_shift_at_a_desk_ends_with_the_desk(app, owner, shop):
    by = signer(owner.post(HERE, {"outlet": outlet(shop), "name": "desk-1"}))
    asked = {"clerk": "01", "pin": "123456"}
    signed_in = caller(app, None, by).post("/v1/till/sign-ins", asked)

    owner.post(f"{HERE}/{by.terminal}/revoke")

    assert signed_in.status_code == 201
    with database.begin() as session:
        assert session.scalars(select(Shift.closed_at.is_(None))).all() == [False]


def test_a_frozen_desk_acts_again_with_a_fresh_key_and_the_copied_one_is_dead(app, owner, shop):
    made = owner.post(HERE, {"outlet": outlet(shop), "name": "desk-1"})
    place, by = f"{HERE}/{made.json['id']}", signer(made)
    keys.cloned(by.terminal_id, clock.now())
    frozen = owner.get(place).json["state"]

    rolled = owner.post(f"{place}/keys", {})

    assert (frozen, rolled.json["state"]) == ("frozen", "live")
    assert asks(app, by) == "/problems/terminal-refused"
    assert asks(app, signer(made, rolled.json["private_key"])) == "/problems/voucher-unknown"


def test_another_merchants_desk_and_outlet_are_unknown(app, owner, shop):
    other = given_shop("rice")
    stranger = caller(app, person_token(other))
    made = owner.post(HERE, {"outlet": outlet(shop), "name": "desk-1"})
    place = f"{HERE}/{made.json['id']}"

    answers = [
        stranger.get(place),
        stranger.post(f"{place}/keys", {}),
        stranger.post(f"{place}/keys/{made.json['keys'][0]['id']}/end"),
        stranger.post(f"{place}/revoke"),
        stranger.post(HERE, {"outlet": outlet(shop), "name": "desk-1"}),
        owner.get(f"{HERE}/{ids.public('trm', shop.terminal.terminal_id)}"),  # a browser's till
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert stranger.get(HERE).json["data"] == []
    assert [row["id"] for row in owner.get(HERE).json["data"]] == [made.json["id"]]


@pytest.mark.parametrize("role", ["manager", "finance"])
def test_only_the_owner_manages_keys(app, shop, role):
    assert caller(app, person_token(shop, role)).get(HERE).status_code == 403


REFUSED = {
    "no outlet": ({"name": "desk-1"}, 422, "invalid", "outlet"),
    "a name with blanks": ({"name": "Desk 1"}, 422, "invalid", "name"),
    "a key that is none": ({"public_key": "AAAA"}, 422, "invalid", "public_key"),
    "a private key": ({"public_key": "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----"}, 422, "invalid", "private"),
    "a field that is not asked for": ({"secret": "x"}, 422, "invalid", "secret"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_a_desk_is_refused_by_its_field(owner, shop, what):
    changed, status, problem, words = REFUSED[what]
    usual = {"name": "desk-1"} if what == "no outlet" else {"name": "desk-1", "outlet": outlet(shop)}

    answer = owner.post(HERE, usual | changed)

    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{problem}")
    assert words in answer.json["detail"]


def test_a_name_is_given_once_and_the_list_has_pages(owner, shop):
    asked = {"outlet": outlet(shop), "name": "desk-1"}
    owner.post(HERE, asked)
    owner.post(HERE, asked | {"name": "desk-2"})

    taken = owner.post(HERE, asked)
    first = owner.get(HERE, limit=1).json
    rest = owner.get(HERE, limit=1, cursor=first["next_cursor"]).json

    assert taken.json["type"] == "/problems/desk-name-taken"
    assert [row["code"] for row in first["data"] + rest["data"]] == ["tea-desk-2", "tea-desk-1"]
    assert rest["has_more"] is False


def test_a_merchant_has_one_sandbox_terminal_which_comes_back_after_its_end(app, owner, shop):
    made = owner.post(HERE, {"kind": "sandbox"})

    second = owner.post(HERE, {"kind": "sandbox"})
    owner.post(f"{HERE}/{made.json['id']}/revoke")
    back = owner.post(HERE, {"kind": "sandbox"})

    assert (made.json["kind"], made.json["code"]) == ("sandbox", "tea-sandbox")
    assert second.json["type"] == "/problems/sandbox-there"
    assert (back.json["id"], back.json["state"]) == (made.json["id"], "live")
    assert asks(app, signer(made)) == "/problems/terminal-refused"
    assert asks(app, signer(back)) == "/problems/voucher-unknown"

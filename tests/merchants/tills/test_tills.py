"""A merchant's people add, pair and revoke their tills; whoever holds a revoked one is out within seconds everywhere."""

import base64
import subprocess
import sys
import time

import pytest
from sqlalchemy import text

from base import clock, database, ids
from base.auth import signatures
from merchants.terminals import keys, pairing
from tests.conftest import ROOT
from tests.given import (
    caller,
    clerk_token,
    given_colleague,
    given_outlet,
    given_shop,
    merchant_token,
)
from tests.tills import Signer


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def owner(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "owner", "00")))


def outlet_of(shop):
    return ids.public("out", shop.outlet.outlet_id)


def pair(app, made, code):
    signer = Signer(ids.parse("trm", made["id"], parts=1)[0])
    proof = signer.private.sign(pairing.statement(made["code"], code, signer.key))
    body = {
        "terminal": made["code"],
        "code": code,
        "algorithm": signer.key.algorithm,
        "public_key": signatures.encoded(signer.key.public_key),
        "proof": base64.urlsafe_b64encode(proof).decode(),
    }
    return caller(app).post("/v1/terminals/pairings", body), signer


def states(owner):
    return {one["code"]: one["state"] for one in owner.get("/v1/merchant/terminals").json["data"]}


def test_a_till_is_added_paired_with_the_code_and_revoked(app, owner, shop):
    made = owner.post("/v1/merchant/terminals", {"outlet": outlet_of(shop)}).json
    code = owner.post(f"/v1/merchant/terminals/{made['id']}/pairing-codes").json["code"]
    before = states(owner)

    paired, signer = pair(app, made, code)
    after = states(owner)
    till = caller(app, None, signer)
    works = till.post("/v1/till/sign-ins", {"clerk": "01", "pin": "123456"}).status_code
    revoked = owner.post(f"/v1/merchant/terminals/{made['id']}/revoke").json

    assert (made["code"], paired.status_code, works) == ("tea-2", 201, 201)
    assert (before["tea-2"], after["tea-2"], revoked["state"]) == ("waiting", "paired", "revoked")
    assert till.post("/v1/till/sign-ins", {"clerk": "01", "pin": "123456"}).status_code == 401
    assert owner.post(f"/v1/merchant/terminals/{made['id']}/pairing-codes").status_code == 409


def test_a_pairing_code_is_shown_once_and_kept_nowhere(owner, shop):
    till = f"/v1/merchant/terminals/{ids.public('trm', shop.terminal.terminal_id)}/pairing-codes"
    first, again = owner.post(till, key="k1"), owner.post(till, key="k1")

    with database.begin() as session:
        kept = str(session.execute(text("select answer::text from idempotency_key")).scalars().all())

    assert len(first.json["code"]) == 6
    assert "code" not in again.json
    assert f'"{first.json["code"]}"' not in kept


def test_an_open_code_of_a_revoked_till_pairs_nothing(app, owner, shop):
    till = ids.public("trm", shop.terminal.terminal_id)
    code = owner.post(f"/v1/merchant/terminals/{till}/pairing-codes").json["code"]
    owner.post(f"/v1/merchant/terminals/{till}/revoke")

    paired, _ = pair(app, {"id": till, "code": "tea-1"}, code)

    assert paired.status_code == 403


def test_a_frozen_till_says_so_and_comes_back_with_a_fresh_code(app, owner, shop):
    till = ids.public("trm", shop.terminal.terminal_id)
    keys.cloned(shop.terminal.terminal_id, clock.now())
    frozen = states(owner)

    code = owner.post(f"/v1/merchant/terminals/{till}/pairing-codes").json["code"]
    pair(app, {"id": till, "code": "tea-1"}, code)

    assert (frozen["tea-1"], states(owner)["tea-1"]) == ("frozen", "paired")


def test_revoking_signs_out_and_closes_the_shift(app, owner, shop):
    clerk = caller(app, clerk_token(shop))
    assert clerk.get("/v1/till/shift").status_code == 200

    owner.post(f"/v1/merchant/terminals/{ids.public('trm', shop.terminal.terminal_id)}/revoke")

    assert clerk.get("/v1/till/shift").status_code == 401
    with database.begin() as session:
        assert session.scalar(text("select count(*) from shift where closed_at is null")) == 0


REVOKE = """
import sys
from base import clock, database
from base.config import Config
from app.wiring import wire
from merchants.tills import tills
wire(Config.from_env())
with database.begin() as session:
    tills.revoke(session, tills.by_code(session, "tea-1"), "operator", clock.now())
"""


@pytest.mark.attack("A21")
def test_what_another_process_revokes_is_refused_here_within_five_seconds(app, db, shop, monkeypatch):
    till = caller(app, None, shop.signer)
    sign_in = {"clerk": "01", "pin": "123456"}
    assert till.post("/v1/till/sign-ins", sign_in).status_code == 201  # this process knows the key now
    environment = {"DATABASE_URL": db.database_url, "JIFEN_ENV": "test", "PATH": "/usr/bin"}
    subprocess.run([sys.executable, "-c", REVOKE], check=True, env=environment, cwd=ROOT, timeout=60)

    now = time.monotonic()
    monkeypatch.setattr(signatures.time, "monotonic", lambda: now + signatures.KEPT_S)

    assert signatures.KEPT_S <= 5
    assert till.post("/v1/till/sign-ins", sign_in).status_code == 401


def test_tills_come_in_pages_that_neither_skip_nor_repeat(owner, shop):
    for _ in range(4):
        owner.post("/v1/merchant/terminals", {"outlet": outlet_of(shop)})
    seen, cursor = [], None
    while True:
        page = owner.get("/v1/merchant/terminals", limit=2, **({"cursor": cursor} if cursor else {})).json
        seen += [one["code"] for one in page["data"]]
        cursor = page["next_cursor"]
        if not cursor:
            break

    assert seen == ["tea-1", "tea-2", "tea-3", "tea-4", "tea-5"]


def test_a_manager_has_the_tills_of_the_own_outlet_alone(app, owner, shop):
    elsewhere = given_outlet(shop)
    other = owner.post("/v1/merchant/terminals", {"outlet": ids.public("out", elsewhere.outlet_id)}).json
    manager = caller(app, merchant_token(given_colleague(shop, "manager", "90")))

    assert set(states(manager)) == {"tea-1"}
    assert set(states(owner)) == {"tea-1", "tea-2"}
    assert manager.post(f"/v1/merchant/terminals/{other['id']}/revoke").status_code == 404
    assert manager.post("/v1/merchant/terminals", {"outlet": other["outlet"]}).status_code == 404


def test_the_terminal_for_trying_things_out_is_no_managers(app, owner, shop):
    boss = caller(app, merchant_token(given_colleague(shop, "manager", "90")))
    sandbox = owner.post("/v1/merchant/desks", {"kind": "sandbox"}).json["id"]
    refused = [
        boss.post(f"/v1/merchant/terminals/{sandbox}/{deed}").status_code
        for deed in ("revoke", "pairing-codes")
    ]

    assert refused == [404, 404]
    assert owner.get(f"/v1/merchant/desks/{sandbox}").json["state"] == "live"

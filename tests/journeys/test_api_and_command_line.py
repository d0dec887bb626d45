"""The whole job as the operator's systems, a member, a till and finance do it: over HTTP and on the command line."""

import json
import re
from datetime import timedelta

from base import clock, database, jobs
from base.notices import notices
from tests.given import (
    caller,
    given_offer,
    given_programme,
    given_shop,
    service_key,
    staff_token,
)

PHONE = "13900000001"


def test_import_earn_quote_redeem_check_accept_void_settle_verify(app, db, billing, cli, owner, tmp_path):
    # given: a programme, a merchant, an offer of each kind, and the operator's files
    programme, shop = given_programme(), given_shop(cycle="daily", draft_days=0)
    credit = given_offer(programme, "bill_credit", value_fen=500)
    voucher = given_offer(
        programme, "voucher", value_fen=3000, merchant_id=shop.merchant.merchant_id, stock=3
    )
    perk = given_offer(programme, "perk", value_fen=1800, stock=2)
    (tmp_path / "members.csv").write_text(f"customer_id,joined_on,phone\nC-1,2024-01-05,{PHONE}\n")
    (tmp_path / "bills.csv").write_text(
        "bill_id,line_no,customer_id,bill_day,line_type,amount_fen,waived_fen\n"
        "B1,1,C-1,2026-09-30,plan,800000,50000\n"
        "B1,2,C-1,2026-09-30,data,-1,0\n"
        "B2,1,NOBODY,2026-09-30,plan,100,0\n"
    )

    # when: members and bills come in, twice
    assert cli("import", "members", tmp_path / "members.csv", "--quiet").exit_code == 0
    first = cli("import", "bills", tmp_path / "bills.csv", "--json", "--quiet")
    again = cli("import", "bills", tmp_path / "bills.csv", "--json", "--quiet")

    # then: good rows earn once, bad rows are in the error file
    assert first.exit_code == 1
    assert json.loads(first.stdout)["posted"] == 1
    assert again.exit_code in (0, 1), again.output
    assert json.loads(again.stdout)["already_there"] == 1
    assert "amount_fen" in (tmp_path / "bills.errors.csv").read_text()

    # when: the member signs in with the code of the SMS and redeems one of each kind
    member = caller(app, _sign_in(app, db))
    assert member.spendable() == 7500
    bought = {kind: member.redeem(offer).json for kind, offer in (("c", credit), ("v", voucher), ("p", perk))}

    # then: prices follow the rate; bill credit is on its way with its points held
    assert [bought[kind]["price_points"] for kind in "cvp"] == [500, 3000, 1800]
    assert bought["c"]["state"] == "pending"
    assert member.spendable() == 2200
    jobs.drain(db.database_url or "")
    assert member.get(f"/v1/redemptions/{bought['c']['id']}").json["state"] == "fulfilled"
    assert billing.balance("C-1") == "5.0"

    # when: the clerk signs in, checks, accepts, voids, and accepts again
    token = (
        caller(app, None, shop.signer)
        .post("/v1/till/sign-ins", {"clerk": "01", "pin": "123456"})
        .json["token"]
    )
    till = caller(app, token, shop.signer)
    code = member.voucher_code(bought["v"])
    accepted = till.accept(code).json
    assert till.post(f"/v1/acceptances/{accepted['id']}/void", {"reason": "wrong table"}).status_code == 201
    kept = till.accept(code).json

    # when: the period is closed after its end
    with clock.stopped(clock.now() + timedelta(days=1, hours=1)):
        today = clock.day(clock.now() - timedelta(days=1), shop.merchant.zone)
        settled = json.loads(cli("settle", "--until", today, "--json", "--quiet").stdout)
        twice = json.loads(cli("settle", "--until", today, "--json", "--quiet").stdout)

    # then: one sealed statement, its total the sum of its acceptances to the fen
    assert twice["statements"] == []
    (statement,) = settled["statements"]
    assert statement["lines"] == 3
    assert statement["owed_fen"] == kept["owed_fen"] == 2700
    assert statement["net_fen"] == 2700 - kept["fee_fen"] - kept["vat_fen"]
    finance = caller(app, staff_token("finance"))
    listed = finance.get("/v1/statements", merchant="tea").json["data"]
    lines = finance.get(f"/v1/statements/{listed[0]['id']}").json["lines"]
    assert sum(line["owed_fen"] for line in lines) == 2700
    assert [line["kind"] for line in lines] == ["acceptance", "void", "acceptance"]

    # then: the proof is green - and names the wallet once somebody tampers with it
    assert cli("verify", "--quiet").exit_code == 0
    number = owner.exec_driver_sql("select member_id from wallet").scalar_one()
    owner.exec_driver_sql("update wallet set balance = balance + 1, lot_in[1] = lot_in[1] + 1")
    broken = cli("verify", "--quiet")
    assert broken.exit_code == 1
    assert str(number) in broken.stdout
    owner.exec_driver_sql("update wallet set balance = balance - 1, lot_in[1] = lot_in[1] - 1")

    # then: the operator's systems read the same wallet with their key
    system = caller(app, service_key(programme, "offers:read"))
    assert len(system.get("/v1/offers").json["data"]) == 3
    assert system.get("/v1/members/me/wallet").status_code == 403


def _sign_in(app, config) -> str:
    caller(app).post("/v1/sign-ins/code", {"programme": "gotone", "phone": PHONE})
    with database.begin() as session:
        text = notices.latest(session, config.seal_key, 1)[0].text
    code = re.search(r"\d{6}", text)
    body = {"programme": "gotone", "phone": PHONE, "code": code[0] if code else ""}
    return str(caller(app).post("/v1/sign-ins", body).json["token"])

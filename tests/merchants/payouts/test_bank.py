"""Payouts by a bank: a file with the bytes that two persons approved, and the bank's answer taken in once, row by row."""

import csv
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.proof import findings
from base import database, ids
from merchants.payouts import bank_files, bank_returns, runs, verify
from merchants.payouts.bank_returns import FileTakenIn, FileTooLarge
from merchants.payouts.releases import NotToBeReleased
from merchants.payouts.runs import NothingToPay, RunChanged
from tests.given import caller, given_colleague, given_shop, merchant_token, staff_token
from tests.merchants.payouts.paying import given_bank, given_merchant, given_statement, history, payout_of


@pytest.fixture
def two(paying):
    """Two statements that are paid at banks."""
    made = []
    for fen, number in ((12_345, "6222020000001234"), (990, "6222020000005678")):
        merchant = given_merchant()
        given_bank(paying.config, merchant, number)
        made.append(given_statement(merchant, fen))
    return made


def file_of(paying, number=0):
    with database.begin() as session:
        run = runs.listed(session, limit=10)[number]
        return run, bank_files.of_run(session, paying.config.seal_key, run)


def rows_of(file, encoding="utf-8"):
    return list(csv.reader(io.StringIO(file.content.decode(encoding))))


def take(paying, tmp_path, text, *, template="plain", encoding="utf-8", name="back.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    with database.begin() as session:
        return bank_returns.take(session, path, template, "staff:1", paying.now)


@pytest.mark.parametrize(("template", "encoding"), [("plain", "utf-8"), ("domestic", "gbk")])
def test_a_run_is_a_file_with_the_bytes_that_were_approved(paying, two, template, encoding):
    proposal = paying.proposed("bank", template)
    paying.approve(proposal)

    run, file = file_of(paying)
    again = file_of(paying)[1]

    assert (run.count, run.sum_fen, file.count, file.sum_fen) == (2, 13_335, 2, 13_335)
    assert run.sha256.hex() == proposal.said["sha256"] == hashlib.sha256(file.content).hexdigest()
    assert file.content == again.content
    told = rows_of(file, encoding)
    assert {"6222020000001234", "6222020000005678"} <= {cell for row in told for cell in row}
    assert [payout_of(one).state for one in two] == ["sent", "sent"]
    assert history(two[0]) == ["planned", "approved", "sent"]


def test_a_holder_that_looks_like_a_formula_is_text_in_the_file(paying):
    from merchants.payout_routes.routes import Details
    from tests.merchants.payouts.paying import _route

    merchant = given_merchant()
    _route(paying.config, merchant, Details("bank", holder="=HYPERLINK(1)", number="6222020000001234"))
    given_statement(merchant, 5)
    paying.run("bank")

    assert rows_of(file_of(paying)[1])[1][2] == "'=HYPERLINK(1)"


def test_the_banks_answer_moves_each_line_to_paid_or_returned(paying, two, tmp_path):
    paying.run("bank")
    first, second = (payout_of(one).transfer for one in two)

    taken = take(
        paying, tmp_path, f"reference,amount_fen,state,reason\n{first},12345,paid,\n{second},990,returned,no such account\n"
    )  # fmt: skip

    assert (taken.file.paid, taken.file.returned, taken.file.wrong) == (1, 1, 0)
    assert [payout_of(one).state for one in two] == ["paid", "returned"]
    assert payout_of(two[1]).reason == "no such account"


def test_an_answer_in_gbk_with_yuan_is_read_too(paying, two, tmp_path):
    paying.run("bank", "domestic")
    first, second = (payout_of(one).transfer for one in two)
    text = f"业务编号,金额(元),状态,原因\n{first},123.45,成功,\n{second},9.90,退回,户名不符\n"

    taken = take(paying, tmp_path, text, template="domestic", encoding="gbk")

    assert (taken.file.paid, taken.file.returned) == (1, 1)
    assert payout_of(two[1]).reason == "户名不符"


def test_rows_that_do_not_fit_are_named_and_stop_no_other(paying, two, tmp_path):
    paying.run("bank")
    first, second = (payout_of(one).transfer for one in two)

    taken = take(
        paying,
        tmp_path,
        "reference,amount_fen,state,reason\n"
        f"{first},1,paid,\n"
        "pyr_nobody-1,5,paid,\n"
        f"{first},12345,perhaps,\n"
        f"{first},=1+1,paid,\n"
        f'{first},12345,paid,"\n'
        f"{second},990,paid,\n",
    )

    assert [row.line_no for row, _ in taken.wrong] == [2, 3, 4, 5, 6]
    assert [error.split(":")[0] for _, error in taken.wrong[:4]] == [
        "amount_fen", "reference", "state", "amount_fen",
    ]  # fmt: skip
    assert [payout_of(one).state for one in two] == ["sent", "paid"]


def test_the_same_file_twice_and_a_huge_one_are_refused(paying, two, tmp_path, monkeypatch):
    paying.run("bank")
    text = f"reference,amount_fen,state,reason\n{payout_of(two[0]).transfer},12345,paid,\n"
    take(paying, tmp_path, text)

    with pytest.raises(FileTakenIn):
        take(paying, tmp_path, text, name="renamed.csv")
    monkeypatch.setattr(bank_returns, "MOST_BYTES", 50)
    with pytest.raises(FileTooLarge):
        take(paying, tmp_path, text + "\n")


def test_of_two_who_take_one_file_in_at_once_one_does(paying, two, tmp_path):
    paying.run("bank")
    text = f"reference,amount_fen,state,reason\n{payout_of(two[0]).transfer},12345,paid,\n"

    def taken(number):
        try:
            return take(paying, tmp_path, text, name=f"{number}.csv").file.paid
        except FileTakenIn:
            return "there"

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(taken, range(2)))

    assert sorted(map(str, told)) == ["1", "there"]
    assert history(two[0])[-2:] == ["sent", "paid"]


def test_what_came_back_is_sent_anew_once_two_persons_release_it(paying, two, tmp_path):
    paying.run("bank")
    line = payout_of(two[0]).transfer
    with pytest.raises(NotToBeReleased):
        paying.release(two[0])
    take(paying, tmp_path, f"reference,amount_fen,state,reason\n{line},12345,returned,closed\n")

    paying.release(two[0])
    paying.later(minutes=1).run("bank")
    late = take(
        paying,
        tmp_path,
        f"reference,amount_fen,state,reason\n{line},12345,returned,closed again\n",
        name="b.csv",
    )

    again = payout_of(two[0])
    assert (again.state, again.version, again.transfer != line) == ("sent", 2, True)
    assert late.file.wrong == 1  # the old line says nothing of the new one


def test_a_run_whose_content_changed_meanwhile_is_refused_whole(paying, two):
    proposal = paying.proposed("bank")
    given_bank(paying.config, _merchant(two[1]), "6222020000009999")

    with pytest.raises(RunChanged):
        paying.approve(proposal)

    assert [payout_of(one).state for one in two] == ["planned", "planned"]


def test_what_is_not_due_yet_or_goes_another_way_is_not_in_the_run(paying, two):
    with pytest.raises(NothingToPay):
        paying.proposed("stripe")


def test_finance_pays_reads_the_file_and_takes_the_answer_in_over_http(app, paying, two):
    import base64

    maker, checker = (caller(app, staff_token(*roles)) for roles in (("finance",), ("checker",)))
    body = {"route": "bank", "until": "2999-01-01", "reason": "weekly"}
    case = maker.post("/v1/payout-run-proposals", body).json

    own = maker.post(f"/v1/payout-run-proposals/{case['id']}/approve", {"content_hash": case["content_hash"]})
    done = checker.post(
        f"/v1/payout-run-proposals/{case['id']}/approve", {"content_hash": case["content_hash"]}
    )
    file = maker.get(f"/v1/payout-runs/{case['run']}/file")
    row = f"reference,amount_fen,state,reason\n{case['run']}-1,{case['payouts'][0]['amount_fen']},paid,\n"
    answer = maker.post(
        "/v1/bank-returns",
        {"template": "plain", "content": base64.b64encode(row.encode()).decode()},
    )
    one = maker.get(f"/v1/payouts/{case['payouts'][0]['statement']}").json

    assert (case["count"], case["sum_fen"], own.json["type"]) == (2, 13_335, "/problems/own-proposal")
    assert (done.status_code, file.status_code, answer.status_code) == (200, 200, 201)
    assert hashlib.sha256(file.data).hexdigest() == case["sha256"]
    assert [step["state"] for step in one["steps"]] == ["planned", "approved", "sent", "paid"]
    assert checker.get(f"/v1/payout-runs/{case['run']}/file").status_code == 403
    assert maker.get("/v1/payouts", state="paid", limit=1).json["data"][0]["statement"] == one["statement"]
    assert maker.get("/v1/payout-runs").json["data"][0]["id"] == case["run"]


def test_a_payout_that_a_person_stopped_waits_for_a_person(app, paying, two):
    finance = caller(app, staff_token("finance"))
    name = finance.get("/v1/payouts").json["data"][0]["statement"]

    stopped = finance.post(f"/v1/payouts/{name}/stop", {"reason": "a call"}).json
    paying.looks_at_holds()
    held = finance.get(f"/v1/payouts/{name}").json["state"]
    free = finance.post(f"/v1/payouts/{name}/let-go", {"reason": "cleared"}).json

    assert (stopped["state"], stopped["on_hold_for"], held, free["state"]) == (
        "on_hold", "stopped", "on_hold", "planned",
    )  # fmt: skip


def test_a_person_stops_what_is_on_hold_for_a_reason_that_ends_by_itself(app, paying):
    merchant = given_merchant()
    name = ids.public("stm", merchant.merchant_id, given_statement(merchant, 700).statement_no)
    finance = caller(app, staff_token("finance"))

    held = finance.get(f"/v1/payouts/{name}").json["on_hold_for"]
    stopped = finance.post(f"/v1/payouts/{name}/stop", {"reason": "a call"})
    again = finance.post(f"/v1/payouts/{name}/stop", {"reason": "another call"})
    given_bank(paying.config, merchant)
    paying.looks_at_holds()

    assert (held, stopped.json["on_hold_for"], again.status_code) == ("no-route", "stopped", 409)
    assert finance.get(f"/v1/payouts/{name}").json["on_hold_for"] == "stopped"
    with database.begin() as session:
        assert [one for one in verify.findings(session) if one.rule == "payout steps"] == []


def test_a_merchant_reads_what_the_bank_says_and_not_what_the_operators_people_do(app, paying, tmp_path):
    shop = given_shop()
    given_bank(paying.config, shop.merchant)
    statement = given_statement(shop.merchant, 700)
    finance = caller(app, staff_token("finance"))
    owner = caller(app, merchant_token(given_colleague(shop, "owner", "00", secret="a long password 7")))
    name = finance.get("/v1/payouts").json["data"][0]["statement"]

    def told():
        return owner.get("/v1/merchant/payouts").json["data"][0]["reason"]

    finance.post(f"/v1/payouts/{name}/stop", {"reason": "we suspect the owner"})
    stopped = told()
    finance.post(f"/v1/payouts/{name}/let-go", {"reason": "the owner is cleared"})
    free = told()
    paying.run("bank")
    line = payout_of(statement).transfer
    take(paying, tmp_path, f"reference,amount_fen,state,reason\n{line},700,returned,closed\n")

    assert (stopped, free, told()) == ("", "", "closed")


def test_the_banks_file_is_not_for_a_person_of_one_area(app, paying, two):
    paying.run("bank")
    name = ids.public("pyr", file_of(paying)[0].run_id)
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token("finance", area="33"))

    over_http = caller(app, staff_token("finance", "auditor", area="33")).get(f"/v1/payout-runs/{name}/file")
    in_console = client.get(f"/staff/payouts/runs/{name}/file")
    listed = client.get("/staff/payouts")

    assert (over_http.status_code, in_console.status_code, listed.status_code) == (403, 403, 200)
    assert b"6222020000001234" not in in_console.data
    assert name not in listed.text


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("update payout set amount_fen = amount_fen + 1", "payout"),
        ("update payout set state = 'paid' where state = 'sent'", "payout"),
        ("update payout_step set state = 'paid' where state = 'approved'", "payout steps"),
        ("delete from payout_run_row where line_no = 1", "payout run"),
        ("update payout_step set approval = 'apr_nobody' where state = 'approved'", "payout"),
        ("delete from payout_step where state = 'planned'", "payout steps"),
        ("update payout_step set version = 3 where state = 'sent'", "payout steps"),
        ("delete from payout", "payout"),
        ("update payout_run_row set route_no = 2", "payout run"),
        ("update payout_run set sha256 = '\\x00'", "payout run"),
    ],
)
def test_what_an_owners_hand_changed_is_found(db, paying, two, owner, change, rule):
    from sqlalchemy import text

    from tests.owner import forget_everything

    paying.run("bank")
    owner.execute(text(change))

    with database.begin() as session:
        found = {finding.rule for finding in findings(session)}
    forget_everything(db)

    assert rule in found


def _merchant(statement):
    from merchants import merchants

    with database.begin() as session:
        return merchants.by_id(session, statement.merchant_id)

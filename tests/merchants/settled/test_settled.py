"""What a merchant sees of its settlement over HTTP: sums, lines down to the acceptance, files, money; nothing of anybody else."""

import pytest

from base import ids
from tests.given import (
    caller,
    clerk_token,
    given_colleague,
    given_shop,
    merchant_token,
    staff_token,
)
from tests.merchants.sealing import GivenMonth


@pytest.fixture
def given(app, db):
    return GivenMonth(app, db)


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def test_a_statement_tells_its_sums_by_kind_its_lines_and_its_payout(given):
    finance = given.person()

    [row] = finance.get("/v1/merchant/statements").json["data"]
    whole = finance.get(f"/v1/merchant/statements/{given.id}").json
    some = finance.get(f"/v1/merchant/statements/{given.id}", kind="dispute-held").json

    assert (row["id"], row["net_fen"], row["payout"]["amount_fen"]) == (given.id, 881, 881)
    assert row["payout"]["stage"] in ("expected", "on-hold")
    assert {kind: sums["owed_fen"] for kind, sums in whole["sums"].items()} == {
        "acceptance": 1800,
        "dispute-held": -900,
    }
    assert [line["kind"] for line in whole["lines"]] == ["acceptance", "acceptance", "dispute-held"]
    assert [line["acceptance"] for line in some["lines"]] == [given.taken[1]["id"]]
    assert all(len(line["code_ends_in"]) == 4 for line in whole["lines"])


def test_lines_come_a_page_at_a_time(given):
    finance, path = given.person(), f"/v1/merchant/statements/{given.id}"

    first = finance.get(path, limit=2).json
    rest = finance.get(path, limit=2, cursor=first["next_cursor"]).json

    assert [line["line_no"] for line in first["lines"] + rest["lines"]] == [1, 2, 3]
    assert rest["has_more"] is False


def test_a_line_leads_to_its_acceptance_and_everything_that_moved_money_for_it(given):
    finance = given.person()

    use = finance.get(f"/v1/merchant/acceptances/{given.taken[1]['id']}")
    open_one = finance.get(f"/v1/merchant/acceptances/{given.taken[2]['id']}").json

    assert [(part["kind"], part["statement"]) for part in use.json["moved"]] == [
        ("acceptance", given.id),
        ("dispute-held", given.id),
    ]
    assert (use.json["dispute"], use.json["clerk"]) == (given.dispute["id"], "01")
    assert [part["line"] for part in open_one["moved"]] == [None]
    assert "mbr_" not in use.get_data(as_text=True)
    assert "member" not in use.json


def test_a_line_of_a_statement_is_disputed_by_its_id(given):
    finance = given.person()
    lines = finance.get(f"/v1/merchant/statements/{given.id}").json["lines"]

    def dispute(line):
        return finance.post("/v1/merchant/disputes", {"line": line["id"], "said": "not us"})

    assert [kind(dispute(line)) for line in lines] == ["201", "dispute-there", "line-not-disputed"]
    assert kind(finance.post("/v1/merchant/disputes", {"said": "x"})) == "invalid"


def test_drafts_and_money_say_what_is_to_come(given):
    finance = given.person()

    drafts = finance.get("/v1/merchant/drafts").json["data"]
    money = finance.get("/v1/merchant/money").json

    assert sum(one["sums"].get("acceptance", {"owed_fen": 0})["owed_fen"] for one in drafts) == 900
    assert money["unsealed_fen"] == 881
    assert money["expected_fen"] + money["stopped_fen"] == 881
    assert (money["in_transit_fen"], money["paid_fen"]) == (0, 0)


@pytest.mark.parametrize("form", ["csv", "xlsx", "html"])
def test_its_files_are_the_same_whenever_they_are_asked_for(given, form):
    finance, path = given.person(), f"/v1/merchant/statements/{given.id}/files/{form}"

    first, second = finance.get(path), finance.get(path)

    assert first.status_code == 200
    assert first.data == second.data
    assert kind(finance.get(f"/v1/merchant/statements/{given.id}/files/pdf")) == "file-unknown"


def test_20_another_merchants_statement_is_as_good_as_not_there_on_every_address(given):
    stranger = caller(given.app, merchant_token(given_colleague(given_shop("noodles"), "owner", "00")))
    nobody = "stm_" + "0" * 26
    line = ids.public("stl", given.statement.merchant_id, 1, 1)
    asked = [
        "statements/{}",
        "statements/{}/files/csv",
        "statements/{}/files/html",
        "statements/{}/invoices",
    ]

    for path in asked:
        theirs = stranger.get("/v1/merchant/" + path.format(given.id))
        none = stranger.get("/v1/merchant/" + path.format(nobody))
        assert (theirs.status_code, kind(theirs)) == (404, "statement-unknown"), path
        assert theirs.json["type"] == none.json["type"]
    assert kind(stranger.get(f"/v1/merchant/acceptances/{given.taken[0]['id']}")) == "acceptance-unknown"
    assert kind(stranger.get(f"/v1/merchant/disputes/{given.dispute['id']}")) == "dispute-unknown"
    assert kind(stranger.post("/v1/merchant/disputes", {"line": line, "said": "x"})) == "line-unknown"
    assert stranger.get("/v1/merchant/statements").json["data"] == []
    assert stranger.get(f"/v1/statements/{given.id}").status_code == 403
    assert stranger.get(f"/v1/trace/{given.id}").status_code == 403


def test_a_number_that_no_statement_can_have_is_unknown_as_well(given):
    finance, merchant_id = given.person(), given.statement.merchant_id
    statement = ids.public("stm", merchant_id, 2**40)

    for path in ("statements/{}", "statements/{}/files/csv", "statements/{}/invoices"):
        assert kind(finance.get("/v1/merchant/" + path.format(statement))) == "statement-unknown", path
    for line in (ids.public("stl", merchant_id, 2**40, 1), ids.public("stl", merchant_id, 1, 2**40)):
        assert kind(finance.post("/v1/merchant/disputes", {"line": line, "said": "x"})) == "line-unknown"
    payer = caller(given.app, staff_token("finance"))
    assert kind(payer.get(f"/v1/payouts/{statement}")) == "payout-unknown"
    assert kind(payer.get(f"/v1/statements/{statement}")) == "statement-unknown"


def test_an_outlets_manager_and_a_clerk_see_no_statement(given):
    manager = given.person("manager", "30")
    clerk = caller(given.app, clerk_token(given.shop))

    for person in (manager, clerk):
        assert person.get("/v1/merchant/statements").status_code == 403
        assert person.get("/v1/merchant/money").status_code == 403

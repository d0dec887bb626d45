"""Any redemption to its payout and back: the same chain from each of its ids, in at most three questions."""

import json
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import select

from base import clock, database, ids
from base.auth.principals import Staff
from catalog.trace import trace
from merchants import items
from merchants.items import Amounts
from merchants.models import ADJUSTMENT
from merchants.payouts import payouts
from merchants.statements.models import StatementLine
from points import bills, policies
from points.bills import BillLineIn
from points.members import members
from points.members.members import Enrolment
from tests.given import (
    LONG_AGO,
    caller,
    clerk_token,
    given_colleague,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
    secrets_of,
    staff_token,
)
from tests.merchants.sealing import given_statement


class Given:
    """A member with points of a bill, who redeemed a voucher; used, disputed for the member, on a statement that is paid."""

    def __init__(self, app, db):
        self.shop, self.programme = given_shop(), given_programme()
        with database.begin() as session:
            rows = [Enrolment("C1", LONG_AGO, "13900000001")]
            self.member_id = members.enrol_many(session, self.programme, secrets_of(db), rows)["C1"]
            versions = policies.load(session, self.programme.programme_id)
            lines = [BillLineIn("C1", "B7", 3, clock.now().date(), "plan", 500_000)]
            bills.post_lines(session, self.programme, versions, lines)
        member = caller(app, member_token(self.member_id))
        offer = given_offer(
            self.programme, "voucher", merchant_id=self.shop.merchant.merchant_id, value_fen=1000
        )
        self.redeemed = member.redeem(offer, 2).json
        counter = caller(app, clerk_token(self.shop))
        code = member.voucher_code(self.redeemed)
        self.taken = []
        for _ in range(2):
            token = counter.check(code).json["check_token"]
            self.taken.append(counter.post("/v1/vouchers/accept", {"check_token": token, "units": 1}).json)
        self.dispute = member.post(f"/v1/acceptances/{self.taken[1]['id']}/not-me").json
        with database.begin() as session:
            items.add(
                session, self.shop.merchant.merchant_id, ADJUSTMENT, Amounts(77), at=clock.now(), reason="r",
                actor="test",
            )  # fmt: skip
        self.statement = given_statement(self.shop.merchant)
        with database.begin() as session:
            payouts.plan(session, self.statement)
            rows = session.scalars(select(StatementLine).order_by(StatementLine.line_no))
            self.lines = {row.line_no: row for row in rows}
        self.stm = ids.public("stm", self.statement.merchant_id, self.statement.statement_no)

    def stl(self, kind):
        number = next(row.line_no for row in self.lines.values() if row.kind == kind)
        return ids.public("stl", self.statement.merchant_id, self.statement.statement_no, number)


@pytest.fixture
def given(app, db):
    return Given(app, db)


@pytest.fixture
def finance(app, given):
    return caller(app, staff_token("finance"))


@contextmanager
def counted(monkeypatch):
    """What is asked of the database meanwhile."""
    asked = []
    execute = psycopg.Cursor.execute

    def counting(self, query, *more, **options):
        asked.append(query)
        return execute(self, query, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", counting)
        yield asked


def test_a_redemption_leads_to_its_payout_and_down_to_the_bill(given, finance):
    found = finance.get(f"/v1/trace/{given.redeemed['id']}").json

    assert found["redemption"]["id"] == given.redeemed["id"]
    assert [one["acceptance"] for one in found["uses"]] == [one["id"] for one in given.taken]
    assert [[one["kind"] for one in use["moved"]] for use in found["uses"]] == [
        ["acceptance"],
        ["acceptance", "dispute-held"],
    ]
    for use in found["uses"]:
        for moved in use["moved"]:
            assert moved["statement"]["id"] == given.stm
            assert moved["statement"]["payout"]["amount_fen"] == given.statement.payable_fen
    [part] = found["points"]
    [origin] = part["origins"]
    assert (part["points"], origin["bill"]["bill_id"], origin["bill"]["line_no"]) == (2000, "B7", 3)


def test_every_id_of_the_chain_leads_to_the_same_redemption(given, finance):
    every = [
        given.redeemed["id"],
        given.redeemed["voucher"],
        given.taken[0]["id"],
        given.dispute["id"],
        given.stl("acceptance"),
        given.stl("dispute-held"),
    ]

    answers = [finance.get(f"/v1/trace/{one}").json for one in every]

    assert all(one == answers[0] for one in answers)


def test_a_statement_leads_back_to_each_redemption(given, finance):
    found = finance.get(f"/v1/trace/{given.stm}").json
    first = finance.get(f"/v1/trace/{given.stm}", limit=1).json["lines"]
    rest = finance.get(f"/v1/trace/{given.stm}", after=first[0]["line_no"]).json["lines"]

    assert found["statement"]["payout"]["state"] in ("planned", "on_hold")
    assert [(one["kind"], one["redemption"]) for one in found["lines"]] == [
        ("acceptance", given.redeemed["id"]),
        ("acceptance", given.redeemed["id"]),
        ("dispute-held", given.redeemed["id"]),
        ("adjustment", None),
    ]
    assert first + rest == found["lines"]
    [alone] = finance.get(f"/v1/trace/{given.stl('adjustment')}").json["lines"]
    assert alone["kind"] == "adjustment"


@pytest.mark.parametrize("which", ["redemption", "acceptance", "line", "statement"])
def test_the_moneys_side_takes_at_most_three_questions(given, monkeypatch, which):
    place = {
        "redemption": given.redeemed["id"],
        "acceptance": given.taken[0]["id"],
        "line": given.stl("dispute-held"),
        "statement": given.stm,
    }[which]
    person = Staff(1, frozenset({"finance"}))

    with database.begin() as session, counted(monkeypatch) as asked:
        found = trace.of(session, person, place, with_points=False)

    assert found.forward or found.lines
    assert len(asked) <= 3, asked


def test_what_is_not_there_or_in_another_area_is_unknown(app, given, finance):
    elsewhere = caller(app, staff_token("finance", area="11"))
    owner = caller(app, merchant_token(given_colleague(given.shop, "owner", "00")))

    for person, place in (
        (finance, "red_" + "0" * 26),
        (finance, "xxx_1"),
        (finance, "stm_" + "0" * 26),
        (elsewhere, given.redeemed["id"]),
        (elsewhere, given.stm),
    ):
        assert person.get(f"/v1/trace/{place}").json["type"] in (
            "/problems/trace-unknown",
            "/problems/not-found",
        )
    assert owner.get(f"/v1/trace/{given.stm}").status_code == 403


def test_of_what_is_not_there_and_what_is_anothers_the_answers_are_alike(app, given, finance):
    elsewhere = caller(app, staff_token("finance", area="11"))
    merchant_id = given.statement.merchant_id
    missing = [
        ids.public("stl", merchant_id, 1, 999),
        ids.public("stl", merchant_id, 1, 2**40),
        ids.public("stl", merchant_id, 2**40, 1),
        ids.public("stm", merchant_id, 2**40),
        ids.public("acc", 1, 1),
    ]

    answers = [finance.get(f"/v1/trace/{one}") for one in missing]
    answers += [
        elsewhere.get(f"/v1/trace/{one}") for one in (given.stl("acceptance"), given.stl("adjustment"))
    ]

    said = [{k: v for k, v in one.json.items() if k not in ("instance", "request_id")} for one in answers]
    assert answers[0].status_code == 404
    assert [one["type"] for one in said] == ["/problems/trace-unknown"] * len(said)
    assert all(one == said[0] for one in said)


def test_a_statement_is_said_in_its_currency(given, finance):
    forward = finance.get(f"/v1/trace/{given.redeemed['id']}").json["uses"][0]["moved"][0]["statement"]
    back = finance.get(f"/v1/trace/{given.stm}").json["statement"]

    assert (forward["currency"], back["currency"]) == (given.statement.currency,) * 2


def test_the_command_says_the_same(given, cli):
    forward = cli("trace", given.redeemed["id"]).output
    back = cli("trace", given.stm).output
    facts = json.loads(cli("trace", given.taken[0]["id"], "--json").output)

    assert "bill B7 line 3" in forward
    assert given.stm in forward
    assert given.redeemed["id"] in back
    assert facts["redemption"]["id"] == given.redeemed["id"]

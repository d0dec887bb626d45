"""Verify reckons every bill line again: whatever row is changed, added or taken away, the line is named."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from base import clock, database
from points import bill_proof, bills, corrections, factors, ledger, lots, payments, policies
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.deeds import Request
from points.kinds import Kind
from points.members import members
from points.members.members import Enrolment
from points.payments import PaymentIn
from tests.given import LONG_AGO, ZONE, given_member, given_points, given_programme, secrets_of

DAY = date(2025, 3, 5)
LINE = BillLineIn("C1", "B1", 1, DAY, "plan", 10_000, 1_000, 2_000)


@pytest.fixture
def member_id(db):
    """C1: line 1 doubled, paid in parts, lowered, spent; line 2 paid in full; and points that no bill brought."""
    programme = given_programme()
    with database.begin() as session:
        factors.add(session, programme.programme_id, factors.TENURE, LONG_AGO, 200, least_years=5)
        made = members.enrol_many(session, programme, secrets_of(db), [Enrolment("C1", LONG_AGO)])["C1"]
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        bills.post_lines(
            session, programme, versions, [LINE, replace(LINE, line_no=2, line_type="data", paid_fen=None)]
        )
        payments.post_payments(session, programme, [PaymentIn("C1", "P1", "B1", 1, DAY, 5_000)])
        corrections.post_corrections(session, programme, [CorrectionIn("C1", "K1", "B1", 1, DAY, 9_000)])
        payments.post_payments(session, programme, [PaymentIn("C1", "P2", "B1", 1, DAY, 1_000)])
    given_points(made, 70)
    given_member(db, programme, points=5)
    return made


def told(only=None):
    with database.begin() as session:
        return [(found.place, found.text) for found in bill_proof.findings(session, only)]


def test_lines_paid_in_parts_and_corrected_are_right(member_id):
    assert told() == []
    assert told([member_id]) == []
    with database.begin() as session:
        assert ledger.read(session, member_id).balance == 160 + 180 + 70


FORGED = {
    "the amount": ("bill_line", "update bill_line set amount_fen = amount_fen + 100 where line_no = 1",
                   "line 1: rule and factors give other points than 180"),
    "the waived part": ("bill_line", "update bill_line set waived_fen = 0 where line_no = 1",
                        "line 1: rule and factors give other points than 180"),
    "the points": ("bill_line", "update bill_line set points = points + 1 where line_no = 2",
                   "line 2: rule and factors give other points than 181"),
    "the factors": ("bill_line", "update bill_line set factor_ids = '{}' where line_no = 2",
                    "line 2: rule and factors give other points than 180"),
    "a factor twice": ("bill_line", "update bill_line set factor_ids = factor_ids || factor_ids where line_no = 2",
                       "line 2: its factors are for another type of line, began later, or are of one kind"),
    "a factor that is none": ("bill_line", "update bill_line set factor_ids = '{7}' where line_no = 2",
                              "line 2: its member, rule, policy or a factor is unknown"),
    "a rule that is none": ("bill_line", "update bill_line set rule_id = 7 where line_no = 2",
                            "line 2: its member, rule, policy or a factor is unknown"),
    "another rule": ("bill_line", "update bill_line set rule_id = (select rule_id from earn_rule where line_type = 'plan') "
                     "where line_no = 2", "line 2: its rule is for another type of line, or began later"),
    "the type": ("bill_line", "update bill_line set line_type = 'plan' where line_no = 2",
                 "line 2: its rule is for another type of line, or began later"),
    "a later day": ("bill_line", "update bill_line set bill_day = '2025-04-05' where line_no = 2",
                    "line 2: its points are in a lot of another class, or one that lapses sooner than its policy says"),
    "an earlier day": ("bill_line", "update bill_line set bill_day = '2019-04-05' where line_no = 2",
                       "line 2: its policy began later"),
    "what was paid": ("bill_line", "update bill_line set paid_fen = 0 where line_no = 2",
                      "line 2: it has earned 0, its postings left 180"),
    "the number": ("bill_line", "update bill_line set line_no = 3 where line_no = 2",
                   "line 3: it has earned 180, its postings left 0"),
    "the member": ("bill_line", "update bill_line set member_id = 7 where line_no = 2",
                   "line 2: its member, rule, policy or a factor is unknown"),
    "a line away": ("bill_line", "delete from bill_line where line_no = 2",
                    "posting 2: it names a bill line that is not there, or not under this key"),
    "a line more": ("bill_line", "insert into bill_line (member_id, amount_fen, waived_fen, points, rule_id, policy_id, "
                    "bill_day, line_no, bill_id, line_type, factor_ids) select member_id, amount_fen, waived_fen, points, "
                    "rule_id, policy_id, bill_day, 9, bill_id, line_type, factor_ids from bill_line where line_no = 2",
                    "line 9: it has earned 180, its postings left 0"),
    "a payment's money": ("bill_payment", "update bill_payment set paid_fen = paid_fen - 100 where nth = 1",
                          "line 1: payment P1: it releases 98, not 100"),
    "a payment's points": ("bill_payment", "update bill_payment set points = points + 1 where nth = 1",
                           "line 1: payment P1: it releases 100, not 101"),
    "a payment over what is due": ("bill_payment", "update bill_payment set paid_fen = 9000, points = 140 where nth = 1",
                                   "line 1: payment P1: it pays more than was due"),
    "a payment away": ("bill_payment", "delete from bill_payment where nth = 1",
                       "line 1: its corrections and payments are not numbered 1, 2, 3 ..."),
    "the order": ("bill_payment", "update bill_payment set nth = 7 where nth = 1",
                  "line 1: its corrections and payments are not numbered 1, 2, 3 ..."),
    "a correction's points": ("bill_correction", "update bill_correction set points = points + 1",
                              "line 1: correction K1: rule and factors give other points than 161"),
    "a correction's amount": ("bill_correction", "update bill_correction set amount_fen = amount_fen - 100",
                              "line 1: correction K1: rule and factors give other points than 160"),
    "what was before": ("bill_correction", "update bill_correction set points_before = 7",
                        "line 1: correction K1: it was worth 180 before, not 7"),
    "a correction away": ("bill_correction", "delete from bill_correction",
                          "line 1: its corrections and payments are not numbered 1, 2, 3 ..."),
    "the rule itself": ("earn_rule", "update earn_rule set points = 2 where line_type = 'data'",
                        "line 2: rule and factors give other points than 180"),
    "the factor itself": ("earn_factor", "update earn_factor set percent = 300",
                          "line 2: rule and factors give other points than 180"),
    "the policy itself": ("expiry_policy", "update expiry_policy set months = 37",
                          "line 2: its points are in a lot of another class, or one that lapses sooner than its policy says"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_row_is_found_and_named(member_id, owner, what):
    table, forgery, fault = FORGED[what]
    owner.execute(text(f"create temp table was as select * from {table}"))

    owner.execute(text(forgery))
    found, found_by_sample = told(), told([member_id])

    owner.execute(text(f"delete from {table}"))
    owner.execute(text(f"insert into {table} select * from was"))
    said = [f"{place}: {words}" for place, words in found]
    assert any(one.endswith(fault) for one in said), said
    assert what == "the member" or any(str(member_id) in one for one in said)
    assert found_by_sample == found
    assert told() == []


def test_an_earning_that_only_pretends_to_be_of_a_bill_is_found(member_id, owner):
    key = lots.key(date(2028, 3, 31), policies.BILL_POINTS)
    for table in ("posting", "wallet"):
        owner.execute(text(f"create temp table {table}_was as select * from {table}"))
    with database.begin() as session:
        forged = Request(
            member_id, ledger.key("bill", "forged"), Kind.EARN, 999, clock.now(), ZONE, lot_key=key,
            ref="bill B1 line 1",
        )  # fmt: skip
        seq = ledger.post(session, forged).seq

    found = told()

    for table in ("posting", "wallet"):
        owner.execute(text(f"delete from {table}"))
        owner.execute(text(f"insert into {table} select * from {table}_was"))
    assert found == [
        (
            f"member {member_id} posting {seq}",
            "it names a bill line that is not there, or not under this key",
        )
    ]


def test_many_members_are_read_by_ranges(db, monkeypatch):
    monkeypatch.setattr(bill_proof, "MEMBERS", 3)
    programme = given_programme()
    with database.begin() as session:
        rows = [Enrolment(f"C{n}", LONG_AGO) for n in range(10)]
        members.enrol_many(session, programme, secrets_of(db), rows)
        versions = policies.load(session, programme.programme_id)
        asked = [replace(LINE, customer_id=row.customer_id) for row in rows]
        bills.post_lines(session, programme, versions, asked)
        session.execute(text("update wallet set state = 2"))  # (a state is no matter of the bills)

    with database.begin() as session:
        ranges = [set(found) for _, _, found in bill_proof._ranges(session, None)]
    assert [len(one) for one in ranges] == [3, 3, 3, 1]
    assert told() == []

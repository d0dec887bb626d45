"""Bill lines of a file that are taken back: whole and once, and none that somebody touched."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select, text

from base import clock, database
from points import bills, corrections, ledger, payments, policies, taking_back, waiting
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.deeds import Request
from points.imports import What
from points.kinds import Kind
from points.members import members
from points.members.members import Enrolment
from points.models import BillCorrection, PostingRow
from points.payments import PaymentIn
from points.taking_back import TOLD_SINCE, TOUCHED
from tests.given import LONG_AGO, ZONE, given_programme, secrets_of

DAY = date(2026, 3, 5)
LINES = [
    BillLineIn("C1", "B1", 1, DAY, "plan", 10_000),
    BillLineIn("C1", "B1", 2, DAY, "plan", 5_000),
    BillLineIn("C2", "B2", 1, DAY, "plan", 20_000, paid_fen=0),
]


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def customers(db, programme):
    """C1 with lines of 100 and 50 points, C2 with one of 200 that is not paid: customer id -> member id."""
    with database.begin() as session:
        enrolled = [Enrolment(f"C{n}", LONG_AGO) for n in (1, 2)]
        made = members.enrol_many(session, programme, secrets_of(db), enrolled)
    with database.begin() as session:
        bills.post_lines(session, programme, policies.load(session, programme.programme_id), LINES)
    return made


def undo(programme, *lines):
    with database.begin() as session:
        return taking_back.undo(session, programme, lines or LINES, "taken back 1")


def balance(member_id):
    with database.begin() as session:
        found = ledger.read(session, member_id)
        return found.balance, found.debt


def spend(member_id, points, kind=Kind.REDEEM, key="s"):
    with database.begin() as session:
        ledger.post(
            session,
            Request(
                member_id=member_id,
                idem=ledger.key("test", key),
                kind=kind,
                points=points,
                at=clock.now(),
                zone=ZONE,
            ),
        )


def counted(what):
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(what))


def test_all_that_lines_brought_goes_back_by_entries_of_their_own_and_once(programme, customers):
    before = balance(customers["C1"])
    first, entries = undo(programme), counted(PostingRow)
    again = undo(programme)

    assert before == (150, 0)
    assert [(one.what, one.points) for one in first] == [
        (What.POSTED, -100),
        (What.POSTED, -50),
        (What.POSTED, 0),
    ]
    assert {one.what for one in again} == {What.THERE}
    assert (balance(customers["C1"]), balance(customers["C2"])) == ((0, 0), (0, 0))
    assert (entries, counted(PostingRow), counted(BillCorrection)) == (4, 4, 3)


def test_a_line_that_is_paid_after_it_was_taken_back_brings_nothing(programme, customers):
    undo(programme)

    with database.begin() as session:
        [paid] = payments.post_payments(
            session, programme, [PaymentIn("C2", "P1", "B2", 1, clock.day(clock.now(), ZONE), 20_000)]
        )

    assert paid.points == 0
    assert balance(customers["C2"]) == (0, 0)


def test_points_that_were_spent_are_not_taken_back_and_leave_no_debt(programme, customers):
    spend(customers["C1"], 70)

    outcomes = undo(programme)

    assert [(one.what, one.reason) for one in outcomes] == [
        (What.REFUSED, TOUCHED),
        (What.REFUSED, TOUCHED),
        (What.POSTED, ""),
    ]
    assert balance(customers["C1"]) == (80, 0)


def test_points_that_others_lots_would_have_to_make_good_are_not_taken_back(programme, customers):
    spend(customers["C1"], 150)
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        later = replace(LINES[0], bill_id="B9", bill_day=date(2026, 9, 5), amount_fen=90_000)
        bills.post_lines(session, programme, versions, [later])

    outcomes = undo(programme)

    assert [one.reason for one in outcomes] == [TOUCHED, TOUCHED, ""]
    assert balance(customers["C1"]) == (900, 0)


def test_a_line_of_which_something_was_told_since_is_left_to_corrections(programme, customers):
    day = clock.day(clock.now(), ZONE)
    with database.begin() as session:
        corrections.post_corrections(session, programme, [CorrectionIn("C1", "K1", "B1", 1, day, 7_000)])
        payments.post_payments(session, programme, [PaymentIn("C2", "P1", "B2", 1, day, 5_000)])

    assert [one.reason for one in undo(programme)] == [TOLD_SINCE, "", TOLD_SINCE]
    assert (balance(customers["C1"]), balance(customers["C2"])) == ((70, 0), (50, 0))


def test_what_is_not_in_the_books_as_the_file_has_it_is_nothing_to_take_back(programme, customers):
    other = replace(LINES[0], amount_fen=9_999)
    unknown = replace(LINES[0], bill_id="B7")
    stranger = replace(LINES[0], customer_id="C9")

    assert {one.what for one in undo(programme, other, unknown, stranger)} == {What.THERE}
    assert balance(customers["C1"]) == (150, 0)


def test_a_line_that_waits_for_a_rule_waits_no_longer(programme, customers):
    waits = replace(LINES[0], bill_id="B8", line_type="no-rule-for-this")
    kept = replace(waits, line_no=2)
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        bills.post_lines(session, programme, versions, [waits, kept])

    undo(programme, waits)

    with database.begin() as session:
        assert session.scalars(text("select line_no from waiting_line")).all() == [2]
        assert waiting.counts(session, programme.programme_id) == {"no-rule-for-this": 1}

"""A corrected bill line: its points follow under the first rule, once, whatever is sent twice or spent meanwhile."""

import itertools
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from base import clock, database
from points import bills, corrections, ledger, lots, policies
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.deeds import Request
from points.imports import What
from points.kinds import Kind, State
from points.members import members
from points.members.members import Enrolment
from points.models import BillCorrection, PostingRow
from tests.given import LONG_AGO, ZONE, given_programme, secrets_of

DAY = date(2025, 3, 5)
LINE = BillLineIn("C1", "B1", 1, DAY, "plan", 10_000)
_bills = itertools.count(1)
CUT = CorrectionIn("C1", "K1", "B1", 1, date(2025, 4, 1), 7_000)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def customers(db, programme):
    """C1 to C3, each with a line of 100 points: customer id -> member id."""
    with database.begin() as session:
        made = members.enrol_many(
            session, programme, secrets_of(db), [Enrolment(f"C{n}", LONG_AGO) for n in (1, 2, 3)]
        )
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        lines = [replace(LINE, customer_id=customer, bill_id=f"B{customer[1:]}") for customer in made]
        bills.post_lines(session, programme, versions, lines)
    return made


def correct(programme, *asked):
    with database.begin() as session:
        return corrections.post_corrections(session, programme, asked)


def wallet(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id)


def postings(member_id):
    with database.begin() as session:
        return list(
            session.scalars(
                select(PostingRow).where(PostingRow.member_id == member_id).order_by(PostingRow.seq)
            )
        )


def kinds(member_id):
    return [(Kind(row.kind).name, row.amount) for row in postings(member_id)]


def kept():
    with database.begin() as session:
        return list(
            session.scalars(select(BillCorrection).order_by(BillCorrection.member_id, BillCorrection.nth))
        )


def spend(member_id, points):
    with database.begin() as session:
        ledger.post(
            session,
            Request(member_id, ledger.key("test", "spend"), Kind.REDEEM, points, clock.now(), ZONE),
        )


# Down, up, equal


def test_fewer_points_are_taken_back_from_the_lines_own_earning(programme, customers):
    [outcome] = correct(programme, CUT)

    earn, unearn = postings(customers["C1"])
    assert (outcome.what, outcome.points, outcome.name) == (What.POSTED, -30, "plan")
    assert (Kind(unearn.kind), unearn.amount, unearn.rev_of) == (Kind.UNEARN, 30, earn.seq)
    assert unearn.ref == "bill B1 line 1 correction K1"
    assert unearn.version_id == earn.version_id
    assert wallet(customers["C1"]).balance == 70


def test_what_was_spent_already_becomes_debt(programme, customers):
    spend(customers["C1"], 90)

    correct(programme, CUT)

    assert kinds(customers["C1"]) == [("EARN", 100), ("REDEEM", 90), ("UNEARN", 10), ("OWE", 20)]
    assert (wallet(customers["C1"]).balance, wallet(customers["C1"]).debt) == (0, 20)
    assert kept()[0].seqs == [3, 4]


def test_more_points_enter_the_lot_of_the_first_policy(programme, customers):
    with database.begin() as session:
        policies.add_expiry_policy(session, programme.programme_id, policies.BILL_POINTS, DAY, months=12)

    [outcome] = correct(programme, replace(CUT, amount_fen=15_000))

    _, more = postings(customers["C1"])
    assert (outcome.points, Kind(more.kind), more.amount) == (50, Kind.EARN, 50)
    assert lots.last_day(more.lots[0]) == policies.month_end(DAY, 36)


def test_the_rule_of_the_line_counts_not_a_later_one(programme, customers):
    with database.begin() as session:
        policies.add_earn_rule(session, programme.programme_id, "plan", DAY, points=5, per_fen=100)

    correct(programme, CUT)

    assert wallet(customers["C1"]).balance == 70


def test_equal_points_are_recorded_and_move_nothing(programme, customers):
    [outcome] = correct(programme, replace(CUT, amount_fen=10_099))

    assert (outcome.what, outcome.points) == (What.POSTED, 0)
    assert kinds(customers["C1"]) == [("EARN", 100)]
    assert [(row.points_before, row.points, row.seqs) for row in kept()] == [(100, 100, [])]


def test_a_line_of_no_points_may_get_some(programme, customers):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        bills.post_lines(session, programme, versions, [replace(LINE, line_no=2, waived_fen=10_000)])

    [up] = correct(programme, replace(CUT, line_no=2, waived_fen=0))

    assert up.points == 70


def test_what_was_waived_stays_waived_unless_it_is_said(programme, customers):
    first, second = correct(
        programme, replace(CUT, waived_fen=1_000), replace(CUT, correction_id="K2", amount_fen=8_000)
    )

    assert (first.points, second.points) == (-40, 10)


# Several


def test_corrections_of_one_line_follow_each_other(programme, customers):
    outcomes = correct(
        programme,
        CUT,
        replace(CUT, correction_id="K2", amount_fen=20_000),
        replace(CUT, correction_id="K3", amount_fen=1_000),
        replace(CUT, correction_id="K4", amount_fen=1_000),
    )

    assert [outcome.points for outcome in outcomes] == [-30, 130, -190, 0]
    assert [(p.amount, p.rev_of) for p in postings(customers["C1"])] == [
        (100, None), (30, 1), (130, None), (130, 3), (60, 1),
    ]  # fmt: skip
    assert wallet(customers["C1"]).balance == 10
    assert [(row.nth, row.points_before, row.points) for row in kept()] == [
        (1, 100, 70), (2, 70, 200), (3, 200, 10), (4, 10, 10),
    ]  # fmt: skip


def test_one_correction_may_touch_several_lines_and_members(programme, customers):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        bills.post_lines(session, programme, versions, [replace(LINE, line_no=2)])

    outcomes = correct(programme, CUT, replace(CUT, line_no=2), replace(CUT, customer_id="C2", bill_id="B2"))

    assert [outcome.points for outcome in outcomes] == [-30, -30, -30]
    assert [wallet(customers[name]).balance for name in ("C1", "C2", "C3")] == [140, 70, 100]


def test_a_late_older_correction_does_not_undo_a_newer_one(programme, customers):
    correct(programme, CUT)

    [older] = correct(
        programme, replace(CUT, correction_id="K0", correction_day=date(2025, 3, 31), amount_fen=1)
    )

    assert older.reason == "correction_day: lies before the line's latest word, of 2025-04-01"


# Twice


def test_a_correction_counts_once(programme, customers):
    first, again = correct(programme, CUT, CUT)
    [later] = correct(programme, CUT)

    assert [first.what, again.what, later.what] == [What.POSTED, What.THERE, What.THERE]
    assert wallet(customers["C1"]).balance == 70


def test_an_earlier_correction_is_still_there_after_a_later_one(programme, customers):
    correct(programme, CUT, replace(CUT, correction_id="K2", amount_fen=100))

    assert correct(programme, CUT)[0].what is What.THERE
    assert wallet(customers["C1"]).balance == 1


@pytest.mark.parametrize(
    "change", [{"amount_fen": 1}, {"waived_fen": 1}, {"correction_day": date(2025, 4, 2)}]
)
def test_a_known_correction_with_other_contents_is_refused(programme, customers, change):
    correct(programme, CUT)

    [outcome] = correct(programme, replace(CUT, **change))

    assert outcome.reason == corrections.CHANGED
    assert wallet(customers["C1"]).balance == 70


def test_two_runs_at_the_same_moment_count_once(programme, customers, tmp_path):
    path = tmp_path / "corrections.csv"
    path.write_text(
        ",".join(corrections.REQUIRED) + "\nK1,B1,1,C1,2025-04-01,7000\nK1,B2,1,C2,2025-04-01,0\n"
    )
    reports = []

    def run():
        reports.append(corrections.take_in(programme, path, quiet=True))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.posted for report in reports) == 2
    assert sum(report.already_there for report in reports) == 4
    assert [wallet(customers[name]).balance for name in ("C1", "C2")] == [70, 0]


# Refused


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bill_id": "B404"}, "bill_id: this customer has no such bill line"),
        ({"line_no": 2}, "bill_id: this customer has no such bill line"),
        ({"line_no": 2**40}, "bill_id: this customer has no such bill line"),
        ({"customer_id": "C2"}, "bill_id: this customer has no such bill line"),
        ({"customer_id": "C404"}, "bill_id: this customer has no such bill line"),
        ({"amount_fen": -1}, "amount_fen: "),
        ({"amount_fen": 10**14}, "amount_fen: "),
        ({"waived_fen": -1}, "waived_fen: "),
        ({"waived_fen": 7_001}, "waived_fen: "),
        ({"correction_day": date(2999, 1, 1)}, "correction_day: lies in the future"),
        ({"correction_day": DAY - timedelta(days=1)}, "correction_day: lies before the line's latest word"),
    ],
)
def test_a_wrong_correction_is_refused_and_the_next_one_is_posted(programme, customers, changes, reason):
    wrong, good = correct(
        programme, replace(CUT, **changes), replace(CUT, customer_id="C3", bill_id="B3", correction_id="K9")
    )

    assert wrong.what is What.REFUSED
    assert wrong.reason.startswith(reason)
    assert good.what is What.POSTED
    assert wallet(customers["C1"]).balance == 100


def test_the_line_of_another_programme_is_unknown(programme, customers):
    other = given_programme("m-zone")

    [outcome] = correct(other, CUT)

    assert outcome.what is What.REFUSED


def test_an_amount_under_what_was_waived_must_say_what_is_waived_now(programme, customers):
    correct(programme, replace(CUT, waived_fen=5_000))
    lower = replace(CUT, correction_id="K2", amount_fen=4_000)

    silent, said = correct(programme, lower, replace(lower, waived_fen=0))

    assert silent.reason == "waived_fen: 5000 does not lie between 0 and the amount"
    assert said.points == 20


@pytest.mark.parametrize(("amount_fen", "what"), [(15_000, What.REFUSED), (7_000, What.POSTED)])
def test_a_closed_wallet_gains_nothing_but_may_lose(programme, customers, amount_fen, what):
    with database.begin() as session:
        ledger.set_state(session, customers["C1"], State.CLOSED)

    [outcome] = correct(programme, replace(CUT, amount_fen=amount_fen))

    assert outcome.what is what
    assert len(kept()) == (what is What.POSTED)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.tuples(st.integers(3_000, 20_000), st.integers(0, 3_000) | st.none()), max_size=8),
    cut=st.integers(0, 8),
)
def test_after_any_corrections_the_wallet_holds_what_the_latest_amount_earns(
    programme, customers, amounts, cut
):
    """However they are cut into chunks: points of the line = points of its latest word, and a repeat adds nothing."""
    bill = f"R{next(_bills)}"
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        bills.post_lines(session, programme, versions, [replace(LINE, customer_id="C3", bill_id=bill)])
    before = wallet(customers["C3"]).balance
    asked = [
        replace(CUT, customer_id="C3", bill_id=bill, correction_id=f"K{n}", amount_fen=a, waived_fen=w)
        for n, (a, w) in enumerate(amounts)
    ]

    first = [*correct(programme, *asked[:cut]), *correct(programme, *asked[cut:])]
    again = correct(programme, *asked)

    assert all(outcome.what is What.POSTED for outcome in first)
    assert all(outcome.what is What.THERE for outcome in again)
    moved = sum(outcome.points for outcome in first)
    assert wallet(customers["C3"]).balance == before + moved
    with database.begin() as session:
        latest = session.scalars(
            select(BillCorrection)
            .where(BillCorrection.bill_id == bill)
            .order_by(BillCorrection.nth.desc())
            .limit(1)
        ).first()
        count = session.scalar(
            select(func.count()).select_from(BillCorrection).where(BillCorrection.bill_id == bill)
        )
    assert count == sum(outcome.what is What.POSTED for outcome in first)
    if latest is not None:
        assert 100 + moved == latest.points == max(0, latest.amount_fen - latest.waived_fen) // 100


# A file


def test_a_dry_run_says_the_same_and_keeps_nothing(programme, customers, tmp_path):
    path = tmp_path / "corrections.csv"
    path.write_text(
        ",".join([*corrections.REQUIRED, "waived_fen"])
        + "\nK1,B1,1,C1,2025-04-01,7000,\nK1,B2,1,C2,2025-04-01,7000,1000\nK1,B9,1,C2,2025-04-01,7000,\n"
    )

    dry = corrections.take_in(programme, path, dry_run=True, quiet=True)

    assert kept() == []
    real = corrections.take_in(programme, path, quiet=True)
    for report in (dry, real):
        assert (report.read, report.posted, report.refused, report.points) == (3, 2, 1, {"plan": -70})
    again = corrections.take_in(programme, path, quiet=True)
    assert (again.posted, again.already_there, again.refused) == (0, 2, 1)

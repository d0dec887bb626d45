"""Points of an unpaid bill are pending, and each payment releases its share: the parts add up, whatever happens between."""

import itertools
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from base import clock, database
from base.database import StillRunning
from points import bills, corrections, factors, ledger, line_history, lots, payments, policies, rating
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.deeds import Request
from points.imports import What
from points.kinds import Kind, State
from points.members import members
from points.members.members import Enrolment
from points.models import BillPayment, PostingRow
from points.payments import PaymentIn
from tests.given import LONG_AGO, ZONE, caller, given_programme, member_token, secrets_of

DAY = date(2025, 3, 5)
LINE = BillLineIn("C1", "B1", 1, DAY, "plan", 10_000, 0, 0)
PAYMENT = PaymentIn("C1", "P1", "B1", 1, date(2025, 4, 1), 4_000)
CUT = CorrectionIn("C1", "K1", "B1", 1, date(2025, 4, 1), 7_000)
_bills = itertools.count(1)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def customers(db, programme):
    """C1 to C3, each with an unpaid line of 100.00: customer id -> member id."""
    with database.begin() as session:
        made = members.enrol_many(
            session, programme, secrets_of(db), [Enrolment(f"C{n}", LONG_AGO) for n in (1, 2, 3)]
        )
    bill(programme, *[replace(LINE, customer_id=customer, bill_id=f"B{customer[1:]}") for customer in made])
    return made


def bill(programme, *lines):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        return bills.post_lines(session, programme, versions, lines)


def pay(programme, *asked):
    with database.begin() as session:
        return payments.post_payments(session, programme, asked)


def correct(programme, *asked):
    with database.begin() as session:
        return corrections.post_corrections(session, programme, asked)


def wallet(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id)


def pending(member_id):
    with database.begin() as session:
        return line_history.pending(session, member_id)


def postings(member_id):
    with database.begin() as session:
        asked = select(PostingRow).where(PostingRow.member_id == member_id).order_by(PostingRow.seq)
        return list(session.scalars(asked))


def kept():
    with database.begin() as session:
        return list(session.scalars(select(BillPayment).order_by(BillPayment.member_id, BillPayment.nth)))


# Pending


def test_an_unpaid_line_earns_nothing_yet_and_a_payment_releases_its_share(programme, customers):
    member = customers["C1"]
    assert (wallet(member).balance, pending(member)) == (0, 100)

    [outcome] = pay(programme, PAYMENT)

    [earn] = postings(member)
    assert (outcome.what, outcome.points, outcome.name) == (What.POSTED, 40, "plan")
    assert (Kind(earn.kind), earn.amount, earn.ref) == (Kind.EARN, 40, "bill B1 line 1 payment P1")
    assert (wallet(member).balance, pending(member)) == (40, 60)
    assert [(row.nth, row.paid_fen, row.points, row.seq) for row in kept()] == [(1, 4_000, 40, 1)]


def test_a_line_that_comes_partly_paid_earns_that_part(programme, customers):
    [outcome] = bill(programme, replace(LINE, line_no=2, waived_fen=1_000, paid_fen=3_333))

    assert outcome.points == 33
    assert (wallet(customers["C1"]).balance, pending(customers["C1"])) == (33, 100 + 57)


def test_a_line_that_does_not_say_what_is_paid_is_paid_in_full(programme, customers):
    [outcome] = bill(programme, replace(LINE, line_no=2, paid_fen=None))

    assert outcome.points == 100
    assert pending(customers["C1"]) == 100


def test_points_of_a_payment_enter_the_lot_of_the_bills_day(programme, customers):
    with database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, policies.BILL_POINTS, date(2025, 3, 31), months=1
        )
    pay(programme, PAYMENT)

    assert lots.last_day(postings(customers["C1"])[0].lots[0]) == policies.month_end(DAY, 36)


def test_a_payment_after_the_lots_last_day_lives_thirty_days_more(programme, customers):
    late = clock.start_of(policies.month_end(DAY, 36) + timedelta(days=10), ZONE)

    with clock.stopped(late):
        [outcome] = pay(programme, PAYMENT)

    assert outcome.points == 40
    assert lots.last_day(postings(customers["C1"])[0].lots[0]) == clock.day(late, ZONE) + timedelta(days=30)


def test_a_payment_too_small_for_a_point_is_kept_and_counts_later(programme, customers):
    first, second = pay(
        programme, replace(PAYMENT, paid_fen=50), replace(PAYMENT, payment_id="P2", paid_fen=50)
    )

    assert (first.what, first.points, second.points) == (What.POSTED, 0, 1)
    assert [(row.points, row.seq) for row in kept()] == [(0, None), (1, 1)]


def test_the_member_sees_what_is_pending(app, programme, customers):
    pay(programme, PAYMENT)
    client = caller(app, member_token(customers["C1"]))

    told = client.get("/v1/members/me/wallet").json

    assert (told["spendable"], told["pending"]) == (40, 60)


def test_a_line_that_ended_has_nothing_pending(app, programme, customers):
    from points.wallets import wallets

    with database.begin() as session:
        ledger.set_state(session, customers["C1"], State.CLOSED)
    [outcome] = pay(programme, PAYMENT)

    with database.begin() as session:
        assert wallets.show(session, customers["C1"], clock.now()).pending == 0
    assert outcome.reason.startswith("points: ")
    assert kept() == []


# The parts add up


@given(
    points=st.integers(0, 10**15),
    payable=st.integers(1, 10**13),
    cuts=st.lists(st.integers(0, 100), max_size=9),
)
def test_shares_of_any_parts_add_up_to_the_whole(points, payable, cuts):
    paid = [0, *sorted(payable * cut // 100 for cut in cuts), payable]

    parts = [
        rating.share(points, payable, after) - rating.share(points, payable, before)
        for before, after in itertools.pairwise(paid)
    ]

    assert sum(parts) == points
    assert min(parts) >= 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amount=st.integers(1, 50_000), waived=st.integers(0, 50_000), first=st.integers(0, 100),
    cuts=st.lists(st.integers(0, 100), max_size=6), again=st.integers(0, 6),
)  # fmt: skip
def test_however_a_line_is_paid_it_earns_the_same(programme, customers, amount, waived, first, cuts, again):
    """In any parts, some sent twice: paid to the end, the line has earned what it earns when it is paid at once."""
    waived = min(waived, amount - 1)
    payable, bill_id = amount - waived, f"R{next(_bills)}"
    line = replace(LINE, customer_id="C3", bill_id=bill_id, amount_fen=amount, waived_fen=waived)
    marks = sorted({payable * cut // 100 for cut in (first, *cuts)} | {payable})
    before = wallet(customers["C3"]).balance
    bill(programme, replace(line, paid_fen=marks[0]))
    asked = [
        replace(PAYMENT, customer_id="C3", bill_id=bill_id, payment_id=f"P{n}", paid_fen=to - since)
        for n, (since, to) in enumerate(itertools.pairwise(marks))
    ]

    outcomes = pay(programme, *asked, *asked[:again])

    assert [one.what for one in outcomes] == [What.POSTED] * len(asked) + [What.THERE] * len(asked[:again])
    [at_once] = bill(programme, replace(line, line_no=2, paid_fen=None))
    assert wallet(customers["C3"]).balance - before == 2 * at_once.points
    [more] = pay(programme, replace(PAYMENT, customer_id="C3", bill_id=bill_id, payment_id="more"))
    assert more.reason == "paid_fen: is more than the 0 that are still to be paid"


# Twice


def test_a_payment_counts_once(programme, customers):
    first, again = pay(programme, PAYMENT, PAYMENT)
    [later] = pay(programme, PAYMENT)

    assert [first.what, again.what, later.what] == [What.POSTED, What.THERE, What.THERE]
    assert wallet(customers["C1"]).balance == 40


@pytest.mark.parametrize("change", [{"paid_fen": 4_001}, {"paid_day": date(2025, 4, 2)}])
def test_a_known_payment_with_other_contents_is_refused(programme, customers, change):
    pay(programme, PAYMENT)

    [outcome] = pay(programme, replace(PAYMENT, **change))

    assert outcome.reason == payments.CHANGED
    assert wallet(customers["C1"]).balance == 40


def test_one_payment_may_pay_several_lines(programme, customers):
    bill(programme, replace(LINE, line_no=2))

    outcomes = pay(programme, PAYMENT, replace(PAYMENT, line_no=2))

    assert [one.points for one in outcomes] == [40, 40]
    assert wallet(customers["C1"]).balance == 80


def test_a_bill_sent_again_with_more_paid_is_told_to_be_a_payment(programme, customers):
    [outcome] = bill(programme, replace(LINE, paid_fen=4_000))

    assert outcome.reason == "paid_fen: changed; send a payment"
    assert wallet(customers["C1"]).balance == 0


def test_payments_and_corrections_at_the_same_moment_follow_each_other(programme, customers):
    asked = [replace(PAYMENT, payment_id=f"P{n}", paid_fen=1_000) for n in range(6)]
    cuts = [replace(CUT, correction_id=f"K{n}", amount_fen=9_000 - 100 * n) for n in range(3)]
    faults = []

    def run(work, given_, tries=5):
        try:
            assert work(programme, given_)[0].what is What.POSTED
        except StillRunning:  # waited a second for the others: a file would try again too
            run(work, given_, tries - 1) if tries else faults.append("still running")
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(pay, one)) for one in asked]
    threads += [threading.Thread(target=run, args=(correct, one)) for one in cuts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    with database.begin() as session:
        [line] = line_history.of_member(session, customers["C1"]).values()
    assert [event.nth for event in line.events] == list(range(1, 10))
    assert wallet(customers["C1"]).balance == line.latest.earned


# Refused


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bill_id": "B404"}, "bill_id: this customer has no such bill line"),
        ({"line_no": 2}, "bill_id: this customer has no such bill line"),
        ({"line_no": 2**40}, "bill_id: this customer has no such bill line"),
        ({"customer_id": "C2"}, "bill_id: this customer has no such bill line"),
        ({"customer_id": "C404"}, "bill_id: this customer has no such bill line"),
        ({"paid_fen": 0}, "paid_fen: must be more than 0"),
        ({"paid_fen": -1}, "paid_fen: must be more than 0"),
        ({"paid_fen": 10_001}, "paid_fen: is more than the 10000 that are still to be paid"),
        ({"paid_fen": 2**63 - 1}, "paid_fen: is more than the 10000"),
        ({"paid_day": DAY - timedelta(days=1)}, "paid_day: lies before the bill's day, 2025-03-05"),
        ({"paid_day": date(2999, 1, 1)}, "paid_day: lies in the future"),
    ],
)
def test_a_wrong_payment_is_refused_and_the_next_one_is_posted(programme, customers, changes, reason):
    wrong, good = pay(
        programme, replace(PAYMENT, **changes), replace(PAYMENT, customer_id="C3", bill_id="B3")
    )

    assert wrong.what is What.REFUSED
    assert wrong.reason.startswith(reason)
    assert good.what is What.POSTED
    assert wallet(customers["C1"]).balance == 0


def test_a_line_paid_in_full_takes_no_payment(programme, customers):
    bill(programme, replace(LINE, line_no=2, paid_fen=None), replace(LINE, line_no=3, paid_fen=10_000))

    unsaid, said = pay(programme, replace(PAYMENT, line_no=2), replace(PAYMENT, line_no=3))

    assert unsaid.reason == "bill_id: this line came as paid in full"
    assert said.reason == "paid_fen: is more than the 0 that are still to be paid"


@pytest.mark.parametrize("paid_fen", [-1, 9_001, 10_000])
def test_a_line_cannot_come_with_more_paid_than_is_due(programme, customers, paid_fen):
    [outcome] = bill(programme, replace(LINE, line_no=2, waived_fen=1_000, paid_fen=paid_fen))

    assert outcome.reason == "paid_fen: must lie between 0 and the amount less what is waived"


@pytest.mark.parametrize("paid_fen", [0, 1, 10**9, 10**13, None])
def test_a_line_worth_more_points_than_can_be_is_refused_whatever_is_paid(programme, customers, paid_fen):
    with database.begin() as session:
        policies.add_earn_rule(session, programme.programme_id, "huge", LONG_AGO, points=10**6, per_fen=1)
    huge = replace(LINE, line_no=2, line_type="huge", paid_fen=paid_fen)

    outcome, good = bill(
        programme, replace(huge, amount_fen=10**13), replace(huge, line_no=3, amount_fen=10, paid_fen=0)
    )
    [raised] = correct(programme, replace(CUT, line_no=3, amount_fen=10**13))

    assert (outcome.what, raised.what) == (What.REFUSED, What.REFUSED)
    assert outcome.reason.startswith("points: ")
    assert raised.reason == "points: over 1000000000000000"
    assert good.what is What.POSTED


# Corrections of what is not paid yet


def test_a_lowered_line_loses_pending_points_first(programme, customers):
    pay(programme, PAYMENT)

    [cut] = correct(programme, CUT)

    assert cut.points == 0
    assert (wallet(customers["C1"]).balance, pending(customers["C1"])) == (40, 30)


def test_what_was_paid_over_the_lowered_amount_is_taken_back_latest_first(programme, customers):
    pay(programme, PAYMENT, replace(PAYMENT, payment_id="P2", paid_fen=5_000))

    [cut] = correct(programme, replace(CUT, amount_fen=3_000))

    assert cut.points == -60
    assert [(Kind(p.kind).name, p.amount, p.rev_of) for p in postings(customers["C1"])] == [
        ("EARN", 40, None), ("EARN", 50, None), ("UNEARN", 50, 2), ("UNEARN", 10, 1),
    ]  # fmt: skip
    assert (wallet(customers["C1"]).balance, pending(customers["C1"])) == (30, 0)


def test_what_was_paid_and_spent_becomes_debt(programme, customers):
    pay(programme, PAYMENT)
    with database.begin() as session:
        request = Request(customers["C1"], ledger.key("test", "spend"), Kind.REDEEM, 40, clock.now(), ZONE)
        ledger.post(session, request)

    correct(programme, replace(CUT, amount_fen=3_000))

    assert (wallet(customers["C1"]).balance, wallet(customers["C1"]).debt) == (0, 10)


def test_a_raised_line_has_more_pending_and_earns_it_when_it_is_paid(programme, customers):
    pay(programme, replace(PAYMENT, paid_fen=10_000))

    [raised] = correct(programme, replace(CUT, amount_fen=15_000))
    before = pending(customers["C1"])
    [rest] = pay(programme, replace(PAYMENT, payment_id="P2", paid_fen=5_000))

    assert (raised.points, before, rest.points) == (0, 50, 50)
    assert (wallet(customers["C1"]).balance, pending(customers["C1"])) == (150, 0)


def test_a_line_that_came_as_paid_in_full_stays_so_when_it_is_raised(programme, customers):
    bill(programme, replace(LINE, line_no=2, paid_fen=None))

    [raised] = correct(programme, replace(CUT, line_no=2, amount_fen=15_000))

    assert (raised.points, pending(customers["C1"])) == (50, 100)


def test_a_correction_keeps_the_factors_of_the_line(programme, customers):
    with database.begin() as session:
        factors.add(session, programme.programme_id, factors.TENURE, DAY, 200, least_years=5)
    [doubled] = bill(programme, replace(LINE, line_no=2, paid_fen=5_000))
    with database.begin() as session:
        factors.add(
            session, programme.programme_id, factors.TENURE, DAY, 900, line_type="plan", least_years=5
        )

    [cut] = correct(programme, replace(CUT, line_no=2, amount_fen=4_000))

    assert (doubled.points, cut.points) == (100, -20)


deeds = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 9_000), st.just(0)),
        st.tuples(st.just("correct"), st.integers(0, 20_000), st.integers(0, 3_000)),
    ),
    max_size=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=deeds, paid=st.integers(0, 10_000))
def test_after_any_story_the_wallet_holds_the_share_that_is_paid(programme, customers, told, paid):
    """Payments and corrections in any order: earned = floor(points * paid / payable) of how the line stands then."""
    bill_id = f"R{next(_bills)}"
    before, waiting = wallet(customers["C3"]).balance, pending(customers["C3"])
    bill(programme, replace(LINE, customer_id="C3", bill_id=bill_id, paid_fen=paid))
    amount, waived, moved = 10_000, 0, paid // 100
    for number, (what, fen, less) in enumerate(told):
        if what == "pay":
            [one] = pay(
                programme,
                replace(PAYMENT, customer_id="C3", bill_id=bill_id, payment_id=f"P{number}", paid_fen=fen),
            )
            assert (one.what is What.POSTED) == (fen <= max(0, amount - waived - paid))
            paid += fen if one.what is What.POSTED else 0
        else:
            [one] = correct(
                programme,
                replace(CUT, customer_id="C3", bill_id=bill_id, correction_id=f"K{number}", amount_fen=fen,
                        waived_fen=min(less, fen)),
            )  # fmt: skip
            assert one.what is What.POSTED
            amount, waived = fen, min(less, fen)
        moved += one.points

    whole, payable = (amount - waived) // 100, amount - waived
    earned = whole if paid >= payable else whole * paid // payable
    assert moved == earned == wallet(customers["C3"]).balance - before
    assert pending(customers["C3"]) - waiting == whole - earned


# A file


def test_a_file_is_taken_in_counted_and_harmless_to_repeat(programme, customers, tmp_path):
    path = tmp_path / "payments.csv"
    path.write_text(
        ",".join(payments.REQUIRED)
        + "\nP1,B1,1,C1,2025-04-01,4000\nP1,B1,1,C1,2025-04-01,4000\nP1,B1,1,C1,2025-04-01,4001\n"
        "P1,B2,1,C2,2025-04-01,１０\nP1,B9,1,C2,2025-04-01,10\nP1,B2,1,C2,2025-02-30,10\n",
        encoding="utf-8",
    )

    dry = payments.take_in(programme, path, dry_run=True, quiet=True)
    assert kept() == []
    real = payments.take_in(programme, path, quiet=True)

    for report in (dry, real):
        assert (report.read, report.posted, report.already_there, report.refused) == (6, 1, 1, 4)
        assert report.points == {"plan": 40}
    again = payments.take_in(programme, path, quiet=True)
    assert (again.posted, again.already_there, again.refused) == (0, 2, 4)
    assert "payments.errors.csv" in str(real.error_file)

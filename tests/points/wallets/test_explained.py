"""The sentences of a page of postings: from stored inputs, in a fixed number of statements; and the page's filters."""

import itertools
import re
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from base import clock, database
from points import bills, corrections, factors, payments, policies
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.members import attributes, members
from points.members.members import Enrolment
from points.payments import PaymentIn
from points.wallets import explained, wallets
from tests.given import (
    LONG_AGO,
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
    secrets_of,
)

DAY = date(2025, 3, 5)
_bills = itertools.count(1)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    with database.begin() as session:
        return members.enrol_many(session, programme, secrets_of(db), [Enrolment("C1", LONG_AGO)])["C1"]


def billed(programme, *lines):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        outcomes = bills.post_lines(
            session,
            programme,
            versions,
            [BillLineIn("C1", bill, n, DAY, "plan", a, w) for bill, n, a, w in lines],
        )
    assert not [outcome.reason for outcome in outcomes if outcome.reason]


def corrected(programme, *asked):
    with database.begin() as session:
        outcomes = corrections.post_corrections(
            session, programme,
            [CorrectionIn("C1", key, bill, n, DAY, a) for key, bill, n, a in asked],
        )  # fmt: skip
    assert not [outcome.reason for outcome in outcomes if outcome.reason]


def told(app, member_id, **query):
    rows = caller(app, member_token(member_id)).get("/v1/members/me/postings", **query).json["data"]
    return [row["explanation"]["en"] for row in rows]


def test_each_posting_of_a_bill_and_its_correction_is_told_under_the_rule_of_its_day(
    app, programme, member_id
):
    billed(programme, ("2025-03", 1, 29_900, 5_000))
    with database.begin() as session:
        policies.add_earn_rule(session, programme.programme_id, "plan", DAY, points=9, per_fen=100)
    caller(app, member_token(member_id)).redeem(given_offer(programme, "perk", value_fen=200))
    corrected(programme, ("K1", "2025-03", 1, 20_000), ("K2", "2025-03", 1, 25_050))

    said = told(app, member_id)

    line = (
        "bill 2025-03 line 1: {} yuan, less 50.00 waived, 1 point per 1.00 yuan{} = {} points instead of {};"
    )
    assert said[0] == "50 points repaid what was owed; 0 still owed"
    assert said[1] == f"Correction K2 of {line.format('250.50', ', rounded down', 200, 150)} 50 more"
    assert (
        said[2]
        == f"Correction K1 of {line.format('200.00', '', 150, 249)} 50 of 99 had been spent and are owed"
    )
    assert said[3] == f"Correction K1 of {line.format('200.00', '', 150, 249)} 49 of 99 taken back"
    assert re.fullmatch(r"200 points spent for redemption red_\w+, worth 2\.00", said[4])
    assert (
        said[5] == "299.00 yuan on bill 2025-03 line 1, less 50.00 waived, 1 point per 1.00 yuan = 249 points"
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(
        st.tuples(st.integers(100, 100_000), st.integers(0, 99), st.integers(0, 100)), min_size=1, max_size=4
    ),
    cuts=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100_000)), max_size=3),
    day=st.dates(date(2021, 1, 1), date(2026, 6, 30)),
)
def test_the_sums_of_random_lines_are_recomputed_from_their_sentences(
    app, programme, member_id, amounts, cuts, day
):
    """Lines with factors, part payments and corrections: each sentence's own numbers give the points that moved."""
    given_factors(programme, member_id)
    bill = f"R{next(_bills)}"
    lines = [
        BillLineIn("C1", bill, n, day, "plan", amount, amount * waived // 100, 0 if part else None)
        for n, (amount, waived, part) in enumerate(amounts)
    ]
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        bills.post_lines(session, programme, versions, lines)
        payments.post_payments(
            session,
            programme,
            [
                PaymentIn("C1", f"P{n}", bill, n, day, paid)
                for n, ((_, _, part), line) in enumerate(zip(amounts, lines, strict=True))
                if part and (paid := (line.amount_fen - line.waived_fen) * part // 100)
            ],
        )
        corrections.post_corrections(
            session,
            programme,
            [
                CorrectionIn("C1", f"K{k}", bill, n, day, max(amount, 100_000 if k else 0))
                for k, (n, amount) in enumerate(cuts)
                if n < len(lines)
            ],
        )
        rows = wallets.postings(session, member_id, before=None, limit=200)
        said = explained.explanations(session, member_id, rows)

    rows = [row for row in rows if f"bill {bill} " in (row.ref or "")]
    for row in rows:
        sentence = said[row.seq]["en"]
        assert points_of(sentence) == row.amount, sentence


def points_of(sentence):
    """The points that a sentence says moved, reckoned from its own amounts, rule, factors and payments."""
    fen = lambda text: int(re.sub(r"[,.]", "", text))  # noqa: E731
    amount, less, points, per, factors_said = re.search(
        r"([\d,.]+) yuan(?: on bill \S+ line \d+)?(?:, less ([\d,.]+) waived)?, ([\d,]+) points? per ([\d,.]+) yuan"
        r"((?:, [x+][^,=]+)*)",
        sentence.split(": ")[-1],
    ).groups()
    due = fen(amount) - fen(less or "0.00")
    exact = Fraction(due * fen(points), fen(per))
    exact *= Fraction(100 + sum(map(int, re.findall(r"\+(\d+) %", factors_said))), 100)
    for times in re.findall(r"x([\d.]+)", factors_said):
        exact *= Fraction(times)
    total = exact.__floor__()
    part = re.search(r"([\d,.]+) of ([\d,.]+) paid", sentence)
    earned = total * fen(part[1]) // fen(part[2]) if part else total
    before = re.search(r"([\d,]+) of them before|instead of ([\d,]+)", sentence)
    told = re.search(r"([\d,]+)(?: of [\d,]+)? (?:taken back|had been spent)", sentence)
    if told:
        return fen(told[1])
    return abs(earned - fen((before[1] or before[2]) if before else "0"))


def given_factors(programme, member_id):
    """Once: five stars since 2022, three years, a birthday in June."""
    with database.begin() as session:
        if policies.load(session, programme.programme_id).factors:
            return
        factors.add(session, programme.programme_id, factors.TIER, LONG_AGO, 150, tier="star5")
        factors.add(session, programme.programme_id, factors.TENURE, LONG_AGO, 7, adds=True, least_years=3)
        factors.add(session, programme.programme_id, factors.BIRTHDAY, LONG_AGO, 200)
        attributes.add_many(
            session,
            {(member_id, "tier", date(2022, 1, 1)): "star5", (member_id, "birthday", LONG_AGO): "06-15"},
        )


def test_a_payment_is_told_as_the_line_stood_then_not_as_it_stands_now(app, programme, member_id):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        line = BillLineIn("C1", "2025-03", 1, DAY, "plan", 30_000, 0, 10_000)
        bills.post_lines(session, programme, versions, [line])
        payments.post_payments(session, programme, [PaymentIn("C1", "P1", "2025-03", 1, DAY, 5_000)])
    corrected(programme, ("K1", "2025-03", 1, 20_000))
    with database.begin() as session:
        payments.post_payments(session, programme, [PaymentIn("C1", "P2", "2025-03", 1, DAY, 5_000)])
    corrected(programme, ("K2", "2025-03", 1, 6_000))

    said = told(app, member_id)

    assert said == [
        "Correction K2 of bill 2025-03 line 1: 60.00 yuan, 1 point per 1.00 yuan = 60 points instead of 200; 40 of 140 taken back",
        "Correction K2 of bill 2025-03 line 1: 60.00 yuan, 1 point per 1.00 yuan = 60 points instead of 200; 50 of 140 taken back",
        "Correction K2 of bill 2025-03 line 1: 60.00 yuan, 1 point per 1.00 yuan = 60 points instead of 200; 50 of 140 taken back",
        "Payment P2 of 50.00 yuan on bill 2025-03 line 1: 200.00 yuan, 1 point per 1.00 yuan = 200 points, 150 of them before; 50 now",
        "Payment P1 of 50.00 yuan on bill 2025-03 line 1: 300.00 yuan, 1 point per 1.00 yuan = 300 points; 150.00 of 300.00 paid "
        "= 150 points, 100 of them before; 50 now",
        "300.00 yuan on bill 2025-03 line 1, 1 point per 1.00 yuan = 300 points; 100.00 of 300.00 paid = 100 points",
    ]


def test_names_of_payments_that_look_like_lines_do_not_confuse(app, programme, member_id):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        lines = [
            BillLineIn("C1", "A", 3, DAY, "plan", 10_000, 0, 0),
            BillLineIn("C1", "A line 3 payment x", 3, DAY, "plan", 5_000, 0, 5_000),
        ]
        bills.post_lines(session, programme, versions, lines)
        payments.post_payments(session, programme, [PaymentIn("C1", "x line 3", "A", 3, DAY, 4_000)])

    assert told(app, member_id) == [
        "Payment x line 3 of 40.00 yuan on bill A line 3: 100.00 yuan, 1 point per 1.00 yuan = 100 points; 40.00 of 100.00 paid "
        "= 40 points; 40 now",
        "50.00 yuan on bill A line 3 payment x line 3, 1 point per 1.00 yuan = 50 points",
    ]


def test_names_of_bills_that_look_like_lines_do_not_confuse(app, programme, member_id):
    billed(programme, ("A line 3", 1, 10_000, 0), ("A", 3, 20_000, 0))
    corrected(programme, ("x line 3", "A", 3, 30_000))

    assert told(app, member_id) == [
        "Correction x line 3 of bill A line 3: 300.00 yuan, 1 point per 1.00 yuan = 300 points instead of 200; 100 more",
        "200.00 yuan on bill A line 3, 1 point per 1.00 yuan = 200 points",
        "100.00 yuan on bill A line 3 line 1, 1 point per 1.00 yuan = 100 points",
    ]


def test_an_earning_without_a_bill_says_what_it_names(app, db, programme):
    assert told(app, given_member(db, programme, points=100)) == ["100 points collected"]


def test_a_long_page_takes_as_many_statements_as_a_short_one(programme, member_id):
    given_factors(programme, member_id)
    billed(programme, *[("B", n, 10_000, 0) for n in range(30)])
    corrected(programme, *[(f"K{n}", "B", n, 5_000) for n in range(30)])

    def statements(limit):
        with database.begin() as session:
            rows = wallets.postings(session, member_id, before=None, limit=limit)
            asked = []
            session.expunge_all()
            event.listen(session.connection(), "before_cursor_execute", lambda *args: asked.append(args[2]))
            said = explained.explanations(session, member_id, rows)
        assert len(said) == limit
        return len(asked)

    assert statements(60) == statements(31) <= 7


def test_postings_can_be_asked_for_by_kind_and_day_page_by_page(app, db, programme):
    start = clock.start_of(date(2026, 1, 1), programme.zone)
    with clock.stopped(start):
        member_id = given_member(db, programme)
    for day in range(6):
        with clock.stopped(
            start + timedelta(days=day)
        ):  # the first moment of the day in the programme's zone
            given_points(member_id, day + 1, last_day=date(2026, 1, 3) if day == 0 else None)
    with clock.stopped(start + timedelta(days=6)):
        member = caller(app, member_token(member_id))

        def seen(**query):
            found, cursor = [], None
            while True:
                page = member.get(
                    "/v1/members/me/postings", limit=2, **query, **({"cursor": cursor} if cursor else {})
                ).json
                found += [(row["kind"], abs(row["points"])) for row in page["data"]]
                cursor = page["next_cursor"]
                if not cursor:
                    return found

        assert seen(kind="expire") == [("expire", 1)]
        assert [points for _, points in seen(kind="earn")] == [6, 5, 4, 3, 2, 1]
        assert [points for _, points in seen(kind="earn", from_day="2026-01-02", until_day="2026-01-04")] == [
            4,
            3,
            2,
        ]
        assert seen(until_day="2026-01-01") == [("earn", 1)]
        assert seen(from_day="2026-01-06") == [("earn", 6)]
        assert seen(from_day="2026-01-03", until_day="2026-01-02") == []


@pytest.mark.parametrize(
    "query", [{"kind": "theft"}, {"kind": "EARN"}, {"from_day": "yesterday"}, {"until": "2026-01-01"}]
)
def test_a_filter_that_means_nothing_is_refused(app, db, programme, query):
    answer = caller(app, member_token(given_member(db, programme))).get("/v1/members/me/postings", **query)

    assert answer.status_code == 422

"""What would this bill earn? The answer is what the bill then earns, and asking writes nothing."""

import itertools
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from base import database
from points import bills, factors, policies
from points.bills import BillLineIn
from points.factors import BIRTHDAY, TENURE, TIER
from points.imports import What
from points.members import imports
from tests.given import (
    LONG_AGO,
    caller,
    given_member,
    given_programme,
    member_token,
    secrets_of,
    staff_token,
)

DAY = date(2025, 3, 5)
_bills = itertools.count(1)
BILL = {"bill_day": str(DAY), "lines": [{"line_type": "plan", "amount_fen": 29_900, "waived_fen": 5_000}]}


@pytest.fixture
def programme(db):
    """Twice for five stars, a tenth more after three years, half as much again in the birthday month."""
    made = given_programme()
    with database.begin() as session:
        factors.add(session, made.programme_id, TIER, LONG_AGO, 200, tier="star5")
        factors.add(session, made.programme_id, TENURE, LONG_AGO, 110, least_years=3)
        factors.add(session, made.programme_id, BIRTHDAY, LONG_AGO, 50, adds=True)
    return made


@pytest.fixture
def member(app, db, programme, tmp_path):
    """C1: a customer since 2020, five stars since 2025, born in March."""
    path = tmp_path / "members.csv"
    path.write_text("customer_id,joined_on,tier,tier_from,birthday\nC1,2020-06-01,star5,2025-01-01,03-31\n")
    assert imports.take_in(programme, secrets_of(db), path, quiet=True).clean
    with database.begin() as session:
        member_id = session.execute(text("select member_id from member")).scalar_one()
    return caller(app, member_token(member_id))


@pytest.fixture
def staff(app, programme):
    return caller(app, staff_token("support"))


def ask(who, **more):
    return who.post("/v1/earnings/estimate", BILL | more)


def test_a_member_is_told_what_a_bill_would_earn_and_why(member):
    told = ask(member)

    assert told.status_code == 200
    assert told.json == {
        "programme": "gotone",
        "bill_day": "2025-03-05",
        "points": 821,
        "pending": 0,
        "lines": [
            {
                "line_type": "plan",
                "points": 821,
                "pending": 0,
                "last_day": "2028-03-31",
                "factors": [
                    {"kind": "tier", "percent": 200, "adds": False},
                    {"kind": "tenure", "percent": 110, "adds": False},
                    {"kind": "birthday", "percent": 50, "adds": True},
                ],
                "explanation": {
                    "en": "299.00 yuan on a bill, less 50.00 waived, 1 point per 1.00 yuan, x2 for 5 stars, x1.1 after "
                    "3 years as a customer, +50 % in the birthday month, rounded down = 821 points",
                    "zh-CN": "账单 299.00 元，减免 50.00 元，每 1.00 元 1 积分，5 星 ×2，在网满 3 年 ×1.1，生日月 +50 %，"
                    "舍去小数 = 821 积分",
                },
            }
        ],
    }


def test_a_member_may_ask_what_it_would_be_otherwise(member):
    assert ask(member, tier="none").json["points"] == 410
    assert ask(member, tier="none", birthday_month=False).json["points"] == 273
    assert ask(member, tier="none", birthday_month=False, years=0).json["points"] == 249


def test_staff_ask_for_anybody_in_a_programme_that_they_name(staff):
    assert ask(staff, programme="gotone").json["points"] == 249
    assert ask(staff, programme="gotone", tier="star5", years=3).json["points"] == 547
    assert ask(staff).json["errors"] == [{"pointer": "/programme", "detail": "name one of: gotone"}]
    assert ask(staff, programme="nowhere").json["type"] == "/problems/programme-unknown"


def test_of_an_unpaid_bill_the_rest_is_pending(staff):
    lines = [
        {"line_type": "plan", "amount_fen": 10_000, "paid_fen": 3_333},
        {"line_type": "data", "amount_fen": 500},
    ]

    told = ask(staff, programme="gotone", lines=lines).json

    assert (told["points"], told["pending"]) == (38, 67)
    assert [(line["points"], line["pending"]) for line in told["lines"]] == [(33, 67), (5, 0)]
    assert told["lines"][0]["explanation"]["en"].endswith(
        "= 100 points; 33.33 of 100.00 paid, rounded down = 33 points"
    )


def test_a_bill_of_a_day_to_come_can_be_asked_about(staff, programme):
    with database.begin() as session:
        policies.add_earn_rule(
            session, programme.programme_id, "plan", date(2999, 1, 1), points=3, per_fen=100
        )
        policies.add_expiry_policy(
            session, programme.programme_id, policies.BILL_POINTS, date(2999, 1, 1), months=None
        )

    told = ask(staff, programme="gotone", bill_day="2999-01-31").json

    assert (told["points"], told["lines"][0]["last_day"]) == (747, None)


@pytest.mark.parametrize(
    ("lines", "pointer"),
    [
        ([], "/lines"),
        ([{"line_type": "plan", "amount_fen": 1}] * 101, "/lines"),
        ([{"line_type": "plan"}], "/lines/0/amount_fen"),
        ([{"line_type": "plan", "amount_fen": -1}], "/lines/0/amount_fen"),
        ([{"line_type": "plan", "amount_fen": 10**13 + 1}], "/lines/0/amount_fen"),
        ([{"line_type": "plan", "amount_fen": 1.5}], "/lines/0/amount_fen"),
        ([{"line_type": "plan", "amount_fen": "１２３"}], "/lines/0/amount_fen"),
        ([{"line_type": "plan", "amount_fen": 9, "waived_fen": 10}], "/lines/0/waived_fen"),
        ([{"line_type": "plan", "amount_fen": 9, "waived_fen": 1, "paid_fen": 9}], "/lines/0/paid_fen"),
        ([{"line_type": "plan", "amount_fen": 9, "points": 9}], "/lines/0/points"),
    ],
)
def test_what_cannot_be_a_bill_is_refused_by_its_field(staff, lines, pointer):
    answer = ask(staff, programme="gotone", lines=lines)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_a_type_without_a_rule_is_not_found(staff):
    answer = ask(staff, programme="gotone", lines=[{"line_type": "roaming", "amount_fen": 1}])

    assert (answer.status_code, answer.json["type"]) == (404, "/problems/no-rule-in-force")


def test_a_stranger_may_not_ask(app, programme):
    assert ask(caller(app)).status_code == 401


def test_asking_writes_nothing(app, db, programme, member, owner):
    def rows():
        return {
            table: owner.execute(text(f"select count(*), max(xmin::text::bigint) from {table}")).one()
            for table in owner.execute(
                text("select tablename from pg_tables where schemaname = 'public'")
            ).scalars()
        }

    before = rows()
    assert ask(member).status_code == 200

    assert rows() == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amount=st.integers(0, 10**9),
    waived=st.integers(0, 10**9),
    part=st.integers(0, 100),
    day=st.dates(date(2020, 6, 1), date(2026, 1, 31)),
)
def test_the_bill_then_earns_what_was_said(app, member, programme, amount, waived, part, day):
    waived = min(waived, amount)
    paid = (amount - waived) * part // 100
    line = {"line_type": "plan", "amount_fen": amount, "waived_fen": waived, "paid_fen": paid}
    said = ask(member, bill_day=str(day), lines=[line]).json

    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        asked = BillLineIn("C1", f"R{next(_bills)}", 1, day, "plan", amount, waived, paid)
        [outcome] = bills.post_lines(session, programme, versions, [asked])
    assert (outcome.what, outcome.points) == (What.POSTED, said["points"])


def test_a_member_of_whom_nothing_is_known_earns_by_the_rule_alone(app, db, programme):
    somebody = caller(app, member_token(given_member(db, programme, joined_on=date(2024, 1, 1))))

    assert ask(somebody).json["points"] == 249

"""The points page shows the sum behind the points of a bill line and of its correction, in the page's language."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from base import database
from points import bills, corrections, payments, policies
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.members.models import Member
from points.payments import PaymentIn

DAY = date(2025, 3, 5)


@pytest.mark.parametrize(
    ("language", "earned", "taken", "about"),
    [
        (
            "en",
            "299.00 yuan on bill 2025-03 line 1, less 50.00 waived, 1 point per 1.00 yuan = 249 points",
            "1 point per 1.00 yuan = 150 points instead of 249; 99 taken back",
            "Bill 2025-03, line 1",
        ),
        (
            "zh-CN",
            "账单 2025-03 第 1 行 299.00 元，减免 50.00 元，每 1.00 元 1 积分 = 249 积分",
            "= 150 积分，更正前 249 积分；收回 99 积分",
            "2025-03",
        ),
    ],
)
def test_the_sum_stands_under_the_movement(somebody, programme, language, earned, taken, about):
    me = somebody(language=language, points=7)
    with database.begin() as session:
        customer_id = session.scalars(select(Member.customer_id)).one()
        versions = policies.load(session, programme.programme_id)
        line = BillLineIn(customer_id, "2025-03", 1, DAY, "plan", 29_900, 5_000)
        bills.post_lines(session, programme, versions, [line])
    with database.begin() as session:
        cut = CorrectionIn(customer_id, "K1", "2025-03", 1, DAY, 20_000)
        corrections.post_corrections(session, programme, [cut])

    me.get("/points")

    assert earned in me.page
    assert taken in me.page
    assert len(re.findall(about, me.page)) >= 2
    assert "bill 2025-03 line 1 correction" not in me.page
    assert "7 points collected" not in me.page


@pytest.mark.parametrize(
    ("language", "waits", "paid"),
    [
        (
            "en",
            "more can be spent once your bill is paid",
            "149.00 of 249.00 paid = 149 points, 100 of them before; 49 now",
        ),
        ("zh-CN", "待账单付清后可用", "应付 249.00 已付 149.00 = 149 积分，此前 100 积分；本次 49 积分"),
    ],
)
def test_pending_points_stand_beside_those_that_can_be_spent(somebody, programme, language, waits, paid):
    me = somebody(language=language, points=7)
    with database.begin() as session:
        customer_id = session.scalars(select(Member.customer_id)).one()
        versions = policies.load(session, programme.programme_id)
        line = BillLineIn(customer_id, "2025-03", 1, DAY, "plan", 29_900, 5_000, 10_000)
        bills.post_lines(session, programme, versions, [line])
        asked = [PaymentIn(customer_id, "P1", "2025-03", 1, DAY, 4_900)]
        payments.post_payments(session, programme, asked)

    me.get("/points")
    assert paid in me.page
    assert "payment P1" not in me.page.replace("Payment P1 of", "")
    for page in ("/", "/points"):
        me.get(page)
        assert "100" in re.search(rf"<p[^>]*>(?:(?!</p>).)*{waits}", me.page, re.DOTALL)[0]

    with database.begin() as session:
        asked = [PaymentIn(customer_id, "P2", "2025-03", 1, DAY, 10_000)]
        payments.post_payments(session, programme, asked)
    me.get("/points")
    assert waits not in me.page

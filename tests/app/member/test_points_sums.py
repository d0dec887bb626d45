"""The points page shows the sum behind the points of a bill line and of its correction, in the page's language."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from base import database
from points import bills, corrections, policies
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.members.models import Member

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

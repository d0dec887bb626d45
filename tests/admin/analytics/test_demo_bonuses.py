"""The demo operator gives welcomes and birthdays: everybody one birthday in a year at most, within the budget."""

import pytest
from sqlalchemy import text

from app import demo
from base import database


@pytest.mark.torture
def test_the_demo_operator_gives_a_welcome_and_birthdays(db):
    demo.make(db, "tiny", quiet=True)

    with database.begin() as session:
        given = dict(session.execute(text("select code, count(*) from bonus group by code")).all())
        share = session.scalar(
            text("select (select sum(points) from bonus) * 1000 / sum(amount) from posting where kind = 1")
        )
        twice = session.scalar(
            text(
                "select count(*) from (select from bonus where code = 'birthday' group by member_id, ref having count(*) > 1) x"
            )
        )

    assert given["birthday"] > 50
    assert given["welcome"] > 0
    assert twice == 0
    assert 0 < share < 20  # thousandths of all that is earned

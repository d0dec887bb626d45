"""A member whose line is not active reads why, since when and what ends it, in both languages, and sees the points."""

import pytest

from base import clock
from points.lines.states import LineState
from tests.given import given_member, given_points
from tests.points.lines.telling import days, tell, today

PHONE = "13900001234"


@pytest.mark.parametrize(
    ("state", "language", "said"),
    [
        (LineState.SUSPENDED, "en", ("Suspended since", "unpaid bill", "It ends when the line is resumed")),
        (LineState.SUSPENDED, "zh-CN", ("已停机", "欠费", "复机后恢复")),
        (LineState.PRE_CANCELLED, "en", ("About to be cancelled since", "withdrawn or carried out")),
        (LineState.TRANSFER, "zh-CN", ("过户办理中", "过户完成或撤销后结束")),
    ],
)
def test_home_says_what_bars_the_line_since_when_and_what_ends_it(
    db, programme, browser, state, language, said
):
    member_id = given_member(db, programme, points=1234, phone=PHONE)
    tell(db, member_id, state, today() - days(3))
    me = browser(language)

    me.sign_in(db, PHONE)

    for words in (*said, str(today() - days(3)), "1,234"):
        assert words in me.page


def test_home_of_an_active_line_says_nothing_of_it(db, programme, browser):
    member_id = given_member(db, programme, points=1234, phone=PHONE)
    tell(db, member_id, LineState.SUSPENDED, today() - days(3))
    tell(db, member_id, LineState.ACTIVE)
    me = browser()

    me.sign_in(db, PHONE)

    assert "frozen" not in me.page
    assert "since" not in me.page.lower()


def test_points_that_reached_their_last_day_while_frozen_are_shown_as_kept(db, programme, browser):
    member_id = given_member(db, programme, points=100, phone=PHONE)
    given_points(member_id, 40, last_day=today() + days(3))
    tell(db, member_id, LineState.SUSPENDED)
    me = browser()

    with clock.stopped(clock.now() + days(10)):
        me.sign_in(db, PHONE)

    assert "40 points reached their last day while your line was frozen" in me.page


def test_an_offer_cannot_be_taken_and_says_why(db, programme, browser):
    member_id = given_member(db, programme, points=100, phone=PHONE)
    me = browser()
    me.sign_in(db, PHONE)
    tell(db, member_id, LineState.SUSPENDED, reason="a reason of the operator's")

    me.get("/")

    assert "a reason of the operator&#39;s" in me.page

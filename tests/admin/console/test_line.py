"""Staff see what was told about a member's line, when and by whom, and what became of it."""

import pytest

from base import ids
from points.lines.states import LineState
from tests.given import given_member, given_programme, staff_token
from tests.points.lines.telling import days, tell, today


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Suspended since", "unpaid bill", "(changed nothing)", "Told at")),
        ("zh-CN", ("已停机", "欠费", "（未改变状态）", "号码事件")),
    ],
)
def test_the_page_of_a_member_tells_the_history_of_the_line(app, db, language, said):
    member_id = given_member(db, given_programme(), points=100)
    tell(db, member_id, LineState.SUSPENDED, today() - days(3), event_id="BOSS-17")
    tell(db, member_id, LineState.TRANSFER, today() - days(9), event_id="BOSS-18")
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token("support"))

    page = client.get(
        f"/staff/members/{ids.public('mbr', member_id)}", headers={"Accept-Language": language}
    ).text

    for words in (*said, "BOSS-17", "BOSS-18", "service:test"):
        assert words in page


def test_a_line_of_which_nothing_was_told_says_so(app, db):
    member_id = given_member(db, given_programme())
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token("support"))

    page = client.get(
        f"/staff/members/{ids.public('mbr', member_id)}", headers={"Accept-Language": "en"}
    ).text

    assert "Nothing was told." in page
    assert "Active since" in page

"""The member's pages about messages: is this from us, what was written, in which language."""

import re

from base import clock, database
from base.notices import genuine, notices
from points.members import members
from points.notices import telling
from tests.given import ZONE, given_member, member_token

CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]")
PHONE = "13900004711"


def written(db, member_id=7, template="gift-returned", **facts):
    with database.begin() as session:
        notices.send(session, db, member_id, PHONE, template, facts or {"points": 4321}, zone=ZONE)
        return CODE.findall(notices.latest(session, db.seal_key, 1)[0].text)[-1]


def test_anybody_learns_that_a_message_is_real_and_neither_its_numbers_nor_to_whom(db, browser):
    code = written(db)
    anybody = browser()
    anybody.get("/genuine")

    answer = anybody.submit("/genuine", code=code.lower())

    assert answer.status_code == 200
    assert "Yes, this message is from us." in anybody.page
    assert "Your gift of •••• points could not be delivered" in anybody.page
    assert PHONE not in anybody.page
    assert "4321" not in anybody.page
    assert answer.request.query_string == b""  # the code is in no address


def test_an_unknown_and_an_old_code_are_told_apart_in_both_languages(db, browser):
    with clock.stopped(clock.now() - genuine.LIVES - genuine.LIVES):
        old = written(db)
    for language, unknown, expired in (
        ("en", "the message is not from us", "older than 90 days"),
        ("zh-CN", "这条消息不是我们发送的", "超过 90 天"),
    ):
        anybody = browser(language)
        anybody.get("/genuine")
        anybody.submit("/genuine", code="0000-0000-1")
        assert unknown in anybody.page
        anybody.submit("/genuine", code=old)
        assert expired in anybody.page


def test_who_guesses_too_often_is_asked_to_wait(db, browser):
    anybody = browser()
    anybody.get("/genuine")
    for _ in range(genuine.WRONG.tries):
        anybody.submit("/genuine", code="0000-0000-0")

    answer = anybody.submit("/genuine", code=written(db))

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Yes, this message" not in anybody.page


def test_a_strange_text_in_the_field_is_only_shown_back(db, browser):
    anybody = browser()
    anybody.get("/genuine")

    anybody.submit("/genuine", code='"><script>alert(1)</script>')

    assert "<script>alert" not in anybody.page


def test_a_member_reads_the_own_messages_and_chooses_their_language(app, db, programme, browser):
    member_id, other = given_member(db, programme), given_member(db, programme)
    written(db, other, points=9999)
    mine = browser()
    mine.client.set_cookie("jifen_member", member_token(member_id))
    with database.begin() as session:
        telling.tell(session, db, member_id, "gift-returned", {"points": 11})
        telling.tell(session, db, member_id, "sign-in-code", {"code": "123456", "minutes": 10})

    mine.get("/messages")
    first = mine.page
    mine.submit("/messages/language", language="en")
    with database.begin() as session:
        telling.tell(session, db, member_id, "gift-returned", {"points": 22})
    mine.get("/messages")

    assert "您赠送的 11 积分" in first
    assert "Your gift of 11 points" in first
    assert "9999" not in first
    assert "123456" not in first
    assert "Your gift of 22 points" in mine.page
    assert "您赠送的 22 积分" not in mine.page
    assert mine.post("/messages/language", {"language": "fr", **form_token(mine)}).status_code == 422
    mine.get("/messages")
    mine.submit("/messages/language", language="both")
    with database.begin() as session:
        assert members.by_id(session, member_id).language is None


def form_token(browser):
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.page)
    return {"csrf_token": found[1]} if found else {}


def test_the_messages_go_on_over_pages(app, db, programme, browser):
    member_id = given_member(db, programme)
    mine = browser()
    mine.client.set_cookie("jifen_member", member_token(member_id))
    for points in range(100, 125):
        written(db, member_id, points=points)

    mine.get("/messages")
    first = set(re.findall(r"gift of (\d+) points", mine.page))
    mine.next_page()
    second = set(re.findall(r"gift of (\d+) points", mine.page))

    assert (len(first), first & second) == (20, set())
    assert first | second == {str(points) for points in range(100, 125)}

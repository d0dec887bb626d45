"""Companions in the browser: invite, confirm, end; in both languages."""

import pytest

PHONES = "13733330001", "13733330002"


@pytest.fixture
def both(somebody):
    return [somebody(phone=phone) for phone in PHONES]


def test_one_invites_and_the_other_confirms(both):
    one, two = both

    one.get("/companions")
    one.submit("/companions", phone="137 3333 0002")
    assert "Waiting for an answer" in one.page
    two.get("/companions")
    assert "Invites you" in two.page
    two.submit(two.find(r'action="(/companions/lnk_\w+/confirm)"'))
    assert "Companion" in two.page
    one.get("/companions")
    assert "End it" in one.page
    assert "Invite a companion" not in one.page  # no place left
    one.submit(one.find(r'action="(/companions/lnk_\w+/end)"'))

    assert "Ended" in one.page
    two.get("/companions")
    assert "Ended" in two.page


def test_a_number_that_leads_to_nobody_is_told_above_the_form(both):
    one, _ = both

    one.get("/companions")
    answer = one.submit("/companions", phone="13999999999")

    assert answer.status_code == 404
    assert "Nobody who can be a companion was found by that." in one.page
    assert 'action="/companions"' in one.page
    assert "13999999999" not in one.page


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Companions", "You have no companion yet.")), ("zh-CN", ("联属伙伴", "您还没有联属伙伴。"))],
)
def test_the_page_is_whole_in_both_languages(somebody, language, words):
    me = somebody(language=language)

    me.get("/companions")

    assert all(word in me.page for word in words)


def test_a_stranger_ends_nobodys_link(both, somebody):
    one, two = both
    one.get("/companions")
    one.submit("/companions", phone=PHONES[1])
    two.get("/companions")
    action = two.find(r'action="(/companions/lnk_\w+/confirm)"')
    other = somebody(phone="13733330009")
    other.get("/companions")
    form = {"csrf_token": other.find(r'csrf_token" value="([^"]+)'), "key": "k"}

    assert other.post(action, form).status_code == 404
    assert other.post(action.replace("confirm", "end"), form).status_code == 404

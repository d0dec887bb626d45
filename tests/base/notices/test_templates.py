"""Templates: every shipped one passes its own check, what a message must never say is refused, versions stay."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import exc, select, text

from base import clock, database
from base.notices import templates
from base.notices.models import NoticeTemplate
from base.notices.templates import (
    TemplateAsksForCard,
    TemplateHasLink,
    TemplateLacksLanguage,
    TemplatePlaceholderUnknown,
    TemplateUnknown,
    TemplateVersionTaken,
    Version,
)
from base.notices.texts import EN, KINDS, ZH


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_shipped_template_leads_nowhere_asks_for_no_card_and_names_what_it_has_in_both_languages(code):
    kind = KINDS[code]

    templates.check(code, kind.texts)

    assert {ZH, EN} == set(kind.texts)
    for said in kind.texts.values():
        assert not re.search(r"https?:|www\.|://", said)
        assert set(re.findall(r"\{(\w+)\}", said)) == kind.names


@pytest.mark.attack("A5")
def test_a_code_is_never_sent_without_its_purpose_and_the_warning():
    assert "{code}，用于登录" in KINDS["sign-in-code"].texts[ZH]
    assert "绝不会索要" in KINDS["sign-in-code"].texts[ZH]
    assert "never ask" in KINDS["sign-in-code"].texts[EN]


GOOD = {ZH: "{points} 积分已退回。", EN: "{points} points are back."}
WRONG = {
    "an address": ({ZH: "请访问 https://a.example/x", EN: "x"}, TemplateHasLink),
    "a bare domain": ({ZH: "详见10086.cn", EN: "x"}, TemplateHasLink),
    "a domain in full-width letters": ({ZH: "登录ｗｗｗ．ｅｘａｍｐｌｅ．ｃｏｍ", EN: "x"}, TemplateHasLink),
    "a number for an address": ({ZH: "好", EN: "go to 10.0.0.1/a"}, TemplateHasLink),
    "a scheme of an app": ({ZH: "好", EN: "open weixin://dl"}, TemplateHasLink),
    "an address made of a placeholder": ({ZH: "好", EN: "{points}.example.com"}, TemplateHasLink),
    "a card": ({ZH: "请输入银行卡号", EN: "x"}, TemplateAsksForCard),
    "a card in English": ({ZH: "好", EN: "your card, please"}, TemplateAsksForCard),
    "a password": ({ZH: "好", EN: "Tell us your Password."}, TemplateAsksForCard),
    "an unknown placeholder": ({ZH: "{name} 积分", EN: "x"}, TemplatePlaceholderUnknown),
    "another's placeholder": ({ZH: "{code}", EN: "x"}, TemplatePlaceholderUnknown),
    "a brace left open": ({ZH: "{points", EN: "x"}, TemplatePlaceholderUnknown),
    "a conversion": ({ZH: "{points!r}", EN: "x"}, TemplatePlaceholderUnknown),
    "one language": ({ZH: "好"}, TemplateLacksLanguage),
    "a third language": ({ZH: "好", EN: "x", "de": "gut"}, TemplateLacksLanguage),
    "nothing": ({ZH: " ", EN: "x"}, TemplateLacksLanguage),
    "a book": ({ZH: "好" * 501, EN: "x"}, TemplateLacksLanguage),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_message_must_never_say_is_refused_by_name(what):
    texts, refusal = WRONG[what]
    templates.check("gift-returned", GOOD)

    with pytest.raises(refusal):
        templates.check("gift-returned", texts)


def test_a_link_in_a_value_is_cut_out_and_the_rest_stays():
    version = Version("x", 1, {ZH: "您的券「{offer}」已核销。", EN: "{offer} was accepted."})

    filled = version.filled(ZH, {"offer": {ZH: "领奖 http://evil.example/a?b 奶茶", EN: "tea"}})

    assert filled == "您的券「领奖 … 奶茶」已核销。"
    assert version.filled(EN, {"offer": {ZH: "茶"}}) == "茶 was accepted."
    assert version.filled(EN, {"offer": "ｗｗｗ．ｅｖｉｌ．ｃｏｍ"}) == "… was accepted."
    assert version.filled(EN, {"offer": "２ for 1, 3.5kg"}) == "２ for 1, 3.5kg was accepted."


def test_a_change_is_a_later_version_and_the_earlier_one_stays(db, session):
    at = clock.now()
    assert templates.in_force(session, ["gift-returned"], at)["gift-returned"].version == 1

    changed = templates.change(session, "gift-returned", GOOD, at + timedelta(hours=1), "staff:1")

    now, later = (templates.in_force(session, ["gift-returned"], at + timedelta(hours=h)) for h in (0, 2))
    assert (now["gift-returned"].version, later["gift-returned"].version) == (1, changed.version) == (1, 2)
    assert later["gift-returned"].texts == GOOD
    with pytest.raises(TemplateVersionTaken):
        templates.change(session, "gift-returned", GOOD, at + timedelta(minutes=30), "staff:1")
    with pytest.raises(TemplateUnknown):
        templates.change(session, "nonsense", GOOD, at, "staff:1")
    with pytest.raises(TemplateUnknown):
        templates.in_force(session, ["nonsense"], at)


def test_the_database_lets_nobody_edit_a_version(db):
    with database.begin() as session:
        templates.in_force(session, ["gift-returned"], clock.now())

    with pytest.raises(exc.ProgrammingError, match="permission denied"), database.begin() as session:
        session.execute(text("update notice_template set texts = '{}'"))
    with database.begin() as session:
        assert session.scalars(select(NoticeTemplate.code)).all()

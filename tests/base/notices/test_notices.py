"""A message is written once, in the language of its reader, sealed, and with the version that it was made from."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database
from base.config import Config
from base.notices import gateway, handing, notices, templates
from base.notices.gateway import Letter
from base.notices.models import Notice
from base.notices.notices import Wanted
from tests.given import ZONE

PHONE = "13900004711"
BACK = {"points": 5}


def send(config: Config, template="gift-returned", facts=BACK, **more) -> Notice:
    with database.begin() as session:
        return notices.send(session, config, 7, PHONE, template, facts, zone=ZONE, **more)


def newest(config: Config) -> str:
    with database.begin() as session:
        return notices.latest(session, config.seal_key, 1)[0].text


@pytest.mark.parametrize(
    ("language", "begins", "ends"),
    [
        ("zh-CN", "您赠送的 5 积分", r"。 验真码 [0-9A-Z-]{11}$"),
        ("en", "Your gift of 5 points", r"back\. Check code [0-9A-Z-]{11}$"),
        (None, "您赠送的 5 积分", r"are back\. 验真码 Check code [0-9A-Z-]{11}$"),
        ("de", "您赠送的 5 积分", r"are back\. 验真码 Check code [0-9A-Z-]{11}$"),
    ],
)
def test_a_message_is_in_the_readers_language_and_in_both_where_none_is_known(db, language, begins, ends):
    kept = send(db, language=language)

    said = newest(db)
    assert said.startswith(begins)
    assert re.search(ends, said)
    assert ("points" in said) == (language != "zh-CN")
    assert kept.language == (language if language != "de" else None)


def test_each_message_has_a_code_of_its_own_and_names_the_version_it_was_made_from(db):
    first = send(db)
    with database.begin() as session:
        texts = {"zh-CN": "退回 {points}", "en": "{points} back"}
        templates.change(session, "gift-returned", texts, clock.now() - timedelta(seconds=1), "test")
    second = send(db)

    assert (first.version, second.version) == (1, 2)
    assert first.code_digest != second.code_digest
    assert newest(db).startswith("退回 5 5 back")


def test_number_text_and_code_are_sealed_at_rest(db):
    send(db)
    (code,) = re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]", newest(db))

    with database.begin() as session:
        row = session.scalar(text("select notice::text from notice"))

    for secret in (PHONE, code, code.replace("-", "")[:8], "积分"):
        assert secret not in row
        assert secret.encode().hex() not in row


def test_many_at_once_keep_their_order_and_a_fact_that_is_missing_writes_none(db):
    wanted = [Wanted(n, PHONE, "gift-returned", {"points": n}, ZONE) for n in range(1, 30)]
    with database.begin() as session:
        written = notices.send_many(session, db, wanted)
    assert [notice.member_id for notice in written] == list(range(1, 30))

    with pytest.raises(KeyError), database.begin() as session:
        notices.send_many(session, db, [Wanted(1, PHONE, "gift-returned", {}, ZONE)])
    with database.begin() as session:
        assert session.scalar(text("select count(*) from notice")) == 29


def test_the_first_messages_of_all_may_come_at_once(db):
    """The shipped texts enter the table with the first message; of several at that moment none fails."""
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda _: send(db), range(8)))

    assert {notice.version for notice in written} == {1}


def test_of_many_who_spend_a_days_money_at_once_none_overdraws_it(db):
    letter = Letter("ntc_1", PHONE, "字" * 71)  # two SMS
    config = db.at(sms_price_fen=5, sms_day_fen=100)
    assert gateway.parts(letter.text) == 2

    def reserve(urgent: bool) -> bool:
        with database.begin() as session:
            return handing._paid(session, config, letter, clock.now(), urgent=urgent)

    with ThreadPoolExecutor(8) as pool:
        others = list(pool.map(lambda _: reserve(urgent=False), range(16)))
        codes = list(pool.map(lambda _: reserve(urgent=True), range(16)))

    assert (sum(others), sum(codes)) == (8, 2)
    with database.begin() as session:
        assert session.scalar(text("select fen from notice_spend")) == 100

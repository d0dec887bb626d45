"""The member's pages as an app: what a device may keep, whose it is, and as of when."""

import re
from datetime import timedelta

import pytest

from app.member import hours
from base import clock
from base.web import i18n
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def opened(app, db, programme):
    """opened(): a member with points who calls the API and opens pages."""

    def make():
        token = member_token(given_member(db, programme, points=9_000))
        client = app.test_client()
        client.set_cookie("jifen_member", token)
        return caller(app, token), client

    return make


def test_the_worker_keeps_files_and_pages_of_nobody(app):
    client = app.test_client()

    manifest, worker = client.get("/manifest.webmanifest?lang=zh-CN"), client.get("/worker.js")
    files = re.search(r"const FILES = (.*);", worker.text)[1]
    pages = re.search(r"const PAGES = (.*);", worker.text)[1]
    kept = re.findall(r'"(/[^"]+)"', files + pages.replace("\\u0026", "&"))

    assert (manifest.json["scope"], manifest.json["lang"]) == ("/", "zh-CN")
    assert all(client.get(icon["src"]).status_code == 200 for icon in manifest.json["icons"])
    assert worker.headers["Service-Worker-Allowed"] == "/"
    assert len(kept) == 13
    assert all(client.get(path).status_code == 200 for path in kept)


def test_open_vouchers_are_kept_with_code_outlets_and_moment_and_without_a_balance(opened, programme, shop):
    me, pages = opened()
    offer = given_offer(programme, "voucher", value_fen=500, merchant_id=shop.merchant.merchant_id)
    voucher = me.get(f"/v1/vouchers/{me.redeem(offer).json['voucher']}").json

    at = clock.now()
    with clock.stopped(at):
        kept = pages.get("/vouchers/offline?lang=en")

    assert f"As of {at.astimezone(clock.zone('Asia/Shanghai')):%H:%M}" in kept.text
    assert voucher["code"] in kept.text
    assert "1 Jiangnan Road" in kept.text
    assert "8,500" not in kept.text
    assert voucher["pictures"][0]["digits"] not in kept.text


def test_what_was_used_or_has_lapsed_is_not_kept(app, opened, programme, shop):
    me, pages = opened()
    offer = given_offer(programme, "voucher", value_fen=500, merchant_id=shop.merchant.merchant_id)
    used, lapsing = (me.get(f"/v1/vouchers/{me.redeem(offer).json['voucher']}").json for _ in range(2))
    till = caller(app, clerk_token(shop))
    till.post("/v1/vouchers/accept", {"check_token": till.check(used["code"]).json["check_token"]})

    today = pages.get("/vouchers/offline").text
    with clock.stopped(clock.now() + timedelta(days=31)):
        later = opened()[1].get("/vouchers/offline")

    assert (used["code"] in today, lapsing["code"] in today) == (False, True)
    assert lapsing["code"] not in later.text


def test_what_is_kept_says_whose_it_is_and_strangers_get_nothing(app, opened):
    first, second = (opened()[1].get("/vouchers/offline") for _ in range(2))
    nobody = app.test_client().get("/vouchers/offline")

    marks = [answer.headers["Jifen-Kept-For"] for answer in (first, second)]
    assert len(set(marks)) == 2
    assert f'name="jf-member" content="{marks[0]}"' in first.text
    assert (nobody.status_code, "Jifen-Kept-For" in nobody.headers) == (303, False)


@pytest.mark.parametrize(
    ("span", "english", "chinese"),
    [
        (([1, 2, 3, 4, 5], "09:00", "21:00"), "Mon to Fri 09:00–21:00", "周一 至 周五 09:00–21:00"),
        (([1, 2, 3, 4, 5, 6, 7], "00:00", "24:00"), "Every day 00:00–24:00", "每天 00:00–24:00"),
        (([1, 3, 4], "10:00", "12:00"), "Mon, Wed to Thu 10:00–12:00", "周一、周三 至 周四 10:00–12:00"),
        (([6], "18:00", "02:00"), "Sat 18:00 to 02:00 of the day after", "周六 18:00至次日02:00"),
    ],
)
def test_hours_are_said_in_words(app, span, english, chinese):
    days, begins, until = span
    said = {}
    for language in ("en", "zh-CN"):
        with i18n.speaking(language):
            (said[language],) = hours.said([{"days": days, "from": begins, "until": until}])

    assert said == {"en": english, "zh-CN": chinese}

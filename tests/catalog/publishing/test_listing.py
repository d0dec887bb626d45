"""What staff see of offers: every state, filtered, searched in both languages, page by page."""

from datetime import timedelta

import pytest

from base import clock, database, ids
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.offers.search import matches
from tests.given import caller, given_offer, given_programme, staff_token

TEA = Offer(
    code="tea-10",
    category="dining",
    names={"zh-CN": "龙井茶馆 10 元券", "en": "Longjing Tea house: 10 yuan"},
    texts={},
)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("茶馆", True), ("TEA", True), ("tea 10", True), ("house longjing", True), ("ＴＥＡ", True), ("餐饮", True),
        ("eating", True), ("tea-1", True), ("", True), ("  ", True), ("coffee", False), ("tea coffee", False), ("茶叶", False),
    ],
)  # fmt: skip
def test_a_search_finds_every_word_in_either_language_code_or_category(q, found):
    assert matches(TEA, q) is found


def test_all_offers_in_every_state_page_by_page(app, db):
    programme, later = given_programme(), clock.now() + timedelta(days=1)
    names = {"zh-CN": "新年音乐会", "en": "New Year concert"}
    live = given_offer(programme, "bill_credit")
    over = given_offer(programme, "bill_credit", until_at=clock.now())
    paused = given_offer(programme, "perk", state="paused", names=names, stock=7)
    to_come = given_offer(programme, "perk", from_at=later, category="club")
    given_offer(programme, "history", state="ended")
    with database.begin() as session:
        same = {c: getattr(live, c) for c in ("value_fen", "cancellable", "category", "names", "texts")}
        offers.add_version(session, live.offer_id, later, **same | {"cost_fen": 1})
        offers.add_version(session, live.offer_id, clock.now(), **same | {"cost_fen": 2})
    editor = caller(app, staff_token("editor"))

    def asked(**query):
        pages, cursor = [], {}
        while True:
            page = editor.get("/v1/offers/all", programme="gotone", limit=2, **query, **cursor).json
            pages += page["data"]
            if not page["has_more"]:
                return pages
            cursor = {"cursor": page["next_cursor"]}

    every = asked()
    assert [(row["id"], row["life"]) for row in every] == [
        (ids.public("off", offer.offer_id), life)
        for offer, life in ((live, "live"), (over, "ended"), (paused, "paused"), (to_come, "scheduled"))
    ]
    assert every[0]["cost_fen"] == 2
    assert [row["left_over"] for row in every] == [None, None, 7, None]
    assert {
        name: [every.index(row) for row in asked(**query)]
        for name, query in {
            "kind": {"kind": "perk"},
            "state": {"state": "scheduled"},
            "category": {"category": "club"},
            "words": {"q": "concert NEW"},
            "chinese": {"q": "音乐"},
            "code": {"q": live.code},
            "none": {"kind": "perk", "state": "live"},
        }.items()
    } == {
        "kind": [2, 3],
        "state": [3],
        "category": [3],
        "words": [2],
        "chinese": [2],
        "code": [0],
        "none": [],
    }
    assert editor.get("/v1/offer-categories").json[0]["code"] == "bill"

"""Packs of points: entered by two persons, drained in order, seen by the merchant's own people and nobody else."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import clock, database, ids
from merchants.packs import packs
from merchants.packs.models import Pack
from merchants.packs.packs import LOW_PERCENTS, Rest
from tests.given import (
    ZONE,
    caller,
    given_colleague,
    given_pack,
    given_shop,
    merchant_token,
    staff_token,
)
from tests.owner import forget_everything


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def maker(app, shop):
    return caller(app, staff_token("editor"))


def today(days=0):
    return (clock.day(clock.now(), ZONE) + timedelta(days=days)).isoformat()


def asked(**more):
    return {
        "merchant": "tea",
        "points": 10_000,
        "price_fen": 60_000,
        "from_day": today(),
        "until_day": today(365),
        "reference": "INV-2026-1",
        "reason": "bought for the year",
    } | more


def approved(app, case):
    seen = {"content_hash": case["content_hash"]}
    return caller(app, staff_token("checker")).post(f"/v1/pack-proposals/{case['id']}/approve", seen)


def test_a_pack_is_there_once_another_person_has_approved_it(app, maker, shop):
    finance = caller(app, merchant_token(given_colleague(shop, "finance", "77")))
    case = maker.post("/v1/pack-proposals", asked()).json
    before = finance.get("/v1/merchant/packs").json["data"]

    done = approved(app, case)

    (pack,) = finance.get("/v1/merchant/packs").json["data"]
    assert (before, done.status_code) == ([], 200)
    assert {name: pack[name] for name in ("points", "points_left", "price_fen", "from_day", "until_day", "approval", "state")} == {
        "points": 10_000, "points_left": 10_000, "price_fen": 60_000, "from_day": today(), "until_day": today(365),
        "approval": case["id"], "state": "running",
    }  # fmt: skip
    assert maker.get("/v1/merchants/tea/packs").json["data"] == [pack]


def test_the_maker_does_not_approve(app, maker):
    both = caller(app, staff_token("editor", "checker"))
    case = both.post("/v1/pack-proposals", asked()).json

    refused = both.post(f"/v1/pack-proposals/{case['id']}/approve", {"content_hash": case["content_hash"]})

    assert refused.json["type"] == "/problems/own-proposal"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"from_day": "2020-01-02"}, "/from_day"),
        ({"until_day": "2020-01-02"}, "/until_day"),
        ({"points": 0}, "/points"),
    ],
)
def test_a_pack_that_cannot_be_is_refused_field_by_field(maker, more, field):
    refused = maker.post("/v1/pack-proposals", asked(**more))

    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, field)


def test_a_manager_and_another_merchant_see_none_of_it(app, shop):
    given_pack(shop)
    manager = caller(app, merchant_token(given_colleague(shop, "manager", "88")))
    other = caller(app, merchant_token(given_colleague(given_shop("cafe"), "owner", "00")))

    assert manager.get("/v1/merchant/packs").status_code == 403
    assert other.get("/v1/merchant/packs").json["data"] == []


def test_packs_come_in_pages(app, maker, shop):
    for points in (1, 2, 3):
        given_pack(shop, points)

    first = maker.get("/v1/merchants/tea/packs", limit=2).json
    second = maker.get("/v1/merchants/tea/packs", limit=2, cursor=first["next_cursor"]).json

    assert [one["points"] for one in first["data"] + second["data"]] == [3, 2, 1]


def test_what_is_left_is_the_sum_also_where_the_old_part_of_it_is_remembered(config, shop, monkeypatch):
    pack = given_pack(shop, 1_000)
    merchant_id, on = shop.merchant.merchant_id, clock.day(clock.now(), ZONE)

    def left(*, settles_s):
        with monkeypatch.context() as patch, database.begin() as session:
            patch.setattr(packs, "SETTLES_S", settles_s)  # with 0 all that there is counts as old from now on
            return packs.rests(session, [pack])[0].left

    seen = []
    for points in (10, 20, 30):
        with database.begin() as session:
            taken = ids.new_id()
            packs.draw(session, merchant_id, on, 7, taken, points)
        seen += [left(settles_s=0), left(settles_s=0), left(settles_s=60)]
    with database.begin() as session:
        packs.put_back(session, 7, taken, ids.new_id())
        undone = packs.rests(session, [pack])[0].left
        session.rollback()
    seen += [undone, left(settles_s=60)]
    forget_everything(config)

    assert seen == [990] * 3 + [970] * 3 + [940] * 3 + [970, 940]


rests = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=6).map(
    lambda them: [
        Rest(Pack(pack_id=number, points=held), min(held, left)) for number, (held, left) in enumerate(them)
    ]
)


@given(rests, st.integers(1, 200))
def test_packs_give_what_they_have_in_order_and_no_more(them, points):
    drawn = packs.drained(them, points)

    taken = dict(drawn.parts)
    assert sum(taken.values()) + drawn.missing == points
    assert all(0 < taken[one.pack.pack_id] <= one.left for one in them if one.pack.pack_id in taken)
    gave_all = [taken.get(one.pack.pack_id, 0) == one.left for one in them]
    assert (
        all(gave_all)
        if drawn.missing
        else gave_all == sorted(gave_all, reverse=True) or 0 in [one.left for one in them]
    )
    assert drawn.left == sum(one.left for one in them) - sum(taken.values()) >= 0


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_each_level_is_told_once_however_the_points_go(purchases):
    left, told = 100, []
    for points in purchases:
        drawn = packs.drained([Rest(Pack(pack_id=1, points=100), left)], points)
        left = drawn.left
        told += [drawn.low] if drawn.low is not None else []

    assert told == sorted(set(told), reverse=True)
    assert (min(told) if told else 100) == min(
        [level for level in LOW_PERCENTS if left <= level], default=100
    )


def test_where_a_pack_stands():
    on = date(2026, 6, 1)

    def standing(first, last, left):
        return packs.standing(Rest(Pack(points=10, from_day=first, until_day=last), left), on)

    assert [
        standing(date(2026, 7, 1), None, 10),
        standing(on, on, 10),
        standing(on, None, 0),
        standing(date(2026, 5, 1), date(2026, 5, 31), 10),
    ] == ["later", "running", "empty", "over"]

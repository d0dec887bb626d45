"""What vouchers are bound to: outlets, hours in the merchant's zone, uses a day, a first day."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base import clock, database, ids
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.vouchers import conditions, forms
from merchants import merchants
from merchants.terminals import clerks
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.sparse import examples
from tests.tills import paired

NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)  # a Monday, noon in Shanghai
LUNCH = [{"weekdays": [1, 2, 3, 4, 5], "from": "11:00", "until": "14:00"}]


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(app, db, programme):
    return caller(app, member_token(given_member(db, programme, points=900_000)))


def bound(**form):
    return Offer(kind="voucher", value_fen=100, form={"type": "value"} | form)


def given_bound(programme, shop, **form):
    return given_offer(
        programme,
        "voucher",
        merchant_id=shop.merchant.merchant_id,
        value_fen=100,
        form={"type": "value"} | form,
    )


def given_till(app, shop, code, outlet=None):
    with database.begin() as session:
        terminal = clerks.add_terminal(session, outlet or shop.outlet, code)
        clerk = clerks.add_clerk(session, outlet or shop.outlet, code, shop.clerk.pin_hash)
    place = replace(
        shop, outlet=outlet or shop.outlet, terminal=terminal, clerk=clerk, signer=paired(terminal)
    )
    return caller(app, clerk_token(place))


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"outlets": []}, "form.outlets"),
        ({"outlets": ["binjiang"]}, "form.outlets"),
        ({"outlets": "out_1"}, "outlets"),
        ({"hours": []}, "form.hours"),
        ({"hours": [{"from": "14:00", "until": "11:00"}]}, "form.hours"),
        ({"hours": [{"weekdays": [8]}]}, "form.hours"),
        ({"closed": [{"from": "2026-10-07", "to": "2026-10-01"}]}, "form.closed"),
        ({"merchant_bp": 10_001}, "form.merchant_bp"),
        ({"uses_a_day": 0}, "form.uses_a_day"),
        ({"uses_a_day": True}, "uses_a_day"),
        ({"uses_a_day": 101}, "form.uses_a_day"),
        ({"least_spend_fen": 0}, "form.least_spend_fen"),
        ({"first_day": "tomorrow"}, "form.first_day"),
        ({"first_day": 20261224}, "first_day"),
        ({"shops": []}, "shops"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_name_of_its_field(form, field):
    with pytest.raises(BadForm) as refused:
        forms.check(bound(**form))

    assert refused.value.facts["field"] == field


def test_conditions_are_read_beside_every_way_of_being_worth_something():
    form = {
        "type": "member_day", "list_fen": 200, "price_fen": 100, "days": [8], "outlets": [ids.public("out", 7)],
        "hours": LUNCH, "uses_a_day": 2, "first_day": "2026-12-24",
    }  # fmt: skip
    offer = Offer(kind="voucher", value_fen=100, form=form)

    forms.check(offer)
    found = conditions.of(offer)

    assert (found.outlets, found.uses_a_day, found.first_day) == ({7}, 2, date(2026, 12, 24))
    assert (found.member_days, found.hours[0].from_minute) == ((8,), 660)
    assert conditions.of(bound()) == conditions.Conditions()


def test_an_outlet_of_another_merchant_is_refused_when_the_offer_is_set_up(db, shop):
    other = given_shop("noodles")
    offer = bound(outlets=[ids.public("out", other.outlet.outlet_id)])
    offer.merchant_id = shop.merchant.merchant_id

    with database.begin() as session, pytest.raises(BadForm) as refused:
        conditions.against(session, offer)
    offer.form = {"type": "value", "outlets": [ids.public("out", shop.outlet.outlet_id)]}
    with database.begin() as session:
        conditions.against(session, offer)

    assert refused.value.facts["field"] == "form.outlets"


def test_at_another_outlet_the_clerk_learns_where_it_is_valid(app, member, programme, shop):
    with database.begin() as session:
        airport = merchants.add_outlet(
            session,
            shop.merchant,
            {"zh-CN": "机场店", "en": "Airport"},
            {"zh-CN": "航站楼", "en": "Terminal"},
        )
    code = member.voucher_code(
        member.redeem(given_bound(programme, shop, outlets=[ids.public("out", shop.outlet.outlet_id)])).json
    )

    there = given_till(app, shop, "air-1", airport).check(code)
    here = caller(app, clerk_token(shop)).accept(code)

    assert (there.status_code, kind(there), there.json["then"]) == (403, "wrong-outlet", "support")
    assert there.json["outlets"] == [{"zh-CN": "滨江店", "en": "Binjiang"}]
    assert there.json["clerk_text"] == {
        "en": "It is valid in our shops Binjiang.",
        "zh-CN": "这张券适用于滨江店。",
    }
    assert here.status_code == 201


def test_outside_its_hours_the_clerk_learns_them_and_when_it_is_next(app, member, programme, shop):
    code = member.voucher_code(member.redeem(given_bound(programme, shop, hours=LUNCH)).json)
    today = clock.day(clock.now(), "Asia/Shanghai")
    monday = clock.start_of(today + timedelta(days=7 - today.weekday()), "Asia/Shanghai")

    answers = {}
    for name, at in {
        "before": monday + timedelta(hours=11, seconds=-1),
        "first": monday + timedelta(hours=11),
        "last": monday + timedelta(hours=14, seconds=-1),
        "after": monday + timedelta(hours=14),
        "saturday": monday + timedelta(days=5, hours=12),
    }.items():
        with clock.stopped(at):
            answers[name] = caller(app, clerk_token(shop)).check(code)

    assert {name: kind(answer) for name, answer in answers.items()} == {
        "before": "outside-hours", "first": "200", "last": "200", "after": "outside-hours", "saturday": "outside-hours",
    }  # fmt: skip
    said = answers["saturday"].json
    assert (
        said["next_at"]
        == (monday + timedelta(days=7, hours=11)).astimezone(ZoneInfo("Asia/Shanghai")).isoformat()
    )
    assert "11:00-14:00" in said["clerk_text"]["en"]
    assert "周一、二、三、四、五" in said["clerk_text"]["zh-CN"]


def test_on_closed_days_the_clerk_learns_them_and_from_when_it_is_open(app, member, programme, shop):
    today = clock.day(clock.now(), "Asia/Shanghai")
    noon = clock.start_of(today, "Asia/Shanghai") + timedelta(hours=36)
    days = [{"from": f"{today + timedelta(days=1)}", "to": f"{today + timedelta(days=2)}"}]
    code = member.voucher_code(member.redeem(given_bound(programme, shop, closed=days)).json)
    told = {}

    for name, after in (("first", 0), ("last", 1), ("after", 2)):
        with clock.stopped(noon + timedelta(days=after)):
            told[name] = caller(app, clerk_token(shop)).check(code)

    assert {name: kind(answer) for name, answer in told.items()} == {
        "first": "outside-hours",
        "last": "outside-hours",
        "after": "200",
    }
    assert told["first"].json["clerk_text"]["en"].startswith("It cannot be used today. Closed from ")
    assert told["after"].json["conditions"][0]["zh-CN"].endswith("不开放。")


def test_once_a_day_counts_all_vouchers_of_the_offer_and_says_when_again(app, db, programme, shop):
    offer = given_bound(programme, shop, uses_a_day=1)
    with clock.stopped(NOON):
        member = caller(app, member_token(given_member(db, programme, points=900)))
        first, second = (member.voucher_code(member.redeem(offer).json) for _ in range(2))
        counter = caller(app, clerk_token(shop))
        taken = counter.accept(first)
        again = counter.check(second)
        voided = counter.post(f"/v1/acceptances/{taken.json['id']}/void", {"reason": "mistake"})
        after_the_void = counter.accept(second)
    with clock.stopped(NOON + timedelta(hours=12)):
        next_day = caller(app, clerk_token(shop)).accept(first)

    assert (again.status_code, kind(again), again.json["then"]) == (403, "over-limit", "support")
    assert again.json["again_at"] == "2026-06-01T16:00:00+00:00"
    assert again.json["clerk_text"] == {
        "en": "It can be used once a day by each member; again from 2 June 2026.",
        "zh-CN": "每人每日最多使用 1 次；2026 年 6 月 2 日起可再次使用。",
    }
    assert [voided.status_code, after_the_void.status_code, next_day.status_code] == [201, 201, 201]


def test_two_vouchers_at_two_tills_at_once_are_one_use_a_day(app, member, programme, shop):
    offer = given_bound(programme, shop, uses_a_day=1)
    held = []
    for no in range(4):
        till = given_till(app, shop, f"till-{no}")
        code = member.voucher_code(member.redeem(offer).json)
        held.append((till, till.check(code).json["check_token"]))
    together = threading.Barrier(len(held))

    def takes(one):
        together.wait()
        answer = one[0].post("/v1/vouchers/accept", {"check_token": one[1]})
        return answer.status_code, kind(answer)

    with ThreadPoolExecutor(len(held)) as pool:
        answers = sorted(pool.map(takes, held))

    assert [status for status, _ in answers].count(201) == 1
    assert {told for status, told in answers if status != 201} == {"over-limit"}


def test_before_its_first_day_nobody_knows_it_and_its_days_count_from_then_on(
    app, db, member, programme, shop
):
    today = clock.day(clock.now(), "Asia/Shanghai")
    begins = today + timedelta(days=3)
    redeemed = member.redeem(given_bound(programme, shop, first_day=begins.isoformat())).json
    counter, code = caller(app, clerk_token(shop)), member.voucher_code(redeemed)

    early, unknown = counter.check(code), counter.check("0000-0000-00000")
    with clock.stopped(clock.start_of(begins, "Asia/Shanghai")):
        in_time = caller(app, clerk_token(shop)).check(code)

    drop = ("request_id",)
    assert {k: v for k, v in early.json.items() if k not in drop} == {
        k: v for k, v in unknown.json.items() if k not in drop
    }
    assert (early.status_code, in_time.status_code) == (404, 200)
    assert in_time.json["last_day"] == (begins + timedelta(days=30)).isoformat()


def test_the_member_reads_the_conditions_with_the_voucher_in_both_languages(member, programme, shop):
    offer = given_bound(
        programme, shop, outlets=[ids.public("out", shop.outlet.outlet_id)], hours=LUNCH, uses_a_day=2
    )
    voucher = member.redeem(offer).json["voucher"]

    told = member.get(f"/v1/vouchers/{voucher}").json["conditions"]

    assert [one["en"] for one in told] == [
        "Only in these shops: Binjiang.",
        "Only 11:00-14:00 on Monday, Tuesday, Wednesday, Thursday or Friday.",
        "It can be used twice a day by each member.",
    ]
    assert [one["zh-CN"] for one in told] == [
        "仅限滨江店。",
        "仅限每周一、二、三、四、五 11:00-14:00。",
        "每人每日最多使用 2 次。",
    ]


def test_the_clerk_reads_the_least_bill_with_the_check(app, member, programme, shop):
    code = member.voucher_code(member.redeem(given_bound(programme, shop, least_spend_fen=5_000)).json)

    checked = caller(app, clerk_token(shop)).check(code).json

    assert checked["conditions"] == [
        {"zh-CN": "单笔消费满 50.00 元可用。", "en": "For bills of 50.00 yuan or more."}
    ]


zones = st.sampled_from(
    ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
)
windows = st.tuples(
    st.lists(st.integers(1, 7), min_size=1, unique=True), st.integers(0, 1438), st.integers(1, 1440)
).map(lambda one: (sorted(one[0]), one[1], max(one[2], one[1] + 1)))


def face(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


@settings(deadline=None, max_examples=examples(300))
@given(
    st.integers(0, 2 * 365 * 86_400).map(lambda s: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
    zones,
    st.lists(windows, min_size=1, max_size=3),
)
def test_hours_are_those_on_the_wall_of_the_merchant_whenever_clocks_are_changed(at, zone, asked):
    form = [{"weekdays": days, "from": face(first), "until": face(last)} for days, first, last in asked]
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute

    times = conditions.of(bound(hours=form)).times

    expected = any(local.isoweekday() in days and first <= minute < last for days, first, last in asked)
    assert times.hold(at, zone) is expected
    upcoming = times.next(at, zone)
    assert upcoming is not None
    assert upcoming >= at
    assert times.hold(upcoming, zone)
    assert upcoming - at <= timedelta(days=15)

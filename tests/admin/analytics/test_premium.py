"""What a point is worth in an offer beside bill credit, and what it costs: as listed, and as members really take it up."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.analytics import premium, sums
from admin.analytics.sums import Sums
from base import clock, database
from catalog.rates import rates
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from tests.given import (
    LONG_AGO,
    caller,
    clerk_token,
    given_area,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.ratings import rate, used_perk

NOV = datetime(2026, 11, 10, 4, tzinfo=UTC)
AFTER = datetime(2026, 11, 26, 4, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 25)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture(autouse=True)
def the_present():
    with clock.stopped(AFTER):
        yield


def redeem(member_id, offer, *, units=1, at=NOV):
    with clock.stopped(at), database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, units, at, 600).quote
        return redemptions.redeem(session, member_id, quote.quote_id, JOB, at)


def member(db, programme, points=20_000, area=None):
    with clock.stopped(datetime(2026, 10, 1, tzinfo=UTC)):
        found = given_member(db, programme, points=points)
    if area:
        given_area(found, area)
    return found


def taken(programme, area=""):
    run = premium.take(programme, FIRST, LAST)
    with database.begin() as session:
        return premium.of_run(session, run, area)


def with_own_rate(programme, offer, points, per_fen):
    with database.begin() as session:
        rates.add(
            session, programme.programme_id, LONG_AGO, points=points, per_fen=per_fen, offer_id=offer.offer_id
        )


def test_an_offer_is_listed_with_what_a_point_is_worth_there_and_what_it_costs(db, programme):
    good = given_offer(programme, "perk", value_fen=3000, cost_fen=900)
    with_own_rate(programme, good, 50, 100)  # 1,500 points for a place worth 3,000 fen
    poor = given_offer(programme, "perk", value_fen=1000, cost_fen=1500)
    with_own_rate(programme, poor, 120, 100)

    with database.begin() as session:
        found = {row["code"]: row for row in premium.listed(session, programme, date(2026, 11, 26))}

    assert found[good.code]["price_points"] == 1500
    assert found[good.code]["premium_bp"] == 10_000  # twice as much as bill credit
    assert found[good.code]["cost_premium_bp"] == -4_000
    assert found[good.code]["label"] is None
    assert found[poor.code]["premium_bp"] == -1667
    assert found[poor.code]["label"] == premium.WORTH_LESS
    assert found[poor.code]["cost_label"] == premium.BAD_DEAL


def test_as_taken_up_it_is_weighted_by_points_and_by_the_credit_of_the_day(db, programme):
    good, plain = (
        given_offer(programme, "perk", value_fen=3000, cost_fen=900),
        given_offer(programme, "perk", value_fen=500, cost_fen=500),
    )
    with_own_rate(programme, good, 50, 100)
    who = member(db, programme)
    redeem(who, good)
    redeem(who, plain)

    found = taken(programme)

    # 1,500 points for 3,000 fen and 500 points for 500 fen: 3,500 fen beside 2,000 of bill credit.
    assert found["whole"]["points"] == 2000
    assert found["whole"]["premium_bp"] == 7_500
    assert found["whole"]["cost_premium_bp"] == 1400 * 10_000 // 2000 - 10_000
    assert [(row["code"], row["premium_bp"], row["cost_a_use_fen"]) for row in found["offers"]] == [
        (good.code, 10_000, 900),
        (plain.code, 0, 500),
    ]


def test_a_later_rate_changes_nothing_of_what_was_taken_up_before(db, programme):
    plain = given_offer(programme, "perk", value_fen=500)
    redeem(member(db, programme), plain)
    with database.begin() as session:
        rates.add(session, programme.programme_id, date(2026, 11, 20), points=50, per_fen=100)

    assert taken(programme)["whole"]["premium_bp"] == 0


def test_an_unused_voucher_costs_nothing_and_a_used_one_what_is_owed_for_it(app, db, programme):
    shop = given_shop()
    offer = given_offer(
        programme,
        "voucher",
        value_fen=1000,
        cost_fen=950,
        merchant_id=shop.merchant.merchant_id,
        voucher_days=3,
    )
    used, unused = (member(db, programme) for _ in range(2))
    redeem(used, offer)
    redeem(unused, offer)
    _accepted(app, shop, used)

    found = taken(programme)

    # 90 % of 1,000 fen owed less 2 % of that; the other one lapsed on the 13th.
    assert found["merchants"][0]["merchant"] == shop.merchant.code
    assert found["merchants"][0]["count"] == 2
    assert found["merchants"][0]["cost_fen"] == 882


def _accepted(app, shop, member_id):
    with clock.stopped(NOV):
        till, mine = caller(app, clerk_token(shop)), caller(app, member_token(member_id))
        voucher = mine.get("/v1/vouchers").json["data"][0]
        code = mine.get(f"/v1/vouchers/{voucher['id']}").json["code"]
        held = till.post("/v1/vouchers/check", {"code": code}).json
        done = till.post("/v1/vouchers/accept", {"check_token": held["check_token"]})
        assert done.status_code == 201, done.json


def test_what_was_undone_is_not_counted(db, programme):
    plain = given_offer(programme, "perk", value_fen=500)
    who = member(db, programme)
    row = redeem(who, plain)
    with clock.stopped(NOV), database.begin() as session:
        redemptions.cancel(session, who, row.redemption_id, JOB, NOV)

    found = taken(programme)

    assert found["whole"]["count"] == 0
    assert found["whole"]["premium_bp"] is None
    assert found["offers"] == []


def test_an_area_has_what_its_own_members_took(db, programme):
    plain = given_offer(programme, "perk", value_fen=500)
    redeem(member(db, programme, area="330106"), plain)
    redeem(member(db, programme, area="440101"), plain)

    assert [taken(programme, area)["whole"]["points"] for area in ("", "33", "3302")] == [1000, 500, 0]


def test_without_ratings_no_number_stands_for_one(db, programme):
    redeem(member(db, programme), given_offer(programme, "perk", value_fen=500))

    found = taken(programme)

    assert found["rating"]["reasons"][0]["code"] == "no_rating"
    assert found["offers"][0]["rating"]["share_bp"] is None


def test_what_members_said_stands_beside_the_cost_of_a_use(db, programme):
    offer = given_offer(programme, "perk", value_fen=500, cost_fen=900)
    who = member(db, programme, area="330106")
    for stars in (5, 2):
        with clock.stopped(NOV):
            place = used_perk(who, programme, offer)
        rate(db, who, place, stars, NOV)

    found, elsewhere = taken(programme, "33"), taken(programme, "44")

    (row,) = found["offers"]
    assert (row["cost_a_use_fen"], row["count"]) == (900, 2)
    assert (row["rating"]["rated"], row["rating"]["satisfied"]) == (2, 1)
    assert row["rating"]["reasons"][0]["code"] == "few_ratings"
    assert found["rating"]["rated"] == 2
    assert elsewhere["rating"]["rated"] == 0


@pytest.mark.parametrize(
    ("cost_fen", "satisfied", "is_flagged"),
    [(600, 20, True), (400, 20, False), (600, 39, False), (600, 12, True)],
)
def test_dear_and_rated_below_all_together_is_flagged_and_neither_alone_is(cost_fen, satisfied, is_flagged):
    by_key = {
        "1/": Sums(100, 50_000, 50_000, 100 * cost_fen),
        "1//credit": Sums(0, 0, 50_000, 0),
        "1//rating": Sums(40, satisfied),
        "2/": Sums(900, 450_000, 450_000, 450_000),
        "2//credit": Sums(0, 0, 450_000, 0),
        "2//rating": Sums(400, 360),
    }

    row = next(one for one in premium.taken_up(by_key, {}) if one["code"] == "1")

    assert (row["flag"] == premium.UNNOTICED) == is_flagged
    whole = premium.together(by_key)
    assert (whole["rating"]["rated"], whole["points"]) == (440, 500_000)


def test_a_dear_one_with_few_ratings_is_not_called_unnoticed():
    by_key = {
        "1/": Sums(10, 100, 100, 900),
        "1//credit": Sums(0, 0, 100, 0),
        "1//rating": Sums(29, 0),
        "2//rating": Sums(100, 100),
    }

    row = next(one for one in premium.taken_up(by_key, {}) if one["code"] == "1")

    assert (row["unnoticed"], row["flag"]) == (None, None)


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_below_zero_and_the_label_are_the_same_thing(fen, points, credit_fen, credit_points):
    found = premium.premium_bp(fen, points, credit_fen, credit_points)

    assert found is not None
    assert (premium.label(found) is not None) == (fen * credit_points < points * credit_fen)


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**6)),
        min_size=1,
        max_size=9,
    )
)
def test_the_whole_lies_between_the_best_and_the_worst_offer(rows):
    by_key = {}
    for offer, points, fen, credit in rows:
        for key, numbers in (
            (f"{offer}/", Sums(1, points, fen, 0)),
            (f"{offer}//credit", Sums(0, 0, credit, 0)),
        ):
            by_key[key] = by_key.get(key, sums.NOTHING).plus(numbers)

    each = [row["premium_bp"] for row in premium.taken_up(by_key, {})]

    assert min(each) <= premium.together(by_key)["premium_bp"] <= max(each) + 1


def test_no_ratio_is_told_where_there_is_no_bill_credit():
    assert premium.premium_bp(100, 0, 100, 100) is None
    assert premium.premium_bp(100, 10, 0, 100) is None
    assert premium.label(None) is None

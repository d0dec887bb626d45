"""Ratings: of what was used, once, by who redeemed it, in time; said anew for a week, with nothing overwritten."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from base import clock, database, ids, vault
from catalog.disputes import disputing
from catalog.goods import orders
from catalog.perks import uses
from catalog.ratings import ratings, said, words
from catalog.ratings import verify as ratings_verify
from catalog.ratings.models import Rating
from catalog.ratings.ratings import KindNotRated, NotUsedYet, RatingFixed, RatingTooLate, Said
from catalog.redemptions import redemptions
from catalog.redemptions.course import JOB
from catalog.redemptions.redemptions import RedemptionUnknown
from points import programmes
from tests.catalog import stand_ins
from tests.catalog.redemptions.test_races import at_once
from tests.catalog.stand_ins import asked
from tests.given import (
    caller,
    clerk_token,
    give_voucher,
    given_area,
    given_colleague,
    given_group,
    given_member,
    given_offer,
    given_outlet,
    given_person,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
    service_key,
)
from tests.owner import owner
from tests.persons import person_token
from tests.ratings import place_at, place_of, rate, redeem, used_perk, used_voucher

NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def at_noon():
    with clock.stopped(NOON):
        yield


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def member_id(db, programme):
    return given_area(given_member(db, programme, points=10_000), "330106")


def entries():
    with database.begin() as session:
        return [(row.no, row.stars) for row in session.scalars(select(Rating).order_by(Rating.no))]


def test_what_was_used_is_rated_with_where_the_member_is_and_what_it_was(db, programme, member_id):
    place = used_perk(member_id, programme)

    now = rate(db, member_id, place, Said(4, ("value", "ease"), "quiet and close"), at=NOON + DAY)

    row = now.rating
    assert (row.stars, row.reasons, row.kind, row.area) == (4, ["value", "ease"], "perk", "330106")
    assert (row.used_at, row.first_at, row.rater_id) == (NOON, NOON + DAY, member_id)
    assert now.said.words == "quiet and close"
    assert now.until == NOON + 8 * DAY


def test_what_was_not_used_yet_is_not_rated(db, programme, member_id):
    place = redeem(member_id, given_offer(programme, "perk", value_fen=300))

    with pytest.raises(NotUsedYet):
        rate(db, member_id, place, 5)


def test_a_use_that_was_missed_is_none(db, programme, member_id):
    form = {"no_show_rule": {"after_days": 1, "counts_as": "used"}}
    place = redeem(member_id, given_offer(programme, "perk", value_fen=300, form=form))
    with database.begin() as session:
        uses.missed(session, redemptions.find(session, *place), NOON + 2 * DAY)

    with pytest.raises(NotUsedYet):
        rate(db, member_id, place, 5, at=NOON + 3 * DAY)


def test_for_a_week_it_may_be_said_anew_and_nothing_is_overwritten(db, programme, member_id):
    place = used_perk(member_id, programme)
    rate(db, member_id, place, Said(2))

    rate(db, member_id, place, Said(2), at=NOON + DAY)  # the same: no entry more
    rate(db, member_id, place, Said(4), at=NOON + 7 * DAY)
    with pytest.raises(RatingFixed):
        rate(db, member_id, place, Said(5), at=NOON + 7 * DAY + timedelta(seconds=1))

    assert entries() == [(1, 2), (2, 4)]


def test_nobody_changes_a_rating_without_end(db, programme, member_id):
    place = used_perk(member_id, programme)
    for turn in range(ratings.MOST_ENTRIES):
        rate(db, member_id, place, Said(1 + turn % 5))

    with pytest.raises(RatingFixed):
        rate(db, member_id, place, Said(1))


def test_sixty_days_after_the_use_it_is_too_late_and_the_day_before_it_is_not(db, programme, member_id):
    late, in_time = used_perk(member_id, programme), used_perk(member_id, programme)

    with pytest.raises(RatingTooLate) as refused:
        rate(db, member_id, late, 5, at=NOON + 60 * DAY + timedelta(seconds=1))
    rate(db, member_id, in_time, 5, at=NOON + 60 * DAY)

    assert refused.value.facts == {"last_day": "2027-01-01"}


def test_a_voucher_counts_as_used_while_a_use_of_it_stands(app, db, programme, shop, member_id):
    member, till = caller(app, member_token(member_id)), caller(app, clerk_token(shop))
    row = member.redeem(given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)).json
    place = ids.parse("red", row["id"])
    with pytest.raises(NotUsedYet):
        rate(db, member_id, place, 5)
    token = till.check(member.voucher_code(row)).json["check_token"]
    used = till.post("/v1/vouchers/accept", {"check_token": token}).json

    now = rate(db, member_id, place, 5)
    assert (now.rating.merchant_id, now.rating.outlet_id) == (
        shop.merchant.merchant_id,
        shop.outlet.outlet_id,
    )

    assert till.post(f"/v1/acceptances/{used['id']}/void", {"reason": "mistake"}).status_code < 300
    with pytest.raises(NotUsedYet):
        rate(db, member_id, place, Said(1))
    assert entries() == [(1, 5)]  # what was said stays said


def test_a_use_that_was_somebody_else_is_none_of_the_members(app, db, programme, shop, member_id):
    member, till = caller(app, member_token(member_id)), caller(app, clerk_token(shop))
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    row = member.redeem(offer, 2).json
    token = till.check(member.voucher_code(row)).json["check_token"]
    used = till.post("/v1/vouchers/accept", {"check_token": token, "units": 1}).json
    person = given_person("support")
    dispute = ids.parse("dsp", member.post(f"/v1/acceptances/{used['id']}/not-me").json["id"])
    with database.begin() as session:
        disputing.take(session, person, dispute, NOON)
        disputing.decide(session, db, person, dispute, "member", "the till's camera shows it", NOON)

    with pytest.raises(NotUsedYet):
        rate(db, member_id, ids.parse("red", row["id"]), 5)


def test_an_event_is_rated_by_who_came(app, db, programme, member_id):
    offer = given_offer(programme, "event", value_fen=300)
    place = redeem(member_id, offer)
    door = caller(app, service_key(programme, "events:manage"))

    with clock.stopped(NOON + 7 * DAY):
        with pytest.raises(NotUsedYet):
            rate(db, member_id, place, 5)
        path = f"/v1/events/{ids.public('off', offer.offer_id)}/check-ins"
        assert door.post(path, {"redemption": ids.public("red", *place)}).status_code < 300
        rate(db, member_id, place, 5)

    assert entries() == [(1, 5)]


def test_goods_are_rated_once_they_arrived_a_code_at_once_and_a_bundle_by_its_voucher(app, db):
    with stand_ins.serving() as there:
        mug = asked(app, db, there, "goods")
        programme = programme_of(mug)
        others = {
            kind: asked(app, db, there, kind, programme=programme, offer=stand_ins.offer_of(programme, kind))
            for kind in ("electronic", "bundle", "bill_credit", "service")
        }
        assert {one.drain() for one in (mug, *others.values())} == {"fulfilled"}
        before = said_of(db, mug), {kind: said_of(db, one) for kind, one in others.items()}
        there.move(mug.reference, state="delivered")
        with clock.stopped(NOON + DAY):
            mug.drain()
            after = said_of(db, mug)
        with database.begin() as session:
            assert orders.returned(session, *key_of(mug), JOB, NOON, "broken")
        came_back = said_of(db, mug, 1)

    rated = {"electronic": "rated", "bundle": "NotUsedYet", "bill_credit": "rated", "service": "rated"}
    assert before == ("NotUsedYet", rated)
    assert (after, came_back) == ("rated", "NotUsedYet")
    with database.begin() as session:  # what was said before stays
        assert ratings.latest(session, *key_of(mug)).stars == 5


def key_of(one):
    return one.member_id, one.redemption_id


def said_of(db, one, stars=5):
    try:
        rate(db, one.member_id, key_of(one), stars)
    except NotUsedYet as refused:
        return type(refused).__name__
    return "rated"


def programme_of(one):
    with database.begin() as session:
        return programmes.by_id(session, one.offer.programme_id)


def test_a_gift_is_rated_by_nobody(app, db, programme, shop, member_id):
    given_member(db, programme, phone="13900005678")
    offer = given_offer(programme, "gift", merchant_id=shop.merchant.merchant_id, value_fen=100)
    giver = caller(app, member_token(member_id))
    gift = give_voucher(db, giver, member_id, offer, "13900005678").json

    with pytest.raises(KindNotRated):
        rate(db, member_id, ids.parse("red", gift["id"]), 5)


def test_of_a_group_its_spender_rates_and_nobody_else(db, programme, member_id):
    other = given_member(db, programme)
    group_id = given_group(db, programme, points=1000, caps={member_id: 1000, other: 1000})
    place = used_perk(group_id, programme, spender_id=member_id)

    for stranger in (other, group_id):
        with pytest.raises(RedemptionUnknown):
            rate(db, stranger, place, 5)
    now = rate(db, member_id, place, 5)

    assert (now.rating.member_id, now.rating.rater_id) == (group_id, member_id)


def test_of_two_who_send_it_at_once_there_is_one_entry_each_and_none_is_lost(db, programme, member_id):
    place = used_perk(member_id, programme)

    at_once(*(lambda stars=stars: rate(db, member_id, place, Said(stars)) for stars in (1, 2, 3)))

    found = entries()
    assert [no for no, _ in found] == [1, 2, 3]
    assert {stars for _, stars in found} == {1, 2, 3}


def test_words_are_kept_under_the_raters_key_and_read_by_others_without_numbers(db, programme, member_id):
    place = used_perk(member_id, programme)
    rate(db, member_id, place, Said(2, (), "they called me on 139 0000 1234"))

    with database.begin() as session:
        row = ratings.latest(session, *place)
        stored = row.words_sealed
        shown = said.listed(session, db.seal_key, "33", row.offer_id)
        elsewhere = said.listed(session, db.seal_key, "44", row.offer_id)
        vault.shred(session, member_id, NOON)
        after = said.listed(session, db.seal_key, "33", row.offer_id)
        session.rollback()

    assert b"139" not in stored
    assert [one.words for one in shown] == [f"they called me on {words.HIDDEN}"]
    assert (elsewhere, after) == ([], [])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("13900001234", words.HIDDEN),
        ("room 12, table 345", "room 12, table 345"),
        ("write to li.hua@example.com, please", f"write to {words.HIDDEN} please"),
        ("卡号6222 0212-3456尾", f"卡号{words.HIDDEN}尾"),
        ("电话１３９００００", f"电话{words.HIDDEN}"),
    ],
)
def test_numbers_and_addresses_are_hidden(written, read):
    assert words.masked(written) == read


def test_one_is_asked_about_the_latest_use_of_two_weeks_until_it_is_rated(db, programme, member_id):
    first = used_perk(member_id, programme)
    with clock.stopped(NOON + DAY):
        second = used_perk(member_id, programme)
    redeem(member_id, given_offer(programme, "perk", value_fen=300))  # not used

    def asked_about(at):
        with database.begin() as session:
            found = ratings.to_ask(session, member_id, at)
            return found and (found[0].member_id, found[0].redemption_id)

    assert asked_about(NOON + 2 * DAY) == second
    rate(db, member_id, second, 5, at=NOON + 2 * DAY)
    assert asked_about(NOON + 2 * DAY) == first
    assert asked_about(NOON + 14 * DAY) is None


FAULTS = {
    "another member's": "update rating set member_id = member_id + 1",
    "another's words": "update rating set rater_id = rater_id + 1",
    "of another offer": "update rating set offer_id = 1",
    "before it was used": "update perk_use set at = at + interval '1 year'",
    "of what was missed": "update perk_use set outcome = 'missed'",
    "too late": "update rating set first_at = first_at + interval '61 days', at = at + interval '61 days'",
    "changed too late": "update rating set at = first_at + interval '8 days' where no = 2",
    "an entry less": "delete from rating where no = 1",
}


def test_verify_finds_every_planted_fault_and_nothing_else(db, programme, member_id):
    place = used_perk(member_id, programme)
    rate(db, member_id, place, Said(3))
    rate(db, member_id, place, Said(4), at=NOON + DAY)

    missed = []
    for name, planted in {"nothing": "select 1", **FAULTS}.items():
        with owner(db) as connection:
            connection.execute(text(planted))
            with Session(connection) as session:
                if bool(list(ratings_verify.findings(session))) == (name == "nothing"):
                    missed.append(name)
            connection.rollback()

    assert missed == []


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_the_database_itself_knows_only_one_to_five_stars(db, programme, member_id, stars):
    rate(db, member_id, used_perk(member_id, programme), 5)

    with owner(db) as connection, pytest.raises(IntegrityError):
        connection.execute(text(f"update rating set stars = {stars}"))


def test_over_http_it_is_said_once_read_again_and_a_poor_one_leads_to_a_complaint(
    app, db, programme, member_id
):
    me = caller(app, member_token(member_id))
    stranger = caller(app, member_token(given_member(db, programme)))
    red = ids.public("red", *used_perk(member_id, programme))
    path, body = f"/v1/redemptions/{red}/rating", {"stars": 2, "reasons": ["waiting"], "words": "an hour"}
    assert me.get(path).json["may_rate"] is True

    first, again = me.post(path, body, key="k"), me.post(path, body, key="k")
    other = me.post(path, body | {"words": "two hours"}, key="k")
    wrong = me.post(path, {"stars": 6, "reasons": ["luck"], "words": ""})
    long = me.post(path, {"stars": 5, "words": "x" * 501})

    assert (first.status_code, again.json, other.json["type"]) == (201, first.json, "/problems/key-reused")
    assert first.json["complaint"] == f"/help/new?about={red}"
    assert "an hour" not in first.text
    assert {error["pointer"] for error in wrong.json["errors"]} >= {"/stars"}
    assert long.json["errors"] == [{"pointer": "/words", "detail": "at most 500 characters"}]
    assert me.get(path).json["words"] == "an hour"
    assert stranger.get(path).status_code == stranger.post(path, body).status_code == 404
    assert entries() == [(1, 2)]


def test_a_merchants_people_see_averages_of_outlets_with_five_ratings_and_never_who(app, db, programme, shop):
    far = given_outlet(shop)
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    for place, stars in ((place_of(shop), (4, 5, 5, 5, 5, 5)), (place_at(far), (1, 1, 1, 1))):
        for each in stars:
            who = given_member(db, programme, points=1000)
            rate(db, who, used_voucher(db, who, offer, place), each)
    boss = given_colleague(shop, "owner", "01-o")
    today = caller(app, merchant_token(boss)).get("/v1/merchant/ratings")

    with clock.stopped(NOON + DAY):
        people = {role: caller(app, person_token(shop, role)) for role in ("manager", "finance")}
        people["owner"] = caller(app, merchant_token(boss))
        seen = {role: one.get("/v1/merchant/ratings") for role, one in people.items()}
        desk = app.test_client()
        desk.set_cookie("jifen_merchant", merchant_token(boss))
        page = desk.get("/merchant/outlets", headers={"Accept-Language": "en"}).text

    mine = {"outlet": ids.public("out", shop.outlet.outlet_id), "count": 6, "average_tenths": 48}
    assert seen["owner"].json == {"data": [mine], "fewest": 5}
    assert seen["manager"].json["data"] == [mine]
    assert seen["finance"].status_code == 403
    assert "4.8 of 5 stars, 6 ratings" in page
    assert page.count("fewer than 5") == 1
    assert today.json["data"] == []  # the day is not over

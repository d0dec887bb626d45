"""The list of offers: never older than the database, narrowed and ordered page by page, and each member's own part of it."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text

from base import clock, database, ids
from catalog.offers import listing, offers
from catalog.offers.schemas import OffersView, OfferView
from catalog.rates import rates
from points.members import attributes
from tests.given import (
    LONG_AGO,
    caller,
    given_area,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    given_tier,
    member_token,
    staff_token,
)


def listed(member, **query) -> list[dict]:
    """All pages, of two offers each."""
    found, cursor = [], None
    while True:
        page = member.get("/v1/offers", limit=2, **query, **({"cursor": cursor} if cursor else {})).json
        found += page["data"]
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
        if cursor is None:
            return found


def codes(rows: list[dict]) -> list[str]:
    return [row["code"] for row in rows]


def test_what_changed_is_seen_by_the_next_request_whoever_changed_it(app, db, owner):
    programme = given_programme()
    member = caller(app, member_token(given_member(db, programme, points=1_000)))
    first = given_offer(programme, "perk", value_fen=500)
    seen = [codes(listed(member))]

    second = given_offer(programme, "perk", value_fen=700, stock=1)
    seen.append(codes(listed(member)))
    with database.begin() as session:
        rates.add(session, programme.programme_id, LONG_AGO, points=200, per_fen=100, offer_id=first.offer_id)
    other = caller(app, member_token(given_member(db, programme, points=1_000)))
    assert other.redeem(second).status_code == 201
    rated = {row["code"]: row for row in listed(member)}
    with database.begin() as session:
        values = {name: getattr(first, name) for name in ("value_fen", "cost_fen", "category", "names", "texts",
                                                           "cancellable", "event_at", "most_units", "until_at")}  # fmt: skip
        offers.add_version(
            session, first.offer_id, clock.now(), **(values | {"texts": {"zh-CN": "新", "en": "new words"}})
        )
    versioned = {row["code"]: row for row in listed(member)}
    owner.execute(
        text("update offer_state set state = 'paused' where offer_id = :o"), {"o": first.offer_id}
    )  # with no moment of change, by another process
    seen.append(codes(listed(member)))
    paused = member.get(f"/v1/offers/{ids.public('off', first.offer_id)}").json

    assert seen == [[first.code], [first.code, second.code], [second.code]]
    assert (rated[first.code]["price_points"], rated[second.code]["left_over"]) == (1_000, 0)
    assert rated[second.code]["closed"]["type"] == "/problems/sold-out"
    assert versioned[first.code]["texts"]["en"] == "new words"
    assert paused["closed"]["type"] == "/problems/offer-not-open"


def test_a_version_that_begins_and_an_offer_that_ends_need_no_change_of_the_database(app, db):
    programme, now = given_programme(), clock.now()
    member = caller(app, member_token(given_member(db, programme)))
    ending = given_offer(programme, "perk", until_at=now + timedelta(seconds=30))
    coming = given_offer(programme, "perk", from_at=now + timedelta(seconds=40))

    told = []
    for seconds in (0, 29, 30, 39, 40, 35):
        with clock.stopped(now + timedelta(seconds=seconds)):
            told.append(codes(listed(member)))

    assert told == [[ending.code], [ending.code], [], [], [coming.code], []]


def test_what_is_kept_outlives_a_transaction_that_is_undone(db):
    programme = given_programme()
    member_id, offer = given_member(db, programme), given_offer(programme, "perk")

    def once() -> list[str]:
        with database.begin() as session:
            reader = listing.reader(session, programme.programme_id, member_id, clock.now(), "member_web")
            page = listing.page(session, reader, listing.Asked(), after=None, limit=5)
            raise LookupError([row.item.offer.code for row in page.rows])

    for _ in range(2):
        with pytest.raises(LookupError) as undone:
            once()
        assert undone.value.args == ([offer.code],)


@pytest.fixture
def shelf(app, db):
    programme, shop = given_programme(), given_shop()
    made = []
    for number, value_fen in enumerate((900, 300, 300, 1_200, 600)):
        kind = "voucher" if number % 2 else "perk"
        names = {"zh-CN": f"电影 {number}", "en": f"Cinema no{number}"}
        made.append(
            given_offer(
                programme, kind, value_fen=value_fen, merchant_id=shop.merchant.merchant_id, voucher_days=30,
                category="film" if number < 3 else "food", names=names, texts={"zh-CN": "杭州", "en": "Hangzhou"},
                eligibility={"areas": ["3302"]} if number == 4 else {},
            )
        )  # fmt: skip
    with database.begin() as session:
        rates.add(
            session, programme.programme_id, LONG_AGO, points=50, per_fen=100, offer_id=made[3].offer_id
        )
    return programme, made


def test_the_list_is_narrowed_and_ordered_over_all_its_pages(app, db, shelf):
    programme, made = shelf
    member = caller(app, member_token(given_area(given_member(db, programme, points=600), "330106")))
    number = {offer.code: place for place, offer in enumerate(made)}

    def shown(**query) -> list[int]:
        return [number[code] for code in codes(listed(member, **query))]

    assert shown() == [0, 2, 4, 1, 3]
    assert shown(sort="price") == [1, 2, 3, 4, 0]
    assert shown(sort="fen_per_100") == [3, 0, 1, 2, 4]
    assert shown(sort="price", affordable="true") == [1, 2, 3, 4]
    assert shown(kind="voucher") == [1, 3]
    assert shown(category="film") == [0, 2, 1]
    assert shown(area="3301") == [0, 2, 1, 3]
    assert shown(area="33") == shown()
    assert shown(q="cinema NO3") == [3]
    assert shown(q="电影 杭州", kind="perk") == [0, 2, 4]
    assert shown(q="theatre") == []
    other = member.get("/v1/offers", limit=2, sort="price").json["next_cursor"]
    assert member.get("/v1/offers", limit=2, cursor=other).status_code == 400
    assert member.get("/v1/offers", sort="name").status_code == 422
    assert member.get("/v1/offers", area="x").status_code == 422


def test_a_row_of_the_list_is_the_offer_itself_as_it_is_documented(app, db, shelf):
    programme, _ = shelf
    member = caller(app, member_token(given_member(db, programme, points=500)))
    page = member.get("/v1/offers").json
    staff = caller(app, staff_token("editor")).get("/v1/offers", programme=programme.code).json

    assert set(page) == set(OffersView().fields)
    for row in page["data"]:
        assert set(row) == set(OfferView().fields)
        assert member.get(f"/v1/offers/{row['id']}").json == row
    assert {row["affordable"] for row in page["data"]} == {True, False}
    assert {(row["affordable"], row["closed"]) for row in staff["data"]} == {(None, None)}


def test_the_list_says_why_an_offer_is_closed_to_the_member_and_one_bound_to_a_grade_is_not_there(app, db):
    programme = given_programme()
    mine = given_tier(given_area(given_member(db, programme, points=1_000), "330106"), "silver")
    saved = given_member(db, programme, points=1_000)
    with database.begin() as session:
        attributes.add_many(session, {(saved, attributes.RISK, LONG_AGO): "4"})
    gold = given_offer(programme, "perk", value_fen=100, eligibility={"tiers": ["gold"]})
    once = given_offer(programme, "perk", value_fen=100, limits=[{"most": 1, "of": "member", "per": "ever"}])
    kept = given_offer(programme, "perk", value_fen=100, eligibility={"risk": [3, 4]})
    paused = given_offer(programme, "perk", state="paused", eligibility={"risk": [3, 4]})
    me, other = caller(app, member_token(mine)), caller(app, member_token(saved))
    me.redeem(once)

    rows = {row["code"]: row["closed"] for row in listed(me)}
    answers = [me.quote(gold), me.quote(kept), me.get(f"/v1/offers/{ids.public('off', kept.offer_id)}"),
               me.get(f"/v1/offers/{ids.public('off', paused.offer_id)}"), me.quote(paused),
               me.get(f"/v1/offers/{ids.public('off', kept.offer_id)}", at=clock.now().isoformat())]  # fmt: skip

    assert rows[gold.code] == {
        "type": "/problems/needs-tier",
        "title": "This offer needs another tier.",
        "detail": "Needs Gold; you have Silver.",
    }
    assert rows[once.code]["detail"] == "At most 1 in all for each member; you had 1."
    assert set(rows) == {gold.code, once.code}
    assert answers[0].json["explanation"]["en"] == rows[gold.code]["detail"]
    assert [(a.status_code, a.json["type"]) for a in answers[1:]] == [(404, "/problems/offer-unknown")] * 5
    assert kept.code in codes(listed(other))
    assert other.redeem(kept).status_code == 201


def test_an_offer_of_another_channel_or_hour_is_refused_with_the_moment(app, db):
    programme = given_programme()
    member = caller(app, member_token(given_member(db, programme, points=1_000)))
    hall = given_offer(programme, "perk", value_fen=100, eligibility={"channels": ["hall"]})
    noon = given_offer(
        programme, "perk", value_fen=100, eligibility={"hours": [{"from": "12:00", "until": "13:00"}]}
    )

    with clock.stopped(datetime(2026, 11, 26, 5, 30, tzinfo=UTC)):  # half past one in the afternoon
        refused = [member.quote(hall).json, member.quote(noon).json]

    assert [r["type"] for r in refused] == ["/problems/another-channel", "/problems/offer-outside-hours"]
    assert refused[1]["possible_from"] == "2026-11-27T12:00:00+08:00"


def test_a_page_takes_two_statements_beside_the_two_of_the_sign_in(app, db, monkeypatch):
    programme, shop = given_programme(), given_shop()
    member = caller(app, member_token(given_area(given_member(db, programme, points=1_000), "330106")))
    more = {"merchant_id": shop.merchant.merchant_id, "voucher_days": 30, "value_fen": 100}
    offer = given_offer(programme, "voucher", **more)
    for number in range(12):
        given_offer(
            programme, "voucher", **more, stock=number + 1, eligibility={"areas": ["33"]},
            limits=[{"most": 2, "of": "member", "per": "day"}, {"most": 9, "of": "all", "per": "day"}],
        )  # fmt: skip
    member.get("/v1/offers")
    quote, asked = member.quote(offer).json["id"], []
    execute = psycopg.Cursor.execute

    def counted(self, *given, **more):
        asked.append(str(given[0]))
        return execute(self, *given, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)

    assert len(member.get("/v1/offers").json["data"]) == 13
    a_page = len(asked)
    assert member.post("/v1/redemptions", {"quote": quote}).status_code == 201

    assert a_page == 4
    assert len(asked) - a_page <= 18, "\n".join(" ".join(one.split())[:110] for one in asked[a_page:])


def test_each_member_sees_the_price_of_the_own_tier_and_is_quoted_it(app, db):
    programme = given_programme()
    dear, cheap = given_offer(programme, "perk", value_fen=800), given_offer(programme, "perk", value_fen=500)
    with database.begin() as session:
        rates.add(session, programme.programme_id, LONG_AGO, points=50, per_fen=100, offer_id=dear.offer_id, tier="gold")  # fmt: skip
    plain = caller(app, member_token(given_member(db, programme, points=1_000)))
    gold = caller(app, member_token(given_tier(given_member(db, programme, points=1_000), "gold")))

    told = [
        [(row["code"], row["price_points"]) for row in listed(who, sort="price")] for who in (plain, gold)
    ]

    assert told == [[(cheap.code, 500), (dear.code, 800)], [(dear.code, 400), (cheap.code, 500)]]
    assert [who.quote(dear).json["price_points"] for who in (plain, gold)] == [800, 400]

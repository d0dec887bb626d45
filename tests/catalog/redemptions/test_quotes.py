"""A quote names the very lots, soonest-lapsing first, and confirming it takes those and no others."""

from datetime import timedelta

from base import clock
from points import lots
from tests.given import (
    ZONE,
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
)


def test_a_quote_names_the_lots_that_lapse_first_and_confirming_takes_them(app, db):
    programme, today = given_programme(), clock.day(clock.now(), ZONE)
    member_id = given_member(db, programme)
    days = {"late": today + timedelta(days=400), "soon": today + timedelta(days=20), "never": lots.NO_END}
    for name, points in (("late", 300), ("never", 500), ("soon", 100)):
        given_points(member_id, points, last_day=days[name])
    member = caller(app, member_token(member_id))
    offer = given_offer(programme, "perk", value_fen=650)

    quote = member.quote(offer).json
    before = member.spendable()
    member.post("/v1/redemptions", {"quote": quote["id"]})
    newest = member.get("/v1/members/me/postings", limit=1).json["data"][0]
    taken = member.get(f"/v1/members/me/postings/{newest['seq']}/lots").json

    named = [("soon", 100), ("late", 300), ("never", 250)]
    assert [(lot["last_day"], lot["points"]) for lot in quote["lots"]] == [
        (None if name == "never" else str(days[name]), points) for name, points in named
    ]
    assert (quote["price_points"], quote["balance_after"], before) == (650, 250, 900)
    assert [lot["points"] for lot in taken] == [points for _, points in named]
    assert member.get("/v1/members/me/wallet").json["lots"] == [
        {"last_day": None, "points": 250, "class": "bill"}
    ]


def test_points_of_one_class_with_one_last_day_are_one_lot(app, db):
    programme, day = given_programme(), clock.day(clock.now(), ZONE) + timedelta(days=20)
    member_id = given_member(db, programme)
    for points in (40, 2):
        given_points(member_id, points, last_day=day)
    member = caller(app, member_token(member_id))

    quote = member.quote(given_offer(programme, "perk", value_fen=41)).json

    assert quote["lots"] == [{"last_day": str(day), "points": 41}]

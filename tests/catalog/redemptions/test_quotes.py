"""A quote names the very lots, soonest-lapsing first, and confirming it takes those and no others."""

from datetime import timedelta

from base import clock, database
from base.http import settings
from catalog.rates import rates
from points import lots
from tests.given import (
    LONG_AGO,
    ZONE,
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    given_shop,
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


def test_a_quote_says_what_the_points_are_worth_and_what_lapses_otherwise(app, db):
    programme, today = given_programme(), clock.day(clock.now(), ZONE)
    member_id = given_member(db, programme)
    for days, points in ((20, 300), (80, 200), (400, 900)):
        given_points(member_id, points, last_day=today + timedelta(days=days))
    member = caller(app, member_token(member_id))
    with database.begin() as session:
        for kind, points in (("perk", 80), ("event", 125)):
            rates.add(session, programme.programme_id, LONG_AGO, points=points, per_fen=100, kind=kind)

    good = member.quote(given_offer(programme, "perk", value_fen=500)).json
    poor = member.quote(given_offer(programme, "event", value_fen=400)).json

    assert (good["price_points"], good["fen_per_100_points"], good["bill_credit_fen_per_100_points"]) == (
        400,
        125,
        100,
    )
    assert (good["worth_as_bill_credit"]["amount_fen"], good["is_worth_less"]) == (400, False)
    assert (poor["price_points"], poor["fen_per_100_points"], poor["is_worth_less"]) == (500, 80, True)
    assert good["lapsing"] == poor["lapsing"] == {"30": 300, "90": 500}


def test_part_of_a_price_in_money_is_one_of_the_amounts_that_the_offer_names(app, db):
    programme = given_programme()
    member = caller(app, member_token(given_member(db, programme, points=5000)))
    merchant_id = given_shop().merchant.merchant_id
    offer = given_offer(
        programme, "voucher", merchant_id=merchant_id, value_fen=1000, cash_choices=[300, 600], most_units=2
    )

    before = app.extensions["jifen_config"]
    settings.keep(app, db.at(stripe_secret_key="sk_test_secret"))
    quote = member.quote(offer, 2, cash_fen=1200).json
    wrong = member.quote(offer, 2, cash_fen=300)
    settings.keep(app, before)
    off = member.quote(offer, 2, cash_fen=600)

    assert (off.status_code, off.json["type"]) == (409, "/problems/card-payments-off")
    assert (quote["price_points"], quote["cash"]["amount_fen"], quote["fen_per_100_points"]) == (
        800,
        1200,
        100,
    )
    assert (wrong.status_code, wrong.json["type"]) == (422, "/problems/cash-choice")
    assert wrong.json["choices"] == [600, 1200]

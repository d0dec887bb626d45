"""Vouchers as gifts: seen masked, confirmed by a code, undone for ten minutes, then the receiver's; the points are spent once."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.proof import findings
from app.wiring import wire
from base import clock, database, ids, jobs, vault
from catalog.gifts import giving, job
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.redemptions import confirming, redemptions
from catalog.redemptions.course import By
from points.members import members
from tests.catalog.redemptions.test_races import at_once
from tests.given import (
    caller,
    clerk_token,
    gift_code,
    give_voucher,
    given_group,
    given_member,
    given_merged,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    reverse_by_two,
)

PHONE, OTHER = "13700001111", "13700002222"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def shop():
    return given_shop()


@pytest.fixture
def offer(programme, shop):
    return given_offer(programme, "gift", merchant_id=shop.merchant.merchant_id, value_fen=300, stock=20)


@pytest.fixture
def pair(db, programme):
    """A giver with 1,000 points and a receiver."""
    giver = given_member(db, programme, points=1000, phone=PHONE)
    return giver, given_member(db, programme, phone=OTHER)


@pytest.fixture
def giver(app, pair):
    return caller(app, member_token(pair[0]))


@pytest.fixture
def receiver(app, pair):
    return caller(app, member_token(pair[1]))


@pytest.fixture
def give(db, pair, giver, offer):
    """Quote and confirm with the code."""

    def give(units=1, **more):
        return give_voucher(db, giver, pair[0], offer, OTHER, units, **more)

    return give


def kind_of(answer):
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def later(db):
    with clock.stopped(clock.now() + giving.TO_UNDO + timedelta(seconds=1)):
        for _ in range(4):
            jobs.drain(db.database_url)


def state(giver, redemption):
    return giver.get(f"/v1/redemptions/{redemption['id']}").json["state"]


def test_a_gift_is_confirmed_with_a_code_and_arrives_at_the_receiver_who_uses_it(
    app, db, shop, offer, pair, giver, receiver
):
    with database.begin() as session:
        vault.put(session, db.seal_key, pair[1], {vault.NAME: "王小明"}, clock.now(), "hall")
    quote = giver.quote(offer, 2, to=OTHER, message="birthday").json
    body = {"quote": quote["id"]}
    without, wrong = giver.post("/v1/redemptions", body), giver.post("/v1/redemptions", body | {"code": "0"})
    code = gift_code(db, pair[0])
    made = giver.post("/v1/redemptions", body | {"code": code}, key="k")
    again = giver.post("/v1/redemptions", body | {"code": code}, key="k")
    before = receiver.get("/v1/vouchers").json["data"]

    later(db)

    assert quote["receiver"] == {"number": "137****2222", "name": "王*"}
    assert {kind_of(without), kind_of(wrong)} == {"422 gift-not-confirmed"}
    assert (made.status_code, made.json["state"], again.data) == (201, "pending", made.data)
    assert (before, giver.spendable()) == ([], 400)
    seen = giver.get(f"/v1/redemptions/{made.json['id']}").json
    assert [step["state"] for step in seen["timeline"]] == ["requested", "pending", "fulfilling", "fulfilled"]
    assert (seen["voucher"], seen["gift"]["to"]) == (None, "137****2222")
    (mine,) = receiver.get("/v1/vouchers").json["data"]
    assert mine["from_friend"]["words"]["en"] == "From a friend, 137****1111. Happy birthday!"
    assert giver.get("/v1/vouchers").json["data"] == []
    assert kind_of(giver.get(f"/v1/vouchers/{mine['id']}")) == "404 voucher-unknown"
    accepted = caller(app, clerk_token(shop)).accept(receiver.get(f"/v1/vouchers/{mine['id']}").json["code"])
    assert accepted.status_code == 201
    assert kind_of(giver.post(f"/v1/redemptions/{made.json['id']}/cancel")) == "409 not-cancellable"
    with database.begin() as session:
        told = session.execute(text("select template from notice where template like 'voucher-gift-%'"))
        assert sorted(told.scalars()) == [f"voucher-gift-{n}" for n in ("arrived", "code", "received")]


def test_it_is_undone_in_time_and_not_sent_after_that(db, pair, giver, receiver, give):
    made = give().json
    undone = giver.post(f"/v1/redemptions/{made['id']}/cancel")

    later(db)

    assert (undone.json["state"], state(giver, made), giver.spendable()) == ("cancelled", "cancelled", 1000)
    assert receiver.get("/v1/vouchers").json["data"] == []


def test_each_step_is_done_once_and_too_early_does_nothing(db, pair, giver, receiver, give):
    place = ids.parse("red", give().json["id"])
    job.run(db, *place)
    assert receiver.get("/v1/vouchers").json["data"] == []
    with clock.stopped(clock.now() + giving.TO_UNDO):
        at_once(*(lambda: job.run(db, *place) for _ in range(4)))
        for _ in range(4):
            job.run(db, *place)

    assert len(receiver.get("/v1/vouchers").json["data"]) == 1
    assert (giver.spendable(), giver.get("/v1/members/me/wallet").json["held"]) == (700, 0)


@pytest.mark.parametrize("when", ["before it is sent", "on its way"])
@pytest.mark.parametrize("how", ["left", "suspended", "merged"])
def test_what_the_receiver_cannot_take_comes_back(db, programme, pair, giver, give, how, when):
    made = give().json
    place = ids.parse("red", made["id"])
    other = given_member(db, programme)
    with clock.stopped(clock.now() + giving.TO_UNDO):
        if when == "on its way":
            job.run(db, *place)
            assert state(giver, made) == "fulfilling"
            assert kind_of(giver.post(f"/v1/redemptions/{made['id']}/cancel")) == "409 not-cancellable"
        if how == "merged":
            given_merged(pair[1], other)
        with database.begin() as session:
            if how == "left":
                members.leave(session, pair[1], clock.now().date())
            if how == "suspended":
                members.suspend(session, pair[1])
        for _ in range(3):
            job.run(db, *place)

    assert (state(giver, made), giver.spendable()) == ("failed", 1000)
    with database.begin() as session:
        assert session.execute(text("select left_over from stock")).scalar() == 20


def test_a_line_that_is_frozen_gives_nothing_and_what_waited_comes_back(db, pair, giver, offer, give):
    made = give().json
    with database.begin() as session:
        members.suspend(session, pair[0])
    refused = giver.quote(offer, to=OTHER)
    later(db)

    assert kind_of(refused) == "403 member-frozen"
    with database.begin() as session:
        assert redemptions.find(session, *ids.parse("red", made["id"])).state == "failed"


def test_whom_it_is_for_is_asked_carefully(app, db, programme, pair, giver, offer):
    group = ids.public("grp", given_group(db, programme, points=500, caps={pair[0]: 500}))

    assert kind_of(giver.quote(offer)) == "422 receiver-needed"
    assert kind_of(giver.quote(offer, to=PHONE)) == "409 gift-to-oneself"
    assert kind_of(giver.quote(offer, to="1")) == "422 bad-phone"
    assert kind_of(giver.quote(offer, to=OTHER, message="call me")) == "422 invalid"
    assert kind_of(giver.quote(offer, to=OTHER, group=group)) == "409 not-for-groups"
    told = {kind_of(giver.quote(offer, to=f"1379999{n:04d}")) for n in range(10)}
    assert (told, kind_of(giver.quote(offer, to=OTHER))) == ({"404 receiver-unknown"}, "429 too-many-guesses")


def test_a_code_is_for_one_quote_and_wrong_ones_are_counted(db, pair, giver, offer, monkeypatch):
    first = giver.quote(offer, to=OTHER).json
    of_first = gift_code(db, pair[0])
    second = giver.quote(offer, to=OTHER).json
    crossed = giver.post("/v1/redemptions", {"quote": second["id"], "code": of_first})
    right = gift_code(db, pair[0])
    for _ in range(4):
        giver.post("/v1/redemptions", {"quote": second["id"], "code": "x"})

    locked = giver.post("/v1/redemptions", {"quote": second["id"], "code": right})
    still = giver.post("/v1/redemptions", {"quote": first["id"], "code": of_first})

    if of_first != right:
        assert kind_of(crossed) == "422 gift-not-confirmed"
    assert (kind_of(locked), still.status_code) == ("422 gift-not-confirmed", 201)
    monkeypatch.setattr(confirming, "CODES", confirming.Limit(tries=2, window=timedelta(days=1)))
    assert kind_of(giver.quote(offer, to=OTHER)) == "429 too-many-guesses"


def test_a_page_cannot_confirm_what_was_not_confirmed_by_code(db, pair, giver, offer):
    quote = ids.parse("quo", giver.quote(offer, to=OTHER).json["id"])

    with pytest.raises(giving.GiftNotConfirmed), database.begin() as session:
        redemptions.redeem(session, *quote, By("member:1", "member_web"), clock.now())


def test_so_many_in_a_day_and_so_many_in_a_month(giver, give, monkeypatch):
    monkeypatch.setattr(giving, "MOST_A_DAY", 2)
    made = [give() for _ in range(3)]
    monkeypatch.setattr(giving, "MOST_A_DAY", 9)
    monkeypatch.setattr(giving, "MOST_A_MONTH", 2)

    assert [one.status_code for one in made[:2]] == [201, 201]
    assert kind_of(made[2]).endswith("too-many-voucher-gifts")
    assert kind_of(give()).endswith("too-many-voucher-gifts")
    assert giver.spendable() == 400


@pytest.mark.timeout(120)
def test_of_twenty_gifts_of_the_whole_balance_at_once_one_succeeds(db, pair, giver, receiver, offer):
    wire(db, pool_size=24)
    quotes = []
    for _ in range(20):
        quote = giver.quote(offer, 3, to=OTHER).json["id"]  # 900 of 1,000 points
        quotes.append({"quote": quote, "code": gift_code(db, pair[0])})

    answers = at_once(*(lambda body=body: giver.post("/v1/redemptions", body) for body in quotes))

    assert sorted(answer.status_code for answer in answers).count(201) == 1
    assert {answer.status_code // 100 for answer in answers} <= {2, 4}
    assert giver.spendable() == 100
    later(db)
    assert len(receiver.get("/v1/vouchers").json["data"]) == 1


def test_a_person_reverses_it_while_the_receiver_has_not_used_it(app, db, shop, give, giver, receiver):
    first, second = give().json, give().json
    later(db)
    rows = receiver.get("/v1/vouchers").json["data"]
    code = receiver.get(f"/v1/vouchers/{rows[0]['id']}").json["code"]
    caller(app, clerk_token(shop)).accept(code)

    ended = sorted(reverse_by_two(app, made).status_code for made in (first, second))

    assert (ended, giver.spendable()) == ([200, 409], 700)
    assert {row["state"] for row in receiver.get("/v1/vouchers", heap="past").json["data"]} == {"cancelled"}


def test_verify_finds_a_gift_whose_voucher_is_another_members(owner, db, pair, give):
    give()
    later(db)
    owner.execute(text("update voucher set member_id = :giver"), {"giver": pair[0]})

    with database.begin() as session:
        found = {one.text for one in findings(session) if one.rule == "voucher gift"}

    owner.execute(text("update voucher set member_id = :receiver"), {"receiver": pair[1]})
    assert found == {"its redemption and its voucher do not agree"}


@pytest.mark.parametrize("field", ["form", "cash_choices", "cancellable"])
def test_an_offer_that_is_none_of_gifts_is_refused(field):
    fits = {"form": {}, "cash_choices": [], "cancellable": False}
    with pytest.raises(BadForm) as refused:
        giving.check_form(Offer(**fits | {field: {"form": {"a": 1}, "cash_choices": [1]}.get(field, True)}))

    assert refused.value.facts["field"] == field

"""Goods from the address to the door: nothing moves for a bad address, parcels are seen, what comes back gives the points back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database, ids
from base.approvals import approvals
from catalog.cash import parts as cash
from catalog.goods import goods, orders
from catalog.goods.addresses import faults
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import By
from catalog.stock.models import Stock
from points.erasures import erasures
from points.members import members
from tests.catalog import stand_ins
from tests.catalog.redemptions.test_races import at_once
from tests.catalog.stand_ins import BACK, HELD, SPENT, asked, offer_of
from tests.given import (
    ADDRESS,
    ELECTRONIC,
    FORMS,
    caller,
    given_area,
    given_bundle,
    given_member,
    given_offer,
    given_person,
    given_programme,
    member_token,
    staff_token,
)
from tests.owner import owner


@pytest.fixture(scope="module")
def stand_in():
    with stand_ins.serving() as there:
        yield there


@pytest.fixture(autouse=True)
def _behaves(stand_in):
    stand_in.behaves()


def later(one, **ahead):
    """Run what is due so much later; the redemption's state then."""
    with clock.stopped(clock.now() + timedelta(**ahead)):
        return one.drain()


def stock_of(offer):
    with database.begin() as session:
        row = session.get(Stock, offer.offer_id)
        return row.total, row.left_over


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"phone": "call me"}, ["phone"]),
        ({"postcode": "31005"}, ["postcode"]),
        ({"postcode": "３１００５１"}, ["postcode"]),
        ({"name": "  "}, ["name"]),
        ({"street": "x" * 121}, ["street"]),
        ({"region": "a\x00b"}, ["region"]),
        (dict.fromkeys(ADDRESS, ""), ["name", "phone", "region", "street", "postcode"]),
    ],
)
def test_each_field_of_an_address_is_checked_by_name(changed, fields):
    assert list(faults(ADDRESS | changed)) == fields


def test_a_bad_address_is_refused_before_any_point_moves_and_a_good_one_is_nowhere_in_clear(
    app, db, stand_in
):
    programme = given_programme()
    offer = offer_of(programme, "goods")
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    quote = member.quote(offer).json["id"]

    without = member.post("/v1/redemptions", {"quote": quote})
    wrong = member.post("/v1/redemptions", {"quote": quote, "address": ADDRESS | {"phone": "zero"}})
    stranger = member.post("/v1/redemptions", {"quote": quote, "address": ADDRESS | {"planet": "earth"}})

    assert [answer.status_code for answer in (without, wrong, stranger)] == [422] * 3
    assert (without.json["type"], without.json["field"]) == ("/problems/bad-address", "name")
    assert wrong.json["errors"] == [
        {
            "pointer": "/address/phone",
            "detail": "a phone number: digits, maybe with + in front and spaces or hyphens",
        }
    ]
    assert "zero" not in wrong.text
    assert (member.spendable(), member.get("/v1/redemptions").json["data"]) == (1000, [])
    body = {"quote": quote, "address": ADDRESS}
    first = member.post("/v1/redemptions", body, key="k1")
    again = member.post("/v1/redemptions", body, key="k1")
    other = member.post("/v1/redemptions", body | {"address": ADDRESS | {"street": "elsewhere"}}, key="k1")
    assert (first.status_code, again.json, other.status_code) == (201, first.json, 422)
    stored = _everything(db)
    assert not [word for word in ADDRESS.values() if word in stored or word.encode().hex() in stored]


def _everything(db):
    with owner(db) as connection:
        names = connection.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        return "\n".join(
            row for name in names for row in connection.scalars(text(f"select t::text from {name} t"))
        )


def test_parts_are_sent_one_by_one_and_the_points_are_spent_with_the_last(app, db, stand_in):
    one = asked(app, db, stand_in, "goods", billing_backoff_s=3600)
    stand_in.fails("fulfilment", {"mode": "hold"})
    one.drain()
    assert (one.state, one.shown()["goods"]["state"]) == ("fulfilling", "ordered")
    two = [{"carrier": "SF", "tracking": f"SF{n}", "units": 1} for n in (1, 2)]

    stand_in.move(one.reference, state="picked")
    assert later(one, hours=2) == "fulfilling"
    stand_in.move(one.reference, state="shipped", shipped=1, parcels=two[:1])
    assert later(one, hours=4) == "fulfilled"

    shown = one.shown()
    assert (shown["goods"]["state"], shown["goods"]["units_shipped"], shown["goods"]["parcels"]) == (
        "shipped",
        1,
        two[:1],
    )
    assert one.points == SPENT
    stand_in.move(one.reference, state="delivered")
    later(one, hours=11)
    assert one.shown()["goods"]["delivered_at"]
    assert one.timeline() == [
        "requested", "pending", "fulfilling", "ordered", "picked", "shipped", "fulfilled", "delivered",
    ]  # fmt: skip


def test_of_several_units_some_may_be_sent_first(app, db, stand_in):
    programme = given_programme()
    offer = given_offer(programme, "goods", value_fen=250, stock=5)
    one = asked(app, db, stand_in, "goods", offer=offer, programme=programme, units=2, billing_backoff_s=3600)
    stand_in.fails("fulfilment", {"mode": "hold"})
    one.drain()
    parcel = {"carrier": "SF", "tracking": "SF1", "units": 1}

    stand_in.move(one.reference, state="shipped", shipped=1, parcels=[parcel])
    assert later(one, hours=2) == "fulfilling"
    half = one.shown()["goods"]
    assert (half["state"], half["units_shipped"], one.points) == ("picked", 1, HELD)
    stand_in.move(one.reference, shipped=2, parcels=[parcel, parcel | {"tracking": "SF2"}])
    assert later(one, hours=4) == "fulfilled"

    assert len(one.shown()["goods"]["parcels"]) == 2
    assert stock_of(offer) == (5, 3)


@pytest.mark.parametrize(
    ("goods_class", "how", "stock"),
    [("gift", "returned", (3, 3)), ("consumable", "returned", (2, 2)), ("gift", "lost", (2, 2))],
)
def test_what_staff_record_as_back_or_lost_gives_the_points_back_and_fills_the_shelf_by_class(
    app, db, stand_in, goods_class, how, stock
):
    programme = given_programme()
    offer = given_offer(
        programme, "goods", value_fen=500, stock=3, form=FORMS["goods"] | {"class": goods_class}
    )
    one = asked(app, db, stand_in, "goods", offer=offer, programme=programme)
    assert one.drain() == "fulfilled"
    given_area(one.member_id, "330100")
    near, far = (caller(app, staff_token("support", area=area)) for area in ("3301", "4401"))
    path, why = f"/v1/goods-orders/{one.reference}/{how}", {"reason": "broken on arrival"}

    assert far.post(path, why).status_code == 404
    answers = at_once(*[lambda: caller(app, near.token).post(path, why)] * 2)

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (one.state, one.points, stock_of(offer)) == ("reversed", BACK, stock)
    assert one.timeline()[-2:] == [how, "reversed"]
    seen = near.get(f"/v1/goods-orders/{one.reference}").json
    assert seen["timeline"] == one.shown()["timeline"]
    assert far.get(f"/v1/goods-orders/{one.reference}").status_code == 404
    lots = one.member.get("/v1/members/me/wallet").json["lots"]
    assert [lot["points"] for lot in lots] == [1000]
    with database.begin() as session:
        written = session.execute(text("select action, subject from audit where action like 'goods%'")).all()
        told = session.scalars(text("select count(*) from notice where template = 'goods-back'")).all()
    assert [tuple(row) for row in written] == [(f"goods.{how}", one.reference)]
    assert told == [1]


def test_what_the_provider_brings_back_within_the_days_is_reversed_and_after_them_nothing_is(
    app, db, stand_in
):
    one = asked(app, db, stand_in, "goods")
    one.drain()
    stand_in.move(one.reference, state="delivered")
    later(one, hours=7)
    assert one.shown()["goods"]["state"] == "delivered"
    with clock.stopped(clock.now() + timedelta(days=9)):
        staff = caller(app, staff_token("support"))
        refused = staff.post(f"/v1/goods-orders/{one.reference}/returned", {"reason": "late"})
        lost = staff.post(f"/v1/goods-orders/{one.reference}/lost", {"reason": "never came"})
    assert refused.json["type"] == lost.json["type"] == "/problems/not-returnable"

    stand_in.move(one.reference, state="returned")
    assert later(one, days=2) == "reversed"

    assert one.points == BACK
    assert later(one, days=3) == "reversed"


def test_lost_before_all_was_sent_fails_and_the_points_are_back(app, db, stand_in):
    programme = given_programme()
    offer = given_offer(programme, "goods", value_fen=500, stock=3)
    one = asked(app, db, stand_in, "goods", offer=offer, programme=programme, billing_backoff_s=3600)
    stand_in.fails("fulfilment", {"mode": "hold"})
    one.drain()

    stand_in.move(one.reference, state="lost", reason="the van burned")
    assert later(one, hours=2) == "failed"

    assert (one.points, stock_of(offer), one.shown()["goods"]["state"]) == (BACK, (2, 2), "lost")
    assert one.shown()["timeline"][-1]["reason"] == "the van burned"


def test_an_electronic_one_needs_no_address_and_its_code_is_told_to_its_member_alone(app, db, stand_in):
    one = asked(app, db, stand_in, "electronic")
    assert one.drain() == "fulfilled"

    (code,) = one.shown()["goods"]["codes"]

    assert one.shown()["goods"]["state"] == "delivered"
    stranger = caller(app, member_token(given_member(db, given_programme("other"))))
    assert stranger.get(one.path).status_code == 404
    assert code not in _everything(db)
    refused = caller(app, staff_token("support")).post(
        f"/v1/goods-orders/{one.reference}/returned", {"reason": "x"}
    )
    assert refused.json["type"] == "/problems/not-returnable"


def test_whoever_was_erased_is_sent_nothing_and_neither_address_nor_code_can_be_read_again(app, db, stand_in):
    programme = given_programme()
    got = asked(app, db, stand_in, "electronic", programme=programme)
    got.drain()
    answer = got.member.redeem(offer_of(programme, "goods"))
    waiting = replace(got, redemption_id=ids.parse("red", answer.json["id"])[1])
    _erased(got.member_id)

    assert waiting.drain() == "failed"

    assert stand_in.ordered("fulfilment", waiting.reference) == 0
    with database.begin() as session:
        code, sent = (orders.find(session, got.member_id, one.redemption_id) for one in (got, waiting))
        assert code.codes_sealed
        assert orders.codes(session, db.seal_key, code) == []
        assert sent.address_sealed
        assert orders.wanted(session, db.seal_key, sent).address is None


def _erased(member_id):
    maker, checker, at = given_person("support"), given_person("checker"), clock.now()
    with database.begin() as session:
        members.leave(session, member_id, at.date())
        case = erasures.propose(session, maker, ids.public("mbr", member_id), "request", "T-1", at)
        proposal = case.proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"class": "car"}, "class"),
        ({"sku": ""}, "sku"),
        ({"return_days": 400}, "return_days"),
        ({"return_days": True}, "return_days"),
        ({"colour": "red"}, "colour"),
        ({"class": "electronic"}, "return_days"),
    ],
)
def test_a_form_that_is_none_of_goods_is_refused_by_its_field(changed, field):
    offer = Offer(kind="goods", cancellable=False, form=FORMS["goods"] | changed)

    with pytest.raises(BadForm) as refused:
        goods.check_form(offer)

    assert refused.value.facts["field"] == field


@pytest.mark.parametrize("kind", ["goods", "bundle"])
def test_what_waits_for_its_cash_part_asks_nobody_and_leaves_nothing_when_the_money_never_comes(
    app, db, stand_in, kind
):
    programme = given_programme()
    part = given_offer(programme, "goods", value_fen=500, form=ELECTRONIC, stock=3)
    more = {"value_fen": 500, "stock": 3, "cash_choices": [200]}
    offer = (
        given_bundle(programme, part, **more) if kind == "bundle" else given_offer(programme, kind, **more)
    )
    member_id = given_member(db, programme, points=1000)
    member = caller(app, member_token(member_id))
    by = By(f"member:{member_id}", "member_web")
    with database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, 1, clock.now(), 600, cash_fen=200).quote
        details = {"address": ADDRESS}
        row = redemptions.redeem(session, member_id, quote.quote_id, by, clock.now(), details=details)
        redemption_id, state = row.redemption_id, row.state
    assert (state, stock_of(offer), member.spendable()) == ("pending", (3, 2), 700)

    with database.begin() as session:
        money = cash.locked(session, member_id, redemption_id)
        cash.to(money, "cancelled", clock.now())
        money.gave_up_at = clock.now()
        redemptions.not_paid(session, member_id, redemption_id, clock.now())
        order = orders.find(session, member_id, redemption_id)

    assert (order.state, stock_of(offer), member.spendable()) == ("cancelled", (3, 3), 1000)
    assert stock_of(part) == (3, 3)
    with database.begin() as session:
        assert session.scalar(text("select count(*) from outbox where task = 'order'")) == 0

"""A merchant's people see the day of the outlets in their reach: one by one, and added up by clerk."""

from datetime import timedelta

import pytest

from base import clock, database
from merchants.terminals import clerks
from tests.given import (
    ZONE,
    Shop,
    caller,
    clerk_token,
    given_colleague,
    given_member,
    given_offer,
    given_outlet,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
)
from tests.tills import paired


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def elsewhere(shop):
    outlet = given_outlet(shop)
    clerk = given_colleague(shop, "clerk", "51", outlet=outlet)
    with database.begin() as session:
        terminal = clerks.add_terminal(session, session.merge(outlet, load=False), "tea-9")
    return Shop(shop.merchant, outlet, terminal, clerk, paired(terminal))


@pytest.fixture
def member(app, db, shop):
    programme = given_programme()
    offer = given_offer(programme, "voucher", value_fen=1000, merchant_id=shop.merchant.merchant_id)
    return caller(app, member_token(given_member(db, programme, points=10_000))), offer


def accepted(app, member, at):
    who, offer = member
    code = who.voucher_code(who.redeem(offer).json)
    till = caller(app, clerk_token(at))
    return till, till.accept(code).json["id"]


def of(app, shop, role, number):
    return caller(app, merchant_token(given_colleague(shop, role, number)))


def test_the_day_is_added_up_by_clerk_without_what_was_undone(app, member, shop, elsewhere):
    accepted(app, member, shop)
    till, undone = accepted(app, member, shop)
    till.post(f"/v1/acceptances/{undone}/void", {"reason": "wrong one"})
    accepted(app, member, elsewhere)

    owner, manager = of(app, shop, "owner", "00"), of(app, shop, "manager", "90")
    sums = [(one["clerk"], one["accepted"], one["undone"], one["owed_fen"], one["net_fen"]) for one in owner.get("/v1/merchant/sums").json["data"]]  # fmt: skip

    assert sums == [("01", 1, 1, 900, 881), ("51", 1, 0, 900, 881)]
    assert [one["clerk"] for one in manager.get("/v1/merchant/sums").json["data"]] == ["01"]


def test_acceptances_come_newest_first_in_pages_and_of_the_day_asked_for(app, member, shop, elsewhere):
    made = [accepted(app, member, at)[1] for at in (shop, elsewhere, shop)]
    finance, manager = of(app, shop, "finance", "80"), of(app, shop, "manager", "90")

    first = finance.get("/v1/merchant/acceptances", limit=2).json
    second = finance.get("/v1/merchant/acceptances", limit=2, cursor=first["next_cursor"]).json
    yesterday = clock.day(clock.now(), ZONE) - timedelta(days=1)

    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
    assert [one["id"] for one in manager.get("/v1/merchant/acceptances").json["data"]] == [made[2], made[0]]
    assert finance.get("/v1/merchant/acceptances", on=yesterday.isoformat()).json["data"] == []


def test_a_clerk_has_no_place_there(app, shop):
    clerk = caller(app, clerk_token(shop))

    assert clerk.get("/v1/merchant/acceptances").status_code == 403
    assert clerk.get("/v1/merchant").status_code == 403

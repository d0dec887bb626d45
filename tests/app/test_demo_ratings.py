"""The demo's ratings: the same each time, of what was used alone, neither all good nor all from one merchant."""

from datetime import timedelta

from sqlalchemy import func, select

from app import demo_ratings
from base import clock, database
from catalog.ratings.models import Rating
from tests.given import given_member, given_offer, given_programme, given_shop
from tests.ratings import place_of, redeem, used_voucher


def test_members_say_something_of_what_they_used_and_of_nothing_else(db):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    at = clock.now()
    with clock.stopped(at - timedelta(days=10)):
        who = [given_member(db, programme, points=1000) for _ in range(24)]
        used = {used_voucher(db, one, offer, place_of(shop)) for one in who}
        for one in who[:6]:
            redeem(one, offer)

    drawn = list(demo_ratings._drawn(at))
    made = demo_ratings.make(db, at, 3)

    assert list(demo_ratings._drawn(at)) == drawn
    assert {place for place, _said, _moment in drawn} < used
    assert made == 3 <= len(drawn)
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(Rating)) == 3

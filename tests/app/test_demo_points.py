"""A shop of the demo gives points, by the rules: agreed by three, paid from a pack and then owed, once undone."""

import pytest
from sqlalchemy import func, select

from app import demo_points
from base import clock, database
from merchants.earnings.models import Earning, EarningReversal
from merchants.packs import packs
from tests.given import (
    given_colleague,
    given_member,
    given_person,
    given_programme,
    given_promotion_policy,
    given_shop,
)


@pytest.mark.parametrize("hour", [0, 5, 12, 22])
def test_purchases_of_these_days_are_paid_from_the_pack_and_then_owed(config, db, hour):
    programme, shop = given_programme(), given_shop()
    given_promotion_policy(programme)
    given_colleague(shop, "owner", "00")
    for _ in range(len(demo_points.AMOUNTS_FEN)):
        given_member(config, programme)
    at = clock.now().replace(hour=hour, minute=0)

    with database.begin() as session:
        demo_points.make(session, "tea", given_person("editor"), given_person("checker"), at)

    with database.begin() as session:
        (pack,) = packs.listed(session, shop.merchant.merchant_id)
        earned = session.scalars(select(Earning).order_by(Earning.recorded_at)).all()
        undone = session.scalar(select(func.count()).select_from(EarningReversal))
    assert pack.left == 0
    assert [one.points for one in earned] == [amount // 100 for amount in demo_points.AMOUNTS_FEN]
    assert (earned[0].price_fen, earned[-1].price_fen > 0, undone) == (0, True, 1)
    assert earned[-1].recorded_at < at

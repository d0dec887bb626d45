"""Sharing: one link a member and offer, visitors counted once a day and known to nobody, who took part counted once."""

from datetime import date

import pytest

from base import clock, database
from catalog.redemptions.models import Redemption
from catalog.sharing import sharing
from catalog.sharing.models import ShareLink, SharePart, ShareView
from catalog.sharing.sharing import NotToShare, Reach, ShareUnknown
from tests.given import caller, given_member, given_offer, given_programme, member_token

TODAY, TOMORROW = date(2026, 11, 26), date(2026, 11, 27)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def offer(programme):
    return given_offer(programme, "perk", value_fen=100)


def shared(db, member_id, offer):
    with database.begin() as session:
        return sharing.share(session, db, member_id, offer, clock.now()).code


def opened(db, code, visitor, on):
    with database.begin() as session:
        sharing.opened(session, db, sharing.find(session, code), visitor, on)


def redeemed(app, member_id, offer):
    """The latest redemption of a member who just redeemed an offer."""
    assert caller(app, member_token(member_id)).redeem(offer).status_code == 201
    with database.begin() as session:
        rows = session.query(Redemption).filter_by(member_id=member_id, offer_id=offer.offer_id)
        return rows.order_by(Redemption.redemption_id.desc()).first()


def came(db, code, redemption):
    with database.begin() as session:
        sharing.took_part(session, db, code, redemption, TODAY)


def reach(code):
    with database.begin() as session:
        return sharing.reach_of_links(session, [code])[code]


def test_of_a_member_and_an_offer_there_is_one_link_and_it_is_nobody_elses(db, programme, offer):
    ann, ben = given_member(db, programme), given_member(db, programme)

    first, again, other = shared(db, ann, offer), shared(db, ann, offer), shared(db, ben, offer)

    assert first == again != other
    with database.begin() as session:
        assert sharing.find(session, first.lower()).member_id == ann
        assert [link.code for link in sharing.of_member(session, ben)] == [other]
        for wrong in ("", "x" * 12, first[:-1] + "U", first[::-1]):
            with pytest.raises(ShareUnknown):
                sharing.find(session, wrong)


def test_a_visitor_counts_once_a_day(db, programme, offer):
    code = shared(db, given_member(db, programme), offer)

    for visitor, on in (("a", TODAY), ("a", TODAY), ("b", TODAY), ("a", TOMORROW)):
        opened(db, code, visitor, on)

    assert reach(code) == Reach(views=3)


def test_what_is_kept_of_a_visitor_is_a_number_that_many_share_and_another_one_the_next_day(
    db, programme, offer
):
    code = shared(db, given_member(db, programme), offer)
    opened(db, code, "192.0.2.7 Browser", TODAY)
    opened(db, code, "192.0.2.7 Browser", TOMORROW)

    with database.begin() as session:
        kept = session.query(ShareView).order_by(ShareView.on_day).all()

    assert {column.name for column in ShareView.__table__.columns} == {"code", "on_day", "visitor"}
    assert all(0 <= row.visitor < 65_536 for row in kept)
    assert kept[0].visitor != kept[1].visitor


def test_who_took_part_counts_once_and_it_is_told_whose_first_redemption_it_was(app, db, programme, offer):
    ann = given_member(db, programme, points=300)
    ben, cat = given_member(db, programme, points=300), given_member(db, programme, points=300)
    before = given_offer(programme, "perk", value_fen=100)
    redeemed(app, cat, before)
    code = shared(db, ann, offer)

    for who in (ben, ben, cat, ann):
        came(db, code, redeemed(app, who, offer))
    came(db, code, redeemed(app, ben, before))  # of another offer than the shared one

    assert reach(code) == Reach(views=0, took_part=2, first=1)
    with database.begin() as session:
        names = {column.name for column in SharePart.__table__.columns}
        assert "member_id" not in names
        assert {len(row.person) for row in session.query(SharePart)} == {16}


def test_the_reach_of_an_offer_is_that_of_all_its_links(db, programme, offer):
    other = given_offer(programme, "perk")
    codes = [shared(db, given_member(db, programme), offer) for _ in range(2)]
    for code in codes:
        opened(db, code, "a", TODAY)

    with database.begin() as session:
        assert sharing.reach_of_offers(session, {offer.offer_id, other.offer_id}) == {
            offer.offer_id: Reach(views=2)
        }


def test_an_offer_that_some_are_not_to_know_of_is_not_shared(db, programme):
    secret = given_offer(programme, "perk", eligibility={"risk": [4]})

    with pytest.raises(NotToShare):
        shared(db, given_member(db, programme), secret)

    with database.begin() as session:
        assert session.query(ShareLink).count() == 0

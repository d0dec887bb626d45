"""What happens to a few of the demo's members happens by the rules, each thing to somebody."""

from sqlalchemy import func, select

from app import demo_lives
from base import clock, database
from points.companions.models import CompanionLink
from points.lines.models import LineEvent
from points.tiers.models import TierGrant
from tests.given import ZONE, given_ladder, given_member, given_person, given_programme


def test_lines_are_barred_and_come_back_pairs_are_linked_and_tiers_given_by_two_persons(db):
    programme = given_programme()
    given_ladder(programme)
    for _ in range(demo_lives.COMPANIONS + demo_lives.GRANTED + 8):
        given_member(db, programme)
    maker, checker, at = given_person("support"), given_person("checker"), clock.now()

    with database.begin() as session:
        demo_lives.make(session, db, maker, checker, clock.day(at, ZONE), at)

    with database.begin() as session:
        pairs, agreed = session.execute(select(func.count(), func.count(CompanionLink.confirmed_at))).one()
        told = dict(session.execute(select(LineEvent.state, func.count()).group_by(LineEvent.state)).all())
        granted = session.scalars(select(TierGrant.tier)).all()
    assert (pairs, agreed) == (12, 8)
    assert told == {"suspended": 6, "active": 2, "pre_cancelled": 2, "transfer": 2}
    assert granted == ["gold"] * demo_lives.GRANTED

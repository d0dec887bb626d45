"""A granted tier ends on its day, whether an evaluation came by or not: in the facts, and in what asks them of everybody."""

from datetime import timedelta

import pytest

from app.commands.segments import refreshed
from base import clock, database
from points.members import facts
from points.segments import segments
from points.segments.rules import Conditions, Rule
from tests.given import (
    ZONE,
    given_earned,
    given_evaluated,
    given_ladder,
    given_member,
    given_person,
    given_programme,
    given_tier_grant,
)

DAY = timedelta(days=1)


@pytest.fixture
def granted(db):
    """A member who earned silver yesterday and was given diamond until yesterday."""
    programme = given_programme()
    given_ladder(programme)
    member_id = given_member(db, programme)
    yesterday = clock.day(clock.now(), ZONE) - DAY
    given_earned(member_id, 4_000, yesterday)
    given_evaluated(programme, yesterday)
    given_tier_grant(member_id, "diamond", yesterday, on=yesterday)
    return member_id


def tiers(member_id, on):
    with database.begin() as session:
        found = facts.of(session, member_id, on)
        return found.tiers, found.tiers_ended


def test_the_day_after_the_earned_tier_is_there_without_a_run(granted):
    today = clock.day(clock.now(), ZONE)

    assert tiers(granted, today - DAY) == (("diamond",), False)
    assert tiers(granted, today) == (("silver",), True)


def test_a_refresh_of_segments_takes_it_for_what_it_is(granted):
    today, at = clock.day(clock.now(), ZONE), clock.now()
    editor = given_person("editor")
    with database.begin() as session:
        for code in ("silver", "diamond"):
            names = {"zh-CN": code, "en": code}
            segments.create(session, editor, code, names, Rule(Conditions(tiers=(code,))), at, today)

    found = {one["code"]: one["members"] for one in refreshed(today, quiet=True)}

    assert found == {"silver": 1, "diamond": 0}
    assert tiers(granted, today) == (("silver",), False)

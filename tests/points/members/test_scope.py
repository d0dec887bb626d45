"""Who may see whom: a person works for an area, a system for a programme; what lies outside is not there."""

from contextlib import suppress

import pytest
from sqlalchemy import select

from base import database, ids
from base.auth.principals import Service, Staff
from points.members import attributes, scope
from points.members.attributes import AREA
from points.members.members import MemberUnknown
from points.members.models import Member, MemberFacts
from tests.given import LONG_AGO, given_member, given_programme

HQ, PROVINCE, CITY, COUNTY = "", "33", "3301", "330106"


@pytest.fixture
def people(db):
    """Area -> a member of it; and one of whom no area is known."""
    programme = given_programme()
    found = {area: given_member(db, programme) for area in ("330106", "330108", "3302", "34", "")}
    with database.begin() as session:
        told = {(found[area], AREA, LONG_AGO): area for area in found if area}
        attributes.add_many(session, told)
    return found


def seen(principal, people):
    """The areas of those whom the principal sees, in lists of members and of facts and one by one, which must agree."""
    facts = select(MemberFacts.member_id)
    with database.begin() as session:
        listed = set(session.scalars(scope.within(principal, select(Member.member_id), Member.member_id)))
        assert set(session.scalars(scope.within(principal, facts, MemberFacts.member_id))) == listed
        assert set(session.scalars(facts.where(scope.of_facts(principal)))) == listed
        single = set()
        for member_id in people.values():
            with suppress(MemberUnknown):
                single.add(scope.find(session, principal, ids.public("mbr", member_id)).member_id)
    assert listed == single
    return {area for area, member_id in people.items() if member_id in listed}


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (HQ, {"330106", "330108", "3302", "34", ""}),
        (PROVINCE, {"330106", "330108", "3302"}),
        (CITY, {"330106", "330108"}),
        (COUNTY, {"330106"}),
        ("99", set()),
    ],
)
def test_staff_see_the_members_of_their_area_and_nobody_else(people, area, expected):
    assert seen(Staff(1, frozenset({"support"}), area), people) == expected


def test_a_system_sees_the_members_of_its_programme_in_its_area(db, people):
    other = given_programme("mzone")
    stranger = given_member(db, other)
    with database.begin() as session:
        mine = session.scalar(select(Member.programme_id).where(Member.member_id == people["34"]))

    assert seen(Service("k", mine, frozenset()), people | {"other": stranger}) == set(people)
    assert seen(Service("k", mine, frozenset(), CITY), people) == {"330106", "330108"}
    assert seen(Service("k", other.programme_id, frozenset()), people | {"other": stranger}) == {"other"}


def test_a_member_who_moves_is_seen_where_the_member_is_now(people):
    with database.begin() as session:
        attributes.add_many(session, {(people["34"], AREA, LONG_AGO.replace(year=2024)): "330106"})

    assert seen(Staff(1, frozenset(), COUNTY), people) == {"330106", "34"}


def test_a_late_word_about_an_earlier_day_does_not_move_anybody(people):
    with database.begin() as session:
        attributes.add_many(session, {(people["34"], AREA, LONG_AGO.replace(year=2019)): "330106"})

    assert seen(Staff(1, frozenset(), COUNTY), people) == {"330106"}

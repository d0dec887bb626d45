"""The rhythm of visits: how often by class, what is due and missed by scope, and rules of a later day."""

from datetime import timedelta

import pytest

from admin.care import opening, rhythm, visits
from admin.care.rhythm import Rhythm
from admin.care.visits import Asked
from admin.contacts import contacts
from admin.contacts.contacts import Told
from base import clock, database
from points.care import care
from points.members import members
from tests.given import given_area, given_group, given_member, given_person, given_programme, given_tier


@pytest.fixture
def programme(db):
    return given_programme()


def today(programme):
    return clock.day(clock.now(), programme.zone)


def given_visited(db, programme, tier=None, *, days_ago, area="330106", person=None, purpose="visit"):
    """A member of a tier who was visited so many days ago."""
    member_id = given_area(given_member(db, programme, points=100), area)
    if tier:
        given_tier(member_id, tier)
    at = clock.now() - timedelta(days=days_ago)
    by = person or given_person("support")
    with clock.stopped(at), database.begin() as session:
        contacts.record(
            session, db, by, member_id, Told("account_manager", contacts.OUT, purpose, contacts.REACHED), at
        )
    if person:
        with database.begin() as session:
            care.assign(
                session, members.by_id(session, member_id), person.staff_id, "card", "test", clock.now()
            )
    return member_id


def keep(session, programme):
    day = opening.day_of(session, programme, today(programme))
    visits.keep(session, day, 0, 2**63 - 1, clock.now())


def counted(programme, way, area="", **more):
    with database.begin() as session:
        keep(session, programme)
        rows = visits.counted(session, Asked(programme, area, today(programme), **more), way)
    return {row.scope: tuple(row)[1:] for row in rows}


def due(programme, area="", **more):
    with database.begin() as session:
        keep(session, programme)
        return visits.due(session, Asked(programme, area, today(programme)), **({"limit": 9} | more))


def test_seven_stars_monthly_six_every_two_five_every_three_and_others_every_five_months(db, programme):
    person = given_person("support")
    for tier, days in (("star7", 35), ("star6", 35), ("star6", 70), ("star5", 70), ("star5", 100)):
        given_visited(db, programme, tier, days_ago=days)
    given_visited(db, programme, days_ago=140, person=person)
    given_visited(db, programme, days_ago=170, person=person)
    given_visited(db, programme, days_ago=400)  # nobody's: no tier of a rule, no account manager

    assert counted(programme, "class") == {
        "star7": (1, 1, 0), "star6": (2, 1, 0), "star5": (2, 1, 0), "other": (2, 1, 1),
    }  # fmt: skip


def test_missed_visits_are_counted_by_area_department_and_person_within_ones_own(db, programme):
    person = given_person("support")
    given_visited(db, programme, "star7", days_ago=40, area="330106", person=person)
    given_visited(db, programme, "star7", days_ago=5, area="330203")
    given_visited(db, programme, "star7", days_ago=40, area="440106")

    assert counted(programme, "area") == {"33": (2, 1, 0), "44": (1, 1, 0)}
    assert counted(programme, "area", "33") == {"3301": (1, 1, 0), "3302": (1, 0, 0)}
    assert counted(programme, "department") == {"customer-service": (3, 2, 0)}
    assert counted(programme, "person") == {str(person.staff_id): (1, 1, 0), "": (2, 1, 0)}
    assert counted(programme, "class", staff_id=person.staff_id) == {"star7": (1, 1, 0)}


def test_the_longest_due_stand_first_page_by_page_and_another_contact_is_no_visit(db, programme):
    late = given_visited(db, programme, "star7", days_ago=90)
    later = given_visited(db, programme, "star7", days_ago=60)
    never = given_visited(db, programme, "star7", days_ago=1, purpose="care")

    rows = due(programme)
    behind = due(programme, after=(rows[0].due_on, rows[0].member_id))

    assert [row.member_id for row in rows] == [never, late, later]  # joined long ago and never visited
    assert rows[0].last_on is None
    assert [row.member_id for row in behind] == [late, later]


def test_a_group_is_visited_by_its_class_twice_a_month_for_the_top_ones(db, programme):
    group = given_group(db, programme, points=100, caps={})
    given_tier(group, "star5")

    with database.begin() as session:
        keep(session, programme)
        before = visits.due(session, Asked(programme, "", today(programme)), limit=9)
        rhythm.add_rule(session, programme, "group:a", today(programme), Rhythm(2, 1), "test")
        rules = rhythm.in_force(session, programme.programme_id, today(programme))

    assert [row.visit_class[:6] for row in before] == ["group:"]
    assert rules["group:a"].days == 15
    assert next(iter(rules)) == "group:a"
    assert list(rules)[-1] == "other"


def test_a_strange_rhythm_is_refused_by_field(db, programme):
    with database.begin() as session, pytest.raises(rhythm.BadVisitRule) as refused:
        rhythm.add_rule(session, programme, "group:z", today(programme), Rhythm(0, 99), "test")

    assert {one["pointer"] for one in refused.value.facts["errors"]} == {"/class", "/times", "/months"}

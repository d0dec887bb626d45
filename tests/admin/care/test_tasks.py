"""A task is done by a contact in a way the member agreed to; one winner of a race; the lists, and what a system tells."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from admin.care import listing, opening, tasks, verify
from admin.care.listing import Wanted
from admin.care.models import CareTask
from admin.contacts.models import Contact
from base import clock, database, ids
from base.errors import Problem
from points.care import care
from points.members import members
from points.preferences import preferences
from tests.given import (
    caller,
    given_area,
    given_member,
    given_person,
    given_programme,
    service_key,
    staff_token,
)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(db, programme):
    return given_area(given_member(db, programme, points=500), "330106")


def given_task(programme, member_id, occasion="back-from-roaming", back=0):
    """The key of a task that a system told so many days ago."""
    with database.begin() as session:
        at = clock.now()
        on = clock.day(at, programme.zone) - timedelta(days=back)
        day = opening.day_of(session, programme, clock.day(at, programme.zone))
        assert opening.told(session, day, member_id, occasion, on, "test", at)
        row = session.scalars(
            select(CareTask).where(CareTask.member_id == member_id, CareTask.period == str(on))
        ).one()
        return row.member_id, row.task_id


def does(db, person, key, result="reached", channel="hotline"):
    """The task's state, or the name of the refusal."""
    try:
        with database.begin() as session:
            row = tasks.do(
                session, db, person, key, channel=channel, result=result, words="谢谢", at=clock.now()
            )
            return row.state
    except Problem as refusal:
        return refusal.type_name()


def says(db, member_id, ways, consent=True):
    with database.begin() as session:
        preferences.say(session, db, member_id, "contact_by", ways, consent=consent, channel="hotline", at=clock.now())  # fmt: skip


def contacts_of(member_id):
    with database.begin() as session:
        return [(row.purpose, row.channel, row.result) for row in session.scalars(select(Contact).where(Contact.member_id == member_id))]  # fmt: skip


def test_each_result_writes_a_contact_and_only_one_that_is_to_be_tried_again_leaves_it_open(
    db, programme, member
):
    person = given_person("support")
    first, second = given_task(programme, member), given_task(programme, member, back=1)

    assert does(db, person, first, "call-again") == "open"
    assert does(db, person, first, "reached") == "done"
    assert does(db, person, first, "reached") == "care-task-ended"
    assert does(db, person, second, "not-reached") == "not-reached"
    assert contacts_of(member) == [
        ("care", "hotline", "call-again"), ("care", "hotline", "reached"), ("care", "hotline", "not-reached"),
    ]  # fmt: skip


def test_of_two_who_do_it_at_once_one_writes_a_contact(db, programme, member):
    key, persons, came = given_task(programme, member), [given_person("support") for _ in range(2)], []
    start = threading.Barrier(2)

    def tries(person):
        start.wait(5)
        came.append(does(db, person, key))

    threads = [threading.Thread(target=tries, args=(person,)) for person in persons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sorted(came) == ["care-task-ended", "done"]
    assert len(contacts_of(member)) == 1


def test_a_way_that_the_member_does_not_want_is_refused_and_writes_nothing(db, programme, member):
    person, key = given_person("support"), given_task(programme, member)
    says(db, member, ["account_manager", "sms"])

    assert does(db, person, key) == "way-refused"
    says(db, member, ["hotline"], consent=False)
    assert does(db, person, key) == "way-refused"
    assert contacts_of(member) == []
    says(db, member, ["hotline"])
    assert does(db, person, key) == "done"


def test_without_a_contact_it_needs_a_reason_of_the_list(db, programme, member):
    person, key = given_person("support"), given_task(programme, member)

    with database.begin() as session, pytest.raises(tasks.BadReason):
        tasks.not_needed(session, person, key, "lazy", clock.now())
    with database.begin() as session:
        row = tasks.not_needed(session, person, key, "cared-for", clock.now())

    assert (row.state, row.reason, row.ended_by) == ("not-needed", "cared-for", person.actor)


def test_who_works_elsewhere_does_not_find_it(db, programme, member):
    key, near, far = (
        given_task(programme, member),
        given_person("support", area="3301"),
        given_person("support", area="44"),
    )

    assert does(db, far, key) == "care-task-unknown"
    with database.begin() as session:
        on = clock.day(clock.now(), programme.zone)
        seen = {
            person.area: len(listing.listed(session, person, programme, Wanted("open"), on, limit=9))
            for person in (near, far)
        }
    assert seen == {"3301": 1, "44": 0}


def test_lists_tell_mine_the_departments_and_what_is_overdue_page_by_page(db, programme, member):
    person = given_person("support")
    late, soon = given_task(programme, member, back=20), given_task(programme, member)
    on = clock.day(clock.now(), programme.zone)

    def listed(view, **more):
        with database.begin() as session:
            rows = listing.listed(session, person, programme, Wanted(view), on, **({"limit": 9} | more))
            return [row.task_id for row in rows], listing.counts(session, person, programme, on)

    assert listed("overdue")[0] == [late[1]]
    assert listed("open", limit=1)[0] == [late[1]]
    assert listed("open", after=(on - timedelta(days=17), late[1]))[0] == [soon[1]]
    assert listed("department")[1] == {"mine": 0, "department": 2, "overdue": 1, "open": 2}
    with database.begin() as session:
        care.assign(session, members.by_id(session, member), person.staff_id, "card", "test", clock.now())
        opening.follow(session, member, on, clock.now(), person.actor)
    assert listed("mine")[0] == [late[1], soon[1]]


def test_a_system_tells_that_a_member_is_back_once_for_each_day(app, db, programme, member):
    crm = caller(app, service_key(programme, "care:tell"))
    on = str(clock.day(clock.now(), programme.zone))
    place = f"/v1/members/{ids.public('mbr', member)}/care/occasions"

    first = crm.post(place, {"occasion": "back-from-roaming", "on_day": on})
    again = crm.post(place, {"occasion": "back-from-roaming", "on_day": on})
    strange = crm.post(place, {"occasion": "birthday", "on_day": on})
    long_ago = crm.post(place, {"occasion": "back-from-roaming", "on_day": "2020-01-01"})

    assert [one.status_code for one in (first, again, strange, long_ago)] == [201, 201, 422, 422]
    assert first.json == {"occasion": "back-from-roaming", "on_day": on, "has_task": True}
    with database.begin() as session:
        assert len(session.scalars(select(CareTask)).all()) == 1


def test_rules_of_occasions_and_visits_are_entered_over_http(app, db, programme):
    editor = caller(app, staff_token("editor"))
    on = str(clock.day(clock.now(), programme.zone))

    rule = editor.post("/v1/care/occasions", {"programme": programme.code, "occasion": "holiday", "from_day": on, "days_ahead": 2, "holidays": ["2027-02-06"]})  # fmt: skip
    visits = editor.post("/v1/care/visit-rules", {"programme": programme.code, "class": "group:top", "from_day": on, "times": 2, "months": 1})  # fmt: skip
    strange = editor.post("/v1/care/visit-rules", {"programme": programme.code, "class": "group:x", "from_day": on, "times": 0, "months": 1})  # fmt: skip

    assert (rule.status_code, rule.json["holidays"]) == (201, ["2027-02-06"])
    assert (visits.status_code, visits.json["class"], visits.json["times"]) == (201, "group:top", 2)
    assert strange.status_code == 422
    assert {one["pointer"] for one in strange.json["errors"]} == {"/class", "/times"}


def test_a_task_that_a_person_ended_without_a_contact_is_found(db, programme, member):
    key = given_task(programme, member)
    with database.begin() as session:
        session.execute(
            text(
                "update care_task set state = 'done', ended_at = now(), ended_by = 'staff:1' where task_id = :id"
            ),
            {"id": key[1]},
        )
        found = [one.text for one in verify.findings(session)]
        session.rollback()

    assert found == ["a person ended it and no contact says how"]

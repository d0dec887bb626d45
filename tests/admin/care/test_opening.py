"""The nightly walk: which occasions open tasks, for whom and until when; it stops anywhere, runs twice, and follows what changes."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from admin.care import occasions, opening
from admin.care.models import CareTask, CareWalk
from admin.care.occasions import Rule
from admin.contacts import contacts
from admin.contacts.contacts import Told
from base import clock, database
from merchants import business_days
from points.care import care
from points.kinds import State
from points.members import members
from tests.given import LONG_AGO, ZONE, given_area, given_member, given_person, given_programme, given_tier

TODAY = date(2026, 6, 18)  # a Thursday, with a holiday of five days to come
NOON = clock.start_of(TODAY, ZONE) + timedelta(hours=12)
DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    with clock.stopped(NOON):
        yield given_programme()


def given_important(db, programme, tier="gold", *, birthday=None, since=LONG_AGO, touched=True):
    member_id = given_area(given_tier(given_member(db, programme, points=500), tier, since), "330106")
    if birthday:
        born(member_id, birthday)
    if touched:
        with database.begin() as session:
            told = Told("hotline", contacts.OUT, "care", contacts.REACHED)
            contacts.record(session, db, given_person("support"), member_id, told, clock.now())
    return member_id


def born(member_id, birthday):
    with database.begin() as session:
        session.execute(
            text("update member_facts set birthday = :day where member_id = :id"),
            {"day": birthday, "id": member_id},
        )


def walked(at=NOON, limit=1_000):
    """Walk to the end of a day; how many parts it took."""
    parts = 0
    while True:
        with database.begin() as session:
            if not opening.walk(session, at, limit):
                return parts
        parts += 1


def walk_in(session, at=NOON):
    while opening.walk(session, at):
        pass
    session.expire_all()


def told(session, member_id, last_day):
    session.execute(
        text(
            "insert into expiry_notice (member_id, last_day, stage, points, worth_fen, notice_id, at) "
            "select :member, :day, stage, 900, 900, 0, now() from unnest(array[30, 90]) stage"
        ),
        {"member": member_id, "day": last_day},
    )


def tasks_of(member_id):
    with database.begin() as session:
        asked = select(CareTask).where(CareTask.member_id == member_id).order_by(CareTask.task_id)
        return {row.occasion: row for row in session.scalars(asked)}


def named(member_id, person, on=TODAY):
    with database.begin() as session:
        care.assign(
            session, members.by_id(session, member_id), person.staff_id, "card", "test", clock.now(), on
        )


def test_a_birthday_opens_one_task_three_days_ahead_and_a_second_walk_nothing(db, programme):
    near = given_important(db, programme, birthday="06-21")
    far = given_important(db, programme, birthday="06-22")
    plain = given_member(db, programme, points=500)
    born(plain, "06-21")

    walked()
    walked()
    with database.begin() as session:  # as if the night's walk were made anew
        opening._part(
            session, opening.day_of(session, programme, TODAY), session.get(CareWalk, (programme.programme_id, TODAY)), NOON, 1_000
        )  # fmt: skip

    task = tasks_of(near)["birthday"]
    assert (task.on_day, task.due_on, task.state) == (date(2026, 6, 21), date(2026, 6, 21), "open")
    assert (task.staff_id, task.department) == (None, "government-enterprise")
    assert len(tasks_of(near)) == 1
    assert tasks_of(far) == {}
    assert tasks_of(plain) == {}


def test_it_stops_anywhere_and_goes_on_with_the_next_members(db, programme):
    found = [given_important(db, programme, birthday="06-19") for _ in range(5)]

    with database.begin() as session:
        assert opening.walk(session, NOON, 2)
    done = [one for one in found if tasks_of(one)]
    parts = walked(limit=2)

    assert done == sorted(found)[:2]
    assert parts == 2
    assert all(tasks_of(one) for one in found)
    with database.begin() as session:
        row = session.get(CareWalk, (programme.programme_id, TODAY))
        assert (row.opened, row.ended_at is not None) == (5, True)


def test_a_night_without_a_worker_is_made_good_by_the_next_one(db, programme):
    member = given_important(db, programme)
    walked(NOON - 6 * DAY)
    born(member, "06-14")

    walked()

    assert tasks_of(member)["birthday"].on_day == date(2026, 6, 14)


def test_a_higher_tier_asks_for_a_manager_in_three_working_days_and_a_visit_in_a_month(db, programme):
    with database.begin() as session:
        business_days.put(
            session, {date(2026, 6, 19): False, date(2026, 6, 22): False, date(2026, 6, 23): False}, "test"
        )
    risen = given_important(db, programme, "gold", since=LONG_AGO)
    given_tier(risen, "diamond", TODAY)
    fallen = given_important(db, programme, "diamond", since=LONG_AGO)
    given_tier(fallen, "gold", TODAY)

    walked()
    manager, visit = tasks_of(risen)["tier-up-manager"], tasks_of(risen)["tier-up-visit"]

    assert manager.due_on == date(2026, 6, 26)  # the third working day behind the holiday
    assert visit.due_on == TODAY + 30 * DAY
    assert tasks_of(fallen) == {}

    person = given_person("support")
    named(risen, person)
    walked(NOON + DAY)
    after = tasks_of(risen)
    assert (after["tier-up-manager"].state, after["tier-up-manager"].ended_by) == ("done", opening.ACTOR)
    assert (after["tier-up-visit"].state, after["tier-up-visit"].staff_id) == ("open", person.staff_id)


def test_six_months_without_contact_open_one_task_for_the_whole_silence(db, programme):
    silent = given_important(db, programme, touched=False)
    touched = given_important(db, programme)

    walked()
    walked(NOON + 20 * DAY)

    assert tasks_of(silent)["six-months-silent"].due_on == TODAY + 14 * DAY
    assert len(tasks_of(silent)) == 1
    assert "six-months-silent" not in tasks_of(touched)


def test_a_corrected_birthday_ends_an_open_wish_and_a_done_one_leads_to_an_apology(db, programme):
    person = given_person("support")
    undone, wished = (given_important(db, programme, birthday="06-19") for _ in range(2))
    walked()
    with database.begin() as session:
        row = session.get(CareTask, (wished, tasks_of(wished)["birthday"].task_id))
        contact = contacts.record(
            session, db, person, wished, Told("hotline", contacts.OUT, "birthday", contacts.REACHED), NOON
        )
        row.state, row.ended_at, row.ended_by, row.contact_id = "done", NOON, person.actor, contact.contact_id
    for member in (undone, wished):
        born(member, "07-01")

    walked(NOON + DAY)
    walked(NOON + 2 * DAY)

    assert (tasks_of(undone)["birthday"].state, tasks_of(undone)["birthday"].reason) == (
        "not-needed",
        "birthday-corrected",
    )
    assert "birthday-apology" not in tasks_of(undone)
    assert tasks_of(wished)["birthday-apology"].period == "2026-06-19"


def test_points_about_to_lapse_and_a_holiday_of_the_rule(db, programme):
    member = given_important(db, programme)
    with database.begin() as session:
        rule = Rule(tiers=("gold",), days_ahead=3, holidays=("2026-06-20",))
        occasions.add_rule(session, programme, occasions.HOLIDAY, TODAY, rule, "test")
        told(session, member, TODAY + 30 * DAY)
        walk_in(session)
        found = {row.occasion: (row.on_day, row.due_on) for row in session.scalars(select(CareTask))}
        session.rollback()  # the notices of this test were never sent

    assert found["points-lapsing"] == (TODAY, TODAY + 7 * DAY)
    assert found["holiday"] == (date(2026, 6, 20), date(2026, 6, 20))


def test_who_left_needs_nothing_any_more(db, programme):
    member = given_important(db, programme, birthday="06-19")
    walked()
    with database.begin() as session:
        session.execute(
            text("update wallet set state = :closed where member_id = :id"),
            {"id": member, "closed": int(State.CLOSED)},
        )
        walk_in(session, NOON + DAY)
        row = session.scalars(select(CareTask)).one()
        found = row.state, row.reason
        session.rollback()

    assert found == ("not-needed", "left")


def test_a_switched_off_occasion_opens_nothing_and_a_strange_rule_is_refused_by_field(db, programme):
    member = given_important(db, programme, birthday="06-19")
    strange = Rule(days=500, holidays=("Easter",))
    with database.begin() as session:
        occasions.add_rule(session, programme, occasions.BIRTHDAY, TODAY, Rule(is_on=False), "test")
    with database.begin() as session, pytest.raises(occasions.BadOccasionRule) as refused:
        occasions.add_rule(session, programme, "name-day", TODAY - DAY, strange, "test")

    walked()

    assert tasks_of(member) == {}
    assert {one["pointer"] for one in refused.value.facts["errors"]} == {
        "/occasion", "/days", "/holidays", "/from_day",
    }  # fmt: skip

"""Tickets by the rules: who leads and until when, one winner of a race, hand-over by a lead, erasure, proof."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from admin.contacts import contacts
from admin.contacts.models import Contact
from admin.tickets import climbing, entries, listing, matters, numbers, subjects, tickets, verify
from admin.tickets.listing import Wanted
from admin.tickets.models import Ticket
from admin.tickets.subjects import Rule
from base import clock, database, ids
from base.approvals import approvals
from base.auth.principals import Member as MemberPrincipal
from base.errors import Problem
from base.notices import notices
from points.erasures import erasures
from points.members import members
from tests.given import given_area, given_member, given_person, given_programme, given_tier

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SAID = "我的积分少了 300 分，电话 13900001234"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(db, programme):
    return given_member(db, programme, points=500)


def given_ticket(db, member_id, subject="points", *, about=None, said=SAID, at=None):
    with database.begin() as session:
        member = members.by_id(session, member_id)
        me = MemberPrincipal(member_id, member.programme_id)
        return tickets.open_one(session, db, member, subject, said, by=me, about=about, at=at or clock.now())


def key_of(row):
    return row.member_id, row.ticket_id


def does(db, person, row, *deeds, at=None):
    """The deeds of a person one after the other; the ticket, or the name of the refusal."""
    at = at or clock.now()
    does_it = {
        "take": lambda s: tickets.take(s, db, person, key_of(row), at),
        "start": lambda s: tickets.start(s, db, person, key_of(row), at),
        "answer": lambda s: tickets.answer(s, db, person, key_of(row), "已补 300 分", at),
        "miss": lambda s: tickets.call_back(s, db, person, key_of(row), reached=False, at=at),
        "reach": lambda s: tickets.call_back(s, db, person, key_of(row), reached=True, said="谢谢", at=at),
        "close": lambda s: tickets.close(s, db, person, key_of(row), "", at),
        "shelve": lambda s: tickets.shelve(s, db, person, key_of(row), at),
    }
    try:
        for deed in deeds:
            with database.begin() as session:
                found = does_it[deed](session)
    except Problem as refusal:
        return refusal.type_name()
    return found


def words_of(db, row):
    with database.begin() as session:
        return [entries.said_at(session, db, step) for step in entries.steps(session, row)]


def stands(row):
    with database.begin() as session:
        return session.get_one(Ticket, key_of(row))


def erased(member_id):
    maker, checker = given_person("support"), given_person("security")
    with database.begin() as session:
        members.leave(session, member_id, clock.now().date())
    with database.begin() as session:
        ref = ids.public("mbr", member_id)
        made = erasures.propose(session, maker, ref, "request", "T-1", clock.now()).proposal
    with database.begin() as session:
        approvals.approve(session, checker, made.proposal_id, made.content_hash.hex(), clock.now())


def test_the_department_of_the_card_leads_where_the_subject_says_so(db, programme, member):
    gold, silver = (given_tier(given_member(db, programme), tier) for tier in ("gold", "silver"))

    led = {
        (who, subject): given_ticket(db, member_id, subject).department
        for who, member_id in (("gold", gold), ("silver", silver), ("none", member))
        for subject in ("points", "goods", "privacy")
    }

    assert [led["gold", one] for one in ("points", "goods", "privacy")] == ["government-enterprise"] * 2 + [
        "privacy"
    ]
    assert [led["silver", one] for one in ("points", "goods", "privacy")] == ["customer-service"] * 2 + [
        "privacy"
    ]
    assert [led["none", one] for one in ("points", "goods", "privacy")] == [
        "customer-service",
        "fulfilment",
        "privacy",
    ]


def test_from_a_day_on_a_subject_is_led_and_answered_by_another_rule(db, programme, member):
    rule = Rule("points-desk", {"zh-CN": "积分组", "en": "Points desk"}, False, 9, True)
    today = clock.day(clock.now(), programme.zone)
    with database.begin() as session:
        subjects.add_rule(session, programme, "points", today + DAY, rule, "staff:1")
    with pytest.raises(subjects.BadRule), database.begin() as session:
        subjects.add_rule(session, programme, "points", today - DAY, rule, "staff:1")

    before = given_ticket(db, member)
    monday = clock.start_of(today + timedelta(days=7 - today.weekday()), programme.zone)
    with clock.stopped(monday):
        after = given_ticket(db, member)

    assert (before.department, after.department) == ("customer-service", "points-desk")
    assert after.due_at == monday + 18 * HOUR  # nine hours of work from nine o'clock on


def test_of_two_who_take_it_at_once_one_has_it(db, member):
    row, persons = given_ticket(db, member), [given_person("support") for _ in range(4)]
    start, found = threading.Barrier(4), []

    def takes(person):
        start.wait()
        found.append(does(db, person, row, "take"))

    threads = [threading.Thread(target=takes, args=(person,)) for person in persons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one for one in found if isinstance(one, str)) == ["ticket-taken"] * 3
    assert stands(row).steps == 2


def test_the_whole_way_tells_the_member_and_writes_each_call_down_as_a_contact(db, member):
    row, me = given_ticket(db, member), given_person("support")
    at = clock.now()

    does(db, me, row, "take", "start", "answer", at=at)
    early = does(db, me, row, "close", at=at)
    does(db, me, row, "miss", at=at + HOUR)
    soon = does(db, me, row, "reach", at=at + HOUR)
    does(db, me, row, "reach", at=at + 2 * HOUR)
    closed = does(db, me, row, "close", at=at + 2 * HOUR)

    with database.begin() as session:
        made = contacts.of_member(session, member, limit=9)
        told = [one.template for one in notices.latest(session, db.seal_key)]
    assert (early, soon, closed.stage) == ("ticket-elsewhere", "call-back-too-soon", "closed")
    assert [(one.result, one.ticket_id) for one in made] == [
        ("reached", row.ticket_id),
        ("not-reached", row.ticket_id),
    ]
    assert told == ["ticket-answered", "ticket-received"]


def test_after_three_calls_that_reach_nobody_it_is_filed_and_a_fourth_writes_nothing(db, member):
    row, me, at = given_ticket(db, member), given_person("support"), clock.now()
    does(db, me, row, "take", "start", "answer", at=at)
    for n in range(3):
        does(db, me, row, "miss", at=at + n * HOUR)

    fourth = does(db, me, row, "reach", at=at + 5 * HOUR)

    with database.begin() as session:
        count = session.scalar(select(func.count()).select_from(Contact))
        told = notices.latest(session, db.seal_key)[0].template
    assert (fourth, stands(row).stage, count, told) == (
        "call-backs-used-up",
        "closed",
        3,
        "ticket-not-reached",
    )


def test_a_lead_hands_it_over_with_a_reason_to_somebody_who_may_have_it(db, member):
    given_area(member, "330106")
    row, me, lead = given_ticket(db, member), given_person("support"), given_person("checker")
    given_person("support", email="far@example.test", area="3302")
    given_person("analyst", email="other@example.test")
    near = given_person("support", email="near@example.test", area="3301")
    does(db, me, row, "take")

    def handed(to, reason="on leave"):
        try:
            with database.begin() as session:
                return tickets.hand_over(session, db, lead, key_of(row), to, reason, clock.now()).owner_id
        except Problem as refusal:
            return refusal.type_name()

    assert [handed("far@example.test"), handed("other@example.test"), handed("gone@example.test")] == [
        "cannot-take-it",
        "cannot-take-it",
        "person-unknown",
    ]
    assert handed("near@example.test", " ") == "invalid"
    assert handed("near@example.test") == near.staff_id
    assert does(db, me, row, "start") == "not-your-ticket"
    assert does(db, near, row, "start").stage == "in-work"


def test_there_is_one_open_ticket_about_a_thing_and_only_about_ones_own(db, programme, member):
    row = given_ticket(db, member, about="posting 1")

    for about, refusal in (
        ("posting 1", "ticket-there"),
        ("posting 99", "about-unknown"),
        ("bill 2026-01 line 1", "about-unknown"),
        (ids.public("red", given_member(db, programme), 1), "about-unknown"),
        ("nonsense", "about-unknown"),
    ):
        with pytest.raises(Problem) as refused:
            given_ticket(db, member, about=about)
        assert refused.value.type_name() == refusal
    with database.begin() as session:
        assert matters.find(session, member, row.about).names["en"] == "movement no. 1 (+500 points)"


def test_twenty_are_open_at_most(db, member):
    for _ in range(tickets.MOST_OPEN):
        given_ticket(db, member)

    with pytest.raises(tickets.TooManyTickets):
        given_ticket(db, member)


def test_the_job_lets_what_is_overdue_climb_once_a_day_and_lists_show_it(db, member):
    given_area(member, "330106")
    persons = {area: given_person("support", area=area) for area in ("330106", "3301", "33", "", "3302")}
    row, now = given_ticket(db, member), clock.now()
    due = row.due_at

    def walked(at):
        with database.begin() as session:
            return climbing.walk(session, at)

    def seen(view, area, at):
        with database.begin() as session:
            return len(listing.inbox(session, persons[area], Wanted(view), at, limit=9))

    assert [walked(now), walked(due), walked(due), walked(due + DAY)] == [0, 1, 0, 1]
    assert stands(row).level == 2
    assert [seen("overdue", "", now), seen("overdue", "", due)] == [0, 1]
    assert [seen("climbed", area, due) for area in ("330106", "3301", "33", "")] == [1, 1, 0, 0]
    assert seen("overdue", "3302", due) == 0


def test_the_number_that_is_said_leads_back_to_the_ticket_however_it_is_typed(db, member):
    row, me = given_ticket(db, member), given_person("support")
    said = numbers.number(row.ticket_id)

    with database.begin() as session:
        for typed in (said, said.lower().replace("-", " "), said.replace("0", "o").replace("1", "I")):
            number = numbers.number_said(typed)
            assert [one.ticket_id for one in listing.by_number(session, me, number)] == [row.ticket_id]
    assert [numbers.number_said(text) for text in ("", "1234", "UUUU-UUUU", "ＡＢＣＤ1234")] == [None] * 4


def test_an_erased_person_leaves_the_counts_and_no_word(db, member):
    row, me = given_ticket(db, member), given_person("support")
    does(db, me, row, "take")
    before = words_of(db, row)

    erased(member)

    assert (before, words_of(db, row)) == ([SAID, None], [None, None])
    assert does(db, me, row, "start", "answer") == "person-erased"
    assert does(db, me, row, "shelve").stage == "closed"
    with database.begin() as session:
        assert listing.counts(session, me, clock.now())["mine"] == 0
        assert len(listing.inbox(session, me, Wanted("closed"), clock.now(), limit=9)) == 1


def test_nothing_that_was_said_lies_in_clear_in_any_table(db, member, owner):
    row, me = given_ticket(db, member), given_person("support")
    does(db, me, row, "take", "start", "answer", "reach")

    for table in ("ticket", "ticket_step", "contact", "audit", "idempotency_key"):
        rows = str(owner.exec_driver_sql(f"select t::text from {table} t").fetchall())
        assert not any(word in rows for word in ("13900001234", "积分少了", "已补", "谢谢"))


def test_verify_names_a_ticket_that_does_not_stand_where_its_steps_lead(db, member, owner):
    row, me = given_ticket(db, member), given_person("support")
    does(db, me, row, "take")

    def found():
        with database.begin() as session:
            return [one.text for one in verify.findings(session)]

    assert found() == []
    owner.exec_driver_sql("update ticket set stage = 'in-work'")
    assert found() == ["it does not stand where its steps lead"]
    owner.exec_driver_sql(
        "update ticket set stage = 'assigned'; update ticket_step set did = 'started' where no = 2"
    )
    assert found() == ["step 2: not-your-ticket"]
    owner.exec_driver_sql("update ticket_step set did = 'taken', no = no + 1 where no = 2")
    assert found() == ["its steps have a gap"]
    owner.exec_driver_sql("update ticket_step set no = 2 where no = 3")


def test_a_closed_one_is_not_taken_up_again_beside_an_open_one_about_the_same_thing(db, member):
    first, me, at = given_ticket(db, member, about="posting 1"), given_person("support"), clock.now()
    does(db, me, first, "take", "start", "answer", "reach", "close", at=at)
    second = given_ticket(db, member, about="posting 1")

    with pytest.raises(Problem) as refused, database.begin() as session:
        tickets.reopen(session, db, members.by_id(session, member), first.ticket_id, "again", at)

    assert refused.value.type_name() == "ticket-there"
    assert (stands(first).stage, stands(second).stage) == ("closed", "received")

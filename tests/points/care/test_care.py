"""Who looks after a member: the department by card, the named person, those who have none; over HTTP, console and file."""

from datetime import date, timedelta

import pytest

from base import clock, database, ids
from base.auth.principals import Service, Staff
from points import programmes
from points.care import care, imports
from points.care.care import BadCare
from points.imports import What
from points.members import attributes, members
from points.policies import SameDayVersion
from tests.given import (
    ZONE,
    caller,
    given_area,
    given_ladder,
    given_member,
    given_person,
    given_programme,
    given_tier_grant,
    service_key,
    staff_token,
)

DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    made = given_programme()
    given_ladder(made)
    return made


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


@pytest.fixture
def today():
    return clock.day(clock.now(), ZONE)


def of(member_id, on):
    with database.begin() as session:
        return care.of(session, members.by_id(session, member_id), on)


@pytest.mark.parametrize(
    ("tier", "department", "needs_person"),
    [
        (None, "customer-service", False),
        ("silver", "customer-service", False),
        ("gold", "government-enterprise", True),
        ("diamond", "government-enterprise", True),
    ],
)
def test_the_card_says_which_department_and_whether_a_person_is_needed(
    member_id, today, tier, department, needs_person
):
    if tier:
        given_tier_grant(member_id, tier, today + DAY)

    found = of(member_id, today)

    assert (found.department.code, found.needs_person) == (department, needs_person)
    assert of(member_id, today + 2 * DAY).department.code == "customer-service"  # the card has ended by then


def test_a_rule_counts_from_its_day_on_and_is_not_edited(programme, member_id, today):
    given_tier_grant(member_id, "silver", today + 30 * DAY)
    names = {"zh-CN": "银卡部", "en": "Silver desk"}

    def add(day):
        with database.begin() as session:
            care.add_rule(session, programme, "silver", day, "silver-desk", names, "test")

    add(today + DAY)

    assert of(member_id, today).department.code == "customer-service"
    assert of(member_id, today + DAY).department.names == names
    with pytest.raises(SameDayVersion):
        add(today + DAY)
    with pytest.raises(BadCare):
        add(today - DAY)


def test_a_person_is_named_seen_and_taken_back_within_the_scope(app, programme, member_id, today):
    person = given_person("support", email="li@example.test")
    given_tier_grant(member_id, "gold", today + 30 * DAY)
    staff, place = caller(app, staff_token("support")), f"/v1/members/{ids.public('mbr', member_id)}/care"

    named = staff.post(f"{place}/manager", {"person": "li@example.test", "reason": "gold card"})

    assert named.status_code == 201
    manager = staff.get(place).json["manager"]
    assert (manager["person"], manager["since"]) == (f"staff:{person.staff_id}", str(today))
    assert staff.post(f"{place}/manager", {"person": None, "reason": "left"}).json["needs_person"] is True
    unknown = staff.post(f"{place}/manager", {"person": "no@example.test", "reason": "x"})
    assert (unknown.status_code, unknown.json["type"]) == (404, "/problems/person-unknown")
    with database.begin() as session:
        attributes.add_many(session, {(member_id, "area", today): "33"})
    other = caller(app, service_key(given_programme("mzone"), "members:read"))
    assert other.get(place).status_code == 404


def test_important_members_without_a_person_are_listed_page_by_page(app, db, programme, today):
    everybody = [given_member(db, programme) for _ in range(4)]
    for one, tier in zip(everybody, ("gold", "silver", "diamond", "gold"), strict=True):
        given_tier_grant(one, tier, today + 30 * DAY)
    person = given_person("support")
    with database.begin() as session:
        care.assign(session, members.by_id(session, everybody[3]), person.staff_id, "x", "test", clock.now())
    gone = given_member(db, programme)
    given_tier_grant(gone, "gold", today + 30 * DAY)
    with database.begin() as session:
        members.leave(session, gone, today)
    service = caller(app, service_key(programme, "members:read"))

    first = service.get("/v1/care/without-person", programme="gotone", limit=1).json
    second = service.get(
        "/v1/care/without-person", programme="gotone", limit=1, cursor=first["next_cursor"]
    ).json

    found = [one["member"] for page in (first, second) for one in page["data"]]
    assert found == [ids.public("mbr", everybody[0]), ids.public("mbr", everybody[2])]
    assert not second["has_more"]
    assert service.get("/v1/care/without-person", programme="mzone").status_code == 404


def test_a_page_looks_at_so_many_and_says_that_there_are_others(db, programme, today, monkeypatch):
    monkeypatch.setattr(care, "LOOKED_AT", 2)
    everybody = [given_member(db, programme) for _ in range(5)]
    person, pages = given_person("support"), []
    for one in everybody:
        given_tier_grant(one, "gold", today + 30 * DAY)
    with database.begin() as session:
        for one in everybody[:2]:
            care.assign(session, members.by_id(session, one), person.staff_id, "x", "test", clock.now())
    with database.begin() as session:
        own, place = programmes.by_code(session, "gotone"), 0
        while place is not None:
            rows, place = care.without_a_person(session, person, own, today, place, 9)
            pages.append([row.member_id for row in rows])

    assert pages == [[], everybody[2:4], everybody[4:]]


def test_nobody_is_shown_important_members_of_another_area(app, db, programme, today):
    here, there = (given_member(db, programme) for _ in range(2))
    for one, area in ((here, "330106"), (there, "3302")):
        given_tier_grant(one, "gold", today + 30 * DAY)
        given_area(one, area)
    with database.begin() as session:
        own = programmes.by_code(session, "gotone")
        shown = {
            principal: [
                row.member_id for row in care.without_a_person(session, principal, own, today, 0, 9)[0]
            ]
            for principal in (
                Staff(1, frozenset({"support"}), "3301"),
                Service("k", own.programme_id, frozenset(), "3302"),
            )
        }

    assert list(shown.values()) == [[here], [there]]


def test_a_file_names_persons_and_twice_changes_nothing(programme, member_id):
    given_person("support", email="wang@example.test")
    with database.begin() as session:
        customer = members.by_id(session, member_id).customer_id
    rows = [
        imports.Row(customer, "wang@example.test", "handed over", None),
        imports.Row(customer, "nobody@example.test", "x", None),
        imports.Row("C-unknown", "wang@example.test", "x", None),
        imports.Row(customer, "wang@example.test", "x", date(2020, 1, 1)),
    ]

    def take():
        with database.begin() as session:
            return [one.what for one in imports.take_rows(session, rows, programme=programme)]

    assert take() == [What.POSTED, What.REFUSED, What.REFUSED, What.REFUSED]
    assert take()[0] is What.THERE


def test_an_editor_says_which_department_cares_for_a_card(app, programme, today):
    asked = {
        "programme": "gotone",
        "tier": None,
        "from_day": str(today),
        "department": "hall",
        "name_zh": "营业厅",
        "name_en": "Hall",
    }

    answer = caller(app, staff_token("editor")).post("/v1/care/rules", asked)

    assert (answer.status_code, answer.json["department"]) == (201, "hall")
    with database.begin() as session:
        assert care.rules(session, programme, today)[care.NO_TIER].code == "hall"

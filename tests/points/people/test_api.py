"""Members over HTTP: enrolled once, found and seen masked, revealed for a reason, and every look on record."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from admin.staff.models import StaffRow
from base import clock, database, ids
from base.auth import sign_ins
from base.models import AuditRow, IdempotencyKey
from points.members import attributes, members
from points.members.attributes import AREA
from points.members.models import Member
from points.people import looking
from tests.given import (
    LONG_AGO,
    caller,
    given_member,
    given_person,
    given_programme,
    service_key,
)

PERSON = {
    "phone": "13811112222",
    "name": "张三",
    "second_phone": "13911112222",
    "email": "zhang@example.test",
    "address": "浙江省杭州市滨江区江南大道 1 号",
    "id_number": "110101199003071234",
}
MASKED = {
    "phone": "138****2222",
    "name": "张*",
    "second_phone": "139****2222",
    "email": "z***@***",
    "address": "浙江省杭州市***",
    "id_number": "1101**********1234",
}
CASE = {"reason": "complaint", "case": "T-17"}


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def system(app, programme):
    return caller(app, service_key(programme, "members:write", "members:read"))


def person(app, *roles, area=""):
    """Somebody of the staff, signed in, and the name of the actor."""
    made = given_person(*roles)
    with database.begin() as session:
        if area:
            session.get_one(StaffRow, made.staff_id).area = area
        return caller(app, sign_ins.begin(session, "staff", made.staff_id, clock.now())), made.actor


def enrolled(system, customer_id="C-1", **more):
    answer = system.post("/v1/members", {"customer_id": customer_id, **PERSON, **more})
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


def audited(*actions):
    with database.begin() as session:
        rows = session.scalars(
            select(AuditRow).where(AuditRow.action.in_(actions)).order_by(AuditRow.audit_id)
        ).all()
    return [(row.actor, row.action, row.subject, row.facts) for row in rows]


def test_a_customer_is_enrolled_once_and_the_second_call_gives_the_open_member_back(system):
    first = system.post("/v1/members", {"customer_id": "C-1", "joined_on": "2024-01-02", **PERSON})
    second = system.post("/v1/members", {"customer_id": "C-1", "name": "somebody else"})

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json == first.json | {"fresh": False}
    assert system.get(f"/v1/members/{first.json['id']}").json["personal"] == MASKED


def test_many_at_once_enrol_one_customer_once(app, programme):
    token = service_key(programme, "members:write")

    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: caller(app, token).post("/v1/members", {"customer_id": "C-1"}), range(6))
        )

    done = [answer for answer in answers if answer.status_code in (200, 201)]
    assert len({answer.json["id"] for answer in done}) == 1
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(Member)) == 1


def test_who_comes_back_is_a_new_member_beside_the_one_that_left(db, system):
    old = enrolled(system, joined_on="2024-01-02")
    with database.begin() as session:
        (member_id,) = ids.parse("mbr", old, parts=1)
        members.leave(session, member_id, clock.now().date())

    new = system.post("/v1/members", {"customer_id": "C-1"})

    assert new.status_code == 201
    assert new.json["id"] != old


@pytest.mark.parametrize(
    "body",
    [
        {"customer_id": "no spaces"},
        {"customer_id": "C-1", "phone": "12"},
        {"customer_id": "C-1", "second_phone": "call me"},
        {"customer_id": "C-1", "area": "3"},
        {"customer_id": "C-1", "birthday": "02-30"},
        {"customer_id": "C-1", "joined_on": "2999-01-01"},
        {"customer_id": "C-1", "channel": "pigeon"},
        {"customer_id": "C-1", "nickname": "x"},
    ],
)
def test_what_cannot_be_a_member_is_refused_and_nothing_is_there_after_it(system, body):
    assert system.post("/v1/members", body).status_code == 422

    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(Member)) == 0


def test_what_was_asked_and_answered_is_kept_without_anything_of_the_person(system):
    enrolled(system)

    with database.begin() as session:
        rows = session.scalars(select(IdempotencyKey)).all()
    assert len(rows) == 1
    assert set(rows[0].answer) == {"id", "joined_on", "fresh"}


def test_members_are_found_by_number_and_by_customer_id_within_the_own_scope(app, system, programme):
    member = enrolled(system, area="330106")
    near, _ = person(app, "support", area="3301")
    far, _ = person(app, "support", area="34")

    for asked in ({"phone": PERSON["phone"]}, {"customer_id": "C-1"}):
        assert [one["id"] for one in near.post("/v1/members/search", asked).json["data"]] == [member]
        miss, nothing = (
            far.post("/v1/members/search", asked),
            far.post("/v1/members/search", {"phone": "139999"}),
        )
        assert miss.status_code == nothing.status_code == 404
        assert {k: v for k, v in miss.json.items() if k != "request_id"} == {
            k: v for k, v in nothing.json.items() if k != "request_id"
        }
    assert near.get(f"/v1/members/{member}").status_code == 200
    assert far.get(f"/v1/members/{member}").status_code == 404


def test_searches_are_written_down_without_the_number_and_misses_are_limited(app, system, monkeypatch):
    member = enrolled(system)
    support, actor = person(app, "support")
    monkeypatch.setattr(looking, "MISSES", looking.MISSES.__class__(2, timedelta(hours=1)))

    support.post("/v1/members/search", {"phone": PERSON["phone"]})
    answers = [support.post("/v1/members/search", {"phone": "13900000000"}).status_code for _ in range(3)]

    assert answers == [404, 404, 429]
    assert audited(looking.FOUND, looking.MISSED) == [
        (actor, looking.FOUND, member, {"by": "phone"}),
        *[(actor, looking.MISSED, "member", {"by": "phone"})] * 2,
    ]


@pytest.mark.parametrize("body", [{}, {"phone": "13811112222", "customer_id": "C-1"}])
def test_a_search_is_by_one_thing(system, body):
    assert system.post("/v1/members/search", body).status_code == 422


def test_a_reveal_shows_what_was_asked_and_leaves_its_row_without_values(app, system):
    member = enrolled(system)
    support, actor = person(app, "support")

    answer = support.post(f"/v1/members/{member}/reveals", {"fields": ["phone", "name"], **CASE})

    assert answer.json["values"] == {"phone": PERSON["phone"], "name": PERSON["name"]}
    assert answer.headers["Cache-Control"] == "no-store"
    assert audited(looking.REVEALED) == [
        (actor, looking.REVEALED, member, {"fields": ["name", "phone"], **CASE})
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": []},
        {"fields": ["salary"]},
        {"reason": "curious"},
        {"case": "13811112222"},
        {"case": "张三"},
        {"reason": None},
    ],
)
@pytest.mark.attack("A8")
def test_without_a_reason_and_a_case_nothing_is_revealed(app, system, wrong):
    member = enrolled(system)
    support, _ = person(app, "support")

    answer = support.post(f"/v1/members/{member}/reveals", {"fields": ["phone"], **CASE} | wrong)

    assert answer.status_code == 422
    assert audited(looking.REVEALED) == []


def test_a_member_outside_the_own_area_is_not_there_to_be_revealed(app, system):
    member = enrolled(system, area="3301")
    far, _ = person(app, "support", area="34")

    answer = far.post(f"/v1/members/{member}/reveals", {"fields": ["phone"], **CASE})

    assert answer.status_code == 404
    assert audited(looking.REVEALED) == []


@pytest.mark.attack("A8")
def test_the_fifty_first_reveal_of_an_hour_is_refused_and_told_on(app, system):
    member = enrolled(system)
    support, actor = person(app, "support")
    path, body = f"/v1/members/{member}/reveals", {"fields": ["phone"], **CASE}
    start = clock.now()

    shown = [support.post(path, body).status_code for _ in range(50)]
    refused = support.post(path, body)
    other = person(app, "security")[0].post(path, body)
    with clock.stopped(start + timedelta(minutes=29)):
        soon = support.post(path, body)
    with database.begin() as session:
        again = sign_ins.begin(session, "staff", int(actor.split(":")[1]), clock.now() + timedelta(hours=2))
    with clock.stopped(clock.now() + timedelta(hours=2)):
        later = caller(app, again).post(path, body)

    assert set(shown) == {200}
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/too-many-reveals")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert (other.status_code, soon.status_code, later.status_code) == (200, 429, 200)
    assert len([row for row in audited(looking.REVEALED) if row[0] == actor]) == 51
    assert audited(looking.ALARM) == [(actor, looking.ALARM, "reveals", {"most": 50})] * 2


@pytest.mark.attack("A8")
def test_two_at_once_at_the_border_are_one(app, system, monkeypatch):
    member = enrolled(system)
    support, _ = person(app, "support")
    path, body = f"/v1/members/{member}/reveals", {"fields": ["phone"], **CASE}
    monkeypatch.setattr(looking, "MOST_REVEALS", 3)
    for _ in range(2):
        support.post(path, body)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: support.post(path, body).status_code, range(6)))

    assert answers.count(200) == 1
    assert set(answers) <= {200, 429, 409}
    assert len(audited(looking.REVEALED)) == 3


def test_the_log_tells_who_looked_at_a_member_page_by_page(app, system):
    member, other = enrolled(system), enrolled(system, "C-2", phone="13811113333")
    support, actor = person(app, "support")
    auditor, _ = person(app, "auditor")
    support.get(f"/v1/members/{member}")
    support.post(f"/v1/members/{member}/reveals", {"fields": ["address"], **CASE})
    support.get(f"/v1/members/{other}")

    first = auditor.get("/v1/view-log", member=member, limit=1).json
    second = auditor.get("/v1/view-log", member=member, limit=1, cursor=first["next_cursor"]).json
    mine = auditor.get("/v1/view-log", person=actor).json["data"]

    assert [row["what"] for row in first["data"] + second["data"]] == [looking.REVEALED, looking.VIEWED]
    assert (first["data"][0]["fields"], first["data"][0]["case"]) == (["address"], "T-17")
    assert not second["has_more"]
    assert [row["member"] for row in mine] == [other, member, member]
    assert auditor.get("/v1/view-log", person="staff:1").json["data"] == []
    assert auditor.get("/v1/view-log", since=(clock.now() + timedelta(days=1)).isoformat()).json["data"] == []


def test_who_works_for_an_area_reads_the_log_of_its_members_alone(app, db, programme):
    member_id = given_member(db, programme)
    with database.begin() as session:
        attributes.add_many(session, {(member_id, AREA, LONG_AGO): "3301"})
    member = ids.public("mbr", member_id)
    near, far = person(app, "auditor", area="33")[0], person(app, "auditor", area="34")[0]

    assert near.get("/v1/view-log").status_code == 422
    assert near.get("/v1/view-log", member=member).status_code == 200
    assert far.get("/v1/view-log", member=member).status_code == 404

"""Numbers change hands: dated, one holder at a time, and nobody is ever let into a former holder's wallet."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.proof import findings
from base import clock, database, ids, outbox
from base.notices import notices
from points.freezes import freezes
from points.freezes.beginning import promise
from points.members import members, phones
from points.members.members import Enrolment
from points.members.models import Phone, PhoneHolder
from tests.codes import code_of, texts
from tests.given import (
    LONG_AGO,
    caller,
    given_member,
    given_offer,
    given_programme,
    member_token,
    secrets_of,
    service_key,
)
from tests.owner import owner

X, Y, Z = "13811110001", "13811110002", "13811110003"
HOUR = timedelta(hours=1)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def told(app, programme):
    """told(member_id, phone, hours_ago=1, event=None): the operator tells a number."""
    system, events = caller(app, service_key(programme, "members:write")), iter(range(1000))

    def tell(member_id, phone, hours_ago=1.0, event=None):
        body = {
            "event_id": event or f"e{next(events)}",
            "phone": phone,
            "since": (clock.now() - hours_ago * HOUR).isoformat(),
        }
        return system.post(f"/v1/members/{ids.public('mbr', member_id)}/phones", body)

    return tell


def of_type(answer):
    return answer.json["type"].removeprefix("/problems/")


def holder(db, programme, phone):
    with database.begin() as session:
        found = members.by_phone(session, secrets_of(db), programme.programme_id, phone)
        return found.member_id if found else None


def ask(app, phone, programme="gotone"):
    return caller(app).post("/v1/sign-ins/code", {"programme": programme, "phone": phone})


def sign_in(app, code, phone, programme="gotone"):
    return caller(app).post("/v1/sign-ins", {"programme": programme, "phone": phone, "code": code})


def codes(db):
    with database.begin() as session:
        return [message.text.split()[1][:6] for message in notices.latest(session, db.seal_key)]


@pytest.mark.attack("A6")
def test_a_recycled_number_never_opens_the_old_wallet(app, db, programme, told):
    old = given_member(db, programme, points=500, phone=X)
    ask(app, X)
    (code,) = codes(db)
    signed_in = caller(app, member_token(old))
    new = given_member(db, programme, phone=Y)

    assert told(new, X).json == {"member": ids.public("mbr", new), "has_number": True}

    assert signed_in.get("/v1/members/me/wallet").status_code == 401  # at the next request
    assert sign_in(app, code, X).status_code == 401  # the code that the former holder asked for
    ask(app, X)
    token = sign_in(app, codes(db)[0], X).json["token"]
    assert caller(app, token).spendable() == 0
    assert holder(db, programme, X) == new
    with database.begin() as session:
        assert members.phone_of(session, secrets_of(db), old) is None
        assert len(phones.history(session, old)) == 1


def test_a_member_without_a_number_cannot_sign_in_until_one_is_told_again(app, db, programme, told):
    member_id = given_member(db, programme, points=500, phone=X)
    signed_in = caller(app, member_token(member_id))

    told(member_id, None, 2)
    gone = signed_in.get("/v1/members/me/wallet").status_code
    ask(app, X)
    sent = codes(db)
    told(member_id, Z, 1)
    ask(app, Z)
    token = sign_in(app, codes(db)[0], Z).json["token"]

    assert (gone, sent) == (401, [])
    assert caller(app, token).spendable() == 500


@pytest.mark.attack("A6")
def test_whoever_loses_a_number_has_frozen_points_until_a_code_went_to_the_next_one(app, db, programme, told):
    old = given_member(db, programme, points=500, phone=X)
    new = given_member(db, programme, points=70, phone=Y)
    offer = given_offer(programme, "perk", value_fen=30)

    told(new, X, 3)  # the operator gave the number away
    nobody = caller(app, member_token(old)).post("/v1/members/me/freeze/code", {})
    told(old, Z, 2)
    mine, theirs = caller(app, member_token(old)), caller(app, member_token(new))
    refused = [of_type(each.quote(offer)) for each in (mine, theirs)]
    for each, member_id in ((mine, old), (theirs, new)):
        each.post("/v1/members/me/freeze/code", {})
        each.post("/v1/members/me/freeze/thaw", {"code": code_of(db, member_id, "thaw-code")})

    assert refused == ["points-frozen"] * 2
    assert of_type(nobody) == "no-number-to-thaw"
    assert [each.quote(offer).status_code for each in (mine, theirs)] == [201, 201]
    assert [len(texts(db, each, "number-changed")) for each in (old, new)] == [1, 1]
    told(old, Z, 1)  # the same again
    assert mine.get("/v1/members/me/freeze").json["frozen"] is False


@pytest.mark.attack("A6")
def test_a_number_that_a_new_customer_is_enrolled_with_freezes_its_former_holder(app, db, programme):
    old = given_member(db, programme, points=500, phone=X)
    signed_in = caller(app, member_token(old))
    system = caller(app, service_key(programme, "members:write"))

    system.post("/v1/members", {"customer_id": "C-new", "phone": X})

    assert signed_in.get("/v1/members/me/wallet").status_code == 401
    frozen = caller(app, member_token(old)).get("/v1/members/me/freeze").json
    assert (frozen["frozen"], frozen["sides"]) == (True, ["member"])
    assert holder(db, programme, X) != old


def test_a_first_number_freezes_nothing_and_a_thaw_that_waits_is_called_off_by_a_change(
    app, db, programme, told
):
    fresh, waiting = given_member(db, programme, points=10), given_member(db, programme, points=10, phone=X)
    with database.begin() as session:
        without = members.enrol_many(
            session, programme, secrets_of(db), [Enrolment("C-no-number", LONG_AGO, None)]
        )["C-no-number"]
        freezes.freeze(session, db, waiting, "member:1", clock.now())
        (open_one,) = freezes.standing(session, waiting)
        open_one.thaw_at = clock.now() + HOUR
        outbox.put(session, **promise(open_one), due_at=open_one.thaw_at)

    told(without, Y, 1)
    told(waiting, Z, 1)

    with database.begin() as session:
        assert freezes.standing(session, without) == freezes.standing(session, fresh) == []
        (still,) = freezes.standing(session, waiting)
    assert (still.reason, still.thaw_at) == ("own", None)


def test_a_code_asked_for_before_the_change_is_worth_nothing_after_it(app, db, programme, told):
    member_id = given_member(db, programme, phone=X)
    ask(app, X)
    (code,) = codes(db)

    told(member_id, Z, 2)
    told(member_id, X, 1)  # and back again

    assert sign_in(app, code, X).status_code == 401


def test_an_event_counts_once_by_its_id_and_is_never_another(app, db, programme, told):
    member_id = given_member(db, programme, phone=X)
    first = told(member_id, Y, 1, "e1")
    since = clock.now() - HOUR
    system = caller(app, service_key(programme, "members:write"))
    path = f"/v1/members/{ids.public('mbr', member_id)}/phones"
    body = {"event_id": "e2", "phone": Z, "since": since.isoformat()}

    answers = [system.post(path, body) for _ in range(3)]
    other = system.post(path, body | {"phone": X})

    assert first.status_code == 200
    assert [answer.status_code for answer in answers] == [200] * 3
    assert other.status_code == 422
    with database.begin() as session:
        assert len(phones.history(session, member_id)) == 3


def test_a_word_older_than_the_last_one_is_refused_also_after_a_number_was_given_up(db, programme, told):
    member_id = given_member(db, programme, phone=X)
    told(member_id, None, 2)

    late = told(member_id, Y, 3)

    assert late.status_code == 409
    assert late.json["type"] == "/problems/later-number-known"
    assert holder(db, programme, Y) is None


def test_a_word_that_comes_late_does_not_take_a_number_from_its_later_holder(db, programme, told):
    first, second = (given_member(db, programme, phone=phone) for phone in (Y, Z))
    told(second, X, 1)

    late = told(first, X, 2)

    assert late.json["has_number"] is False
    assert holder(db, programme, X) == second
    with database.begin() as session:
        newest = phones.history(session, first)[0]
    assert newest[1] is not None


@pytest.mark.parametrize(
    ("phone", "hours_ago", "status"), [("12", 1, 422), ("１３８１１１１０００１", 1, 422), (Y, -1, 422)]
)
def test_what_cannot_be_is_refused(db, programme, told, phone, hours_ago, status):
    assert told(given_member(db, programme, phone=X), phone, hours_ago).status_code == status


def test_programmes_are_apart(app, db, programme, told):
    mine = given_member(db, programme, phone=X)
    other = given_member(db, given_programme("mzone"), phone=X)

    told(given_member(db, programme, phone=Y), X)

    assert holder(db, programme, X) not in (mine, None)
    with database.begin() as session:
        assert members.phone_of(session, secrets_of(db), other) == X
    ask(app, X, "mzone")
    assert sign_in(app, codes(db)[0], X, "mzone").status_code == 201


def test_a_member_of_another_programme_is_not_there(app, db, programme):
    stranger = caller(app, service_key(given_programme("mzone"), "members:write"))
    path = f"/v1/members/{ids.public('mbr', given_member(db, programme, phone=X))}/phones"

    answer = stranger.post(path, {"event_id": "e", "phone": Y, "since": clock.now().isoformat()})

    assert answer.status_code == 404


def test_many_events_for_one_number_at_once_leave_one_holder(db, programme):
    several = [given_member(db, programme, phone=f"1391111{n:04d}") for n in range(8)]
    barrier, since = threading.Barrier(8), clock.now() - HOUR

    def change(member_id):
        barrier.wait(10)
        with database.begin() as session:
            return phones.change(session, db, member_id, X, since, clock.now(), "test")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(change, several))

    assert len(answers) == 8
    with database.begin() as session:
        present = session.scalar(
            select(func.count())
            .select_from(Phone)
            .where(Phone.until.is_(None), Phone.digest == members.digest(secrets_of(db), X))
        )
    assert present == 1
    assert holder(db, programme, X) in several


def test_two_who_swap_their_numbers_at_once_have_each_others(db, programme):
    one, two = given_member(db, programme, phone=X), given_member(db, programme, phone=Y)
    barrier, since = threading.Barrier(2), clock.now() - HOUR

    def change(member_id, phone):
        barrier.wait(10)
        with database.begin() as session:
            return phones.change(session, db, member_id, phone, since, clock.now(), "test")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, (one, two), (Y, X)))

    assert (holder(db, programme, X), holder(db, programme, Y)) == (two, one)


def test_verify_finds_a_number_that_two_have_and_one_that_leads_to_somebody_without_it(db, programme):
    one, two = given_member(db, programme, phone=X), given_member(db, programme, phone=Y)

    def found():
        with database.begin() as session:
            return sorted(f"{f.rule} {f.place}" for f in findings(session) if f.rule == "phone")

    with database.begin() as session:
        row = session.scalar(select(PhoneHolder).where(PhoneHolder.member_id == one))
        digest = row.digest
    before = found()
    with owner(db) as connection:
        connection.exec_driver_sql("update phone_holder set member_id = %s where digest = %s", (two, digest))
    after = found()
    with owner(db) as connection:
        connection.exec_driver_sql("update phone_holder set member_id = %s where digest = %s", (one, digest))

    assert before == []
    assert after == sorted(f"phone {ids.public('mbr', member_id)}" for member_id in (one, two))

"""Companions: linked by the consent of both, left by either, never more than there are places."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.proof import findings
from base import clock, database, ids
from base.errors import Problem
from base.notices import notices
from points.companions import companions
from points.companions.models import CompanionLink
from points.lines.states import LineState
from points.members import members
from tests.given import caller, given_member, given_programme, member_token, service_key
from tests.owner import owner
from tests.points.lines.telling import tell

A, B, C = "13822220001", "13822220002", "13822220003"
PATH = "/v1/members/me/companions"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def people(app, db, programme):
    """Three members and a caller for each: (member_id, caller)."""
    found = []
    for phone in (A, B, C):
        member_id = given_member(db, programme, phone=phone)
        found.append((member_id, caller(app, member_token(member_id))))
    return found


def of(member_id):
    with database.begin() as session:
        return companions.of(session, member_id)


def states(who):
    return [link["state"] for link in who.get(PATH).json["data"]]


def at_once(*deeds):
    """What several come to who begin together: the answer, or the problem's name."""
    barrier = threading.Barrier(len(deeds))

    def go(deed):
        barrier.wait(10)
        try:
            with database.begin() as session:
                return deed(session)
        except Problem as problem:
            return type(problem).__name__

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(go, deeds))


def linked(first, second, phone=B):
    link = first[1].post(PATH, {"phone": phone}).json["id"]
    assert second[1].post(f"{PATH}/{link}/confirm").status_code == 200
    return link


def test_one_invites_the_other_confirms_and_both_are_companions(db, people):
    (a, one), (b, two), _ = people

    invited = one.post(PATH, {"phone": B})
    before = (of(a), of(b), states(two))
    confirmed = two.post(f"{PATH}/{invited.json['id']}/confirm")

    assert (invited.status_code, invited.json["state"]) == (201, "invited")
    assert before == ([], [], ["invited"])
    assert confirmed.json["state"] == "confirmed"
    assert (of(a), of(b)) == ([b], [a])
    with database.begin() as session:
        told = {message.receiver for message in notices.latest(session, db.seal_key)}
    assert told == {A, B}


def test_a_customer_id_invites_too_and_nobody_confirms_an_own_invitation(db, people):
    (_, one), (b, two), (_, three) = people
    with database.begin() as session:
        customer = members.by_id(session, b).customer_id

    link = one.post(PATH, {"customer_id": customer}).json["id"]

    assert one.post(f"{PATH}/{link}/confirm").status_code == 404
    assert three.post(f"{PATH}/{link}/confirm").status_code == 404
    assert two.post(f"{PATH}/{link}/confirm").status_code == 200


@pytest.mark.parametrize(("who", "state"), [(1, "declined"), (0, "withdrawn")])
def test_an_invitation_is_declined_or_withdrawn(people, who, state):
    (a, one), (b, two), _ = people
    link = one.post(PATH, {"phone": B}).json["id"]

    ended = people[who][1].post(f"{PATH}/{link}/end")

    assert ended.json["state"] == state
    late = two.post(f"{PATH}/{link}/confirm")
    assert (late.status_code, late.json["type"]) == (409, "/problems/invitation-over")
    assert (of(a), of(b)) == ([], [])


def test_an_invitation_expires_by_itself(db, people):
    (_, one), (b, two), _ = people
    link = one.post(PATH, {"phone": B}).json["id"]
    with clock.stopped(clock.now() + companions.ANSWER_WITHIN):
        again = caller(two.client.application, member_token(b))
        assert states(again) == ["expired"]
        assert again.post(f"{PATH}/{link}/confirm").status_code == 409


@pytest.mark.parametrize("who", [0, 1])
def test_a_companion_who_leaves(people, who):
    first, second, third = people
    link = linked(first, second)

    left = people[who][1].post(f"{PATH}/{link}/end")

    assert left.json["state"] == "ended"
    assert (of(first[0]), of(second[0])) == ([], [])
    assert linked(first, third, C)  # the place is free again


def test_a_companion_whose_line_is_cancelled_is_none_any_more(db, people):
    first, second, third = people
    linked(first, second)

    tell(db, second[0], LineState.CANCELLED)

    assert (of(first[0]), of(second[0])) == ([], [])
    assert states(first[1]) == ["ended"]
    assert linked(first, third, C)


def test_nobody_has_more_companions_than_there_are_places(people):
    first, second, third = people
    linked(first, second)

    refused = first[1].post(PATH, {"phone": C})
    other = third[1].post(PATH, {"phone": A})
    answer = first[1].post(f"{PATH}/{other.json['id']}/confirm")

    assert (refused.status_code, refused.json["type"]) == (403, "/problems/no-place-left")
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/no-place-left")


def test_who_cannot_be_invited_is_one_answer_and_counted(app, db, programme, people, monkeypatch):
    (_, one), (b, _), _ = people
    stranger = given_member(db, given_programme("mzone"), phone="13822229999")
    frozen = given_member(db, programme, phone="13822228888")
    tell(db, frozen, LineState.SUSPENDED)
    monkeypatch.setattr(companions, "WRONG", companions.WRONG.__class__(4, timedelta(hours=1)))
    bodies = [{"phone": "13822229999"}, {"phone": "13822228888"}, {"phone": "12"}, {"customer_id": "nobody"}]

    answers = [one.post(PATH, body) for body in bodies]
    locked = one.post(PATH, {"phone": B})

    assert {answer.json["type"] for answer in answers} == {"/problems/companion-unknown"}
    assert locked.status_code == 429
    assert stranger
    assert of(b) == []


def test_nobody_is_a_companion_of_their_own_and_a_frozen_line_invites_nobody(db, people):
    (a, one), _, _ = people

    own = one.post(PATH, {"phone": A})
    tell(db, a, LineState.SUSPENDED)
    frozen = one.post(PATH, {"phone": B})

    assert (own.status_code, frozen.status_code) == (409, 403)


def test_two_invitations_that_cross_are_one_link(db, people):
    (a, _), (b, _), _ = people
    at = clock.now()

    def inviting(member_id, phone):
        return lambda session: companions.invite(
            session, db, member_id, customer_id=None, phone=phone, at=at
        ).state(at)

    for _ in range(5):
        answers = at_once(inviting(a, B), inviting(b, A))
        assert sorted(answers) == ["confirmed", "invited"]
        with database.begin() as session:
            rows = session.scalars(select(CompanionLink).where(CompanionLink.outcome.is_(None))).all()
            assert len(rows) == 1
            companions.end(session, a, companions.reference(rows[0]), at)


def test_of_two_answers_for_the_last_place_one_wins(db, people):
    (a, one), (b, _), (c, _) = people
    first, second = (one.post(PATH, {"phone": phone}).json["id"] for phone in (B, C))
    at = clock.now()

    answers = at_once(
        lambda session: companions.confirm(session, db, b, first, at).state(at),
        lambda session: companions.confirm(session, db, c, second, at).state(at),
    )

    assert sorted(answers) == ["NoPlaceLeft", "confirmed"]
    assert len(of(a)) == 1


def test_the_operators_systems_see_the_links_of_their_programmes_members(app, db, programme, people):
    first, second, _ = people
    linked(first, second)
    path = f"/v1/members/{ids.public('mbr', first[0])}/companions"

    mine = caller(app, service_key(programme, "members:read")).get(path)
    other = caller(app, service_key(given_programme("mzone"), "members:read")).get(path)

    assert [link["member"] for link in mine.json["data"]] == [ids.public("mbr", second[0])]
    assert other.status_code == 404


def test_verify_finds_a_companion_too_many(db, people):
    first, second, third = people
    linked(first, second)

    def found():
        with database.begin() as session:
            return [f.place for f in findings(session) if f.rule == "companion"]

    row = (first[0], ids.new_id(), third[0])
    with owner(db) as connection:
        connection.exec_driver_sql(
            "insert into companion_link (member_id, link_id, companion_id, invited_at, ends_at, confirmed_at) "
            "values (%s, %s, %s, now(), now() + interval '1 day', now())",
            row,
        )
    wrong = found()
    with owner(db) as connection:
        connection.exec_driver_sql("delete from companion_link where link_id = %s", (row[1],))

    assert wrong == [ids.public("mbr", first[0])]

"""Preferences: the later word wins, each with source and consent; without consent nothing is chosen by them."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from base import clock, database, ids
from base.channels import CHANNELS
from base.models import IdempotencyKey
from points.members.models import MemberFacts, Preference
from points.preferences import preferences
from points.preferences.preferences import ALL_INTERESTS, INTERESTS
from tests.given import caller, given_member, given_offer, given_programme, member_token, service_key

MINE = "/v1/members/me/preferences"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


@pytest.fixture
def me(app, member_id):
    return caller(app, member_token(member_id))


@pytest.fixture
def system(app, programme):
    return caller(app, service_key(programme, "members:write"))


def facts(member_id):
    with database.begin() as session:
        return session.get_one(MemberFacts, member_id).interests


def word(name=INTERESTS, values=("travel", "health"), consent=True, **more):
    return {"name": name, "values": list(values), "consent": consent, **more}


def test_interests_with_consent_are_facts_and_leave_them_when_it_is_taken_back(me, member_id):
    said = me.post(MINE, word())
    before = facts(member_id)
    me.post(MINE, word(consent=False))

    assert (said.status_code, said.json["channel"]) == (200, "member_web")
    assert before == ["health", "travel"]
    assert facts(member_id) == []
    assert me.get(MINE).json[0] | {"since": ""} == {
        "name": INTERESTS,
        "values": ["travel", "health"],
        "consent": False,
        "since": "",
        "channel": "member_web",
    }


def test_without_any_consent_a_member_is_served_as_ever(me, programme):
    me.post(MINE, word(consent=False))

    assert me.redeem(given_offer(programme, "perk", value_fen=50)).status_code == 201


def test_a_later_word_wins_whichever_came_first(system, member_id):
    path = f"/v1/members/{ids.public('mbr', member_id)}/preferences"
    at = clock.now()

    system.post(path, word(values=["art"], channel="hall", since=(at - timedelta(days=1)).isoformat()))
    system.post(path, word(values=["ball"], channel="hotline", since=(at - timedelta(days=9)).isoformat()))

    assert facts(member_id) == ["art"]


@pytest.mark.parametrize(
    "body",
    [
        word(values=["gossip"]),
        word("salary", ["1"]),
        word("industry", ["it", "trade"]),
        word("second_contact", ["call me"]),
        word("language", ["fr"]),
        word("contact_by", ["pigeon"]),
        word() | {"consent": "yes"},
        word() | {"consent": None},
        word(since=None),
    ],
)
def test_what_cannot_be_said_is_refused(me, body):
    assert me.post(MINE, body).status_code == 422


@pytest.mark.parametrize(
    ("more", "status"),
    [({"channel": "pigeon"}, 422), ({"channel": "hall", "since": "2999-01-01T00:00:00Z"}, 422)],
)
def test_a_word_needs_a_channel_that_there_is_and_is_not_of_the_future(system, member_id, more, status):
    path = f"/v1/members/{ids.public('mbr', member_id)}/preferences"

    assert system.post(path, word() | more).status_code == status


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_may_bring_a_word(system, member_id, channel):
    path = f"/v1/members/{ids.public('mbr', member_id)}/preferences"

    assert system.post(path, word(channel=channel)).json["channel"] == channel


def test_a_second_contact_lies_in_the_vault_and_is_masked_for_others(db, me, member_id):
    kept = me.post(MINE, word("second_contact", ["13955556666"]))

    assert kept.json["values"] == ["139****6666"]  # this answer is kept with its key
    assert me.get(MINE).json[0]["values"] == ["13955556666"]
    with database.begin() as session:
        answers = str([row.answer for row in session.scalars(select(IdempotencyKey))])
        rows = session.scalars(select(Preference)).all()
        stored = "\n".join(session.scalars(text("select t::text from preference t")))
    assert "13955556666" not in answers + stored
    assert len(rows) == 1


def test_another_programmes_system_finds_nobody(app, member_id):
    stranger = caller(app, service_key(given_programme("mzone"), "members:write"))

    answer = stranger.post(f"/v1/members/{ids.public('mbr', member_id)}/preferences", word(channel="hall"))

    assert answer.status_code == 404


WORDS = st.lists(
    st.tuples(st.lists(st.sampled_from(sorted(ALL_INTERESTS)), max_size=3), st.booleans(), st.integers(0, 5)),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS)
def test_facts_are_what_the_latest_word_consents_to_whatever_the_order(db, programme, words):
    member_id, at = given_member(db, programme), clock.now()
    with database.begin() as session:
        for values, consent, hours in words:
            since = at - timedelta(hours=hours)
            preferences.say(
                session, db, member_id, INTERESTS, values, consent=consent, channel="hall", at=at, since=since
            )

    latest = max(enumerate(words), key=lambda one: (-one[1][2], one[0]), default=None)
    expected = sorted(set(latest[1][0])) if latest and latest[1][1] else []
    assert facts(member_id) == expected

"""Lines over HTTP: the operator tells, repeats, looks; a refusal and the wallet say which state, since when, why."""

import pytest
from sqlalchemy import func, select

from base import clock, database, ids
from points.lines.models import LineEvent
from points.lines.states import LineState
from tests.given import (
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
    service_key,
)
from tests.points.lines.telling import days, tell, today, wallet

SCOPES = ("lines:write", "members:read", "wallet:any")


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


@pytest.fixture
def boss(app, programme):
    return caller(app, service_key(programme, *SCOPES))


def path(member_id):
    return f"/v1/members/{ids.public('mbr', member_id)}/line-events"


def event(state="suspended", **more):
    return {"event_id": "B-1", "state": state, "since": str(today()), "reason": "unpaid"} | more


def counted():
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(LineEvent))


def test_an_event_is_answered_with_how_it_was_kept_and_the_state_that_it_left(boss, member_id):
    answer = boss.post(path(member_id), event())

    assert answer.status_code == 201
    told = answer.json
    assert (told["event_id"], told["nth"], told["state"], told["applied"]) == ("B-1", 1, "suspended", True)
    assert (told["member"], told["line"]) == (ids.public("mbr", member_id), "suspended")
    assert told["actor"].startswith("service:")


def test_the_same_key_gives_the_same_answer_and_the_same_event_under_another_key_changes_nothing(
    boss, member_id
):
    first = boss.post(path(member_id), event(), key="k1")
    again = boss.post(path(member_id), event(), key="k1")
    other = boss.post(path(member_id), event(), key="k2")

    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json) == (200, first.json)
    assert counted() == 1


def test_the_same_key_or_the_same_event_with_other_contents_is_refused(boss, member_id):
    boss.post(path(member_id), event(), key="k1")

    answers = [
        boss.post(path(member_id), event(reason="lost"), key="k1"),
        boss.post(path(member_id), event(reason="lost"), key="k2"),
    ]

    assert [(a.status_code, a.json["type"].rsplit("/")[-1]) for a in answers] == [
        (422, "key-reused"),
        (422, "line-event-changed"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "new"},
        {"state": "sleeping"},
        {"since": "yesterday"},
        {"reason": ""},
        {"event_id": "x" * 65},
        {"colour": "red"},
        {"since": "2999-01-01"},
        {"clearing_day": "2999-01-01"},
    ],
)
def test_a_malformed_event_is_refused_and_nothing_is_kept(boss, member_id, wrong):
    answer = boss.post(path(member_id), event() | wrong)

    assert answer.status_code == 422
    assert counted() == 0


def test_without_a_key_nothing_is_kept(boss, member_id):
    answer = boss.client.post(
        path(member_id), json=event(), headers={"Authorization": f"Bearer {boss.token}"}
    )

    assert (answer.status_code, counted()) == (400, 0)


def test_a_member_who_is_not_there_or_of_another_programme_is_unknown(app, boss, member_id):
    stranger = caller(app, service_key(given_programme("mzone"), *SCOPES))

    answers = [boss.post(path(member_id + 1), event()), stranger.post(path(member_id), event())]
    answers += [boss.get(path(member_id + 1)), stranger.get(path(member_id))]

    assert {(a.status_code, a.json["type"]) for a in answers} == {(404, "/problems/member-unknown")}


def test_events_are_listed_page_by_page_the_latest_to_arrive_first(boss, db, member_id):
    for number in range(5):
        tell(
            db, member_id, LineState.SUSPENDED if number % 2 else LineState.ACTIVE, today() - days(5 - number)
        )

    first = boss.get(path(member_id), limit=2).json
    second = boss.get(path(member_id), limit=2, cursor=first["next_cursor"]).json
    third = boss.get(path(member_id), limit=2, cursor=second["next_cursor"]).json

    pages = [[row["nth"] for row in page["data"]] for page in (first, second, third)]
    assert pages == [[5, 4], [3, 2], [1]]
    assert (third["has_more"], third["next_cursor"]) == (False, None)


@pytest.mark.parametrize(
    ("state", "kind"),
    [("suspended", "member-frozen"), ("pre_cancelled", "member-frozen"), ("transfer", "member-frozen")],
)
def test_a_refusal_says_which_state_since_when_why_and_what_ends_it(
    app, boss, programme, member_id, state, kind
):
    since = today() - days(3)
    boss.post(path(member_id), event(state, since=str(since)))
    me = caller(app, member_token(member_id))

    told = me.quote(given_offer(programme, "perk", value_fen=30))

    assert (told.status_code, told.json["type"]) == (403, f"/problems/{kind}")
    assert (told.json["line"], told.json["since"], told.json["reason"]) == (state, str(since), "unpaid")
    assert set(told.json["ends"]) == set(told.json["explanation"]) == {"zh-CN", "en"}
    assert str(since) in told.json["explanation"]["zh-CN"]


def test_a_line_that_is_too_new_says_from_which_day_on(app, db):
    programme = given_programme(minimum_tenure_days=90)
    me = caller(app, member_token(given_member(db, programme, points=100, joined_on=today())))

    told = me.quote(given_offer(programme, "perk", value_fen=30)).json
    line = me.get("/v1/members/me/wallet").json["line"]

    assert (told["type"], told["line"], told["since"]) == ("/problems/member-too-new", "new", str(today()))
    assert told["from_day"] == line["from_day"] == str(today() + days(90))
    assert str(today() + days(90)) in told["ends"]["en"]


def test_the_wallet_shows_frozen_points_and_those_kept_for_the_return(app, boss, db, member_id):
    given_points(member_id, 40, last_day=today() + days(3))
    boss.post(path(member_id), event())
    me = caller(app, member_token(member_id))

    with clock.stopped(clock.now() + days(10)):
        seen = caller(app, member_token(member_id)).get("/v1/members/me/wallet").json

    assert (seen["state"], seen["spendable"], seen["line"]["kept_points"]) == ("frozen", 100, 40)
    assert (seen["line"]["state"], seen["line"]["reason"]) == ("suspended", "unpaid")
    assert me.get("/v1/members/me/wallet").json["line"]["kept_points"] == 0


def test_a_cancelled_line_says_when_it_is_cleared_to_the_operator_alone(app, boss, member_id):
    me = caller(app, member_token(member_id))

    told = boss.post(path(member_id), event("cancelled")).json
    seen = boss.get(f"/v1/members/{ids.public('mbr', member_id)}/wallet").json

    assert told["clearing_day"] == str(today() + days(30)) == seen["line"]["clearing_day"]
    assert (seen["line"]["state"], seen["spendable"]) == ("cancelled", 100)
    assert me.get("/v1/members/me/wallet").status_code == 401


def test_who_joins_again_is_answered_as_the_member_that_they_are_now(boss, member_id):
    boss.post(path(member_id), event("cancelled", since=str(today() - days(3))))

    told = boss.post(path(member_id), event("active", event_id="B-2")).json

    assert (told["member"] != ids.public("mbr", member_id), told["state"]) == (True, "rejoined")
    assert wallet(ids.parse("mbr", told["member"], parts=1)[0]).balance == 0

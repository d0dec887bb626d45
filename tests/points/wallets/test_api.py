"""What a member sees over HTTP: points, lots, and every movement page by page without a gap or a repeat."""

from datetime import timedelta

import pytest

from base import clock, database, ids
from points import ledger, lots
from points.kinds import State
from points.members import members
from tests.given import (
    ZONE,
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
    service_key,
)


def today():
    return clock.day(clock.now(), ZONE)


def test_a_wallet_shows_what_can_be_spent_what_is_set_aside_and_what_lapses(app, db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 100, last_day=today() + timedelta(days=30))
    given_points(member_id, 200, last_day=today() + timedelta(days=400))
    given_points(member_id, 300, last_day=lots.NO_END)
    member = caller(app, member_token(member_id))
    member.redeem(given_offer(programme, "bill_credit", value_fen=150))

    seen = member.get("/v1/members/me/wallet").json

    assert seen == {
        "programme": "gotone",
        "state": "open",
        "spendable": 450,
        "pending": 0,
        "held": 150,
        "debt": 0,
        "lots": [
            {"last_day": str(today() + timedelta(days=400)), "points": 150},
            {"last_day": None, "points": 300},
        ],
        "lapsing": [],
    }


def test_an_empty_wallet_is_empty(app, db):
    seen = caller(app, member_token(given_member(db, given_programme()))).get("/v1/members/me/wallet").json

    assert (seen["spendable"], seen["held"], seen["lots"], seen["lapsing"]) == (0, 0, [], [])


def test_a_balance_is_right_before_the_expiry_ran(app, db):
    member_id = given_member(db, given_programme())
    given_points(member_id, 100, last_day=today())
    given_points(member_id, 10, last_day=today() + timedelta(days=300))

    with clock.stopped(clock.now() + timedelta(days=1)):
        assert caller(app, member_token(member_id)).spendable() == 10


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
def test_the_pages_of_postings_show_each_once_newest_first(app, db, limit):
    member_id = given_member(db, given_programme())
    for points in range(1, 8):
        given_points(member_id, points)
    member, seen, cursor = caller(app, member_token(member_id)), [], None

    while True:
        page = member.get(
            "/v1/members/me/postings", limit=limit, **({"cursor": cursor} if cursor else {})
        ).json
        seen += [row["seq"] for row in page["data"]]
        assert page["has_more"] == bool(page["next_cursor"])
        if not page["has_more"]:
            break
        assert len(page["data"]) == limit
        given_points(member_id, 1)  # what comes meanwhile moves no page
        cursor = page["next_cursor"]

    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_signs_say_which_way_the_points_went(app, db):
    programme = given_programme()
    member = caller(app, member_token(given_member(db, programme, points=100)))
    redeemed = member.redeem(given_offer(programme, "perk", value_fen=30)).json
    member.post(f"/v1/redemptions/{redeemed['id']}/cancel")

    rows = member.get("/v1/members/me/postings").json["data"]

    assert [(row["kind"], row["points"], row["balance_after"]) for row in rows] == [
        ("reverse", 30, 100),
        ("redeem", -30, 70),
        ("earn", 100, 100),
    ]
    assert {row["ref"] for row in rows[:2]} == {redeemed["id"]}
    assert all(row["at"].endswith("+00:00") for row in rows)


def test_the_lots_of_a_posting_are_its_members_alone(app, db):
    programme = given_programme()
    mine, theirs = (caller(app, member_token(given_member(db, programme, points=p))) for p in (100, 70))
    mine.redeem(given_offer(programme, "perk", value_fen=30))

    assert [lot["points"] for lot in mine.get("/v1/members/me/postings/2/lots").json] == [30]
    assert theirs.get("/v1/members/me/postings/2/lots").status_code == 404


def test_a_system_of_the_programme_sees_the_same_as_the_member(app, db):
    programme = given_programme()
    member_id = given_member(db, programme, points=100)
    member, system = caller(app, member_token(member_id)), caller(app, service_key(programme, "wallet:any"))
    name = ids.public("mbr", member_id)

    for topic in ("wallet", "postings"):
        assert system.get(f"/v1/members/{name}/{topic}").json == member.get(f"/v1/members/me/{topic}").json
    for wrong in (ids.public("mbr", member_id + 1), ids.public("red", member_id), "mbr_x"):
        assert system.get(f"/v1/members/{wrong}/wallet").status_code == 404


@pytest.mark.parametrize("state", [State.FROZEN, State.NEW])
def test_a_line_that_is_not_open_still_sees_its_points_and_cannot_spend_them(app, db, state):
    programme = given_programme()
    member_id = given_member(db, programme, points=100)
    offer = given_offer(programme, "perk", value_fen=30)
    member = caller(app, member_token(member_id))
    quote = member.quote(offer).json["id"]
    with database.begin() as session:
        ledger.set_state(session, member_id, state)

    seen = member.get("/v1/members/me/wallet").json
    answers = [member.quote(offer), member.post("/v1/redemptions", {"quote": quote})]

    assert (seen["state"], seen["spendable"]) == (state.name.lower(), 100)
    assert {answer.status_code for answer in answers} == {403}
    assert member.spendable() == 100


def test_somebody_who_left_is_signed_out_and_keeps_the_history(app, db):
    programme = given_programme()
    member_id = given_member(db, programme, points=100)
    member, system = caller(app, member_token(member_id)), caller(app, service_key(programme, "wallet:any"))
    with database.begin() as session:
        members.leave(session, member_id, today())

    assert member.get("/v1/members/me/wallet").status_code == 401
    assert system.get(f"/v1/members/{ids.public('mbr', member_id)}/wallet").json["state"] == "closed"

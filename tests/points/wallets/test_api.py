"""What a member sees over HTTP: points, lots, and every movement page by page without a gap or a repeat."""

import uuid
from datetime import timedelta

import pytest

from base import clock, database, ids
from points import ledger, lots, policies
from points.deeds import Request
from points.kinds import Kind, State
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
    line = seen.pop("line")

    assert (line["state"], line["since"]) == ("active", "2020-01-01")
    assert seen == {
        "programme": "gotone",
        "unit": {"zh-CN": "积分", "en": "points"},
        "state": "open",
        "spendable": 450,
        "pending": 0,
        "held": 150,
        "debt": 0,
        "lots": [
            {"last_day": str(today() + timedelta(days=400)), "points": 150, "class": "bill"},
            {"last_day": None, "points": 300, "class": "bill"},
        ],
        "lapsing": [],
        "lapsing_30_days": 0,
        "lapsing_90_days": 0,
        "merged_into": None,
    }


def test_what_lapses_within_thirty_and_within_ninety_days_is_told_to_the_day_and_lots_name_their_class(
    app, db
):
    member_id = given_member(db, given_programme())
    for days, points in ((0, 1), (30, 10), (31, 100), (90, 1_000), (91, 10_000)):
        given_points(member_id, points, last_day=today() + timedelta(days=days))
    promotion = lots.key(today() + timedelta(days=30), policies.PROMOTION_POINTS)
    with database.begin() as session:
        ledger.post(
            session,
            Request(member_id, uuid.uuid4(), Kind.EARN, 5, clock.now(), ZONE, lot_key=promotion),
        )

    seen = caller(app, member_token(member_id)).get("/v1/members/me/wallet").json

    assert (seen["lapsing_30_days"], seen["lapsing_90_days"], seen["spendable"]) == (16, 1_116, 11_116)
    assert [lot["points"] for lot in seen["lapsing"]] == [1, 10, 5, 100, 1_000]
    assert [(lot["points"], lot["class"]) for lot in seen["lots"]] == [
        (1, "bill"),
        (10, "bill"),
        (5, "promotion"),
        (100, "bill"),
        (1_000, "bill"),
        (10_000, "bill"),
    ]


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


def test_a_filter_and_pages_go_together_and_a_cursor_goes_on_under_any_filter(app, db):
    programme = given_programme()
    member_id = given_member(db, programme)
    member = caller(app, member_token(member_id))
    for points in range(1, 5):
        given_points(member_id, points)
        member.redeem(given_offer(programme, "perk", value_fen=1))
    path, day = "/v1/members/me/postings", str(today())

    first = member.get(path, kind="redeem", from_day=day, until_day=day, limit=3).json
    rest = member.get(
        path, kind="redeem", from_day=day, until_day=day, limit=3, cursor=first["next_cursor"]
    ).json
    earned = member.get(path, kind="earn", limit=200, cursor=first["next_cursor"]).json

    assert [row["seq"] for row in first["data"]] == [8, 6, 4]
    assert ([row["seq"] for row in rest["data"]], rest["has_more"]) == ([2], False)
    assert [row["seq"] for row in earned["data"]] == [3, 1]  # before number 4, whatever was asked for then
    assert member.get(path, kind="hold", from_day=day).json["data"] == []
    assert member.get(path, until_day=str(today() - timedelta(days=1))).json["data"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 201}, 422),
        ({"limit": "many"}, 422),
        ({"limit": -1}, 422),
        ({"cursor": "x"}, 400),
        ({"cursor": "\u00fc"}, 400),
        ({"cursor": "A" * 4000}, 400),
        ({"cursor": ""}, 200),
    ],
)
def test_a_wrong_limit_or_cursor_is_refused(app, db, query, status):
    member = caller(app, member_token(given_member(db, given_programme(), points=1)))

    assert member.get("/v1/members/me/postings", **query).status_code == status


def test_a_cursor_of_another_list_is_none_of_this_one(app, db):
    programme = given_programme()
    member = caller(app, member_token(given_member(db, programme, points=10)))
    for _ in range(2):
        member.redeem(given_offer(programme, "perk", value_fen=1))
    cursor = member.get("/v1/redemptions", limit=1).json["next_cursor"]

    assert cursor
    assert member.get("/v1/members/me/postings", cursor=cursor).status_code == 400


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

"""Gifts over HTTP: once for each key, undone, listed from both sides with the other one masked."""

import pytest
from sqlalchemy import text

from base import clock, database, ids
from points.gifts import gifts, job
from tests.given import caller, given_member, given_programme, member_token

PHONE, OTHER = "13700001111", "13700002222"


@pytest.fixture
def pair(app, db):
    """Two members of a programme, the first with 100 points."""
    programme = given_programme()
    giver = given_member(db, programme, points=100, phone=PHONE)
    receiver = given_member(db, programme, phone=OTHER)
    return caller(app, member_token(giver)), caller(app, member_token(receiver))


def bring_all(config) -> None:
    """All gifts to their end, as after the time to undo."""
    with database.begin() as session:
        places = [(row[0], row[1]) for row in session.execute(text("select member_id, gift_id from gift"))]
    with clock.stopped(clock.now() + gifts.TO_UNDO):
        for place in places * 2:
            job.run(config, *place)


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def test_a_gift_is_given_once_for_a_key(pair):
    giver, _ = pair

    first = giver.post("/v1/gifts", {"to": OTHER, "points": 30}, key="one")
    again = giver.post("/v1/gifts", {"to": OTHER, "points": 30}, key="one")
    other = giver.post("/v1/gifts", {"to": OTHER, "points": 31}, key="one")

    assert (first.status_code, first.json["state"], first.json["other"]) == (201, "waiting", "137****2222")
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert kind_of(other) == "422 key-reused"
    assert giver.spendable() == 70


def test_a_gift_is_undone_and_the_answer_stays(pair):
    giver, receiver = pair
    gift = giver.post("/v1/gifts", {"to": OTHER, "points": 30}).json["id"]

    stranger = receiver.post(f"/v1/gifts/{gift}/undo")
    undone = giver.post(f"/v1/gifts/{gift}/undo", key="back")
    again = giver.post(f"/v1/gifts/{gift}/undo", key="back")
    twice = giver.post(f"/v1/gifts/{gift}/undo")

    assert kind_of(stranger) == "404 gift-unknown"
    assert (undone.status_code, undone.json["state"], undone.json["undo_until"]) == (200, "undone", None)
    assert again.data == undone.data
    assert kind_of(twice) == "409 gift-not-undoable"
    assert giver.spendable() == 100


def test_both_see_it_from_their_side_and_the_receiver_only_when_it_is_there(pair, db):
    giver, receiver = pair
    giver.post("/v1/gifts", {"to": OTHER, "points": 30})
    before = receiver.get("/v1/gifts").json["data"]

    bring_all(db)
    (given,), (received,) = giver.get("/v1/gifts").json["data"], receiver.get("/v1/gifts").json["data"]

    assert before == []
    assert (given["direction"], given["other"]) == ("given", "137****2222")
    assert (received["direction"], received["other"]) == ("received", "137****1111")
    assert given["state"] == received["state"] == "received"
    assert receiver.spendable() == 30


def test_the_list_goes_on_by_cursor(pair, db):
    giver, _ = pair
    made = [giver.post("/v1/gifts", {"to": OTHER, "points": n}).json["id"] for n in (1, 2, 3)]

    first = giver.get("/v1/gifts", limit=2).json
    second = giver.get("/v1/gifts", limit=2, cursor=first["next_cursor"]).json

    assert [row["id"] for row in first["data"] + second["data"]] == made[::-1]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)


def test_neither_the_id_nor_the_reference_names_the_other_member(pair, db):
    giver, receiver = pair
    gift = giver.post("/v1/gifts", {"to": OTHER, "points": 30}).json["id"]
    bring_all(db)

    (posting,) = receiver.get("/v1/members/me/postings").json["data"]

    assert (posting["kind"], posting["points"], posting["ref"]) == ("gift_in", 30, gift)
    assert len(ids.parse("gft", gift, parts=1)) == 1


def test_wrong_numbers_are_counted_and_locked_and_leave_no_key(pair):
    giver, _ = pair
    told = [
        kind_of(giver.post("/v1/gifts", {"to": f"1379999{n:04d}", "points": 1}, key="k")) for n in range(10)
    ]

    locked = giver.post("/v1/gifts", {"to": OTHER, "points": 1}, key="k")

    assert set(told) == {"404 receiver-unknown"}
    assert kind_of(locked) == "429 too-many-guesses"
    assert giver.spendable() == 100


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"to": OTHER}, "422 invalid"),
        ({"to": OTHER, "points": 0}, "422 invalid"),
        ({"to": OTHER, "points": -5}, "422 invalid"),
        ({"to": OTHER, "points": 1.5}, "422 invalid"),
        ({"to": OTHER, "points": "5"}, "422 invalid"),
        ({"to": OTHER, "points": 5, "from": PHONE}, "422 invalid"),
        ({"to": "１３７００００２２２２", "points": 5}, "422 bad-phone"),
        ({"to": "%", "points": 5}, "422 bad-phone"),
        ({"to": OTHER, "points": 2**63 - 1}, "422 points-out-of-range"),
        ({"to": OTHER, "points": 101}, "409 not-enough-points"),
        ({"to": PHONE, "points": 5}, "409 gift-to-oneself"),
    ],
)
def test_what_cannot_be_a_gift_is_refused_by_name(pair, body, told):
    assert kind_of(pair[0].post("/v1/gifts", body)) == told


def test_a_gift_needs_a_key(pair, app):
    answer = app.test_client().post(
        "/v1/gifts",
        json={"to": OTHER, "points": 5},
        headers={"Authorization": f"Bearer {pair[0].token}"},
    )

    assert kind_of(answer) == "400 idempotency-key-missing"

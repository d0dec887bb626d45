"""Endpoints and deliveries over the API: the secret once, nobody else's programme, refusals in words."""

import pytest

from base import clock, database, ids, jobs
from base.webhooks import deliveries
from tests.given import (
    Caller,
    caller,
    given_member,
    given_programme,
    service_key,
    staff_token,
)

HERE = "/v1/webhooks/endpoints"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def staff(app, programme) -> Caller:
    return caller(app, staff_token("editor"))


@pytest.fixture
def body(receiver, programme):
    return {"programme": "gotone", "url": receiver.url, "types": ["jifen.redemption.*"]}


def test_an_endpoint_from_its_first_secret_to_its_end(staff, body, receiver, db, programme):
    made = staff.post(HERE, body, key="first")
    again = staff.post(HERE, body, key="first")
    place, secret = f"{HERE}/{made.json['id']}", made.json["secret"]
    member_id = given_member(db, programme)

    assert (made.status_code, made.json["state"], made.headers["Cache-Control"]) == (201, "live", "no-store")
    assert secret.startswith("whsec_")
    assert (again.headers["Idempotency-Replayed"], again.json) == ("true", made.json | {"secret": None})

    pinged = staff.post(f"{place}/test")
    publish(member_id, 1)
    publish(member_id, 2)
    jobs.drain(db.database_url)
    assert [got.event["type"] for got in receiver.got].count("jifen.ping") == 1
    assert all(got.signed_with(secret) for got in receiver.got)
    listed = staff.get("/v1/webhooks/deliveries", endpoint=made.json["id"], limit=2).json
    rest = staff.get("/v1/webhooks/deliveries", endpoint=made.json["id"], cursor=listed["next_cursor"]).json
    assert [row["subject"] for row in listed["data"]] == ["red_2", "red_1"]
    assert [(row["type"], row["member"]) for row in rest["data"]] == [("jifen.ping", None)]
    one = staff.get(f"/v1/webhooks/deliveries/{pinged.json['id']}").json
    assert (one["state"], [(row["status"], row["error"]) for row in one["log"]]) == (
        "delivered",
        [(204, None)],
    )
    told = ids.public("mbr", member_id)
    found = staff.get(
        "/v1/webhooks/deliveries", member=told, state="delivered", type="jifen.redemption.pending"
    ).json
    assert [row["member"] for row in found["data"]] == [told, told]
    assert staff.get("/v1/webhooks/deliveries", state="failed").json["data"] == []

    sent_again = staff.post(f"/v1/webhooks/deliveries/{found['data'][0]['id']}/resend")
    assert (sent_again.status_code, sent_again.json["state"]) == (200, "waiting")
    replay = staff.post(f"{place}/replay", {"from": str(clock.day(clock.now(), db.zone))})
    jobs.drain(db.database_url)
    assert replay.status_code == 201
    assert staff.get(place).json["replay"]["ended_at"] is not None
    assert [got.event["subject"] for got in receiver.got[3:]].count("red_2") >= 1

    rotated = staff.post(f"{place}/rotate")
    assert rotated.json["secret"] not in (secret, None)
    assert rotated.json["old_secret_until"] is not None
    changed = staff.post(place, {"types": ["*"], "description": "till of the shop"})
    assert (changed.json["types"], changed.json["url"]) == (["*"], receiver.url)
    paused = staff.post(f"{place}/pause", {"reason": "moving house"})
    assert (paused.json["state"], paused.json["reason"]) == ("paused", "moving house")
    assert staff.post(f"{place}/test").json["type"] == "/problems/endpoint-paused"
    assert staff.post(f"{place}/resume").json["state"] == "live"
    assert staff.post(f"{place}/end").json["state"] == "removed"
    assert staff.post(f"{place}/resume").json["type"] == "/problems/endpoint-removed"
    everything = staff.get(HERE).get_data(as_text=True) + staff.get(place).get_data(as_text=True)
    assert "whsec_" not in everything
    assert secret.removeprefix("whsec_") not in everything


def publish(member_id: int, number: int) -> None:
    from base.webhooks import webhooks

    with database.begin() as session:
        webhooks.publish(
            session, member_id, "jifen.redemption.pending", f"red_{number}", {"n": number}, clock.now()
        )


REFUSED = {
    "an address inside": ({"url": "https://10.0.0.8/hook"}, 422, "address-refused", "not public"),
    "no TLS": ({"url": "http://10.0.0.8/hook"}, 422, "address-refused", "not public"),
    "a type that is none": ({"types": ["redemption"]}, 422, "invalid", "'redemption' is no type"),
    "no types": ({"types": []}, 422, "invalid", "types"),
    "an unknown programme": ({"programme": "nowhere"}, 404, "programme-unknown", ""),
    "a field that is not asked for": ({"secret": "mine"}, 422, "invalid", "secret"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_an_endpoint_is_refused_by_its_field(staff, body, what):
    changed, status, problem, words = REFUSED[what]

    answer = staff.post(HERE, body | changed)

    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{problem}")
    assert words in answer.json["detail"]


def test_a_system_and_a_person_of_an_area_see_nothing_of_others(app, staff, body, programme, db):
    made = staff.post(HERE, body).json
    publish(given_member(db, programme), 1)
    delivery = staff.get("/v1/webhooks/deliveries").json["data"][0]["id"]
    own = caller(app, service_key(programme, "webhooks:manage"))
    stranger = caller(app, service_key(given_programme("other"), "webhooks:manage"))
    local = caller(app, staff_token("editor", area="3301"))

    assert own.get(f"{HERE}/{made['id']}").json["id"] == made["id"]
    assert [row["id"] for row in own.get("/v1/webhooks/deliveries").json["data"]] == [delivery]
    assert stranger.get(HERE).json["data"] == []
    assert stranger.get("/v1/webhooks/deliveries").json["data"] == []
    told = {
        stranger.get(f"{HERE}/{made['id']}").json["type"],
        stranger.get("/v1/webhooks/deliveries", endpoint=made["id"]).json["type"],
        *(
            stranger.post(f"{HERE}/{made['id']}/{deed}").json["type"]
            for deed in ("rotate", "resume", "end", "test")
        ),
    }
    assert told == {"/problems/endpoint-unknown"}
    assert stranger.post(HERE, body).json["type"] == "/problems/programme-unknown"
    assert stranger.get(f"/v1/webhooks/deliveries/{delivery}").json["type"] == "/problems/delivery-unknown"
    assert stranger.post(f"/v1/webhooks/deliveries/{delivery}/resend").status_code == 404
    for answer in (local.get(HERE), local.get("/v1/webhooks/deliveries"), local.post(HERE, body)):
        assert answer.json["type"] == "/problems/whole-programme-only"
    deliveries.run(db, *ids.parse("dlv", delivery, parts=3)[:2])

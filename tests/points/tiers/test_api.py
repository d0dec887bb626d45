"""Tiers over HTTP: one's own with reasons in both languages, others' within the scope, both proposals to their end."""

from datetime import timedelta

import pytest

from base import clock, ids
from tests.given import (
    ZONE,
    caller,
    given_earned,
    given_evaluated,
    given_ladder,
    given_member,
    given_programme,
    given_tier_grant,
    member_token,
    service_key,
    staff_token,
)


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


def test_a_member_sees_tier_window_what_is_missing_and_each_change_with_its_reason(
    app, programme, member_id, today
):
    begun = today - timedelta(days=40)
    given_earned(member_id, 3_200, begun)
    given_evaluated(programme, begun)

    answer = caller(app, member_token(member_id)).get("/v1/members/me/tiers").json

    (card,) = answer["tiers"]
    assert (card["tier"], card["since"], card["points_earned"]) == ("silver", str(begun), 3_200)
    assert card["names"] == {"zh-CN": "银卡", "en": "silver"}
    assert card["next"] == {
        "tier": "gold",
        "names": {"zh-CN": "金卡", "en": "gold"},
        "points_needed": 12_000,
        "points_missing": 8_800,
    }
    (change,) = answer["history"]
    assert change["reason"] == "reached"
    first = change["window_first"]
    assert change["text"]["en"] == f"3,200 points earned from {first} to {begun}; silver needs 3,000"
    assert change["text"]["zh-CN"] == f"{first} 至 {begun} 累计获得 3,200 分；银卡需 3,000 分"


def test_a_grant_is_shown_as_one_and_what_staff_wrote_is_not(app, member_id, today):
    until = today + timedelta(days=30)
    given_tier_grant(member_id, "gold", until)

    response = caller(app, member_token(member_id)).get("/v1/members/me/tiers")

    (card,) = response.json["tiers"]
    assert (card["tier"], card["by_grant"], card["until"]) == ("gold", True, str(until))
    assert response.json["history"][0]["text"]["en"] == f"Granted by customer service until {until}"
    assert "old promise" not in response.text


def test_a_member_of_another_programme_is_not_there(app, db, programme, member_id):
    mine, other = (
        service_key(programme, "members:read"),
        service_key(given_programme("mzone"), "members:read"),
    )
    path = f"/v1/members/{ids.public('mbr', member_id)}/tiers"

    assert caller(app, mine).get(path).status_code == 200
    assert caller(app, other).get(path).status_code == 404


def test_a_ladder_is_proposed_approved_and_listed(app, programme, today):
    maker, checker = caller(app, staff_token("editor")), caller(app, staff_token("checker"))
    body = {
        "programme": "gotone",
        "ladder": "star",
        "from_day": str(today + timedelta(days=2)),
        "window_months": None,
        "hold_months": 12,
        "steps": [{"tier": "star1", "points": 0, "name_zh": "一星", "name_en": "1 star"}],
        "reason": "stars for all",
    }

    made = maker.post("/v1/tier-policies", body)
    done = checker.post(
        f"/v1/tier-policies/{made.json['id']}/approve", {"content_hash": made.json["content_hash"]}
    )

    assert (made.status_code, done.json["state"]) == (201, "approved")
    assert maker.get("/v1/tier-policies").json["data"][0]["steps"][0]["names"] == {
        "zh-CN": "一星",
        "en": "1 star",
    }
    refused = maker.post("/v1/tier-policies", body | {"steps": []})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/same-day-version")


def test_a_tier_is_granted_and_revoked_each_by_two_persons(app, member_id, today):
    maker, checker = caller(app, staff_token("support")), caller(app, staff_token("checker"))
    asked = {
        "member": ids.public("mbr", member_id),
        "tier": "gold",
        "until_day": str(today + timedelta(days=9)),
        "reason": "a long outage",
    }

    def approve(made):
        place = f"/v1/tier-grants/{made.json['id']}/approve"
        return checker.post(place, {"content_hash": made.json["content_hash"]})

    made = maker.post("/v1/tier-grants", asked, key="once")
    again = maker.post("/v1/tier-grants", asked, key="once")
    approved = approve(made)
    end = maker.post(f"/v1/tier-grants/{made.json['id']}/revoke", {"reason": "a mistake"})
    ended = approve(end)

    assert made.json == again.json
    assert (approved.json["state"], approved.json["from_day"]) == ("approved", str(today))
    assert (ended.json["action"], ended.json["revokes"]) == ("revoke", made.json["id"])
    mine = caller(app, member_token(member_id)).get("/v1/members/me/tiers").json
    assert mine["tiers"][0]["tier"] is None
    assert [one["reason"] for one in mine["history"]] == ["revoked", "granted"]
    bad = maker.post("/v1/tier-grants", asked | {"tier": "platinum"})
    assert (bad.status_code, bad.json["type"]) == (422, "/problems/bad-grant")


def test_a_granted_tier_without_an_end_is_refused(app, member_id):
    asked = {"member": ids.public("mbr", member_id), "tier": "gold", "reason": "x"}

    assert caller(app, staff_token("support")).post("/v1/tier-grants", asked).status_code == 422

"""The first and the last day that a date can be, at every door that takes one: an answer, never a fault of the server."""

import pytest

from base import ids
from points.entitlements import rules
from points.entitlements.rules import LANGUAGES
from tests.given import (
    LONG_AGO,
    caller,
    given_bonus_rule,
    given_entitlement,
    given_ladder,
    given_member,
    given_programme,
    member_token,
    service_key,
    staff_token,
)

DAYS = ("0001-01-01", "9999-12-31")
NAMES = dict.fromkeys(LANGUAGES, "x")
SCOPES = (
    "members:write",
    "members:read",
    "bonuses:write",
    "entitlements:write",
    "wallet:any",
    "segments:write",
)


@pytest.mark.parametrize("day", DAYS)
def test_every_door_answers_the_first_and_the_last_day(app, db, day):
    programme = given_programme()
    given_ladder(programme)
    given_bonus_rule(programme)
    given_entitlement(rules.Wanted("gotone", "lounge", LONG_AGO, NAMES, "year", {"gold": 1}, carry_over=1))
    member_id = given_member(db, programme, points=10)
    member = ids.public("mbr", member_id)
    system, me = caller(app, service_key(programme, *SCOPES)), caller(app, member_token(member_id))
    support, editor = caller(app, staff_token("support")), caller(app, staff_token("editor"))
    auditor = caller(app, staff_token("auditor"))
    entitlement = {
        "programme": "gotone",
        "perk": "cinema",
        "names": NAMES,
        "period": "year",
        "uses": {"gold": 1},
    }
    answers = {
        "enrol": system.post("/v1/members", {"customer_id": "C-edge", "joined_on": day}),
        "attribute": system.post(
            f"/v1/members/{member}/attributes", {"name": "area", "value": "33", "from_day": day}
        ),
        "bonus": system.post("/v1/bonuses", {"rule": "survey", "member": member, "on": day, "ref": "r"}),
        "bonus estimate": me.post("/v1/bonuses/estimate", {"rule": "survey", "on": day}),
        "use": system.post(
            "/v1/entitlement-uses", {"member": member, "perk": "lounge", "ref": "r", "on": day}
        ),
        "entitlement": editor.post("/v1/entitlements", entitlement | {"from_day": day}),
        "blackout": editor.post(
            "/v1/entitlements", entitlement | {"perk": "b", "from_day": "2199-01-01", "blackout_days": [day]}
        ),
        "grant": support.post(
            "/v1/tier-grants", {"member": member, "tier": "gold", "until_day": day, "reason": "x"}
        ),
        "grant from": support.post(
            "/v1/tier-grants",
            {"member": member, "tier": "gold", "from_day": day, "until_day": "2199-01-01", "reason": "x"},
        ),
        "care": support.post(
            f"/v1/members/{member}/care/manager", {"person": None, "reason": "x", "from_day": day}
        ),
        "care rule": editor.post(
            "/v1/care/rules",
            {
                "programme": "gotone",
                "tier": None,
                "from_day": day,
                "department": "d",
                "name_zh": "x",
                "name_en": "x",
            },
        ),
        "budget": editor.post(
            "/v1/budget-proposals",
            {
                "programme": "gotone",
                "code": "b",
                "names": NAMES,
                "cap_fen": 1,
                "period": "month",
                "from_day": day,
                "until_day": day,
                "reason": "x",
            },
        ),
        "statement": me.get(f"/v1/members/me/statements/{day[:7]}"),
        "statement for the operator": system.get(f"/v1/members/{member}/statements/{day[:7]}"),
        "allowances after it": me.get("/v1/members/me/entitlements"),
        "tiers after it": me.get("/v1/members/me/tiers"),
        "log": auditor.get("/v1/view-log", since=f"{day}T00:00:00+00:00"),
    }

    said = {answer.json["type"] for answer in answers.values() if answer.status_code >= 400}
    assert (
        said & {"/problems/not-found", "/problems/method-not-allowed"} == set()
    )  # each door was really there
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code >= 500} == {}

"""Every door keeps to the scope: for who works in an area, members of other areas are not there, wherever they are asked for."""

import re

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import clock, database, ids
from base.approvals import approvals
from base.auth import api_keys
from base.errors import Invalid
from points.adjustments import adjustments
from points.members import members
from points.members.members import MemberUnknown
from points.merges import merges
from tests.given import (
    caller,
    given_area,
    given_member,
    given_person,
    given_programme,
    staff_token,
)

HANGZHOU, NINGBO = "3301", "3302"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def mine(db, programme):
    return given_area(given_member(db, programme, points=700), "330106")


@pytest.fixture
def theirs(db, programme):
    return given_area(given_member(db, programme, points=500), "330203")


def ref(member_id):
    return ids.public("mbr", member_id)


def page(app, path, *roles, area=HANGZHOU):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles, area=area))
    return client.get(path, headers={"Accept-Language": "en"})


def body(member_id, **more):
    usual = {"direction": "up", "points": 10, "reason": "goodwill", "text": "late", "ticket": "T-1"}
    return usual | {"member": ref(member_id)} | more


# Pages


def test_the_page_of_a_member_elsewhere_is_not_there(app, mine, theirs):
    assert page(app, f"/staff/members/{ref(mine)}", "support").status_code == 200
    assert page(app, f"/staff/members/{ref(theirs)}", "support").status_code == 404
    assert page(app, f"/staff/members/{ref(theirs)}/adjust", "support").status_code == 404


@pytest.mark.attack("A1")
def test_looking_for_a_customer_elsewhere_finds_nobody(app, db, mine, theirs):
    with database.begin() as session:
        customer = members.by_id(session, theirs).customer_id

    assert page(app, f"/staff/members?customer={customer}", "support").status_code == 200
    assert page(app, f"/staff/members?customer={customer}", "support", area=NINGBO).status_code == 303


def test_the_overview_counts_the_members_of_the_area_alone(app, mine, theirs):
    def numbers(area):
        text = page(app, "/staff?programme=gotone", "support", area=area).get_data(as_text=True)
        return set(re.findall(r">\s*(700|500|1,200)\s*<", text))

    assert numbers(HANGZHOU) == {"700"}
    assert numbers(NINGBO) == {"500"}
    assert numbers("") == {"1,200"}


# Proposals


def test_nobody_proposes_sees_or_decides_about_members_elsewhere(app, mine, theirs):
    support, checker = (caller(app, staff_token(role, area=HANGZHOU)) for role in ("support", "checker"))
    elsewhere = caller(app, staff_token("support", area=NINGBO))

    refused = support.post("/v1/adjustments", body(theirs))
    theirs_proposed = elsewhere.post("/v1/adjustments", body(theirs)).json
    mine_proposed = support.post("/v1/adjustments", body(mine)).json
    place = f"/v1/adjustments/{theirs_proposed['id']}"
    seen = {"content_hash": theirs_proposed["content_hash"]}

    assert (refused.status_code, refused.json["type"]) == (404, "/problems/member-unknown")
    assert [one["id"] for one in checker.get("/v1/adjustments").json["data"]] == [mine_proposed["id"]]
    assert checker.get(place).status_code == 404
    assert checker.post(f"{place}/approve", seen).status_code == 404
    assert checker.post(f"{place}/reject", {"note": "no"}).status_code == 404
    assert page(app, f"/staff/adjustments/{theirs_proposed['id']}", "checker").status_code == 404
    assert theirs_proposed["id"] not in page(app, "/staff/approvals", "checker").get_data(as_text=True)
    assert mine_proposed["id"] in page(app, "/staff/approvals", "checker").get_data(as_text=True)


def test_the_rule_itself_refuses_a_person_of_another_area(mine, theirs):
    maker, stranger = given_person("support", area=NINGBO), given_person("checker", area=HANGZHOU)
    wanted = adjustments.Wanted("up", 10, "goodwill", "late", "T-1")
    with database.begin() as session:
        proposal = adjustments.propose(session, maker, theirs, wanted, clock.now()).proposal

    with pytest.raises(approvals.ProposalUnknown), database.begin() as session:
        approvals.approve(session, stranger, proposal.proposal_id, proposal.content_hash.hex(), clock.now())


def test_a_merge_needs_both_members_to_be_the_own(app, db, mine, theirs):
    support = caller(app, staff_token("support", area=HANGZHOU))
    asked = {"member": ref(mine), "into": ref(theirs), "text": "the same person", "ticket": "T-1"}

    assert support.post("/v1/merges", asked).status_code == 404


def test_the_rule_of_merges_asks_for_both_whichever_door_it_came_by(mine, theirs):
    maker, text = given_person("support", area=HANGZHOU), "the same person"

    for pair in ((mine, theirs), (theirs, mine)):
        with pytest.raises(MemberUnknown), database.begin() as session:
            merges.propose(session, maker, *pair, text, "T-1", clock.now())


def test_what_is_about_a_whole_programme_is_for_headquarters(app, programme):
    editor, checker = (caller(app, staff_token(role, area=HANGZHOU)) for role in ("editor", "checker"))
    asked = {
        "programme": "gotone", "perk": "lounge", "names": {"zh-CN": "贵宾厅", "en": "Lounge"}, "period": "year",
        "from_day": "2199-01-01", "uses": {"gold": 2},
    }  # fmt: skip

    refused = editor.post("/v1/entitlements", asked)
    proposed = caller(app, staff_token("editor")).post("/v1/entitlements", asked).json
    place, seen = f"/v1/entitlements/{proposed['id']}", {"content_hash": proposed["content_hash"]}

    assert (refused.status_code, refused.json["type"]) == (403, "/problems/for-headquarters")
    assert checker.get(place).status_code == 200
    assert checker.post(f"{place}/approve", seen).json["type"] == "/problems/for-headquarters"
    assert caller(app, staff_token("checker")).post(f"{place}/approve", seen).status_code == 200


# Systems


@pytest.mark.parametrize("path", ["wallet", "postings", "line-events", "entitlements", "entitlement-uses"])
@pytest.mark.attack("A1")
def test_a_key_for_one_area_finds_no_member_of_another(app, programme, mine, theirs, path):
    with database.begin() as session:
        scopes = ["wallet:any", "members:read"]
        key = api_keys.issue(session, "test", programme.programme_id, scopes, clock.now(), HANGZHOU)
    system = caller(app, key)

    assert system.get(f"/v1/members/{ref(mine)}/{path}").status_code == 200
    assert system.get(f"/v1/members/{ref(theirs)}/{path}").status_code == 404


def test_a_key_for_one_area_cannot_have_what_is_about_a_whole_programme(db, programme):
    scopes = ["wallet:any", "wallet:issue"]

    with pytest.raises(Invalid, match="wallet:issue"), database.begin() as session:
        api_keys.issue(session, "test", programme.programme_id, scopes, clock.now(), HANGZHOU)


# The command


def test_a_person_is_added_once_with_roles_and_an_area(app, db, mine, theirs):
    def run(*more, password="a long password"):
        asked = ["staff", "add", "a@example.test", "--name", "A", "--role", "support", *more]
        return CliRunner().invoke(jifen, asked, input=f"{password}\n", standalone_mode=False)

    short, wrong, first, again = run(password="short"), run("--area", "33x"), run("--area", HANGZHOU), run()

    assert "at least 12 characters" in str(short.exception)
    assert "two, four or six digits" in str(wrong.exception)
    assert first.output == "a@example.test: support, area 3301\n"
    assert "already" in str(again.exception)

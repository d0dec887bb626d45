"""Three classes of approval: how long each waits, what a single case names, and two checkers above a limit."""

from datetime import datetime, timedelta

import pytest

from base import clock, ids
from catalog.offers.models import BASIC, EXTENSION, VALUE_ADDED
from catalog.publishing.classes import CLASSES
from tests.catalog.publishing.setting_up import (
    A_CREDIT,
    approve,
    decide,
    kind_of,
    new_draft,
    propose,
    proposed_draft,
    versions,
)
from tests.given import caller, given_area, given_member, given_person, given_programme, staff_token
from tests.points.test_ledger import at_once


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def maker(app, programme):
    return caller(app, staff_token("editor"))


def case_of(member_id):
    member = ids.public("mbr", member_id)
    return {"member": member, "reason": "a rival's offer", "expected": "stays for a year"}


def credit(maker, code, **content):
    return new_draft(maker, A_CREDIT | content, kind="bill_credit", code=code).json


def test_each_class_waits_its_days_and_what_nobody_decides_is_overdue(app, db, programme, maker):
    case = case_of(given_member(db, programme))
    drafts = {
        name: propose(maker, credit(maker, f"c-{number}", approval_class=name, stock=1, case=case)).json
        for number, name in enumerate((BASIC, VALUE_ADDED, EXTENSION))
    }
    days = {
        name: (datetime.fromisoformat(p["ends_at"]) - datetime.fromisoformat(p["proposed_at"])).days
        for name, p in ((name, draft["proposal"]) for name, draft in drafts.items())
    }

    with clock.stopped(clock.now() + timedelta(days=4)):
        checker = caller(app, staff_token("checker"))
        overdue = checker.get("/v1/proposals", overdue="true", limit=1).json
        rest = checker.get("/v1/proposals", overdue="true", cursor=overdue["next_cursor"]).json
        waiting = checker.get("/v1/proposals").json
        late = decide(checker, drafts[EXTENSION])

    assert days == {BASIC: 7, VALUE_ADDED: 3, EXTENSION: 2}
    assert [row["id"] for row in (*overdue["data"], *rest["data"])] == [
        drafts[name]["proposal"]["id"] for name in (EXTENSION, VALUE_ADDED)
    ]
    assert [(row["id"], row["kind"], row["href"]) for row in waiting["data"]] == [
        (
            drafts[BASIC]["proposal"]["id"],
            "offer",
            f"/staff/offer-proposals/{drafts[BASIC]['proposal']['id']}",
        )
    ]
    assert (kind_of(late), rest["has_more"]) == ("409 proposal-expired", False)
    assert [concern["type"] for concern in drafts[VALUE_ADDED]["concerns"]] == ["no-budget"]
    assert ["可考核" in CLASSES[BASIC].words["zh-CN"], "可灵活授权使用" in CLASSES[VALUE_ADDED].words["zh-CN"],
            "单项报批" in CLASSES[EXTENSION].words["zh-CN"]] == [True] * 3  # fmt: skip


def test_a_single_case_is_about_a_member_of_the_programme(db, programme, maker):
    elsewhere = given_member(db, given_programme("group"))
    cases = {
        "nobody": case_of(5),
        "another programme's": case_of(elsewhere),
        "no id": case_of(5) | {"member": "13912345678"},
    }
    said = {
        name: kind_of(propose(maker, credit(maker, f"c-{n}", approval_class=EXTENSION, case=case)))
        for n, (name, case) in enumerate(cases.items())
    }

    assert set(said.values()) == {"404 case-unknown"}


def test_above_the_limit_it_takes_two_checkers_and_one_is_never_both(app, db, programme, maker):
    case = case_of(given_member(db, programme))
    extension = {"approval_class": EXTENSION, "case": case}
    first, second = (caller(app, staff_token(*roles)) for roles in (("checker",), ("checker", "support")))
    small = propose(maker, credit(maker, "small", stock=99, **extension)).json
    large = propose(maker, credit(maker, "large", stock=100, **extension)).json
    endless = propose(maker, credit(maker, "endless", **extension)).json
    place = f"/v1/offer-proposals/{large['proposal']['id']}"

    came = [kind_of(decide(first, small)), kind_of(decide(first, large)), kind_of(decide(first, large))]
    between = second.get(place).json
    came += [kind_of(decide(second, large)), kind_of(decide(first, endless)), kind_of(decide(second, endless, "reject"))]  # fmt: skip
    after = second.get(place).json

    assert came == ["200", "200", "409 endorsed-already", "200", "200", "200"]
    assert (between["state"], between["checkers"], len(between["endorsed_by"])) == ("proposed", 2, 1)
    assert (after["state"], after["decided_by"], len(after["endorsed_by"])) == (
        "approved",
        after["endorsed_by"][1],
        2,
    )
    assert sorted(offer.code for offer in versions()) == ["large", "small"]


def test_whom_a_single_case_is_about_is_told_to_those_whose_member_it_is(app, db, programme, maker):
    member_id = given_area(given_member(db, programme), "330106")
    draft = propose(
        maker, credit(maker, "one", stock=9, approval_class=EXTENSION, case=case_of(member_id))
    ).json
    near, far = (caller(app, staff_token("editor", area=area)) for area in ("3301", "4401"))
    paths = (f"/v1/offer-drafts/{draft['id']}", f"/v1/offer-proposals/{draft['proposal']['id']}")

    told = [[who.get(path).json["content"]["case"] for path in paths] for who in (near, far)]
    listed = far.get("/v1/offer-drafts").json["data"][0]["content"]["case"]

    assert told[0] == [case_of(member_id)] * 2
    assert (told[1], listed) == ([None, None], None)


def test_two_checkers_at_once_are_two_and_one_twice_at_once_is_one(db, programme):
    content = {"approval_class": EXTENSION, "case": case_of(given_member(db, programme))}
    (_, both), (_, alone) = (proposed_draft(content, code) for code in ("both", "alone"))
    checkers = [given_person("checker"), given_person("checker")]

    two = at_once(2, lambda number: approve(checkers[number], both))
    one = at_once(2, lambda number: approve(checkers[0], alone))

    assert sorted(type(case).__name__ for case in two) == ["Case", "Case"]
    assert sorted(case.state(clock.now()) for case in two) == ["approved", "proposed"]
    assert sorted(type(case).__name__ for case in one) == ["Case", "EndorsedAlready"]
    assert [offer.code for offer in versions()] == ["both"]

"""Segments over HTTP: staff and systems make, try, version, end and read them, each within their own scope."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from admin.staff.models import StaffRow
from base import clock, database, ids
from points.segments import refreshing
from points.segments.refreshing import LAST
from tests.given import caller, given_member, given_programme, member_token, service_key, staff_token
from tests.points.segments.peopled import given_facts, today

pytestmark = pytest.mark.untold

NAMES = {"zh-CN": "杭州", "en": "Hangzhou"}
HANGZHOU = {"areas": ["3301"]}


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def editor(app, db):
    return caller(app, staff_token("editor"))


@pytest.fixture
def people(db, programme):
    """Two in Hangzhou, one in Ningbo, one of another programme in Hangzhou."""
    other = given_programme("mzone")
    made = [given_member(db, one) for one in (programme, programme, programme, other)]
    for one, area in zip(made, ("330106", "330109", "330203", "330106"), strict=True):
        given_facts(one, area=area, risk=3)
    return made


def make(who, code="hangzhou", rule=None):
    return who.post("/v1/segments", {"code": code, "names": NAMES, "rule": rule or HANGZHOU})


def works_for(area, role="editor"):
    """From now on the staff of a role works for an area."""
    with database.begin() as session:
        session.execute(update(StaffRow).where(StaffRow.email == f"{role}@example.test").values(area=area))


def refresh():
    with database.begin() as session:
        for work in refreshing.due(session, today()):
            refreshing.step(
                session, refreshing.begin(session, work, today(), clock.now()), work.version, LAST
            )


def test_a_segment_is_made_with_its_rule_in_words_in_both_languages(editor, programme):
    made = make(
        editor, rule={"kinds": ["contact"], "classes": ["top"], "ranks": ["senior"], "arpu_from_fen": 5000}
    )

    assert made.status_code == 201
    assert made.json["rule"] == {
        "kinds": ["contact"], "classes": ["top"], "ranks": ["senior"], "arpu_from_fen": 5000,
    }  # fmt: skip
    assert [line["zh-CN"] for line in made.json["words"]] == [
        "类型：集团联系人", "集团类别：百强", "职级：高层领导", "ARPU（元）：50.00 及以上",
    ]  # fmt: skip
    assert made.json["words"][3]["en"] == "ARPU (yuan): 50.00 or more"
    assert (made.json["from_day"], made.json["adds_only"], made.json["refresh"]) == (
        str(today()),
        False,
        None,
    )
    assert editor.get(f"/v1/segments/{made.json['id']}").json["versions"][0]["rule"] == made.json["rule"]


def test_the_same_request_again_makes_one_and_the_same_code_again_is_refused(editor, programme):
    body = {"code": "hangzhou", "names": NAMES, "rule": HANGZHOU}
    first, again = (editor.post("/v1/segments", body, key="k1") for _ in range(2))
    other = make(editor)

    assert (first.json, again.headers["Idempotency-Replayed"]) == (again.json, "true")
    assert (other.status_code, other.json["type"]) == (409, "/problems/segment-code-taken")
    assert len(editor.get("/v1/segments").json["data"]) == 1


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"areas": ["33x"]}, "/rule/areas/0"),
        ({"areas": ["330106\n"]}, "/rule/areas/0"),
        ({"kinds": ["robot"]}, "/rule/kinds/0"),
        ({"arpu_from_fen": 50.5}, "/rule/arpu_from_fen"),
        ({"arpu_from_fen": 100, "arpu_below_fen": 100}, "/rule/arpu_below_fen"),
        ({"risk_at_least": 5}, "/rule/risk_at_least"),
        ({"risk_at_least": 3, "risk_at_most": 2}, "/rule/risk_at_most"),
        ({"tenure_below_months": 0}, "/rule/tenure_below_months"),
        ({"birthday_months": [13]}, "/rule/birthday_months/0"),
        ({"birthday_this_month": "yes"}, "/rule/birthday_this_month"),
        ({"lines": ["cancelled"]}, "/rule/lines/0"),
        ({"sql": "true"}, "/rule/sql"),
        ({"areas": ["33"], "not": {"not": {"areas": ["33"]}}}, "/rule/not/not"),
        ({"areas": [f"{n:02}" for n in range(51)]}, "/rule/areas"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_and_named(editor, programme, rule, pointer):
    told = make(editor, rule=rule)

    assert told.status_code == 422
    assert pointer in {error["pointer"] for error in told.json["errors"]}


@pytest.mark.parametrize("rule", [{}, {"areas": []}, {"not": {}}, {"birthday_this_month": False}])
def test_a_rule_that_asks_for_nothing_is_refused(editor, programme, rule):
    assert make(editor, rule={"areas": []} | rule).json["type"] == "/problems/bad-rule"


def test_a_rule_of_an_unknown_brand_is_refused(editor, programme):
    assert make(editor, rule={"programmes": ["nobody"]}).json["type"] == "/problems/programme-unknown"


def test_a_preview_counts_shows_ten_and_keeps_nothing(editor, db, programme, people):
    for _ in range(11):
        given_facts(given_member(db, programme), area="330106")

    told = editor.post("/v1/segments/preview", {"rule": HANGZHOU | {"not": {"programmes": ["mzone"]}}})

    assert told.status_code == 200
    assert (told.json["count"], len(told.json["sample"])) == (13, 10)
    assert set(told.json["sample"][0]) == {"member", "kind", "area"}
    assert told.json["words"][1]["zh-CN"] == "不包括同时符合以下条件的会员：品牌：全球通"
    assert editor.get("/v1/segments").json["data"] == []


def test_risk_in_a_rule_is_flagged(editor, programme, people):
    rule = {"risk_at_least": 3}

    assert make(editor, rule=rule).json["adds_only"] is True
    assert editor.post("/v1/segments/preview", {"rule": rule}).json["adds_only"] is True


def test_a_person_of_an_area_tries_and_reads_within_it_alone(editor, app, programme, people):
    made = make(editor, rule={"areas": ["33"]}).json["id"]
    refresh()
    hq = editor.get(f"/v1/segments/{made}/members").json["data"]
    works_for("3302")

    county = editor.get(f"/v1/segments/{made}/members").json["data"]
    told = editor.post("/v1/segments/preview", {"rule": {"areas": ["33"]}})
    own = editor.post("/v1/segments/preview", {"rule": {"risk_at_least": 1}})

    assert len(hq) == 4
    assert [one["member"] for one in county] == [ids.public("mbr", people[2])]
    assert told.json["type"] == "/problems/bad-rule"
    assert own.json["count"] == 1


def test_a_person_of_an_area_makes_segments_of_that_area_alone(editor, programme, people):
    whole = make(editor, "whole", {"risk_at_least": 1}).json["id"]
    works_for("3302")

    mine = make(editor, "mine", {"risk_at_least": 1})
    theirs = make(editor, "theirs", HANGZHOU)
    ended = editor.post(f"/v1/segments/{whole}/end")

    assert mine.json["rule"] == {"areas": ["3302"], "risk_at_least": 1}
    assert theirs.json["type"] == "/problems/bad-rule"
    assert (ended.status_code, ended.json["type"]) == (403, "/problems/segment-not-yours")
    assert editor.post(f"/v1/segments/{mine.json['id']}/end").status_code == 200


def test_a_system_reads_and_makes_segments_of_its_own_programme_alone(app, editor, programme, people):
    system = caller(app, service_key(programme, "segments:read", "segments:write"))
    whole, theirs = make(editor, "whole"), make(editor, "theirs", {"programmes": ["mzone"]})

    mine = make(system, "mine")
    refresh()

    assert mine.json["rule"] == {"programmes": ["gotone"], "areas": ["3301"]}
    assert {one["code"] for one in system.get("/v1/segments").json["data"]} == {"whole", "mine"}
    assert system.get(f"/v1/segments/{theirs.json['id']}").json["type"] == "/problems/segment-unknown"
    assert make(system, "other", {"programmes": ["mzone"]}).json["type"] == "/problems/programme-unknown"
    body = {"from_day": str(today() + timedelta(days=1)), "rule": HANGZHOU}
    changed = [
        system.post(f"/v1/segments/{one.json['id']}/versions", body).status_code for one in (whole, mine)
    ]
    assert changed == [403, 201]
    page = system.get(f"/v1/segments/{whole.json['id']}/members").json["data"]
    assert {one["member"] for one in page} == {ids.public("mbr", one) for one in people[:2]}


def test_lists_go_page_by_page(editor, programme, people):
    for number in range(3):
        made = make(editor, f"s{number}", {"areas": ["33"]}).json["id"]
    refresh()

    for path in ("/v1/segments", f"/v1/segments/{made}/members"):
        first = editor.get(path, limit=2).json
        rest = editor.get(path, limit=2, cursor=first["next_cursor"]).json
        both = first["data"] + rest["data"]
        assert (len(first["data"]), first["has_more"], rest["has_more"]) == (2, True, False)
        assert len({json.dumps(one) for one in both}) == len(both) == len(editor.get(path).json["data"])


def test_another_rule_counts_from_its_day_on_and_the_old_one_stays(editor, programme):
    made = make(editor).json["id"]
    tomorrow = str(today().replace(year=today().year + 1))

    same_day = editor.post(
        f"/v1/segments/{made}/versions", {"from_day": str(today()), "rule": {"areas": ["44"]}}
    )
    past = editor.post(f"/v1/segments/{made}/versions", {"from_day": "2020-01-01", "rule": {"areas": ["44"]}})
    later = editor.post(f"/v1/segments/{made}/versions", {"from_day": tomorrow, "rule": {"areas": ["44"]}})

    assert (same_day.json["type"], past.json["type"]) == ("/problems/same-day-version", "/problems/bad-rule")
    assert (later.status_code, later.json["rule"]) == (201, {"areas": ["3301"]})
    shown = editor.get(f"/v1/segments/{made}").json
    assert [(one["from_day"], one["rule"]) for one in shown["versions"]] == [
        (tomorrow, {"areas": ["44"]}), (str(today()), {"areas": ["3301"]}),
    ]  # fmt: skip


def test_an_ended_segment_shows_nobody_and_takes_no_version(editor, programme, people):
    made = make(editor).json["id"]
    refresh()

    ended = [editor.post(f"/v1/segments/{made}/end") for _ in range(2)]

    assert ended[0].json["ended_at"] == ended[1].json["ended_at"] is not None
    assert editor.get(f"/v1/segments/{made}/members").json["data"] == []
    told = editor.post(f"/v1/segments/{made}/versions", {"from_day": str(today()), "rule": {"areas": ["44"]}})
    assert told.json["type"] == "/problems/segment-ended"
    refresh()


def test_a_refresh_shows_its_counts(editor, programme, people):
    made = make(editor).json["id"]
    refresh()
    given_facts(people[0], area="330203")
    refresh()

    shown = editor.get(f"/v1/segments/{made}").json

    assert [(r["came"], r["went"], r["stayed"], r["members"]) for r in shown["refreshes"]] == [
        (0, 1, 2, 2), (3, 0, 0, 3),
    ]  # fmt: skip
    assert shown["refresh"] == shown["refreshes"][0]


def test_a_look_at_members_is_on_record_without_naming_them(editor, programme, people):
    made = make(editor).json["id"]
    refresh()
    editor.get(f"/v1/segments/{made}/members")

    with database.begin() as session:
        rows = session.execute(
            text("select subject, facts from audit where action = 'segment.members-viewed'")
        ).all()
    assert [tuple(row) for row in rows] == [(made, {})]


def test_members_learn_nothing_of_segments_or_their_risk(app, editor, programme, people):
    me = caller(app, member_token(people[0]))
    made = make(editor, rule={"risk_at_least": 3}).json["id"]
    refresh()

    for path in ("/v1/segments", f"/v1/segments/{made}", f"/v1/segments/{made}/members"):
        told = me.get(path)
        assert told.status_code == 403
        assert "risk" not in told.get_data(as_text=True)
    for path in ("/v1/members/me/wallet", "/v1/offers"):
        assert "risk" not in me.get(path).get_data(as_text=True)

"""Tickets over HTTP: a member's own, the staff's by scope, what no kept answer says, each deed on record."""

import pytest
from sqlalchemy import select

from base import clock, database, ids
from base.models import AuditRow
from tests.given import caller, given_area, given_member, given_programme, member_token, staff_token

ASKED = {"subject": "points", "words": "300 points are missing.\nCall 13900001234.", "about": "posting 1"}


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def mine(db, programme):
    return given_area(given_member(db, programme, points=500), "330106")


@pytest.fixture
def member(app, mine):
    return caller(app, member_token(mine))


@pytest.fixture
def support(app):
    return caller(app, staff_token("support"))


def kind(answer):
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def test_a_member_asks_reads_the_answer_and_takes_it_up_again(app, db, programme, member, support):
    opened = member.post("/v1/tickets", ASKED)
    place = f"/v1/tickets/{opened.json['id']}"

    done = [support.post(f"{place}/{deed}").json["stage"] for deed in ("take", "start")]
    answered = support.post(f"{place}/answer", {"words": "They are back."}).json
    seen = member.get(place).json
    again = member.post(f"{place}/reopen", {"words": "Not all of them."}).json
    stranger = caller(app, member_token(given_member(db, programme)))

    assert (opened.status_code, done, answered["stage"]) == (201, ["assigned", "in-work"], "answered")
    assert [(one["did"], one["words"]) for one in seen["steps"]] == [
        ("opened", ASKED["words"]),
        ("taken", None),
        ("started", None),
        ("answered", "They are back."),
    ]
    assert seen["about_names"]["en"] == "movement no. 1 (+500 points)"
    assert not {"owner", "level", "member"} & seen.keys()
    assert (again["stage"], again["reopen_until"]) == ("in-work", None)
    assert kind(member.post(f"{place}/reopen", {"words": "And again."})) == "reopened-before"
    assert kind(stranger.get(place)) == "ticket-unknown"
    assert stranger.get("/v1/tickets").json["data"] == []


def test_the_same_key_opens_one_ticket_and_no_kept_answer_says_what_was_said(member, owner):
    first, second = (member.post("/v1/tickets", ASKED, key="k1") for _ in range(2))
    other = member.post("/v1/tickets", ASKED | {"words": "Something else."}, key="k1")

    kept = str(owner.exec_driver_sql("select answer::text from idempotency_key").fetchall())
    assert first.json == second.json
    assert kind(other) == "key-reused"
    assert first.json["id"] in kept
    assert "missing" not in kept


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ({"words": " \n "}, "invalid"),
        ({"words": "x" * 2001}, "bad-words"),
        ({"words": "\x00"}, "bad-words"),
        ({"subject": "weather"}, "invalid"),
        ({"about": "posting 7"}, "about-unknown"),
        ({"member": "mbr_0000000000001"}, "invalid"),
        ({"channel": "hotline"}, "invalid"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(member, told, refusal):
    assert kind(member.post("/v1/tickets", ASKED | told)) == refusal
    assert member.get("/v1/tickets").json["data"] == []


def test_the_staff_takes_one_down_by_its_channel_and_that_is_a_contact(app, mine, support):
    told = {
        "subject": "voucher",
        "words": "It did not scan.",
        "member": ids.public("mbr", mine),
        "about": None,
    }

    opened = support.post("/v1/tickets", told | {"channel": "hotline"})
    strange = support.post("/v1/tickets", told | {"channel": "pigeon"})
    elsewhere = caller(app, staff_token("support", area="3302")).post("/v1/tickets", told)
    log = support.get(f"/v1/members/{told['member']}/contacts").json["data"]

    assert (opened.status_code, opened.json["channel"]) == (201, "hotline")
    assert [kind(strange), kind(elsewhere)] == ["channel-unknown", "member-unknown"]
    assert [(one["purpose"], one["direction"], one["ticket"]) for one in log] == [
        ("complaint", "in", opened.json["id"])
    ]


def test_lists_are_filtered_paged_and_kept_to_the_scope(app, mine, member, support):
    for subject in ("points", "voucher", "points"):
        member.post("/v1/tickets", {"subject": subject, "words": "x"})
    first = support.get("/v1/tickets", view="unassigned", limit=2).json
    support.post(f"/v1/tickets/{first['data'][0]['id']}/take")

    def found(**query):
        return len(support.get("/v1/tickets", **query).json["data"])

    rest = support.get("/v1/tickets", view="unassigned", limit=2, cursor=first["next_cursor"]).json
    assert (len(first["data"]), len(rest["data"]), rest["has_more"]) == (2, 1, False)
    assert [found(view=view) for view in ("mine", "unassigned", "overdue", "open", "closed")] == [
        1,
        2,
        0,
        3,
        0,
    ]
    assert (found(subject="points"), found(department="privacy"), found(stage="assigned")) == (2, 0, 1)
    assert caller(app, staff_token("support", area="3302")).get("/v1/tickets").json["data"] == []


def test_each_deed_and_each_reading_of_the_staff_is_on_record(member, support):
    ref = member.post("/v1/tickets", ASKED).json["id"]

    support.post(f"/v1/tickets/{ref}/take")
    support.get(f"/v1/tickets/{ref}")
    support.post(f"/v1/tickets/{ref}/start")

    with database.begin() as session:
        asked = select(AuditRow.action).where(AuditRow.subject == ref).order_by(AuditRow.audit_id)
        assert list(session.scalars(asked)) == ["ticket.taken", "ticket.read", "ticket.started"]


def test_an_editor_sets_from_a_day_on_who_leads_and_how_soon(app, programme, member):
    editor = caller(app, staff_token("editor"))
    today = clock.day(clock.now(), programme.zone).isoformat()
    rule = {"programme": "gotone", "subject": "app", "from_day": today, "department": "app-desk", "name_zh": "应用组", "name_en": "App desk", "hours": 4}  # fmt: skip

    made = editor.post("/v1/ticket-subjects", rule)
    again = editor.post("/v1/ticket-subjects", rule)
    told = {one["subject"]: one for one in member.get("/v1/ticket-subjects").json["data"]}

    assert (made.status_code, kind(again)) == (201, "same-day-version")
    assert (told["app"]["department"]["code"], told["app"]["hours"]) == ("app-desk", 4)
    assert kind(editor.post("/v1/ticket-subjects", rule | {"department": "Not A Code"})) == "bad-rule"

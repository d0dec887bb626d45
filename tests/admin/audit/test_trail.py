"""The audit log asked by who, what, about what and when; exported as it is shown; its chains checked on the page."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest

from base import audit, clock, database, ids
from tests.given import given_member, given_programme, staff_token


def browser(app, *roles, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


def api(app, *roles):
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {staff_token(*roles)}"
    return client


@pytest.fixture
def written(db):
    """Four rows of two persons on two days."""
    for day, actor, action, subject in (
        (1, "staff:71", "offer.paused", "off_a"),
        (1, "staff:72", "offer.ended", "off_b"),
        (2, "staff:71", "merchant.changed", "mer_a"),
        (2, "staff:71", "offer.resumed", "off_a"),
    ):
        with clock.stopped(datetime(2026, 9, day, 4, tzinfo=UTC)), database.begin() as session:
            audit.write(session, actor, action, subject, reason="=1+1", before=1, after=2)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("actor=staff:71", ["offer.resumed", "merchant.changed", "offer.paused"]),
        ("action=offer.", ["offer.resumed", "offer.ended", "offer.paused"]),
        ("action=offer.ended", ["offer.ended"]),
        ("subject=off_a", ["offer.resumed", "offer.paused"]),
        ("actor=staff:71&from_day=2026-09-02", ["offer.resumed", "merchant.changed"]),
        ("action=offer.&to_day=2026-09-01", ["offer.ended", "offer.paused"]),
        ("actor=staff:71&action=merchant.", ["merchant.changed"]),
        ("actor=staff:7", []),
        ("action=%25", []),
    ],
)
def test_the_log_is_asked_by_who_what_about_what_and_when(app, written, asked, found):
    answer = api(app, "auditor").get(f"/v1/audit?{asked}")

    assert [row["action"] for row in answer.json["data"]] == found


def test_pages_of_the_log_follow_each_other_without_a_gap(app, written):
    auditor, seen, cursor = api(app, "auditor"), [], ""
    while True:
        answer = auditor.get(f"/v1/audit?limit=1&action=offer.&cursor={cursor}").json
        seen += [row["subject"] for row in answer["data"]]
        if not answer["has_more"]:
            break
        cursor = answer["next_cursor"]

    assert seen == ["off_a", "off_b", "off_a"]


def test_a_row_names_the_request_that_wrote_it(app, db):
    support = api(app, "support")
    member = ids.public("mbr", given_member(db, given_programme()))

    support.get(f"/v1/members/{member}", headers={"X-Request-Id": "req_0123456789abcdef"})

    (row,) = api(app, "auditor").get("/v1/audit?request_id=req_0123456789abcdef").json["data"]
    assert (row["action"], row["subject"]) == ("member.viewed", member)


def test_who_may_not_read_the_log_does_not_and_who_works_for_an_area_names_a_member(app, written):
    assert api(app, "editor").get("/v1/audit").status_code == 403
    assert api(app, "auditor").get("/v1/audit?from_day=2026-09-02&to_day=2026-09-01").status_code == 422


@pytest.mark.parametrize(("language", "title"), [("en", "Audit log"), ("zh-CN", "审计日志")])
def test_the_page_shows_what_is_asked_for_and_keeps_it_in_the_address(app, written, language, title):
    page = (
        browser(app, "auditor", language=language).get("/staff/audit?actor=staff:71&action=offer.paused").text
    )

    assert title in page
    assert page.count("off_a") > 0
    assert "mer_a" not in page
    assert 'value="staff:71"' in page


def test_a_day_that_is_none_is_said_on_the_page(app, written):
    answer = browser(app, "auditor").get("/staff/audit?from_day=yesterday")

    assert answer.status_code == 422
    assert "2026-09-01" in answer.text


def test_the_file_holds_exactly_what_is_shown_without_a_formula_and_is_itself_on_record(app, written):
    auditor = browser(app, "auditor")

    answer = auditor.get("/staff/audit?actor=staff:71&csv=1")

    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["action"] for row in rows] == ["offer.resumed", "merchant.changed", "offer.paused"]
    assert all(not row["facts"].startswith(("=", "+", "-", "@")) for row in rows)
    (exported,) = api(app, "auditor").get("/v1/audit?action=audit.exported").json["data"]
    assert exported["facts"] == {"asked": {"actor": "staff:71"}}


def test_the_chain_of_an_actor_is_checked_with_one_button(app, written):
    auditor = browser(app, "auditor")
    page = auditor.get("/staff/audit?actor=staff:71").text
    token = re.search(r'name="csrf_token" value="([^"]*)"', page)[1]

    checked = auditor.post("/staff/audit/check", data={"csrf_token": token, "actor": "staff:71"}).text

    assert "3 rows, whole from the first to the last." in checked

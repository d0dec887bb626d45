"""Seeing personal data in clear in the console, and the log of who looked."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from base import clock, database, ids, vault
from base.models import AuditRow
from points.erasures import erasures
from points.members import members
from points.people import looking
from tests.given import given_member, given_person, given_programme, staff_token

PHONE, NAME = "13812345678", "Canary Zhang"


def browser(app, *roles, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


@pytest.fixture
def member(db):
    member_id = given_member(db, given_programme(), phone=PHONE)
    with database.begin() as session:
        vault.put(session, db.seal_key, member_id, {vault.NAME: NAME}, clock.now(), "hall")
    return ids.public("mbr", member_id)


def send(client, path, **fields):
    token = re.search(r'name="csrf_token" value="([^"]*)"', client.get(path).text)[1]
    return client.post(path, data={"csrf_token": token} | fields)


FILLED = {"fields": ["phone", "name"], "reason": "complaint", "case": "T-17"}


@pytest.mark.attack("A8")
def test_the_page_of_a_member_is_masked_and_leads_to_the_form(app, member):
    support = browser(app, "support")

    page = support.get(f"/staff/members/{member}").text

    assert PHONE not in page
    assert NAME not in page
    assert "138****5678" in page
    assert "C*" in page
    assert f"/staff/members/{member}/reveal" in page
    assert (
        f"/staff/members/{member}/reveal" not in browser(app, "checker").get(f"/staff/members/{member}").text
    )


def test_a_reveal_shows_once_and_is_in_the_log_of_the_member(app, member):
    support, auditor = browser(app, "support"), browser(app, "auditor")
    path = f"/staff/members/{member}/reveal"

    shown = send(support, path, **FILLED)

    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert PHONE in shown.text
    assert NAME in shown.text
    assert PHONE not in support.get(path).text
    for page in (f"/staff/members/{member}", "/staff/view-log", f"/staff/view-log?member={member}"):
        seen = auditor.get(page).text
        assert "Seen in clear" in seen
        assert "T-17" in seen
        assert "Complaint" in seen
        assert PHONE not in seen


@pytest.mark.parametrize("wrong", [{"fields": []}, {"reason": ""}, {"case": ""}, {"case": PHONE}])
def test_without_reason_and_case_the_form_comes_again_and_nothing_is_shown(app, member, wrong):
    answer = send(browser(app, "support"), f"/staff/members/{member}/reveal", **(FILLED | wrong))

    assert answer.status_code == 422
    assert NAME not in answer.text
    with database.begin() as session:
        assert session.scalar(select(func.count()).where(AuditRow.action == looking.REVEALED)) == 0


def test_too_many_are_refused_and_told_on_in_the_log(app, member, monkeypatch):
    monkeypatch.setattr(looking, "MOST_REVEALS", 1)
    support = browser(app, "support")
    path = f"/staff/members/{member}/reveal"
    send(support, path, **FILLED)

    refused = send(support, path, **FILLED)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert NAME not in refused.text
    assert "Refused: too many" in browser(app, "security").get("/staff/view-log").text


def test_the_log_is_whole_in_chinese_and_goes_on_page_by_page(app, db, member):
    support, auditor = browser(app, "support"), browser(app, "auditor", language="zh-CN")
    for _ in range(51):
        support.get(f"/staff/members/{member}")

    page = auditor.get("/staff/view-log").text

    assert "查阅记录" in page
    assert "查看（掩码）" in page
    assert 'rel="next"' in page


def test_an_erasure_is_decided_in_the_console_and_the_page_says_so(app, db, member):
    (member_id,) = ids.parse("mbr", member, parts=1)
    with database.begin() as session:
        members.leave(session, member_id, clock.now().date() - timedelta(days=1))
    with database.begin() as session:
        case = erasures.propose(session, given_person("support"), member, "request", "T-1", clock.now())
        proposal = f"/staff/erasures/{ids.public('apr', case.proposal.proposal_id)}"
    security = browser(app, "security")
    page = security.get(proposal).text
    form = re.search(rf'action="{proposal}/approve".*?</form>', page, re.DOTALL)[0]

    done = security.post(f"{proposal}/approve", data=dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)))

    assert "The person asked for it" in page
    assert done.status_code == 303
    after = security.get(f"/staff/members/{member}").text
    assert "erased; the books stay as they are" in after
    assert "138****" not in after

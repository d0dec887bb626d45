"""Replays in the console: asked for on the proposal's page, read in both languages, seen by whoever decides."""

import re
from html import unescape
from uuid import uuid4

import pytest

from base import jobs
from base.approvals import approvals
from catalog.rates.rates import Row
from catalog.rates.scopes import Scope
from tests.admin.console.test_pages import browser
from tests.admin.replay.replaying import SOON, proposed, redeemed
from tests.given import given_area, given_member, given_offer, given_programme, given_tier


@pytest.fixture
def proposal(db):
    """Perks of 10 yuan for 800 points, after one of gold in Zhejiang took 1 000."""
    programme = given_programme()
    member_id = given_tier(given_area(given_member(db, programme, points=5000), "330106"), "gold")
    redeemed(member_id, given_offer(programme, "perk"), 10)
    return proposed(Row(Scope(kind="perk"), SOON, 80, 100))


def text_of(page):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


def asked(client, proposal, **more):
    form = {"proposal": approvals.reference(proposal.proposal_id), "months": "3", "key": str(uuid4())} | more
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(place_of(proposal)).text)
    return client.post("/staff/replays", data=form | {"csrf_token": token.group(1) if token else ""})


def place_of(proposal):
    return f"/staff/rate-proposals/{approvals.reference(proposal.proposal_id)}"


def test_a_checker_asks_for_it_waits_and_reads_it_in_both_languages(app, db, proposal):
    checker = browser(app, "checker")
    before = text_of(checker.get(place_of(proposal)))
    answer = asked(checker, proposal)
    waiting = text_of(checker.get(answer.location))
    jobs.drain(db.database_url)
    done, beside = checker.get(answer.location), text_of(checker.get(place_of(proposal)))
    chinese = text_of(browser(app, "auditor", language="zh").get(answer.location))

    assert answer.status_code == 303
    assert "Without a finished replay it cannot be approved" in before
    assert "Load this page again" in waiting
    for told in (text_of(done), beside):
        assert "Behaviour assumed unchanged" in told
        assert "1,000 → 800" in told
    assert "gold" in text_of(done)
    assert "It costs more than its points are worth." in text_of(done)
    assert "<svg" in done.text
    assert "style=" not in done.text.split("<main")[1]
    assert "假设会员行为不变" in chinese
    assert "金卡" in chinese
    assert not re.findall(r"(?:Better off|Worse off|Points then|Heap|Warnings)", chinese)


def test_who_may_not_ask_sees_no_button(app, db, proposal):
    auditor, support = browser(app, "auditor"), browser(app, "support")

    assert "Replay</button>" not in re.sub(r"<svg.*?</svg>\s*", "", auditor.get(place_of(proposal)).text)
    assert "Nobody has replayed this content yet." in auditor.get(place_of(proposal)).text
    assert "Replayed over past months" not in support.get(place_of(proposal)).text
    assert asked(browser(app, "checker"), proposal, months="13").status_code == 422

"""The console says where the mix drifted, and shows a proposed target to who decides on it."""

from datetime import date

import pytest

from admin.analytics import mix, mix_targets
from admin.analytics.mix_targets import Wanted
from base import clock, database
from base.approvals import approvals
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from tests.admin.analytics.test_mix import AFTER, BEFORE, MONDAY, TARGET, WEDNESDAY
from tests.admin.console.test_approvals import browser
from tests.given import given_member, given_offer, given_person, given_programme


def given_drift(db, programme):
    maker, checker = given_person("editor"), given_person("checker")
    with clock.stopped(BEFORE), database.begin() as session:
        asked = Wanted(programme.code, date(2026, 11, 2), TARGET, 500, "less bill credit")
        proposal = mix_targets.propose(session, maker, asked, clock.now()).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now())
    with clock.stopped(BEFORE):
        member_id, offer = given_member(db, programme, points=5000), given_offer(programme, "bill_credit")
    with clock.stopped(WEDNESDAY), database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, 1, WEDNESDAY, 600).quote
        redemptions.redeem(session, member_id, quote.quote_id, JOB, WEDNESDAY)
    mix.take(programme, MONDAY)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "Away from the target mix, last week",
                "Bill credit, Club perks, Points mall",
                "Target of the mix",
                "Points mall",
                "30%",
                "5%",
            ),
        ),
        ("zh-CN", ("上周偏离兑换结构目标", "积分商城", "兑换结构目标", "话费", "30%", "5%")),
    ],
)
def test_the_overview_and_the_proposal_say_it_in_words(app, db, language, words):
    programme = given_programme()
    with clock.stopped(AFTER):
        given_drift(db, programme)
    maker = given_person("editor")
    with clock.stopped(WEDNESDAY), database.begin() as session:
        asked = Wanted(programme.code, date(2026, 11, 16), TARGET, 500, "once more")
        proposal = mix_targets.propose(session, maker, asked, clock.now()).proposal
    place = f"/staff/mix-target-proposals/{approvals.reference(proposal.proposal_id)}"

    with clock.stopped(WEDNESDAY.replace(day=17)):
        checker = browser(app, "checker", language=language)
        overview, shown, listed = (checker.get(path).text for path in ("/staff", place, "/staff/approvals"))
        support = browser(app, "support", language=language).get("/staff").text

    assert [word for word in words[:2] if word not in overview] == []
    assert words[0] not in support
    assert words[2] in listed
    assert [word for word in words[3:] if word not in shown] == []

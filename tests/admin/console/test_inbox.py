"""The inbox of approvals: what is mine to decide, what I proposed, of which kind; with whom each is and of which class."""

from base import clock, database
from base.approvals import approvals
from points.adjustments import adjustments
from points.adjustments.adjustments import Wanted
from tests.admin.console.test_approvals import browser
from tests.catalog.publishing.setting_up import proposed_draft
from tests.given import given_area, given_member, given_person, given_programme, staff_token


def test_each_finds_what_is_theirs_and_reads_with_whom_it_is(app, db):
    programme = given_programme()
    member_id = given_area(given_member(db, programme, points=10), "330106")
    local = given_person("support", area="3301")
    with database.begin() as session:
        wanted = Wanted("up", 5, "goodwill", "a long outage", "T-1")
        mine = adjustments.propose(session, local, member_id, wanted, clock.now()).proposal
    _maker, offer = proposed_draft()
    names = {
        "adjustment": approvals.reference(mine.proposal_id),
        "offer": approvals.reference(offer.proposal_id),
    }
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token("checker", area="3301"))

    def seen(by, **query):
        page = by.get("/staff/approvals", query_string=query).text
        return {what for what, name in names.items() if name in page}, page

    checker, editor = browser(app, "checker"), browser(app, "editor")
    both, page = seen(checker, whose="to-decide")
    later = clock.now() + (mine.ends_at - mine.at) * 3 // 4
    with clock.stopped(later):
        climbed = browser(app, "checker").get("/staff/approvals?kind=adjustment").text

    assert both == {"adjustment", "offer"}
    assert seen(client, whose="to-decide")[0] == {"adjustment"}
    assert seen(checker, whose="to-decide", kind="offer")[0] == {"offer"}
    assert seen(editor, whose="to-decide")[0] == set()
    assert seen(checker, whose="mine")[0] == set()
    assert "basic: standing, measured" in page
    assert "3301" in page
    assert "climbed" not in page
    assert "climbed" in climbed
    assert "soon over" in climbed

"""What is stopped: by one person at once, on again by two; what only looks, gives back or undoes goes on."""

import json
import re
from datetime import date

import pytest
from click.testing import CliRunner

from admin.halts import resuming
from app.cli import jifen
from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import ForHeadquarters, OwnProposal
from base.errors import NotAllowed, Problem
from base.halts import halts
from base.halts.halts import ACTIONS, BadHalt, HaltOver, StoppedAlready
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import By
from merchants.payouts import runs
from points.exports import exports
from tests.asking import heard
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_shop,
    member_token,
    service_key,
    staff_token,
)
from tests.merchants.payouts.paying import given_bank, given_merchant, given_statement
from tests.second_factor import typed


def stopped(action, programme=None, reason="a fault"):
    with database.begin() as session:
        made = resuming.stop(session, given_person("security"), action, programme, reason, clock.now())
        return made.halt_id


def resumed(halt_id, maker=None, checker=None):
    at = clock.now()
    with database.begin() as session:
        proposal = resuming.propose(
            session, maker or given_person("security"), halt_id, "mended", at
        ).proposal
        approvals.approve(
            session, checker or given_person("finance"), proposal.proposal_id, proposal.content_hash.hex(), at
        )


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def offer(programme):
    return given_offer(
        programme, "voucher", merchant_id=given_shop().merchant.merchant_id, value_fen=10, cancellable=True
    )


@pytest.fixture
def member(app, db, programme):
    return caller(app, member_token(given_member(db, programme, points=1000)))


def test_redeeming_stops_with_the_next_one_and_goes_on_when_two_persons_say_so(member, offer, programme):
    first = {"quote": member.quote(offer).json["id"]}
    before = member.post("/v1/redemptions", first, key="first")
    halt = stopped("redeem", programme.code)

    refused = member.redeem(offer)
    replayed = member.post("/v1/redemptions", first, key="first")
    spendable = member.spendable()
    cancelled = member.post(f"/v1/redemptions/{before.json['id']}/cancel")
    resumed(halt)

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/redeeming-stopped")
    assert "nothing was taken from your points" in refused.json["title"]
    assert (replayed.status_code, replayed.json["id"]) == (201, before.json["id"])
    assert (spendable, cancelled.status_code) == (990, 200)
    assert member.redeem(offer).status_code == 201


def test_tills_take_nothing_while_checks_and_voids_go_on(app, member, programme):
    shop = given_shop("cake")
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=10)
    till = caller(app, clerk_token(shop))
    used, kept = (member.voucher_code(member.redeem(offer).json) for _ in range(2))
    accepted = till.accept(used)
    stopped("accept")

    refused = till.accept(kept)
    voided = till.post(f"/v1/acceptances/{accepted.json['id']}/void", {"reason": "wrong one"})

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/accepting-stopped")
    assert refused.json["clerk_text"]["zh-CN"] == halts.AcceptingStopped.clerk_zh
    assert till.check(kept).status_code == 200
    assert voided.status_code == 201


def test_a_stop_is_of_its_own_programme_and_action_alone(app, db, programme, member, offer):
    given_programme("other")

    stopped("redeem", "other")
    stopped("accept", programme.code)

    assert member.redeem(offer).status_code == 201


def test_what_members_and_tills_do_often_asks_for_stops_within_a_statement_that_it_needs_anyway(
    db, programme, offer
):
    member_id, at = given_member(db, programme, points=1000), clock.now()
    with database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, 1, at, 600).quote

    with database.begin() as session, heard(session) as questions:
        redemptions.redeem(session, member_id, quote.quote_id, By("test", "member-web"), at)

    (asking,) = [one.statement for one in questions if "halt" in one.statement]
    assert "FROM member JOIN programme" in " ".join(asking.split())


def test_no_money_leaves_while_payouts_are_stopped(app, db):
    merchant = given_merchant("tea")
    given_bank(db, merchant)
    given_statement(merchant, 500)
    maker, checker, at = given_person("finance"), given_person("finance"), clock.now()
    with database.begin() as session:
        wanted = runs.Wanted("bank", date(2099, 1, 1))
        proposal = runs.propose(session, maker, db.seal_key, wanted, "due", at).proposal
    halt = stopped("payout")

    def approve():
        with database.begin() as session:
            approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
            return proposal.said["run"]

    with pytest.raises(halts.PayoutsStopped):
        approve()
    resumed(halt)
    run = approve()
    stopped("payout")

    file = caller(app, staff_token("finance")).get(f"/v1/payout-runs/{run}/file")
    assert (file.status_code, file.json["type"]) == (409, "/problems/payouts-stopped")


def test_nobody_is_enrolled_nothing_earned_and_no_file_given_out_while_that_is_stopped(app, db, programme):
    member_id = given_member(db, programme)
    system = caller(app, service_key(programme, "members:write", "bills:write"))
    for action in ("enrol", "earn", "export"):
        stopped(action, programme.code)

    enrolled = system.post("/v1/members", {"customer_id": "NEW1"})
    paid = system.post("/v1/bill-payments", {"payments": []})
    with pytest.raises(halts.ExportsStopped), database.begin() as session:
        exports.ask(session, member_id, "en", clock.now())

    assert enrolled.json["type"] == "/problems/enrolment-stopped"
    assert paid.json["type"] in ("/problems/earning-stopped", "/problems/invalid")


def test_one_person_never_lets_it_go_on_alone(db, programme):
    halt, person = stopped("redeem"), given_person("security")

    with pytest.raises(OwnProposal):
        resumed(halt, maker=person, checker=person)
    with pytest.raises(NotAllowed):
        resumed(halt, checker=given_person("checker"))


def test_it_ends_once_and_the_second_approval_changes_nothing(db, programme):
    halt = stopped("redeem")
    maker, checker, at = given_person("security"), given_person("finance"), clock.now()
    with database.begin() as session:
        both = [resuming.propose(session, maker, halt, "mended", at).proposal for _ in range(2)]

    def approve(one):
        with database.begin() as session:
            approvals.approve(session, checker, one.proposal_id, one.content_hash.hex(), at)

    approve(both[0])
    with pytest.raises(HaltOver):
        approve(both[1])
    with pytest.raises(HaltOver), database.begin() as session:
        resuming.propose(session, maker, halt, "again", at)


@pytest.mark.parametrize(
    ("action", "code", "reason", "kind"),
    [
        ("fly", None, "why", BadHalt),
        ("redeem", None, "", BadHalt),
        ("redeem", None, "x" * 301, BadHalt),
        ("payout", "gotone", "why", BadHalt),
        ("redeem", "nowhere", "why", Problem),
    ],
)
def test_what_cannot_be_stopped_is_refused_by_name(db, programme, action, code, reason, kind):
    with pytest.raises(kind):
        stopped(action, code, reason)


def test_what_is_stopped_is_not_stopped_twice_and_not_by_who_works_for_an_area(db, programme):
    stopped("redeem")

    with pytest.raises(StoppedAlready):
        stopped("redeem")
    with pytest.raises(ForHeadquarters), database.begin() as session:
        resuming.stop(session, given_person("security", area="33"), "earn", None, "why", clock.now())


def test_verify_finds_a_stop_that_ended_without_two_persons(db, owner, programme):
    from admin.halts import verify

    halt = stopped("redeem")
    owner.exec_driver_sql(
        "update halt set ended_at = now() + interval '1 day', approval = 'apr_nobody' where halt_id = %s",
        (halt,),
    )

    with database.begin() as session:
        (found,) = verify.findings(session)
    assert found.place.startswith("hlt_")
    owner.exec_driver_sql("delete from halt")


def test_the_page_stops_and_proposes_in_words(app, db, programme):
    browser = app.test_client()
    browser.set_cookie("jifen_staff", staff_token("security"))
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    form = browser.get("/staff/halts").text.partition('action="/staff/halts"')[2]
    fields = dict(re.findall(r'name="(csrf_token|key)" value="([^"]*)"', form)[:2])

    told = browser.post(
        "/staff/halts", data=fields | {"action": "redeem", "programme": "", "reason": "账目有误"}
    )
    page, file = browser.get("/staff/halts").text, browser.get("/staff/halts?csv=1").text
    overview = browser.get("/staff").text
    place = re.search(r"/staff/halts/hlt_\w+/resume", page)[0]
    proposed = browser.post(
        place, data=fields | {"key": "another", "reason": "已修复"}, follow_redirects=True
    )

    assert told.status_code == 303
    assert "账目有误" in page
    assert ",redeem,,账目有误," in file
    assert "已暂停的操作" in overview
    assert proposed.status_code == 200
    assert "恢复已停用的操作" in proposed.text
    assert "已修复" in proposed.text


def test_the_command_line_stops_and_resumes(cli, db, programme):
    maker, checker = "maker@example.test", "checker@example.test"
    given_person("security", email=maker)
    given_person("finance", email=checker)

    def run(*words):
        told = CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words))
        assert told.exit_code == 0, told.output
        return told.stdout

    halt = json.loads(run("halts", "stop", "redeem", "--reason", "a fault", "--as", maker, "--json"))
    shown = run("halts", "show")
    case = json.loads(run("halts", "resume", halt["id"], "--reason", "mended", "--as", maker, "--json"))
    run("halts", "approve", case["id"], "--hash", case["content_hash"], "--as", checker, "--json")

    assert f"{halt['id']}  redeem in all programmes" in shown
    assert run("halts", "show").strip() == "nothing is stopped"


def test_every_action_has_words_of_its_own():
    assert {halts.refusal(action).type_name() for action in ACTIONS} == {
        "redeeming-stopped",
        "accepting-stopped",
        "payouts-stopped",
        "exports-stopped",
        "enrolment-stopped",
        "earning-stopped",
    }

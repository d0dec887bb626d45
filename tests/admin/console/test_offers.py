"""A proposed offer in the console: the version before beside the new one, in both languages, with cost and class."""

from sqlalchemy import select

from base import database, ids
from base.approvals.models import Proposal
from catalog.offers.models import EXTENSION
from tests.admin.console.test_approvals import browser, send
from tests.catalog.publishing.setting_up import A_CREDIT, edit, new_draft, propose, versions
from tests.given import caller, given_member, given_programme, staff_token


def page_of(draft):
    return f"/staff/offer-proposals/{draft['proposal']['id']}"


def test_a_checker_reads_old_beside_new_and_approves_it(app, db):
    programme = given_programme()
    maker, checker = caller(app, staff_token("editor")), browser(app, "checker")
    first = propose(maker, new_draft(maker, A_CREDIT, kind="bill_credit", code="credit-10").json).json
    new = checker.get(page_of(first)).text
    done = send(checker, page_of(first), f"{page_of(first)}/approve")
    (offer,) = versions()
    member = ids.public("mbr", given_member(db, programme))
    case = {"member": member, "reason": "a rival", "expected": "stays"}
    draft = maker.post("/v1/offer-drafts", {"offer": ids.public("off", offer.offer_id)}).json
    names = A_CREDIT["names"] | {"en": "Ten yuan <b>off</b>"}
    changed = edit(maker, draft, cost_fen=980, names=names, approval_class=EXTENSION, case=case).json
    second = propose(maker, changed).json
    page = checker.get(page_of(second)).text
    send(checker, page_of(second), f"{page_of(second)}/approve")
    half = browser(app, "checker", "support", language="zh").get(page_of(second)).text

    assert done.status_code == 303
    for said in (
        "A new offer",
        "10 元话费 / 10 yuan of bill credit",
        "基础类：可考核，可验证",
        "10.00",
        "no limit",
    ):
        assert said in new
    assert "<del" not in new
    for said in (
        "10 元话费 / 10 yuan of bill credit",
        "Ten yuan &lt;b&gt;off&lt;/b&gt;",
        "10.00",
        "9.80",
        "单项报批",
        "a rival",
        "from the approval",
    ):
        assert said in page
    assert page.count("<del") == 5  # names, cost, class, case, start
    for said in ("须审批人数", "目前已同意", "Person "):
        assert said in half
    assert len(versions()) == 1
    with database.begin() as session:
        assert len(session.scalars(select(Proposal)).all()) == 2
    listed = browser(app, "editor").get("/staff/approvals").text
    assert page_of(second) in listed

"""Adjustments in the console: proposed on a member's page, decided by another person who sees the content again."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from admin.console.approvals.pages import KINDS
from admin.console.words import ADJUSTMENT_REASONS, APPROVAL_KINDS, APPROVAL_STATES, DIRECTIONS
from base import clock, csv_files, database, ids
from base.approvals import approvals
from base.auth import sign_ins
from base.models import AuditRow
from points import ledger
from points.adjustments import adjustments
from points.adjustments.adjustments import REASONS
from points.announcements import announcements
from points.imports import Report
from points.merges import job, merges
from points.models import ExtensionRow
from points.opening import imports as opening_imports
from points.opening import opening
from tests.given import given_member, given_person, given_programme, staff_token


def browser(app, *roles, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


@pytest.fixture
def path(member_id):
    return f"/staff/members/{ids.public('mbr', member_id)}/adjust"


def hidden(page, action):
    """The hidden fields of the form that goes to an address."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.DOTALL)[1]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def send(client, page_path, action, **fields):
    return client.post(action, data=hidden(client.get(page_path).text, action) | fields)


TYPED = {"direction": "up", "points": "30", "reason": "goodwill", "text": "a long outage", "ticket": "T-17"}


def proposed(client, path, **more):
    answer = send(client, path, path, **(TYPED | more))
    assert answer.status_code == 303, answer.text
    return answer.location


def balance(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def test_from_the_members_page_to_the_approval(app, member_id, path):
    maker, checker = browser(app, "support"), browser(app, "checker")
    assert path in maker.get(path.removesuffix("/adjust")).text

    one = proposed(maker, path)
    own = maker.get(one).text
    waiting = checker.get("/staff/approvals").text
    seen = checker.get(one).text
    done = send(checker, one, f"{one}/approve")
    after = checker.get(one).text

    assert "another person decides on it" in own
    assert f"{one}/approve" not in own
    assert f'<a href="{one}">Add points</a>' in waiting
    for said in ("a long outage", "T-17", "Goodwill", "30"):
        assert said in seen
    assert (done.status_code, done.location) == (303, one)
    assert "Approved" in after
    assert f"{one}/reject" not in after
    assert balance(member_id) == 130
    assert one not in checker.get("/staff/approvals").text
    assert one in checker.get("/staff/approvals?state=all").text


def test_a_form_sent_twice_is_one_proposal_and_one_posting(app, member_id, path):
    maker, checker = browser(app, "support"), browser(app, "checker")
    fields = hidden(maker.get(path).text, path) | TYPED

    first, again = (maker.post(path, data=fields).location for _ in range(2))
    approval = hidden(checker.get(first).text, f"{first}/approve")
    answers = [checker.post(f"{first}/approve", data=approval).status_code for _ in range(2)]

    assert first == again
    assert answers == [303, 303]
    assert balance(member_id) == 130


def test_who_has_both_roles_sees_no_button_and_is_refused(app, member_id, path):
    both = browser(app, "support", "checker")
    one = proposed(both, path)
    withdraw = hidden(both.get(one).text, f"{one}/withdraw")
    with database.begin() as session:
        seen = approvals.by_id(session, approvals.parse(one.rsplit("/", 1)[1])).proposal.content_hash.hex()

    refused = both.post(f"{one}/approve", data=withdraw | {"content_hash": seen})
    left = both.post(f"{one}/withdraw", data=withdraw | {"key": "another"})

    assert refused.status_code == 403
    assert "Nobody decides on a proposal of their own." in refused.text
    assert left.status_code == 303
    assert balance(member_id) == 100


def test_an_approval_without_the_content_that_was_seen_is_refused(app, member_id, path):
    one = proposed(browser(app, "support"), path)
    checker = browser(app, "checker")

    for seen in ("", "0" * 64):
        assert send(checker, one, f"{one}/approve", content_hash=seen).status_code == 409
    assert balance(member_id) == 100


def test_a_proposal_is_rejected_with_words(app, path):
    one = proposed(browser(app, "support"), path)
    checker = browser(app, "checker")

    silent = send(checker, one, f"{one}/reject", note=" ")
    said = send(checker, one, f"{one}/reject", note="no outage there")

    assert (silent.status_code, said.status_code) == (422, 303)
    assert "no outage there" in checker.get(one).text


def test_what_was_typed_stays_when_it_is_refused(app, path):
    maker = browser(app, "support")
    wrong = {
        "points": ("", "x", "1.5", "-1", "0", "１２", "9" * 17, "100001"),
        "last_day": ("2020-01-01", "soon"),
        "lot_class": ("x", "99999"),
        "reason": ("because",),
        "direction": ("sideways",),
        "text": ("", "a" * 501, "\x00"),
    }

    for name, values in wrong.items():
        for value in values:
            answer = send(maker, path, path, **(TYPED | {name: value}))
            assert answer.status_code in (403, 422), (name, value)
            assert 'value="T-17"' in answer.text
            assert answer.text.count("<h1") == 1
            assert "Please correct this field." in answer.text or name == "points"


def test_a_form_without_its_mark_or_key_is_refused(app, path):
    maker = browser(app, "support")

    assert maker.post(path, data=TYPED).status_code == 400
    assert send(maker, path, path, **(TYPED | {"key": ""})).status_code == 400


@pytest.mark.parametrize("address", ["adjustments/apr_x", "merges/apr_0000000000001", "members/mbr_x/adjust"])
def test_what_is_not_there_is_not_found(app, db, address):
    assert browser(app, "support").get(f"/staff/{address}").status_code == 404


def test_a_merge_is_decided_here_too_and_its_page_leads_to_the_survivor(app, db, programme, member_id):
    survivor = given_member(db, programme)
    with database.begin() as session:
        case = merges.propose(
            session, given_person("support"), member_id, survivor, "one customer", "T-9", clock.now()
        )
    checker = browser(app, "checker")
    one = f"/staff/merges/{approvals.reference(case.proposal.proposal_id)}"

    listed = checker.get("/staff/approvals").text
    done = send(checker, one, f"{one}/approve")
    job.run(member_id)
    there = browser(app, "support").get(f"/staff/members/{ids.public('mbr', member_id)}").text

    assert f'<a href="{one}">Merge of two members</a>' in listed
    assert done.status_code == 303
    assert balance(survivor) == 100
    assert f'<a href="/staff/members/{ids.public("mbr", survivor)}">' in there
    assert "Propose an adjustment" not in there
    assert checker.get(one.replace("merges", "adjustments")).status_code == 404


def extension(maker, **more):
    days = {"from_day": date(2030, 5, 1), "until_day": date(2030, 5, 31)} | more
    wanted = announcements.Wanted("gotone", 1, **days, last_day=date(2030, 12, 31), reason="a good year")
    with database.begin() as session:
        case = announcements.propose(session, maker, wanted, clock.now())
    return f"/staff/extensions/{approvals.reference(case.proposal.proposal_id)}"


@pytest.mark.parametrize(
    ("language", "kind", "day", "days"),
    [
        ("en", "Extension of last days", "Counts from", ("May 1, 2030 – May 31, 2030", "Dec 31, 2030")),
        ("zh-CN", "积分延期", "生效时间", ("2030年5月1日 – 2030年5月31日", "2030年12月31日")),
    ],
)
def test_an_extension_is_decided_here_too_in_both_languages(app, programme, language, kind, day, days):
    one = extension(given_person("editor"))
    checker = browser(app, "checker", language=language)

    listed, seen = checker.get("/staff/approvals").text, checker.get(one).text
    assert day not in seen
    done = send(checker, one, f"{one}/approve")

    assert f'<a href="{one}">{kind}</a>' in listed
    for said in ("gotone", *days, "a good year"):
        assert said in seen
    assert done.status_code == 303
    assert day in checker.get(one).text
    with database.begin() as session:
        (row,) = session.scalars(select(ExtensionRow))
    assert row.approval == one.rsplit("/", 1)[1]


@pytest.mark.parametrize(
    ("language", "kind", "until"),
    [("en", "Opening balances", "Do not lapse"), ("zh-CN", "期初余额导入", "长期有效")],
)
def test_totals_of_opening_balances_are_seen_and_decided_here(
    app, programme, tmp_path, language, kind, until
):
    path = tmp_path / "balances.csv"
    path.write_text(
        "key,customer_id,class,last_day,points,source\nK1,C1,1,2031-03-31,4321,boss\n", encoding="utf-8"
    )
    file = csv_files.opened(path, opening_imports.REQUIRED)
    report = Report(path.name, "balances", True, read=2, posted=2)
    report.sums = {
        "points": 4321,
        "members": 1,
        "class 1 until 2031-03": 4320,
        "class 7 until without end": 1,
    }
    with database.begin() as session:
        case = opening.propose(session, given_person("editor"), programme, file, report, clock.now())
    one = f"/staff/opening-balances/{approvals.reference(case.proposal.proposal_id)}"
    checker = browser(app, "checker", language=language)

    listed, seen = checker.get("/staff/approvals").text, checker.get(one).text
    done = send(checker, one, f"{one}/approve")

    assert f'<a href="{one}">{kind}</a>' in listed
    for said in ("balances.csv", file.sha256.hex(), "4,321", "2031-03", until):
        assert said in seen
    assert done.status_code == 303
    assert checker.get(one).status_code == 200


def test_an_editor_sees_extensions_alone_and_takes_one_back(app, programme, member_id, path):
    adjustment = proposed(browser(app, "support"), path)
    token = staff_token("editor")
    with database.begin() as session:
        maker = sign_ins.find(session, token, clock.now())
    one = extension(maker, from_day=None, until_day=None)
    editor = app.test_client()
    editor.set_cookie("jifen_staff", token)
    editor.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"

    listed, seen = editor.get("/staff/approvals").text, editor.get(one).text
    left = send(editor, one, f"{one}/withdraw")

    assert (one in listed, adjustment in listed) == (True, False)
    assert editor.get(adjustment).status_code == 403
    assert "Do not lapse" in seen
    assert f"{one}/approve" not in seen
    assert left.status_code == 303
    assert "Withdrawn" in editor.get(one).text


def test_the_list_goes_on_over_pages(app, db, member_id):
    maker = given_person("support")
    wanted = adjustments.Wanted("up", 1, "goodwill", "x", "T")
    with database.begin() as session:
        for _ in range(51):
            adjustments.propose(session, maker, member_id, wanted, clock.now())
    checker = browser(app, "checker")

    first = checker.get("/staff/approvals").text
    following = re.search(r'rel="next" href="([^"]+)"', first)[1]
    second = checker.get("/staff/approvals" + following.replace("&amp;", "&")).text

    shown = [re.findall(r'href="/staff/adjustments/(\w+)"', page) for page in (first, second)]
    assert [len(found) for found in shown] == [50, 1]
    assert not set(shown[0]) & set(shown[1])
    assert checker.get("/staff/approvals?after=forged").status_code == 400


def test_each_step_in_the_console_is_on_record(app, path):
    one = proposed(browser(app, "support"), path)
    send(browser(app, "checker"), one, f"{one}/approve")

    with database.begin() as session:
        asked = select(AuditRow.action).where(AuditRow.subject == one.rsplit("/", 1)[1])
        actions = session.scalars(asked.order_by(AuditRow.audit_id)).all()

    assert actions == ["adjustment.proposed", "adjustment.approved"]


@pytest.mark.parametrize(("language", "word"), [("en", "Approvals"), ("zh-CN", "审批")])
def test_every_page_speaks_both_languages_and_has_one_heading(app, path, language, word):
    maker = browser(app, "support", language=language)
    checker = browser(app, "checker", language=language)
    one = proposed(maker, path)

    for client, address in ((maker, path), (maker, one), (checker, one), (checker, "/staff/approvals")):
        page = client.get(address).text
        assert page.count("<h1") == 1, address
        assert f'lang="{language}"' in page
        assert "style=" not in page
        assert word in page


def test_every_kind_state_and_reason_has_a_word(db):
    assert set(ADJUSTMENT_REASONS) == set(REASONS)
    assert set(APPROVAL_STATES) == {*approvals.STATES, "all"}
    assert set(APPROVAL_KINDS) == set(KINDS) == approvals.known()
    assert set(DIRECTIONS) == {adjustments.UP, adjustments.DOWN}

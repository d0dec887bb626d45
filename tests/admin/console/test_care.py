"""Care, resources, proofs and messages in the console, without script: what a person does there, and where it ends."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from admin.analytics import premium
from admin.care import opening
from admin.care.models import CareTask
from admin.contacts.models import Contact
from admin.proofs import drawing
from admin.proofs.models import ProofRun
from base import clock, database, ids
from base.notices import templates
from base.notices.models import Notice
from tests.given import (
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_tier,
    staff_token,
)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(db, programme):
    return given_area(given_tier(given_member(db, programme, points=500), "star7"), "330106")


@pytest.fixture
def desk(app):
    def made(*roles, language="en", **more):
        client = app.test_client()
        client.set_cookie("jifen_staff", staff_token(*roles, **more))
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        return client

    return made


def page(client, path):
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.text


def submit(client, path, action, **filled):
    """Send the form of a page that goes to an address, with its hidden fields; where it led."""
    form = re.search(
        rf'<form method="post" action="{re.escape(action)}".*?</form>', page(client, path), re.DOTALL
    )
    assert form, action
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.group()))
    answer = client.post(action, data=hidden | filled)
    assert answer.status_code == 303, (action, answer.status_code, answer.text[:300])
    return answer.location


def given_task(programme, member_id, back=0):
    with database.begin() as session:
        at = clock.now()
        today = clock.day(at, programme.zone)
        opening.told(
            session, opening.day_of(session, programme, today), member_id, "back-from-roaming",
            today - timedelta(days=back), "test", at,
        )  # fmt: skip


@pytest.mark.parametrize(("language", "occasion"), [("en", "Back from roaming"), ("zh-CN", "漫游归来")])
def test_a_task_is_found_in_the_list_and_done_in_two_clicks(db, desk, programme, member, language, occasion):
    given_task(programme, member)
    agent = desk("support", language=language)

    listed = page(agent, "/staff/care/tasks?view=department&occasion=back-from-roaming")
    (href,) = set(re.findall(r'href="(/staff/care/tasks/cre_\w+)"', listed))
    submit(agent, href, f"{href}/done", channel="hotline", result="reached", words="谢谢")

    assert occasion in listed
    done = agent.get("/staff/care/tasks?view=ended&occasion=back-from-roaming&csv=1").text.splitlines()
    assert [line.split(",")[0] for line in done[1:]] == [href.rpartition("/")[2]]
    assert len(agent.get("/staff/care/tasks?view=open&csv=1").text.splitlines()) == 1
    assert "/staff/care/tasks/cre_" not in page(agent, "/staff/care/tasks?view=open")
    assert href in page(agent, "/staff/care/tasks?view=ended")
    with database.begin() as session:
        assert session.scalars(select(Contact.purpose)).all() == ["care"]


def test_a_task_is_not_needed_for_a_reason_and_elsewhere_it_is_not_there(desk, programme, member):
    given_task(programme, member)
    href = re.findall(r"/staff/care/tasks/cre_\w+", page(desk("support"), "/staff/care/tasks?view=open"))[0]

    assert desk("support", area="44").get(href).status_code == 404
    submit(desk("support"), href, f"{href}/not-needed", reason="cared-for")

    assert "The member was in touch lately" in page(desk("auditor"), href)


def test_naming_an_account_manager_on_the_members_page_hands_the_open_tasks_over(db, desk, programme, member):
    given_task(programme, member)
    person = given_person("support", email="manager@example.test")
    place = f"/staff/members/{ids.public('mbr', member)}"

    submit(desk("support"), place, f"{place}/care", person="manager@example.test", reason="card")

    with database.begin() as session:
        assert session.scalars(select(CareTask.staff_id)).all() == [person.staff_id]


def test_visits_are_told_by_scope_and_an_area_leads_into_it(desk, programme, member):
    with database.begin() as session:
        while opening.walk(session, clock.now()):
            pass

    everywhere = page(desk("auditor"), "/staff/care/visits")
    within = page(desk("auditor"), "/staff/care/visits?area=3301&by=class")

    assert "area=33" in everywhere
    assert "7 stars" in within
    assert "never" in within  # not a single visit is written down
    file = desk("auditor").get("/staff/care/visits?area=3301&csv=1").text.splitlines()
    assert [line.split(",")[1:3] for line in file[1:]] == [["star7", ""]]
    assert desk("support", area="44").get("/staff/care/visits?area=33").status_code == 404


def test_resources_show_stock_cost_of_a_use_and_are_a_file(db, desk, programme, member):
    offer = given_offer(programme, "perk", stock=12)
    yesterday = clock.day(clock.now(), programme.zone) - timedelta(days=1)
    premium.take(programme, yesterday, yesterday)

    shown = page(desk("finance"), "/staff/resources")
    file = desk("finance").get("/staff/resources?csv=1")

    assert "12 / 12" in shown
    assert file.mimetype == "text/csv"
    assert offer.code in file.text.splitlines()[1]


def test_a_service_is_read_a_sample_asked_and_the_three_ways_stand_beside_each_other(
    db, desk, programme, member
):
    given_task(programme, member)
    agent, checker = desk("support"), desk("checker")
    href = re.findall(r"/staff/care/tasks/cre_\w+", page(agent, "/staff/care/tasks?view=open"))[0]
    submit(agent, href, f"{href}/done", channel="hotline", result="reached", words="")
    month = f"{clock.day(clock.now(), programme.zone):%Y-%m}"

    place = submit(
        checker, "/staff/care/proofs", "/staff/care/proofs",
        service="care:back-from-roaming", month=month, size="5", area="", seed="7",
    )  # fmt: skip
    with database.begin() as session:
        run_id = session.scalars(select(ProofRun.run_id)).one()
    drawing.run(run_id)
    before = page(checker, place)
    (sample,) = set(re.findall(rf'action="({re.escape(place)}/samples/smp_\w+)"', before))
    submit(checker, place, sample, answer="confirmed", note="called on Monday")

    assert "Claimed without proof" in before
    after = page(desk("auditor"), place)
    assert "Proved" in after
    assert "called on Monday" in after
    assert "confirmed" in desk("auditor").get(f"{place}?csv=1").text
    listed = desk("auditor").get("/staff/care/proofs?csv=1").text.splitlines()[1]
    assert listed.endswith(f",{month},,1,1,0,1,1,proved")


def test_a_later_text_is_proposed_by_one_and_put_in_force_by_another(desk, programme):
    editor, checker = desk("editor"), desk("checker")

    place = submit(
        editor, "/staff/notices/ticket-answered", "/staff/notices/ticket-answered/versions",
        zh="工单 {number} 已答复。", en="Request {number} was answered.", reason="shorter",
    )  # fmt: skip
    submit(checker, place, f"{place}/approve")

    with database.begin() as session:
        force = templates.in_force(session, ["ticket-answered"], clock.now())["ticket-answered"]
    assert (force.version, force.texts["en"]) == (2, "Request {number} was answered.")
    assert "Request T-20481 was answered." in page(checker, "/staff/notices/ticket-answered")


def test_a_text_with_a_link_is_refused_before_it_is_proposed(desk, programme):
    editor = desk("editor")
    form = page(editor, "/staff/notices/ticket-answered")
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))

    answer = editor.post(
        "/staff/notices/ticket-answered/versions",
        data=hidden | {"zh": "请访问 www.example.com", "en": "x", "reason": "r"},
    )

    assert answer.status_code == 422


def test_a_person_tries_a_text_and_the_report_leaves_it_out(db, desk, programme):
    checker = desk("checker")

    submit(
        checker,
        "/staff/notices/tier-up",
        "/staff/notices/tier-up/tests",
        phone="13912345678",
        language="zh-CN",
    )

    with database.begin() as session:
        assert session.scalars(select(Notice.subject)).all() == ["test"]
    assert "No message was written on these days." in page(checker, "/staff/notices/report")
    assert checker.get("/staff/notices/report?csv=1").text.splitlines() == ["\ufeffday,template,state,count"]

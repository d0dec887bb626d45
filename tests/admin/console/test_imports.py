"""Imports in the console: from the file to the ledger, who may do what, and what is said of a bad file."""

import io
import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from sqlalchemy import text

from admin.intake import intake, tasks
from admin.intake.models import UNDO
from base import clock, database, jobs
from points import ledger, policies
from points.deeds import Request
from points.kinds import Kind
from tests.admin.console.test_pages import browser
from tests.admin.intake.files import asked, csv, done, members_file, sent, taken_in
from tests.given import ZONE, given_member, given_person, given_programme, staff_token


@pytest.fixture
def programme(db):
    return given_programme()


def text_of(page):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


def token_on(client, place):
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(place).text)
    return found.group(1) if found else ""


def uploaded(client, body, kind="members", name="members.csv", programme="gotone"):
    form = {"programme": programme, "kind": kind, "file": (io.BytesIO(body), name)}
    token = token_on(client, "/staff/imports")
    return client.post(
        "/staff/imports", data=form | {"csrf_token": token}, content_type="multipart/form-data"
    )


def pressed(client, place, deed, **more):
    form = {"key": str(uuid4()), "csrf_token": token_on(client, place)} | more
    return client.post(f"{place}/{deed}", data=form)


def test_from_the_file_over_its_columns_and_a_dry_run_to_the_members(app, db, programme):
    editor = browser(app, "editor")
    place = uploaded(editor, members_file(3) + b"C9,never,,\n").location
    mapping = editor.get(place)
    mapped = pressed(
        editor, place, "columns", **{"column-0": "customer_id", "column-1": "joined_on", "column-2": "phone"}
    )
    waiting = editor.get(place)
    jobs.drain(db.database_url)
    tried, alone = editor.get(place), editor.get(f"{place}/progress")
    pressed(editor, place, "commit")
    jobs.drain(db.database_url)
    taken, jobs_page = editor.get(place), editor.get("/staff/imports")
    file = editor.get("/staff/imports?csv=1").text
    errors = editor.get(f"{place}/errors.csv")

    assert '<option value="customer_id" selected>' in mapping.text
    assert mapped.location == place
    assert 'hx-trigger="every 1s"' in waiting.text
    assert 'http-equiv="refresh"' in waiting.text
    assert "hx-trigger" not in alone.text
    assert ",members.csv,members,4," in file
    assert file.rstrip().endswith(",commit,done,100")
    assert "<html" not in alone.text
    assert "This is what the file would bring" in text_of(tried)
    assert "joined_on: is not a day" in text_of(tried)
    assert "This cannot be taken back" in text_of(tried)
    assert "Import Done" in text_of(taken)
    assert "members.csv" in jobs_page.text
    assert errors.data.decode().splitlines()[1].startswith("C9,never,,,5,joined_on")
    assert "filename=members.errors.csv" in errors.headers["Content-Disposition"]


def test_the_next_file_like_it_is_mapped_as_the_person_did_before(app, db, programme):
    editor = browser(app, "editor")
    body = b"a,b\nC1,2024-05-01\n"
    pressed(
        editor,
        uploaded(editor, body).location,
        "columns",
        **{"column-0": "customer_id", "column-1": "joined_on"},
    )
    again = editor.get(uploaded(editor, body).location)

    assert "As you mapped the last file" in text_of(again)
    assert '<option value="joined_on" selected>' in again.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The file is empty"),
        (b"customer_id,joined_on\n", "no row below the names"),
        ("客户,日期\nA,2024-05-01\n".encode("gb18030"), "is not UTF-8"),
        (b"customer_id,joined_on\nA1,2024-05-01\nA2,\xff\n", "line 3 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04" + b"\x00" * 200, "not a CSV file"),
        (b"a,a\n1,2\n", "twice"),
        (b",".join([b"a%d" % n for n in range(101)]) + b"\n1\n", "more than 100"),
    ],
)
def test_a_file_that_is_none_is_refused_when_it_is_sent_and_nothing_of_it_stays(
    app, db, programme, body, said
):
    answer = uploaded(browser(app, "editor"), body)

    assert answer.status_code == 422
    assert said in text_of(answer)
    with database.begin() as session:
        left = session.connection().exec_driver_sql("select count(*) from intake_part").scalar_one()
    assert left == 0


def test_columns_that_are_needed_are_named_where_they_are_not_mapped(app, db, programme):
    editor = browser(app, "editor")
    place = uploaded(editor, b"a,b\n1,2\n").location

    answer = pressed(editor, place, "columns", **{"column-0": "customer_id", "column-1": "customer_id"})

    assert answer.status_code == 422
    assert "Not every column" in text_of(answer)


def test_more_than_a_page_takes_elsewhere_is_let_in_here_but_no_more_than_is_said(
    app, db, programme, monkeypatch
):
    body = members_file(40_000)
    assert len(body) > 1_000_000
    answer = uploaded(browser(app, "editor"), body)

    view = app.view_functions["console_pages.imports.send"]
    monkeypatch.setattr(view, "most_bytes", 1_000_000)
    refused = uploaded(browser(app, "editor"), body)

    assert answer.status_code == 303
    assert refused.status_code == 413


def test_without_the_right_nothing_large_is_even_read(app, db, programme):
    client = browser(app, "support")

    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("the body was read")

    answer = client.post(
        "/staff/imports",
        input_stream=Unread(),
        content_length=150_000_000,
        content_type="multipart/form-data",
    )

    assert answer.status_code == 403


def test_whoever_only_reads_sees_it_and_cannot_touch_it(app, db, programme):
    editor, auditor = browser(app, "editor"), browser(app, "auditor")
    place = uploaded(editor, members_file(1)).location

    assert "C0000001" not in auditor.get(place).text
    assert '<form method="post"' not in auditor.get(place).text.split("<main")[1]
    assert {
        pressed(auditor, place, deed).status_code for deed in ("columns", "try", "commit", "confirm")
    } == {403}
    assert auditor.get(f"{place}/errors.csv").status_code == 403
    assert browser(app, "support").get("/staff/imports").status_code == 403


def test_a_file_concerns_all_areas(app, db, programme):
    bound = browser(app, "editor")
    bound.set_cookie("jifen_staff", staff_token("editor", area="330106"))

    assert bound.get("/staff/imports").status_code == 403
    assert uploaded(bound, members_file(1)).status_code in (400, 403)


def test_a_job_is_cancelled_by_whoever_asked_or_sends_and_by_nobody_else(app, db, programme):
    person = given_person("editor")
    intake_id = sent(db, person, programme, members_file(2))
    asked(person, intake_id)
    editor = browser(app, "editor")
    with database.begin() as session:
        job = tasks.reference(tasks.latest(session, intake_id).job_id)
    place = f"/staff/imports/{intake.reference(intake_id)}"

    assert pressed(browser(app, "auditor"), place, "cancel", job=job).status_code in (400, 403)
    assert pressed(editor, place, "cancel", job=job).status_code == 303
    assert "nothing was taken in" in text_of(editor.get(place))
    assert pressed(editor, place, "cancel", job=job).status_code == 409


def test_the_list_of_jobs_shows_the_bar_and_a_failed_one_is_tried_again_once(app, db, programme):
    person = given_person("editor")
    asked(person, sent(db, person, programme, members_file(2)))
    with database.begin() as session:
        session.connection().exec_driver_sql(
            "insert into procrastinate_jobs (id, queue_name, task_name, args, status, attempts) "
            "values (4711, 'jifen', 'notice', '{}', 'failed', 8)"
        )
    editor, auditor = browser(app, "editor"), browser(app, "auditor")
    shown = editor.get("/staff/jobs")
    form = {"key": str(uuid4()), "csrf_token": token_on(editor, "/staff/jobs")}
    first = editor.post("/staff/jobs/4711/retry", data=form)
    form["key"] = str(uuid4())
    second = editor.post("/staff/jobs/4711/retry", data=form)

    assert "Dry run of a file" in text_of(shown)
    assert "<progress" in shown.text
    assert "/retry" not in auditor.get("/staff/jobs").text
    assert (first.status_code, second.status_code) == (303, 409)
    with database.begin() as session:
        connection = session.connection()
        state = connection.exec_driver_sql(
            "select status::text from procrastinate_jobs where id = 4711"
        ).scalar_one()
        noted = connection.exec_driver_sql(
            "select count(*) from audit where action = 'job.retried'"
        ).scalar_one()
    assert (state, noted) == ("todo", 1)


def test_a_template_is_the_line_of_names(app, db, programme):
    editor = browser(app, "editor")

    assert editor.get("/staff/imports/template/bills.csv").text.startswith("bill_id,line_no,customer_id")
    assert editor.get("/staff/imports/template/nothing.csv").status_code == 404


def test_after_a_week_the_bytes_are_gone_and_what_was_done_stays(app, db, programme):
    person = given_person("editor")
    intake_id = sent(db, person, programme, members_file(2))
    with clock.stopped(clock.now() + intake.KEPT + timedelta(minutes=1)):
        while intake.forget():
            pass

    with database.begin() as session:
        left = session.connection().exec_driver_sql("select count(*) from intake_part").scalar_one()
        row = intake.one(session, person, intake_id)
    assert left == 0
    assert row.emptied_at is not None
    assert "not kept any longer" in text_of(
        browser(app, "editor").get(f"/staff/imports/{intake.reference(intake_id)}")
    )


def test_bill_lines_show_their_points_by_rule_and_only_a_second_person_has_the_button(app, db, programme):
    given_member(db, programme)
    with database.begin() as session:
        customer = session.scalar(text("select customer_id from member"))
    person = given_person("editor")
    line = f"B1,1,{customer},{clock.now().date() - timedelta(days=20)},plan,10000"
    body = csv("bill_id,line_no,customer_id,bill_day,line_type,amount_fen", line)
    intake_id = sent(db, person, programme, body, kind="bills")
    done(db, person, intake_id)
    place = f"/staff/imports/{intake.reference(intake_id)}"
    sender, checker = browser(app, "editor"), browser(app, "checker")
    shown, of_sender = checker.get(place), sender.get(place)
    pressed(checker, place, "confirm")
    jobs.drain(db.database_url)
    taken, taken_of_sender = checker.get(place), sender.get(place)
    pressed(checker, place, "undo")
    jobs.drain(db.database_url)
    back = checker.get(place)

    assert "Owed more to members, as bill credit" in text_of(shown)
    assert f"{place}/confirm" in shown.text
    assert f"{place}/confirm" not in of_sender.text
    assert "a second person takes it in" in text_of(of_sender)
    assert "Import Done" in text_of(taken)
    assert f"{place}/undo" in taken.text
    assert f"{place}/undo" not in taken_of_sender.text
    assert "did not send it takes it back" in text_of(taken_of_sender)
    assert "Taking back Done" in text_of(back)
    assert "Taken back 1 Nothing to take back 0" in text_of(back)
    assert f"{place}/undo" not in back.text


def test_where_points_were_spent_the_page_names_the_rows_and_takes_nothing_back(app, db, programme):
    member_id = given_member(db, programme)
    with database.begin() as session:
        customer = session.scalar(text("select customer_id from member"))
    line = f"B1,1,{customer},{clock.now().date() - timedelta(days=20)},plan,10000"
    body = csv("bill_id,line_no,customer_id,bill_day,line_type,amount_fen", line)
    intake_id = sent(db, given_person("editor"), programme, body, kind="bills")
    checker = given_person("checker")
    taken_in(db, checker, intake_id)
    with database.begin() as session:
        spent = Request(member_id, ledger.key("test", "s"), Kind.REDEEM, 1, clock.now(), ZONE)
        ledger.post(session, spent)
    done(db, checker, intake_id, UNDO)
    place, client = f"/staff/imports/{intake.reference(intake_id)}", browser(app, "checker")
    shown, in_chinese = client.get(place), client.get(place, headers={"Accept-Language": "zh-CN"})

    assert "第 2 行: 积分已部分使用、冻结、转赠或到期" in text_of(in_chinese)
    assert "Taking back Failed" in text_of(shown)
    assert "line 2: points: spent, held, given or lapsed in part" in text_of(shown)
    assert "/undo" in shown.text


def test_totals_of_opening_balances_are_proposed_by_a_button_that_leads_to_the_proposal(app, db, programme):
    given_member(db, programme)
    with database.begin() as session:
        customer = session.scalar(text("select customer_id from member"))
    person = given_person("editor")
    until = clock.now().date() + timedelta(days=300)
    body = csv(
        "key,customer_id,class,last_day,points,source",
        f"k1,{customer},{policies.BILL_POINTS},{until},300,crm",
    )
    intake_id = sent(db, person, programme, body, kind="balances")
    done(db, person, intake_id)
    place, editor = f"/staff/imports/{intake.reference(intake_id)}", browser(app, "editor")

    before = editor.get(place)
    proposal = pressed(editor, place, "propose")

    assert "another person approved exactly these totals" in text_of(before)
    assert "/commit" not in before.text
    assert proposal.location.startswith("/staff/opening-balances/")
    assert editor.get(proposal.location).status_code == 200
    assert proposal.location in editor.get(place).text

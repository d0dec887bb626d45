"""Dry runs and takings in by the worker: what they count, when they refuse, and that nothing is written twice."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from admin.intake import intake, job, parts, tasks, totals
from admin.intake.kinds import TotalsNotApproved
from admin.intake.models import CANCELLED, COMMIT, DONE, ERRORS, FAILED, TRY, UNDO
from admin.intake.refusals import (
    JobEnded,
    JobUnderWay,
    NothingToTakeIn,
    NotTakenBack,
    RowsOfOthers,
    SecondPersonNeeded,
    TakenBack,
    TriedFirst,
)
from base import clock, database, jobs
from base.approvals import approvals
from base.database import StillRunning
from points import ledger, policies, taking_back
from points.deeds import Request
from points.kinds import Kind
from points.taking_back import TOUCHED
from tests.admin.intake.files import asked, csv, done, members_file, sent, standing, taken_in
from tests.given import ZONE, given_member, given_person, given_programme

BILLS = "账单号,行号,客户编号,账单日期,费用类型,金额（分）"


def next_year():
    return (clock.now() + timedelta(days=300)).date()


def counted(table, what="count(*)"):
    with database.begin() as session:
        return session.scalar(text(f"select {what} from {table}"))


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def editor(db):
    return given_person("editor")


def test_a_dry_run_counts_new_changed_same_and_bad_and_keeps_nothing(db, programme, editor):
    header = "客户编号,入网日期,等级,邮箱"
    before = sent(db, editor, programme, csv(header, "A1,2024-05-01,gold,a@a.cn", "A2,2024-05-01,,"))
    taken_in(db, editor, before)
    body = csv(
        header,
        "A1,2024-05-01,gold,b@a.cn",
        "A2,2024-05-01,,",
        "A3,2024-05-01,,",
        "A4,05/01/2024,,",
        "A5,2024-05-01",
    )

    found, told = done(db, editor, sent(db, editor, programme, body))

    assert found.state == DONE
    assert (told["read"], told["posted"], told["changed"], told["already_there"], told["refused"]) == (
        5,
        2,
        1,
        1,
        2,
    )
    assert told["differences"] == [{"line": 2, "changes": "email"}]
    assert [error["line"] for error in told["errors"]] == [5, 6]
    assert counted("member") == 2


@pytest.mark.attack("A15")
def test_the_error_file_is_the_input_and_two_columns_without_a_live_formula(db, programme, editor):
    body = csv(
        "客户编号,备注,入网日期", "A1,=HYPERLINK(1),2024-05-01", 'A2,"=1+1",never', "A3,fine,2024-05-01"
    )
    intake_id = sent(db, editor, programme, body)

    done(db, editor, intake_id)

    lines = b"".join(parts.read(db, intake_id, ERRORS)).decode().splitlines()
    assert lines[0] == "客户编号,备注,入网日期,line,error"
    assert lines[1].startswith("A2,'=1+1,never,3,joined_on:")
    assert len(lines) == 2


def test_an_error_file_that_was_corrected_is_taken_as_it_is(db, programme, editor):
    intake_id = sent(db, editor, programme, csv("客户编号,入网日期", "A1,never"))
    done(db, editor, intake_id)
    corrected = b"".join(parts.read(db, intake_id, ERRORS)).replace(b"never", b"2024-05-01")

    found, told = done(db, editor, sent(db, editor, programme, corrected))

    assert (found.state, told["posted"], told["refused"]) == (DONE, 1, 0)


def test_what_was_tried_is_taken_in_and_the_same_again_changes_nothing(db, programme, editor):
    first = sent(db, editor, programme, members_file(1200))
    found, told = taken_in(db, editor, first)
    again = sent(db, editor, programme, members_file(1200))
    _, repeated = done(db, editor, again)

    assert (found.state, found.done, found.total) == (DONE, 2400, 2400)
    assert told["posted"] == counted("member") == 1200
    assert (repeated["posted"], repeated["already_there"]) == (0, 1200)
    with database.begin() as session:
        assert intake.taken_in_before(session, intake.one(session, editor, again)).intake_id == first
    with pytest.raises(NothingToTakeIn):
        asked(editor, again, COMMIT)


def test_data_that_moved_since_the_dry_run_stop_it_before_anything_is_taken(db, programme, editor):
    intake_id = sent(db, editor, programme, members_file(3))
    done(db, editor, intake_id)
    taken_in(db, editor, sent(db, editor, programme, members_file(1)))

    found, told = done(db, editor, intake_id, COMMIT)
    tried = done(db, editor, intake_id)
    after, _ = done(db, editor, intake_id, COMMIT)

    assert (found.state, found.reason) == (FAILED, "data-moved")
    assert told["facts"]["posted"] == "3 -> 2"
    assert tried[0].state == after.state == DONE
    assert counted("member") == 3


def test_it_is_tried_first_as_it_is_mapped_now(db, programme, editor):
    intake_id = sent(db, editor, programme, members_file(2))

    with pytest.raises(TriedFirst):
        asked(editor, intake_id, COMMIT)

    done(db, editor, intake_id)
    with database.begin() as session:
        names = dict(intake.one(session, editor, intake_id).names)
        names.pop("手机号")
        intake.mapped(session, editor, intake_id, names, clock.now())
    with pytest.raises(TriedFirst):
        asked(editor, intake_id, COMMIT)


def test_of_two_at_once_one_is_refused(db, programme, editor):
    intake_id = sent(db, editor, programme, members_file(2))
    done(db, editor, intake_id)
    asked(editor, intake_id, COMMIT)

    with pytest.raises(JobUnderWay):
        asked(editor, intake_id, COMMIT)

    jobs.drain(db.database_url)
    assert counted("member") == 2


def test_a_file_that_brings_points_is_taken_in_by_another_person(db, programme, editor):
    given_member(db, programme)
    customer = counted("member", "max(customer_id)")
    line = f"B1,1,{customer},2026-05-01,plan,10000"
    intake_id = sent(db, editor, programme, csv(BILLS, line), kind="bills")
    _, told = done(db, editor, intake_id)

    for person in (editor, given_person("editor"), given_person("auditor")):
        with pytest.raises(SecondPersonNeeded):
            asked(person, intake_id, COMMIT)
    found, posted = done(db, given_person("checker"), intake_id, COMMIT)

    assert (found.state, posted["posted"], posted["points"]) == (DONE, 1, told["points"])
    assert told["preview"]["by_rule"]


def bill_lines(programme, db, count=3):
    for _ in range(count):
        given_member(db, programme)
    with database.begin() as session:
        customers = session.scalars(text("select customer_id from member order by 1")).all()
    rows = [f"B{number},1,{one},2026-05-01,plan,10000" for number, one in enumerate(customers)]
    return csv(BILLS, *rows, "B9,1,nobody,2026-05-01,plan,10000")


def test_a_file_that_nobody_touched_is_taken_back_whole_by_another_person_and_once(db, programme, editor):
    checker = given_person("checker")
    intake_id = sent(db, editor, programme, bill_lines(programme, db), kind="bills")
    taken_in(db, editor, intake_id, by=checker)
    before = counted("wallet", "sum(balance)")

    with pytest.raises(SecondPersonNeeded):
        asked(editor, intake_id, UNDO)
    found, told = done(db, checker, intake_id, UNDO)

    assert (before, counted("wallet", "sum(balance)")) == (300, 0)
    assert (found.state, found.done, found.total) == (DONE, 8, 8)
    assert (told["posted"], told["already_there"], told["refused"]) == (3, 1, 0)
    assert told["points"] == {"plan": -300}
    for deed in (UNDO, COMMIT):
        with pytest.raises(TakenBack):
            asked(checker, intake_id, deed)


def test_a_file_that_was_taken_in_once_more_is_still_its_own_and_taken_back(db, programme, editor):
    checker = given_person("checker")
    intake_id = sent(db, editor, programme, bill_lines(programme, db), kind="bills")
    taken_in(db, editor, intake_id, by=checker)
    _, again = done(db, checker, intake_id, COMMIT)

    found, told = done(db, checker, intake_id, UNDO)

    assert again["already_there"] == 3
    assert (found.state, told["posted"], counted("wallet", "sum(balance)")) == (DONE, 3, 0)


def test_nothing_is_taken_back_of_a_file_whose_points_were_spent(db, programme, editor):
    checker = given_person("checker")
    intake_id = sent(db, editor, programme, bill_lines(programme, db), kind="bills")
    taken_in(db, editor, intake_id, by=checker)
    with database.begin() as session:
        member_id = session.scalar(text("select max(member_id) from member"))
        spent = Request(member_id, ledger.key("test", "s"), Kind.REDEEM, 1, clock.now(), ZONE)
        ledger.post(session, spent)

    found, told = done(db, checker, intake_id, UNDO)

    assert (found.state, found.reason) == (FAILED, "touched-since")
    assert told["facts"]["rows"] == "1"
    assert told["facts"]["line 4"] == TOUCHED
    assert counted("wallet", "sum(balance)") == 299


def test_a_taking_back_that_is_killed_half_way_goes_on_and_takes_nothing_twice(
    db, programme, editor, monkeypatch
):
    checker = given_person("checker")
    intake_id = sent(db, editor, programme, bill_lines(programme, db), kind="bills")
    taken_in(db, editor, intake_id, by=checker)
    job_id = asked(checker, intake_id, UNDO)
    take = taking_back.undo

    def dies(session, programme, lines, name):
        outcomes = take(session, programme, lines, name)
        rounds.append(name)
        if len(rounds) == 2:  # the first was the look before
            raise Killed
        return outcomes

    rounds = []
    monkeypatch.setattr(taking_back, "undo", dies)
    with pytest.raises(Killed):
        job.run(db, job_id)
    half_way = counted("wallet", "sum(balance)")
    monkeypatch.setattr(taking_back, "undo", take)
    job.run(db, job_id)
    job.run(db, job_id)
    found, _ = standing(db, checker, job_id)

    assert (half_way, counted("wallet", "sum(balance)")) == (300, 0)
    assert found.state == DONE


def test_what_was_in_the_books_before_a_file_is_not_taken_back_with_it(db, programme, editor):
    checker, body = given_person("checker"), bill_lines(programme, db)
    taken_in(db, editor, sent(db, editor, programme, body, kind="bills"), by=checker)
    more = body + csv(f"B7,1,{counted('member', 'max(customer_id)')},2026-05-01,plan,5000")
    later = sent(db, editor, programme, more, kind="bills")
    taken_in(db, editor, later, by=checker)
    members = sent(db, editor, programme, members_file(2))
    taken_in(db, editor, members)

    with pytest.raises(RowsOfOthers):
        asked(checker, later, UNDO)
    with pytest.raises(NotTakenBack):
        asked(editor, members, UNDO)
    assert counted("wallet", "sum(balance)") == 350


class Killed(BaseException):
    """As good as a signal."""


def test_a_worker_that_is_killed_half_way_goes_on_and_writes_nothing_twice(
    db, programme, editor, monkeypatch
):
    intake_id = sent(db, editor, programme, members_file(2500))
    done(db, editor, intake_id)
    job_id = asked(editor, intake_id, COMMIT)
    stands, calls = tasks.stands, []

    def dies(session, of, phase, *rest):
        calls.append(phase)
        if calls.count(tasks.POSTING) == 3:
            raise Killed
        return stands(session, of, phase, *rest)

    monkeypatch.setattr(tasks, "stands", dies)
    with pytest.raises(Killed):
        job.run(db, job_id)
    half_way = counted("member")
    monkeypatch.setattr(tasks, "stands", stands)
    job.run(db, job_id)
    job.run(db, job_id)
    found, told = standing(db, editor, job_id)

    assert 0 < half_way < 2500 == counted("member")
    assert found.state == DONE
    assert told["posted"] + told["already_there"] == 2500


def test_a_job_that_is_cancelled_ends_after_a_part_and_the_next_one_does_the_rest(
    db, programme, editor, monkeypatch
):
    intake_id = sent(db, editor, programme, members_file(2500))
    done(db, editor, intake_id)
    job_id = asked(editor, intake_id, COMMIT)
    stands, seen = tasks.stands, []

    def watched(session, of, phase, done, total, at):
        seen.append((done, total))
        if phase == tasks.POSTING and done > 2500:
            with database.begin() as other:
                tasks.cancel(other, editor, job_id, at)
        return stands(session, of, phase, done, total, at)

    monkeypatch.setattr(tasks, "stands", watched)
    job.run(db, job_id)
    monkeypatch.setattr(tasks, "stands", stands)
    found, _ = standing(db, editor, job_id)
    left, told = done(db, editor, intake_id, COMMIT)

    assert found.state == CANCELLED
    assert found.counts["posted"] == 1000
    assert (left.state, told["posted"], told["already_there"]) == (DONE, 1500, 1000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {5000}
    with database.begin() as session, pytest.raises(JobEnded):
        tasks.cancel(session, editor, job_id, clock.now())


def test_a_job_that_waits_is_cancelled_at_once_and_never_begins(db, programme, editor):
    intake_id = sent(db, editor, programme, members_file(2))
    job_id = asked(editor, intake_id)
    with database.begin() as session:
        tasks.cancel(session, editor, job_id, clock.now())

    jobs.drain(db.database_url)

    found, _ = standing(db, editor, job_id)
    assert (found.state, found.began_at) == (CANCELLED, None)


def test_a_job_that_no_worker_is_at_any_more_is_cancelled_at_once(db, programme, editor):
    intake_id = sent(db, editor, programme, members_file(2))
    job_id = asked(editor, intake_id)
    with database.begin() as session:
        tasks.begun(session, job_id, clock.now())
        still = tasks.cancel(session, editor, job_id, clock.now()).state
        ended = tasks.cancel(session, editor, job_id, clock.now() + 2 * tasks.GIVEN_UP).state

    assert (still, ended) == ("running", CANCELLED)


def test_what_is_only_in_the_way_is_left_to_the_queue(db, programme, editor, monkeypatch):
    intake_id = sent(db, editor, programme, members_file(2))
    job_id = asked(editor, intake_id, TRY)

    def busy(*args, **more):
        raise StillRunning(retry_after_s=1)

    monkeypatch.setattr(job.csv_files, "opened", busy)
    with pytest.raises(StillRunning):
        job.run(db, job_id)
    monkeypatch.undo()
    job.run(db, job_id)

    assert standing(db, editor, job_id)[0].state == DONE


def test_opening_balances_are_proposed_approved_by_another_and_then_posted(db, programme, editor):
    given_member(db, programme)
    customer = counted("member", "max(customer_id)")
    header = "记录编号,客户编号,积分类别,有效期至,积分,来源"
    intake_id = sent(
        db,
        editor,
        programme,
        csv(header, f"k1,{customer},{policies.BILL_POINTS},{next_year()},300,旧系统"),
        kind="balances",
    )
    _, told = done(db, editor, intake_id)
    with pytest.raises(TotalsNotApproved):
        asked(editor, intake_id, COMMIT)
    with database.begin() as session:
        proposal = totals.propose(session, db, editor, intake_id, clock.now()).proposal
    with database.begin() as session:
        again = totals.propose(session, db, editor, intake_id, clock.now()).proposal
    with pytest.raises(TotalsNotApproved):
        asked(editor, intake_id, COMMIT)
    with database.begin() as session:
        approvals.approve(
            session, given_person("checker"), proposal.proposal_id, proposal.content_hash.hex(), clock.now()
        )

    found, posted = done(db, editor, intake_id, COMMIT)

    assert told["sums"]["points"] == proposal.said["points"] == 300
    assert again.proposal_id == proposal.proposal_id
    assert (found.state, posted["posted"], posted["refused"]) == (DONE, 1, 0)
    assert counted("opening_lot", "sum(points)") == 300


def test_of_what_was_sent_nothing_lies_in_clear(db, programme, editor):
    intake_id = sent(db, editor, programme, csv("customer_id,joined_on", "Known1,never", "Known2,2024-05-01"))
    done(db, editor, intake_id)

    with database.begin() as session:
        kept = session.execute(
            text(
                "select (select string_agg(p::text, '') from intake_part p) || (select string_agg(j::text, '') from intake_job j)"
                " || (select string_agg(i::text, '') from intake i)"
            )
        ).scalar_one()
    for said in ("Known1", "never"):
        assert said not in kept
        assert said.encode().hex() not in kept

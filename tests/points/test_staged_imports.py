"""Bill files at the size of an operator: staged, done by several processes, killed anywhere, and the same at the end."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.proof import findings
from app.wiring import wire
from base import csv_files, database, ids, local, locks, schema
from base.config import own_environment
from bench.bill_file import COLUMNS
from points import bills, ledger, policies, preview, staged_lines, staging
from points.members import members
from points.members.members import Enrolment
from points.members.models import Member
from points.models import BillLine, ImportPart, ImportRun, PostingRow, StagedLine
from points.staged_imports import PART, FileBeingTakenIn, Job
from points.staging import Share
from tests.conftest import ROOT
from tests.given import LONG_AGO, given_programme, secrets_of
from tests.points.test_bills import DAY, LINE, bill_file
from tests.sparse import first_of

NAMES = [f"C{number}" for number in range(1, 31)]


@pytest.fixture
def programme(db):
    return given_with_customers(db, "gotone")


def given_with_customers(db, code):
    """A programme with the customers C1 to C30."""
    programme = given_programme(code)
    with database.begin() as session:
        members.enrol_many(session, programme, secrets_of(db), [Enrolment(name, LONG_AGO) for name in NAMES])
    return programme


def take_in(programme, path, **more):
    return bills.take_in(programme, path, quiet=True, **more)


def lines_of_many(count, seed=1):
    """Lines of all customers in no order, now and then one that earns nothing."""
    pick = random.Random(seed)
    return [
        replace(LINE, customer_id=pick.choice(NAMES), line_no=n, amount_fen=pick.choice((0, 100, 12_345)))
        for n in range(count)
    ]


def wallets(programme):
    """What each customer has: balance, lots, number of postings, and the lines they came from in their order."""
    with database.begin() as session:
        found = {}
        for member in session.scalars(select(Member).where(Member.programme_id == programme.programme_id)):
            wallet = ledger.read(session, member.member_id)
            refs = session.scalars(
                select(PostingRow.ref)
                .where(PostingRow.member_id == member.member_id)
                .order_by(PostingRow.seq)
            )
            found[member.customer_id] = (wallet.balance, wallet.lots, wallet.seq, list(refs))
        return found


def rows_of_every_table():
    """Every table with the number of its rows; wallets with what they say."""
    with database.begin() as session:
        names = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        counts = {name: session.scalar(text(f"select count(*) from {name}")) for name in names}
        state = session.execute(text("select member_id, seq, balance, head from wallet order by 1")).all()
        return counts, state


def staged():
    with database.begin() as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in (StagedLine, ImportPart)]


def done_parts():
    with database.begin() as session:
        return session.scalar(
            select(func.count()).where(ImportPart.part_no > 0, ImportPart.done_at.is_not(None))
        )


def runs():
    with database.begin() as session:
        return list(session.scalars(select(ImportRun).order_by(ImportRun.began_at)))


# The order of a member's lines


@pytest.mark.parametrize("workers", first_of(2, 1))
def test_lines_of_a_member_keep_the_order_of_the_file_however_far_apart(tmp_path, programme, workers):
    lines = lines_of_many(2 * PART + 500)
    lines[0], lines[PART], lines[-1] = (
        replace(LINE, customer_id="C7", line_no=n, bill_id="far") for n in (3, 1, 2)
    )

    report = take_in(programme, bill_file(tmp_path / "b.csv", *lines), workers=workers)

    assert (report.posted, report.refused, report.adds_up) == (len(lines), 0, True)
    for name, (*_, refs) in wallets(programme).items():
        assert refs == [
            f"bill {line.bill_id} line {line.line_no}"
            for line in lines
            if line.customer_id == name and line.amount_fen
        ]


def test_a_member_of_five_thousand_lines_is_done_in_one_piece(tmp_path, programme):
    of_one = [replace(LINE, customer_id="C5", bill_id="group", line_no=n) for n in range(5_000)]

    report = take_in(programme, bill_file(tmp_path / "b.csv", *of_one, *lines_of_many(10)))

    assert (report.posted, report.adds_up) == (5_010, True)
    assert [ref for ref in wallets(programme)["C5"][3] if "group" in ref] == [
        f"bill group line {n}" for n in range(5_000)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_each_line_is_in_one_part_and_each_member_too_but_nobody(db, seed):
    pick = random.Random(seed)
    waiting = [(pick.choice((0, 0, *range(1, 40))), n, "line") for n in range(2, 2 + pick.randrange(1, 900))]
    import_id, size = ids.new_id(), pick.choice((1, 7, 100))
    with database.begin() as session:
        staging.keep(session, import_id, len(waiting) + 1, len(waiting), waiting, [])
        staging.plan(session, import_id, size)
        staging.plan(session, import_id, size)  # once is enough, twice is harmless
        parts = []
        while part := staging.claim(session, import_id, staging.ALL, parts[-1].part_no if parts else 0):
            parts.append(part)
        found = [(part, number) for part in parts for number, _ in staging.lines_of(session, import_id, part)]

    member_of = {line_no: member_id for member_id, line_no, _ in waiting}
    assert sorted(number for _, number in found) == [line_no for _, line_no, _ in waiting]
    whose = {(part.part_no, member_of[number]) for part, number in found if member_of[number]}
    assert len(whose) == len({member_id for _, member_id in whose})
    assert all(part.lines == sum(one is part for one, _ in found) for part in parts)
    assert all(part.lines <= size for part in parts if part.last_member == 0)
    with database.begin() as session:
        staging.clear(session, import_id)


def test_lines_of_a_customer_who_came_back_stay_together(db, tmp_path, programme):
    with database.begin() as session:
        first = members.find_many(session, programme.programme_id, ["C1"])["C1"]
        members.leave(session, first, DAY)
        session.flush()
        members.join_again(session, programme, secrets_of(db), Enrolment("C1", DAY))

    report = take_in(programme, bill_file(tmp_path / "b.csv", replace(LINE, customer_id="C1")))

    assert (report.posted, report.recounted, report.adds_up) == (1, 123, True)


# Empty, bad, twice, corrected


def test_a_file_without_a_line_is_done_at_once(tmp_path, programme):
    path = bill_file(tmp_path / "b.csv")

    first, second = take_in(programme, path), take_in(programme, path, workers=2)

    assert [(r.read, r.posted, r.refused, r.clean) for r in (first, second)] == [(0, 0, 0, True)] * 2


def test_of_a_file_of_bad_rows_each_is_told_with_its_line_in_order(tmp_path, programme):
    rows = [
        *[
            "B1,1,C1,2025-03-05,plan,１２,0",
            "B1,2,C1",
            '"B1,3,C1,2025-03-05,plan,1,0',
            "B1,4,X,2025-03-05,plan,1,0",
        ],
        *["B\0,5,C1,2025-03-05,plan,1,0", "B1,6,C1,2025-02-30,plan,1,0", "B1,7,C2,2025-03-05,roaming,1,0"],
    ] * 500
    path = tmp_path / "b.csv"
    path.write_text(COLUMNS + "\n" + "\n".join(rows) + "\n", encoding="utf-8")

    report = take_in(programme, path)

    assert (report.read, report.posted, report.refused, report.adds_up) == (3_500, 0, 3_500, True)
    bad = list(csv.DictReader((tmp_path / "b.errors.csv").open(encoding="utf-8")))
    assert [int(row["line"]) for row in bad] == list(range(2, 3_502))
    assert [row["error"].split(":")[0] for row in bad[:7]] == [
        "amount_fen",
        "3 fields instead of 7",
        "a quotation mark is not closed on this line, or text follows it",
        "customer_id",
        "the line contains a NUL byte",
        "bill_day",
        "line_type",
    ]
    assert bad[3]["customer_id"] == "X"
    assert [error["line"] for error in report.errors] == list(range(2, 52))
    assert staged() == [0, 0]


def test_a_file_that_was_taken_in_is_known_and_not_done_again(tmp_path, programme, monkeypatch):
    path = bill_file(tmp_path / "b.csv", *lines_of_many(100))
    take_in(programme, path)
    monkeypatch.setattr(bills, "post_lines", None)

    report = take_in(programme, path)

    assert (report.read, report.posted, report.already_there, report.clean) == (100, 0, 100, True)
    assert len(runs()) == 1


def test_a_file_with_refusals_is_done_again_for_the_sake_of_those(db, tmp_path, programme):
    path = bill_file(tmp_path / "b.csv", LINE, replace(LINE, customer_id="late"))
    first = take_in(programme, path)
    with database.begin() as session:
        members.enrol_many(session, programme, secrets_of(db), [Enrolment("late", LONG_AGO)])

    second = take_in(programme, path)

    assert (first.posted, first.refused) == (1, 1)
    assert (second.posted, second.already_there, second.refused) == (1, 1, 0)


def test_of_a_corrected_file_only_the_changed_line_is_refused(tmp_path, programme):
    lines = lines_of_many(50)
    take_in(programme, bill_file(tmp_path / "b.csv", *lines))
    before = wallets(programme)
    lines[20] = replace(lines[20], amount_fen=77_700)

    report = take_in(programme, bill_file(tmp_path / "b.csv", *lines))

    assert (report.posted, report.already_there, report.refused) == (0, 49, 1)
    assert report.errors == [{"line": 22, "error": "changed: send a correction"}]
    assert wallets(programme) == before


def test_the_same_file_for_another_programme_is_another_import(db, tmp_path, programme):
    other = given_with_customers(db, "m-zone")
    path = bill_file(tmp_path / "b.csv", *lines_of_many(20))

    first, second = take_in(programme, path), take_in(other, path)

    assert (first.posted, second.posted) == (20, 20)


# Two at once


def test_who_comes_while_the_file_is_being_taken_in_is_told_so(tmp_path, programme):
    path = bill_file(tmp_path / "b.csv", LINE)
    file = csv_files.opened(path, bills.REQUIRED, bills.OPTIONAL)

    with locks.held(f"import {programme.programme_id} bills {file.sha256.hex()}") as mine:
        assert mine
        with pytest.raises(FileBeingTakenIn):
            take_in(programme, path)
        assert runs() == []

    assert take_in(programme, path).posted == 1


def test_a_part_that_somebody_else_is_at_is_waited_for_and_not_done_twice(tmp_path, programme):
    job = given_job(tmp_path, programme, lines_of_many(3 * PART))
    done = []

    with database.begin() as session:
        theirs = staging.claim(session, job.import_id, staging.ALL, 0)
        worker = threading.Thread(target=job, args=(staging.ALL, lambda lines: done.append(lines) or True))
        worker.start()
        until(lambda: len(done) == 2)
        time.sleep(0.3)
        assert worker.is_alive()
        assert theirs is not None
        staging.mark(session, job.import_id, theirs, staging.Counts(posted=theirs.lines))
    worker.join()

    with database.begin() as session:
        assert len(done) == 2
        assert staging.undone(session, job.import_id) == 0
        assert session.scalar(select(func.count()).select_from(BillLine)) == 3 * PART - theirs.lines


def test_a_worker_whose_parent_is_gone_stops_after_its_part(tmp_path, programme):
    job = given_job(tmp_path, programme, lines_of_many(3 * PART))

    job(staging.ALL, lambda lines: False)

    assert done_parts() == 1


def test_shares_are_apart_and_together_everything(tmp_path, programme):
    job = given_job(tmp_path, programme, lines_of_many(4 * PART))
    done = {0: [], 1: []}

    for number in (0, 1):
        job(Share(number, 2), lambda lines, number=number: done[number].append(lines) or True)

    assert [len(parts) for parts in done.values()] == [2, 2]
    assert sum(map(sum, done.values())) == 4 * PART


def given_job(tmp_path, programme, lines):
    """A file that is staged and planned, and not begun."""
    path = bill_file(tmp_path / "b.csv", *lines)
    file = csv_files.opened(path, bills.REQUIRED, bills.OPTIONAL)
    job = Job(programme.programme_id, ids.new_id(), file, False, bills.form)
    with database.begin() as session:
        form = bills.form(session, programme)
    staged_lines.stage(job, form, quiet=True)
    with database.begin() as session:
        staging.plan(session, job.import_id, PART)
    return job


def until(true, within=60):
    limit = time.monotonic() + within
    while not true():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.01)


# Killed in the middle of a part


@dataclass(frozen=True)
class Stalled:
    """An import in processes of its own that stand still in the middle of a part; see tests/points/stalling.py."""

    run: "subprocess.Popen[str]"
    folder: Path

    def standing(self):
        """The processes that stand still."""
        return [int(file.name) for file in self.folder.iterdir() if file.name.isdigit()]

    def goes_on(self):
        (self.folder / "go").touch()

    def report(self):
        said, wrong = self.run.communicate(timeout=100)
        assert self.run.returncode == 0, wrong
        return json.loads(said)


@pytest.fixture
def stalled(tmp_path_factory):
    """Starts an import and waits until all of its workers stand still."""
    started = []

    def start(config, path, workers, kind="bills"):
        folder = tmp_path_factory.mktemp("stalled")
        words = (config.database_url, "gotone", str(path), str(workers), str(folder), kind)
        run = subprocess.Popen(
            [sys.executable, "-m", "tests.points.stalling", *words],
            cwd=ROOT,
            env=own_environment() | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(Stalled(run, folder))
        until(lambda: len(started[-1].standing()) == workers or run.poll() is not None)
        assert run.poll() is None, run.communicate()
        return started[-1]

    yield start
    for one in started:
        one.goes_on()
        one.run.kill()
        one.run.communicate()


@pytest.fixture
def two_programmes(db, tmp_path, programme):
    """The file, and a programme in which it was taken in undisturbed."""
    path = bill_file(tmp_path / "b.csv", *lines_of_many(8 * PART))
    calm = given_with_customers(db, "calm")
    assert take_in(calm, path).posted == 8 * PART
    return path, calm


@pytest.mark.parametrize("workers", first_of(2, 1))
def test_a_run_that_was_killed_goes_on_and_ends_as_an_undisturbed_one(
    db, programme, two_programmes, stalled, workers
):
    path, calm = two_programmes
    first = stalled(db, path, workers)
    first.run.kill()
    assert first.run.wait() == -signal.SIGKILL
    assert done_parts() == 2 * workers
    first.goes_on()  # workers without a parent end the part that they are at

    second = take_in(programme, path, workers=workers)

    assert second.posted + second.already_there == 8 * PART
    assert second.already_there >= 2 * workers * PART
    assert second.adds_up
    assert wallets(programme) == wallets(calm)
    assert staged() == [0, 0]


def test_a_worker_that_was_killed_is_replaced(db, programme, two_programmes, stalled):
    path, calm = two_programmes
    run = stalled(db, path, 2)

    os.kill(run.standing()[0], signal.SIGKILL)
    run.goes_on()

    report = run.report()
    assert (report["posted"], report["already_there"]) == (8 * PART, 0)
    assert wallets(programme) == wallets(calm)
    assert staged() == [0, 0]


def test_one_that_is_killed_while_it_reads_goes_on_reading_there(tmp_path, programme, monkeypatch):
    monkeypatch.setattr(staged_lines, "BLOCK", 100)
    path, real, calls = bill_file(tmp_path / "b.csv", *lines_of_many(1_000)), staging.keep, []

    def killed_at_the_fourth_block(*given):
        calls.append(given)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(*given)

    monkeypatch.setattr(staging, "keep", killed_at_the_fourth_block)
    with pytest.raises(KeyboardInterrupt):
        take_in(programme, path)
    assert staged() == [300, 3]
    monkeypatch.setattr(staging, "keep", lambda *given: calls.append(given) or real(*given))

    report = take_in(programme, path)

    assert (report.posted, report.already_there, report.clean) == (1_000, 0, True)
    assert len(calls) == 4 + 7


def test_a_block_whose_answer_was_lost_is_staged_once(tmp_path, programme):
    job = given_job(tmp_path, programme, lines_of_many(50))
    before = staged()

    with database.begin() as session:
        form = bills.form(session, programme)
        staged_lines.keep(session, job, form, list(staged_lines.lines(job.file, form, 1)))

    assert staged() == before
    job(staging.ALL, lambda lines: True)
    with database.begin() as session:
        assert staging.totals(session, job.import_id).posted == 50


def test_a_database_that_goes_away_and_comes_back_loses_nothing(tmp_path_factory, tmp_path, config, stalled):
    folder = tmp_path_factory.mktemp("own")
    servers = local.start(folder)
    own = config.at(database_url=servers.database_url, database_owner_url=servers.owner_url, data_dir=folder)
    try:
        schema.migrate(servers.owner_url)
        wire(own, pool_size=4)
        programme = given_with_customers(own, "gotone")
        run = stalled(own, bill_file(tmp_path / "b.csv", *lines_of_many(8 * PART)), 2)

        local.stop(folder)
        run.goes_on()
        time.sleep(1)
        local.start(folder)

        report = run.report()
        wire(own, pool_size=4)
        assert (report["posted"], report["already_there"]) == (8 * PART, 0)
        assert sum(wallet[0] for wallet in wallets(programme).values()) == report["recounted"]
        with database.begin() as session:
            assert list(findings(session)) == []
    finally:
        wire(config, pool_size=16)
        local.remove(folder)


# Bounds


def test_points_are_recounted_without_reading_all_postings(tmp_path, programme):
    take_in(programme, bill_file(tmp_path / "b.csv", *lines_of_many(3 * PART)))

    with database.begin() as session:
        before = preview.numbers(session, programme, NAMES)
        scans = "select seq_scan from pg_stat_xact_user_tables where relname = 'posting'"
        already = session.scalar(text(scans))
        preview.recounted(session, before)
        preview.noted(session, before, [], [])

        assert len(before) == len(NAMES)
        assert session.scalar(text(scans)) == already


MEASURED = """
import resource, sys
from pathlib import Path
from base import database
from points import bills, programmes
from tests.sparse import first_of
database.connect(sys.argv[1], statement_timeout_ms=60_000)
with database.begin() as session:
    programme = programmes.by_code(session, "gotone")
for path in sys.argv[2:]:
    report = bills.take_in(programme, Path(path), quiet=True)
    assert report.adds_up and report.read == report.refused
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.torture
def test_ten_times_the_lines_take_no_more_memory(db, tmp_path, programme):
    paths = []
    for count in (20_000, 200_000):
        paths.append(tmp_path / f"{count}.csv")
        with open(paths[-1], "w", encoding="utf-8") as out:
            out.write(COLUMNS + "\n")
            out.writelines(f"B{n},1,nobody-{n},2025-03-05,plan,12345,0\n" for n in range(count))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, db.database_url or "", *map(str, paths)],
        cwd=ROOT,
        env=own_environment() | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    small, large = map(int, done.stdout.split())

    assert large - small < 32 * 1024  # kilobytes; all lines as values would be some 200 MB
    assert sum(1 for _ in (tmp_path / "200000.errors.csv").open()) == 200_001


# Dry runs and the close


@pytest.mark.parametrize("workers", first_of(2, 1))
def test_a_dry_run_leaves_no_row_anywhere_and_tells_what_the_real_one_does(tmp_path, programme, workers):
    lines = [*lines_of_many(2 * PART), LINE, replace(LINE, customer_id="X"), replace(LINE, amount_fen=5)]
    path = bill_file(tmp_path / "b.csv", *lines)
    before = rows_of_every_table()

    dry = take_in(programme, path, dry_run=True, workers=workers)

    assert rows_of_every_table() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.csv"]
    real = take_in(programme, path)
    for name in ("read", "posted", "already_there", "refused", "points", "errors", "recounted"):
        assert getattr(dry, name) == getattr(real, name), name


def test_a_dry_run_tells_points_by_rule_and_class_who_gets_most_and_some_lines(tmp_path, programme):
    with database.begin() as session:
        policies.add_earn_rule(session, programme.programme_id, "plan", DAY, points=2, per_fen=100)
    lines = [
        replace(
            LINE,
            customer_id=NAMES[n % 30],
            line_no=n,
            line_type=("plan", "data")[n % 2],
            bill_day=DAY.replace(day=1 + n % 9),
            amount_fen=100 * (n % 30),
        )
        for n in range(300)
    ]
    path = bill_file(tmp_path / "b.csv", *lines)

    report = take_in(programme, path, dry_run=True)
    again = take_in(programme, path, dry_run=True, workers=2)

    facts = report.preview or {}
    assert facts == again.preview
    assert json.loads(json.dumps(facts)) == facts
    by_rule = {(rule["line_type"], rule["from_day"]): rule for rule in facts["by_rule"]}
    assert set(by_rule) == {("plan", "2020-01-01"), ("plan", "2025-03-05"), ("data", "2020-01-01")}
    assert {rule["class"] for rule in facts["by_rule"]} == {policies.BILL_POINTS}
    assert sum(rule["points"] for rule in facts["by_rule"]) == sum(report.points.values()) == report.recounted
    assert len(facts["largest"]) == preview.LARGEST
    assert [one["points"] for one in facts["largest"]] == sorted(
        (one["points"] for one in facts["largest"]), reverse=True
    )
    assert {one["customer"] for one in facts["largest"]} == {"****"}
    assert len(facts["sample"]) == preview.SAMPLE
    for one in facts["sample"]:
        line = lines[one["line"] - 2]
        paid, double = line.amount_fen // 100, line.line_type == "plan" and line.bill_day >= DAY
        assert one["points"] == paid * (2 if double else 1)
        assert (one["bill_id"], one["line_no"], one["customer_id"]) == ("B1", str(line.line_no), "****")


@pytest.mark.parametrize(("customer", "shown"), [("861012345678", "86****78"), ("C1", "****"), ("", "****")])
def test_customers_are_masked_in_a_preview(customer, shown):
    assert preview.masked(customer) == shown


def test_what_a_killed_dry_run_left_is_removed_by_the_next_run_but_not_what_a_living_one_needs(
    tmp_path, programme
):
    dead, living = ids.new_id(), ids.new_id()
    with database.begin() as session:
        for import_id in (dead, living):
            staging.keep(session, import_id, 2, 1, [(1, 2, "a line")], [])

    with locks.held(f"import {living}"):
        take_in(programme, bill_file(tmp_path / "b.csv", LINE))
        with database.begin() as session:
            assert session.scalars(select(StagedLine.import_id)).all() == [living]

    take_in(programme, bill_file(tmp_path / "b.csv", replace(LINE, line_no=2)))
    assert staged() == [0, 0]


def test_points_that_differ_from_the_ledgers_are_told(tmp_path, programme, monkeypatch):
    real = preview.recounted
    monkeypatch.setattr(preview, "recounted", lambda *given: real(*given) + 1)

    report = take_in(programme, bill_file(tmp_path / "b.csv", LINE))

    assert (report.points, report.recounted) == ({"plan": 123}, 124)
    assert not report.adds_up
    assert not report.clean


def test_an_error_file_that_cannot_be_written_is_told_before_the_work(tmp_path, programme):
    with pytest.raises(csv_files.FileNotWritable):
        take_in(programme, bill_file(tmp_path / "b.csv", LINE), errors=tmp_path / "nowhere" / "bad.csv")

    assert runs() == []


def test_lines_with_tabs_quotes_and_backslashes_come_through_as_they_are(tmp_path, programme):
    odd = [r"B\N", "B\\", 'say ""B""', "a,b", "全球通", r"\.", "B'1"]
    path = tmp_path / "b.csv"
    rows = [f'"{bill}",{n},C1,2025-03-05,plan,100,0' for n, bill in enumerate(odd)]
    path.write_text("\n".join((COLUMNS, *rows, "B\t1,9,C1,2025-03-05,plan,100,0")) + "\n", encoding="utf-8")

    report = take_in(programme, path)

    with database.begin() as session:
        kept = set(session.scalars(select(BillLine.bill_id)))
    assert kept == {bill.replace('""', '"') for bill in odd}
    assert [error["line"] for error in report.errors] == [len(odd) + 2]
    assert "cannot be printed" in report.errors[0]["error"]

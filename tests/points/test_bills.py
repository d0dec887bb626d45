"""Bill lines become points once, whatever is sent twice, killed half way, or wrong in between."""

import csv
import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from base import clock, database
from base.csv_files import FileColumnsWrong, FileNotUtf8, FileNotWritable
from points import bills, factors, ledger, lots, policies
from points.bills import BillLineIn
from points.imports import What
from points.members import members
from points.members.members import Enrolment
from points.models import BillLine, ImportRun, PostingRow
from points.staged_imports import PART, FileBeingTakenIn
from tests.given import LONG_AGO, given_programme, secrets_of

DAY = date(2025, 3, 5)
LINE = BillLineIn("C1", "B1", 1, DAY, "plan", 12_345)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def customers(db, programme):
    """C1 to C9: customer id -> member id."""
    rows = [Enrolment(f"C{number}", LONG_AGO) for number in range(1, 10)]
    with database.begin() as session:
        return members.enrol_many(session, programme, secrets_of(db), rows)


def post(programme, *lines, at=None):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        return bills.post_lines(session, programme, versions, lines, at)


def balance(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def stored():
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(BillLine))


def bill_file(path, *lines, columns=(*bills.REQUIRED, "waived_fen")):
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows([str(getattr(line, name)) for name in columns] for line in lines)
    return path


def take_in(programme, path, **more):
    return bills.take_in(programme, path, quiet=True, **more)


# One line


def test_a_line_earns_what_was_paid_rounded_down_once(programme, customers):
    [outcome] = post(programme, replace(LINE, amount_fen=12_345, waived_fen=46))

    assert (outcome.what, outcome.points, outcome.name) == (What.POSTED, 122, "plan")
    assert balance(customers["C1"]) == 122


def test_a_line_enters_the_lot_of_its_day_and_names_its_rule(programme, customers):
    post(programme, LINE)

    with database.begin() as session:
        posting = session.scalars(select(PostingRow)).one()
        line = session.scalars(select(BillLine)).one()
        rule = policies.load(session, programme.programme_id).earn_rule("plan", DAY)
    assert lots.last_day(posting.lots[0]) == policies.month_end(DAY, 36)
    assert posting.version_id == line.rule_id == rule.rule_id
    assert posting.ref == "bill B1 line 1"
    assert posting.value_fen is None
    assert (line.amount_fen, line.waived_fen, line.points, line.bill_day) == (12_345, 0, 123, DAY)


def test_the_rule_of_the_bills_day_counts_not_the_present_one(programme, customers):
    with database.begin() as session:
        policies.add_earn_rule(session, programme.programme_id, "plan", DAY, points=2, per_fen=100)

    before, since = post(
        programme,
        replace(LINE, bill_day=DAY - timedelta(days=1)),
        replace(LINE, line_no=2),
    )

    assert (before.points, since.points) == (123, 246)


def test_a_line_is_posted_now_or_at_the_moment_that_history_gives_it(programme, customers):
    now = datetime(2025, 6, 1, tzinfo=UTC)
    with clock.stopped(now):
        post(programme, LINE)
        post(programme, replace(LINE, customer_id="C2"), at=datetime(2025, 3, 6, tzinfo=UTC))
        post(
            programme,
            *[replace(LINE, customer_id="C3", line_no=n, bill_day=DAY + timedelta(days=n)) for n in (1, 2)],
            at=lambda line: clock.start_of(line.bill_day, programme.zone),
        )

    with database.begin() as session:
        rows = session.scalars(select(PostingRow).order_by(PostingRow.member_id, PostingRow.seq)).all()
    moments = {name: [row.at for row in rows if row.member_id == customers[name]] for name in customers}
    assert moments["C1"] == [now]
    assert moments["C2"] == [datetime(2025, 3, 6, tzinfo=UTC)]
    assert moments["C3"] == [datetime(2025, 3, 5, 16, tzinfo=UTC), datetime(2025, 3, 6, 16, tzinfo=UTC)]


@pytest.mark.parametrize(
    "line", [replace(LINE, amount_fen=0), replace(LINE, amount_fen=99), replace(LINE, waived_fen=12_345)]
)
def test_a_line_of_no_points_is_kept_without_a_posting(programme, customers, line):
    first, second = post(programme, line), post(programme, line)

    assert [first[0].what, second[0].what] == [What.POSTED, What.THERE]
    assert (stored(), balance(customers["C1"])) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"customer_id": "C404"}, "customer_id: no such customer"),
        ({"amount_fen": -1}, "amount_fen: is negative; send a correction"),
        ({"amount_fen": 10**14}, "amount_fen: is over"),
        ({"waived_fen": -1}, "waived_fen: "),
        ({"waived_fen": 12_346}, "waived_fen: "),
        ({"line_no": 2**31}, "line_no: "),
        ({"line_no": -1}, "line_no: "),
        ({"line_type": "roaming"}, "line_type: no rule is in force for roaming on 2025-03-05"),
        ({"bill_day": date(2019, 12, 31)}, "line_type: no rule is in force for plan on 2019-12-31"),
        ({"bill_day": date(2999, 1, 1)}, "bill_day: lies in the future"),
    ],
)
def test_a_wrong_line_is_refused_and_the_next_one_is_posted(programme, customers, changes, reason):
    wrong, good = post(programme, replace(LINE, **changes), replace(LINE, bill_id="B2"))

    assert wrong.what is What.REFUSED
    assert wrong.reason.startswith(reason)
    assert good.what is What.POSTED
    assert (stored(), balance(customers["C1"])) == (1, 123)


def test_who_has_left_earns_no_more_but_their_history_can_still_be_told(programme, customers):
    with database.begin() as session:
        members.by_id(session, customers["C1"]).left_on = date(2025, 4, 30)

    [late] = post(programme, LINE)
    [history] = post(programme, LINE, at=datetime(2025, 3, 6, tzinfo=UTC))

    assert late.reason == "customer_id: the customer left on 2025-04-30"
    assert history.what is What.POSTED


def test_a_closed_wallet_earns_nothing(programme, customers):
    with database.begin() as session:
        members.leave(session, customers["C1"], DAY)

    [outcome] = post(programme, LINE, at=datetime(2025, 3, 1, tzinfo=UTC))

    assert outcome.reason == "customer_id: the customer left on 2025-03-05"


def test_a_line_of_an_earlier_membership_stays_with_it(db, programme, customers):
    [before] = post(programme, LINE)
    with database.begin() as session:
        members.leave(session, customers["C1"], date(2025, 4, 30))
        session.flush()
        back_on = date(2025, 6, 1)
        back, _ = members.join_again(session, programme, secrets_of(db), Enrolment("C1", back_on))

    again, late, new = post(
        programme, LINE, replace(LINE, line_no=2), replace(LINE, line_no=3, bill_day=date(2025, 7, 5))
    )

    assert [before.what, again.what, late.what, new.what] == [
        What.POSTED,
        What.THERE,
        What.REFUSED,
        What.POSTED,
    ]
    assert balance(back) == 123


def test_many_lines_take_as_many_statements_as_one(programme, customers):
    with database.begin() as session:
        factors.add(session, programme.programme_id, factors.TIER, LONG_AGO, 200, tier="star5")
        factors.add(session, programme.programme_id, factors.BIRTHDAY, LONG_AGO, 50, adds=True)

    def statements(bill_id, count):
        lines = [
            replace(
                LINE, customer_id=f"C{n % 9 + 1}", bill_id=bill_id, line_no=n, paid_fen=n % 2 * 500 or None
            )
            for n in range(count)
        ]
        with database.begin() as session:
            versions = policies.load(session, programme.programme_id)
            asked = []
            event.listen(session.connection(), "before_cursor_execute", lambda *args: asked.append(args[2]))
            outcomes = bills.post_lines(session, programme, versions, lines)
        assert {outcome.what for outcome in outcomes} == {What.POSTED}
        return asked

    assert (
        len(statements("B1", 9)) == len(statements("B2", 400)) == 3
    )  # beside those that go over the driver itself


# Twice


def test_a_line_that_is_there_is_not_posted_again(programme, customers):
    post(programme, LINE)

    [outcome] = post(programme, LINE)

    assert outcome.what is What.THERE
    assert balance(customers["C1"]) == 123


def test_a_line_twice_in_one_chunk_counts_once(programme, customers):
    outcomes = post(programme, LINE, LINE, replace(LINE, amount_fen=1), LINE)

    assert [outcome.what for outcome in outcomes] == [What.POSTED, What.THERE, What.REFUSED, What.THERE]
    assert outcomes[2].reason == "changed: send a correction"
    assert balance(customers["C1"]) == 123


@pytest.mark.parametrize(
    "change",
    [{"amount_fen": 1}, {"waived_fen": 1}, {"line_type": "data"}, {"bill_day": DAY + timedelta(days=1)}],
)
def test_a_known_line_with_other_contents_is_refused(programme, customers, change):
    post(programme, LINE)

    [outcome] = post(programme, replace(LINE, **change))

    assert outcome.reason == "changed: send a correction"
    assert balance(customers["C1"]) == 123


def test_a_known_line_is_there_even_after_the_customer_left(programme, customers):
    post(programme, LINE)
    with database.begin() as session:
        members.leave(session, customers["C1"], DAY)

    assert post(programme, LINE)[0].what is What.THERE


def test_a_repeat_of_a_line_that_the_ledger_refuses_is_refused_too(programme, customers):
    with database.begin() as session:
        policies.add_earn_rule(session, programme.programme_id, "huge", LONG_AGO, points=10**6, per_fen=1)
    line = replace(LINE, line_type="huge", amount_fen=10**13)

    outcomes = post(programme, line, line)

    assert [outcome.what for outcome in outcomes] == [What.REFUSED, What.REFUSED]
    assert stored() == 0


random_lines = st.builds(
    BillLineIn,
    customer_id=st.sampled_from(["C1", "C2", "C404"]),
    bill_id=st.sampled_from(["B1", "B2"]),
    line_no=st.integers(-1, 3),
    bill_day=st.sampled_from([DAY, date(2019, 1, 1), date(2999, 1, 1)]),
    line_type=st.sampled_from(["plan", "data", "roaming"]),
    amount_fen=st.integers(-100, 10_000),
    waived_fen=st.integers(-1, 200),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(random_lines, max_size=30), cut=st.integers(0, 30))
def test_how_a_file_is_cut_into_chunks_changes_nothing_but_what_it_must(programme, customers, lines, cut):
    """Whatever was sent before: the wallets hold the points of the lines kept, and a repeat adds nothing."""
    first = [*post(programme, *lines[:cut]), *post(programme, *lines[cut:])]
    again = post(programme, *lines)

    for one, other in zip(first, again, strict=True):
        assert (one.what is What.REFUSED) == (other.what is What.REFUSED)
        assert other.what is not What.POSTED
    with database.begin() as session:
        kept = session.scalar(select(func.coalesce(func.sum(BillLine.points), 0)))
    assert balance(customers["C1"]) + balance(customers["C2"]) == kept


# A file


def test_a_file_is_taken_in_and_counted(tmp_path, programme, customers):
    path = bill_file(
        tmp_path / "bills.csv",
        LINE,
        replace(LINE, line_no=2, line_type="data", amount_fen=500),
        replace(LINE, customer_id="X"),
    )

    report = take_in(programme, path)

    assert (report.read, report.posted, report.already_there, report.refused) == (3, 2, 0, 1)
    assert report.points == {"plan": 123, "data": 5}
    assert report.adds_up
    assert not report.clean
    assert report.errors == [{"line": 4, "error": "customer_id: no such customer in this programme"}]
    with database.begin() as session:
        run = session.scalars(select(ImportRun)).one()
    assert run.counts["posted"] == 2
    assert run.ended_at is not None
    assert "errors" not in run.counts


def test_the_same_file_again_changes_nothing(tmp_path, programme, customers):
    lines = [replace(LINE, customer_id=f"C{n % 9 + 1}", line_no=n) for n in range(PART + 100)]
    path = bill_file(tmp_path / "bills.csv", *lines)

    first, second = take_in(programme, path), take_in(programme, path)

    assert (first.posted, second.posted, second.already_there) == (PART + 100, 0, PART + 100)
    assert stored() == PART + 100


def test_bad_rows_go_to_a_file_that_can_be_corrected_and_sent(tmp_path, programme, customers):
    path = bill_file(tmp_path / "bills.csv", LINE, replace(LINE, line_no=2))
    text = path.read_text().replace("plan,12345", "plan,１２３４５", 1)
    path.write_text(text + "B1,3,C1\n=B1,4,C1,2025-03-05,plan,-5,0\n", encoding="utf-8")

    report = take_in(programme, path)

    bad = tmp_path / "bills.errors.csv"
    assert report.error_file == str(bad)
    assert (report.posted, report.refused) == (1, 3)
    rows = list(csv.DictReader(bad.open(encoding="utf-8")))
    assert [row["line"] for row in rows] == ["2", "4", "5"]
    assert rows[0]["error"].startswith("amount_fen: '１２３４５' is not a whole number")
    assert rows[1]["error"] == "3 fields instead of 7"
    assert rows[2]["bill_id"] == "'=B1"
    assert rows[2]["amount_fen"] == "'-5"

    bad.write_text(
        bad.read_text(encoding="utf-8").replace("１２３４５", "12345").replace("'-5", "500"), encoding="utf-8"
    )
    second = take_in(programme, bad)
    assert (second.posted, second.refused) == (2, 1)
    with database.begin() as session:
        assert session.get(BillLine, (customers["C1"], "=B1", 4)) is not None


def test_no_bad_row_no_error_file(tmp_path, programme, customers):
    assert take_in(programme, bill_file(tmp_path / "bills.csv", LINE)).clean
    assert [entry.name for entry in tmp_path.iterdir()] == ["bills.csv"]


def test_a_file_that_cannot_be_read_is_refused_before_anything_is_written(tmp_path, programme, customers):
    path = bill_file(tmp_path / "bills.csv", *[replace(LINE, line_no=n) for n in range(16)])
    path.write_bytes(path.read_bytes() + "B1,99,全球通,2025-03-05,plan,1,0\n".encode("gb18030"))

    with pytest.raises(FileNotUtf8, match="line 18"):
        take_in(programme, path)
    with pytest.raises(FileColumnsWrong, match="missing: 'amount_fen'"):
        take_in(programme, bill_file(tmp_path / "few.csv", LINE, columns=bills.REQUIRED[:-1]))

    assert stored() == 0
    with database.begin() as session:
        assert session.scalars(select(ImportRun)).all() == []


def test_the_file_itself_cannot_be_the_error_file(tmp_path, programme, customers):
    path = bill_file(tmp_path / "bills.csv", replace(LINE, customer_id="X"))

    with pytest.raises(FileNotWritable):
        take_in(programme, path, errors=path)

    assert "B1" in path.read_text()


def test_a_dry_run_says_the_same_and_keeps_nothing(tmp_path, programme, customers):
    lines = [replace(LINE, customer_id=f"C{n % 9 + 1}", line_no=n) for n in range(PART + 100)]
    lines += [
        lines[3],
        replace(lines[4], amount_fen=7),
        replace(LINE, customer_id="X"),
    ]  # repeats, chunks apart
    path = bill_file(tmp_path / "bills.csv", *lines)

    dry = take_in(programme, path, dry_run=True)

    assert stored() == 0
    assert all(balance(member_id) == 0 for member_id in customers.values())
    with database.begin() as session:
        assert session.scalars(select(ImportRun)).all() == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["bills.csv"]
    real = take_in(programme, path)
    assert (dry.read, dry.posted, dry.already_there, dry.refused, dry.points, dry.errors) == (
        real.read, real.posted, real.already_there, real.refused, real.points, real.errors,
    )  # fmt: skip
    assert (real.posted, real.already_there, real.refused) == (PART + 100, 1, 2)


def test_a_dry_run_writes_the_error_file_that_it_is_asked_for(tmp_path, programme, customers):
    path = bill_file(tmp_path / "bills.csv", replace(LINE, customer_id="X"))

    report = take_in(programme, path, dry_run=True, errors=tmp_path / "bad.csv")

    assert report.error_file == str(tmp_path / "bad.csv")


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path, programme, customers, monkeypatch):
    lines = [replace(LINE, customer_id=f"C{n % 3 + 1}", line_no=n) for n in range(3 * PART)]
    path = bill_file(tmp_path / "bills.csv", *lines)
    real, calls = bills.post_lines, []

    def stopped_in_the_third_part(*given):
        outcomes = real(*given)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return outcomes

    monkeypatch.setattr(bills, "post_lines", stopped_in_the_third_part)
    with pytest.raises(KeyboardInterrupt):
        take_in(programme, path)
    monkeypatch.setattr(bills, "post_lines", real)

    assert stored() == 2 * PART
    with database.begin() as session:
        run = session.scalars(select(ImportRun)).one()
    assert (run.counts["posted"], run.ended_at) == (2 * PART, None)
    report = take_in(programme, path)
    assert (report.posted, report.already_there) == (PART, 2 * PART)
    assert sum(map(balance, customers.values())) == 3 * PART * 123


def test_two_runs_of_one_file_at_once_post_it_once(tmp_path, programme, customers):
    lines = [
        replace(LINE, customer_id=f"C{n % 9 + 1}", line_no=n, amount_fen=n % 3 * 100) for n in range(2 * PART)
    ]
    path = bill_file(tmp_path / "bills.csv", *lines)
    reports, told = [], []

    def run():
        try:
            reports.append(take_in(programme, path))
        except FileBeingTakenIn as problem:
            told.append(problem)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reports) + len(told) == 2
    assert {report.refused for report in reports} == {0}
    assert sum(report.posted for report in reports) == 2 * PART
    assert sum(map(balance, customers.values())) == sum(n % 3 for n in range(2 * PART))


def test_two_files_with_the_same_lines_at_once_post_them_once(tmp_path, programme, customers):
    lines = [
        replace(LINE, customer_id=f"C{n % 9 + 1}", line_no=n, amount_fen=n % 3 * 100) for n in range(2 * PART)
    ]
    paths = [bill_file(tmp_path / "1.csv", *lines), bill_file(tmp_path / "2.csv", *lines[::-1])]
    reports = []

    threads = [
        threading.Thread(target=lambda path=path: reports.append(take_in(programme, path))) for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [report.refused for report in reports] == [0, 0]
    assert all(report.adds_up for report in reports)
    assert sum(report.posted for report in reports) == 2 * PART
    assert sum(map(balance, customers.values())) == sum(n % 3 for n in range(2 * PART))


def test_a_report_is_json(tmp_path, programme, customers):
    report = take_in(programme, bill_file(tmp_path / "账单.csv", LINE))

    assert json.loads(json.dumps(report.__dict__))["file"] == "账单.csv"

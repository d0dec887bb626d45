"""Records of an airline: months summed and rounded down, openings where history is missing, posted once."""

import csv
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from admin.airline import records, taking_in
from admin.airline.records import ACTIVITY_COLUMNS, HISTORY_COLUMNS, AirlineRecordsWrong, Month, opening
from base import clock, database
from base.csv_files import FileNotReadable
from catalog.redemptions.models import Redemption
from points import ledger, lots, programmes
from points.kinds import Kind, State
from points.members.models import Member
from points.models import ImportRun, PostingRow
from tests.given import secrets_of

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "airline"

MEMBERS = [
    ("100", 2016, 2, None, None),
    ("200", 2017, 2, 2017, 3),
    ("300", 2017, 3, None, None),
    ("400", 2015, 5, 2016, 1),
]
ACTIVITY = [
    # number, year, month, earned, redeemed, dollars
    ("100", 2017, 2, "100", 0, 0),
    ("100", 2017, 1, "10.5", 30, 5),  # more than there was: an opening of 20
    ("100", 2017, 2, "100", 0, 0),  # repeats a row exactly: summed
    ("200", 2017, 2, "0.5", 0, 0),
    ("200", 2017, 2, "0.5", 0, 0),
    ("200", 2017, 3, "50", 51, 9),
    ("300", 2017, 1, "7", 0, 0),  # before the month of enrolment
    ("300", 2017, 2, "0", 0, 0),
    ("400", 2017, 1, "0", 0, 0),
]


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path)


def write(folder, members=MEMBERS, activity=ACTIVITY):
    history = [
        {"Loyalty Number": number, "Country": "Canada", "Enrollment Year": year, "Enrollment Month": month,
         "Cancellation Year": left_year or "", "Cancellation Month": left_month or ""}
        for number, year, month, left_year, left_month in members
    ]  # fmt: skip
    flights = [
        {"Loyalty Number": number, "Year": year, "Month": month, "Total Flights": 1, "Distance": 1,
         "Points Accumulated": earned, "Points Redeemed": redeemed, "Dollar Cost Points Redeemed": dollars}
        for number, year, month, earned, redeemed, dollars in activity
    ]  # fmt: skip
    for name, columns, rows in (
        (records.HISTORY_FILE, HISTORY_COLUMNS, history),
        (records.ACTIVITY_FILE, ACTIVITY_COLUMNS, flights),
    ):
        with open(folder / name, "w", encoding="utf-8-sig", newline="") as out:
            writer = csv.DictWriter(out, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def take_in(db, folder):
    return taking_in.take_in(folder, secrets_of(db), quiet=True)


def postings_of(customer_id):
    with database.begin() as session:
        rows = session.scalars(
            select(PostingRow)
            .join(Member, Member.member_id == PostingRow.member_id)
            .where(Member.customer_id == customer_id)
            .order_by(PostingRow.seq)
        ).all()
    return [(Kind(row.kind), row.amount, clock.day(row.at, taking_in.ZONE), row.ref) for row in rows]


def member(customer_id):
    with database.begin() as session:
        return session.scalars(select(Member).where(Member.customer_id == customer_id)).one()


# Reading


def test_months_are_summed_before_they_are_rounded_down(folder):
    found = {one.customer_id: one for one in records.read(folder).travellers}

    assert found["100"].months == (
        Month(date(2017, 1, 1), 10, 30, 500),
        Month(date(2017, 2, 1), 200, 0, 0),
    )
    assert found["200"].months[0] == Month(date(2017, 2, 1), 1, 0, 0)
    assert found["400"].months == ()


def test_odd_things_are_counted(folder):
    found = records.read(folder)

    assert (found.rows, found.repeated_rows, found.member_months, found.fractional_months) == (9, 2, 7, 1)
    assert found.first_day == date(2017, 1, 1)


def test_enrolment_is_the_first_day_of_its_month_cancellation_the_last(folder):
    found = {one.customer_id: (one.joined_on, one.left_on) for one in records.read(folder).travellers}

    assert found["100"] == (date(2016, 2, 1), None)
    assert found["200"] == (date(2017, 2, 1), date(2017, 3, 31))


months = st.lists(
    st.builds(Month, st.just(date(2017, 1, 1)), st.integers(0, 99), st.integers(0, 99), st.just(0))
)


@given(months)
def test_an_opening_is_just_enough(some):
    """With it no month ends below nothing; with one point less some month would."""

    def lowest(start):
        balances = [start]
        for month in some:
            balances.append(balances[-1] + month.earned_points - month.redeemed_points)
        return min(balances)

    needed = opening(tuple(some))

    assert lowest(needed) >= 0
    assert needed == 0 or lowest(needed - 1) < 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("999", 2017, 1, "1", 0, 0), "line 2: Loyalty Number: '999' is not in"),
        (("100", 2017, 13, "1", 0, 0), "line 2: Year, Month: 2017-13 is no month"),
        (("100", 2017, 1, "-1", 0, 0), "line 2: Points Accumulated: '-1' is not a number of points"),
        (("100", 2017, 1, "1e3", 0, 0), "line 2: Points Accumulated: "),
        (("100", 2017, 1, "NaN", 0, 0), "line 2: Points Accumulated: "),
        (("100", 2017, 1, "1", -5, 0), "line 2: Points Redeemed: -5 is out of range"),
        (("100", 2017, 1, "1", "2.5", 0), "line 2: Points Redeemed: "),
    ],
)
def test_one_bad_line_refuses_all_for_a_sum_would_be_wrong_unseen(tmp_path, row, said):
    with pytest.raises(AirlineRecordsWrong, match=said):
        records.read(write(tmp_path, activity=[row, *ACTIVITY]))


def test_a_member_twice_or_cancelled_before_enrolling_is_refused(tmp_path):
    with pytest.raises(AirlineRecordsWrong, match="line 3: Loyalty Number: 100 is there twice"):
        records.read(write(tmp_path, members=[MEMBERS[0], *MEMBERS]))
    with pytest.raises(AirlineRecordsWrong, match="cancelled before the month of enrolment"):
        records.read(write(tmp_path, members=[("100", 2017, 2, 2017, 1), *MEMBERS[1:]]))


def test_a_folder_without_the_files_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotReadable, match=records.HISTORY_FILE):
        records.read(tmp_path)


# Posting


def test_members_get_what_their_months_say_with_the_moments_of_their_months(db, folder):
    report = take_in(db, folder)

    assert postings_of("100") == [
        (Kind.EARN, 20, date(2017, 1, 1), "opening: history before 2017-01 is missing"),
        (Kind.EARN, 10, date(2017, 1, 15), "flights of 2017-01"),
        (Kind.REDEEM, 30, date(2017, 1, 31), "redeemed in 2017-01"),
        (Kind.EARN, 200, date(2017, 2, 15), "flights of 2017-02"),
    ]
    assert (report.openings, report.opening_points) == (1, 20)
    assert (report.new_members, report.posted, report.redemptions) == (4, 8, 2)
    assert report.clean


def test_points_before_the_month_of_enrolment_keep_their_month(db, folder):
    report = take_in(db, folder)

    assert postings_of("300") == [(Kind.EARN, 7, date(2017, 1, 15), "flights of 2017-01")]
    assert member("300").joined_on == date(2017, 3, 1)
    assert report.months_before_joining == 1


def test_who_cancelled_is_closed_after_the_last_posting(db, folder):
    take_in(db, folder)

    assert postings_of("200")[-1] == (Kind.REDEEM, 51, date(2017, 3, 31), "redeemed in 2017-03")
    with database.begin() as session:
        states = {c: ledger.read(session, member(c).member_id).state for c in ("100", "200", "300", "400")}
    assert states == {"100": State.OPEN, "200": State.CLOSED, "300": State.OPEN, "400": State.CLOSED}
    assert member("400").left_on == date(2016, 1, 31)


def test_redemptions_are_kept_with_what_they_cost(db, folder):
    take_in(db, folder)

    with database.begin() as session:
        row = session.scalars(select(Redemption).where(Redemption.member_id == member("100").member_id)).one()
        posting = session.get_one(PostingRow, (row.member_id, row.posting_seq))
    assert (row.price_points, row.value_fen, row.kind, row.state) == (30, 500, "history", "fulfilled")
    assert row.at == posting.at == datetime(2017, 1, 31, 17, tzinfo=row.at.tzinfo)
    assert (posting.value_fen, posting.version_id) == (500, row.rate_id)


def test_points_do_not_lapse(db, folder):
    take_in(db, folder)

    with database.begin() as session:
        wallet = ledger.read(session, member("100").member_id)
        programme = programmes.by_code(session, "airline")
    assert wallet.balance == 200
    assert [lots.last_day(key) for key in wallet.lots.keys] == [lots.NO_END]
    assert (programme.zone, programme.currency) == ("America/Toronto", "CAD")


def test_a_second_run_changes_nothing(db, folder):
    first = take_in(db, folder)
    before = [postings_of(customer) for customer in ("100", "200", "300", "400")]

    second = take_in(db, folder)

    assert (second.posted, second.already_there, second.new_members, second.redemptions) == (
        0,
        first.posted,
        0,
        0,
    )
    assert [postings_of(customer) for customer in ("100", "200", "300", "400")] == before
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(Redemption)) == first.redemptions
        assert len(session.scalars(select(ImportRun)).all()) == 2


def test_a_run_that_was_ended_goes_on_with_the_other_members(db, folder, monkeypatch):
    monkeypatch.setattr(taking_in, "STEP", 1)  # one member a transaction
    real, calls = taking_in._post, []

    def ended_at_the_third(*given):
        real(*given)
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(taking_in, "_post", ended_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        take_in(db, folder)
    monkeypatch.setattr(taking_in, "_post", real)

    with database.begin() as session:
        assert set(session.scalars(select(Member.customer_id))) == {"100", "200"}
    report = take_in(db, folder)
    assert (report.new_members, report.already_there, report.posted) == (2, 7, 1)


# The real records


def test_the_public_records_are_mapped_as_documented():
    if not REAL.is_dir():
        pytest.skip(f"the public airline records are not at {REAL}: see docs/airline-records.md")

    found = records.read(REAL)

    openings = [one.opening_points for one in found.travellers if one.opening_points]
    some = [(one, month) for one in found.travellers for month in one.months]
    assert (len(found.travellers), found.rows) == (16_737, 392_936)
    assert (found.repeated_rows, found.member_months, found.fractional_months) == (1_922, 389_065, 473)
    assert (len(openings), sum(openings)) == (312, 138_414)
    assert sum(one.left_on is not None for one in found.travellers) == 2_067
    assert sum(month.earned_points for _, month in some) == 796_548_756
    assert sum(month.redeemed_points for _, month in some) == 12_300_572
    assert sum(month.redeemed_points > 0 for _, month in some) == 23_873
    assert sum(month.first_day < one.joined_on for one, month in some) == 3_275
    assert not any(one.left_on and month.first_day > one.left_on for one, month in some)

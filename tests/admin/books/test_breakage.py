"""Expected breakage by the month of earning: booked on top of what lapses, restated by a policy, the rows before untouched."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from admin.books import breakage, verify
from admin.books.breakage import EstimateBefore
from base import clock, database
from points import policies
from points.kinds import Kind
from tests.admin.analytics.test_liability import earn, post
from tests.admin.books.ledger import booked, shown
from tests.given import given_extension, given_member, given_programme

SEPTEMBER, OCTOBER = date(2026, 9, 30), date(2026, 10, 31)
AFTER = datetime(2026, 11, 2, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def the_present():
    with clock.stopped(AFTER):
        yield


@pytest.fixture
def programme(db):
    """Points of May and June that lapse at the end of November, some of June's redeemed in August and October."""
    made = given_programme()
    member = given_member(db, made)
    earn(member, 1_000, datetime(2026, 5, 15, 4, tzinfo=UTC), date(2026, 11, 30))
    earn(member, 1_000, datetime(2026, 6, 15, 4, tzinfo=UTC), date(2026, 11, 30))
    post(member, Kind.REDEEM, 100, datetime(2026, 8, 20, 4, tzinfo=UTC))
    post(member, Kind.REDEEM, 200, datetime(2026, 10, 20, 4, tzinfo=UTC))
    return made


def rows(run):
    with database.begin() as session:
        return [
            (one.issued, one.points, one.expected_points, one.value_fen, one.breakage_fen)
            for one in breakage.cohorts(session, run)
        ]


def whole(run):
    return sum(row[-1] for row in rows(run))


def test_an_estimate_is_kept_by_the_month_of_earning_and_booked_on_an_account_of_its_own(programme):
    liability = shown()["points_liability"]

    run = breakage.take(programme, SEPTEMBER)

    assert [row[:2] for row in rows(run)] == [
        ("2026-05", 1_900)
    ]  # one lot: all of it counts from its first points
    assert 0 < whole(run) <= 1_900
    assert booked("breakage-expected") == [("breakage_expected", "breakage_income", whole(run))]
    assert shown()["points_liability"] == liability
    assert shown()["breakage_expected"] == whole(run)


def test_the_next_one_books_what_has_changed_and_twice_changes_nothing(programme):
    first = breakage.take(programme, SEPTEMBER)
    second, again = (breakage.take(programme, OCTOBER) for _ in range(2))

    assert (second.estimate_no, again.estimate_no, second.cause) == (2, 2, "time")
    assert shown()["breakage_expected"] == whole(second) != whole(first)


def test_an_extension_is_restated_by_a_row_of_its_own_and_the_rows_before_stay(programme):
    first = breakage.take(programme, SEPTEMBER)
    kept = rows(first)
    with clock.stopped(datetime(2026, 10, 15, 3, tzinfo=UTC)):
        given_extension(programme, date(2026, 11, 1), date(2026, 12, 31), date(2027, 6, 30))

    policy = breakage.take(programme, OCTOBER)

    with database.begin() as session:
        newest, time, oldest = breakage.listed(session, programme.programme_id)
    assert [(one.estimate_no, one.cause) for one in (oldest, time, newest)] == [
        (1, "time"),
        (2, "time"),
        (3, "policy"),
    ]
    assert [one["what"] for one in newest.changes] == ["extension"]
    assert newest.estimate_no == policy.estimate_no
    assert rows(oldest) == kept
    assert whole(newest) < whole(time)
    restated = whole(time) - whole(newest)
    assert booked("breakage-restated") == [("breakage_income", "breakage_expected", restated)]
    assert shown()["breakage_expected"] == whole(newest)


def test_a_policy_that_begins_is_a_restatement_too_although_it_is_about_later_points(programme):
    breakage.take(programme, SEPTEMBER)
    with database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, policies.BILL_POINTS, date(2026, 10, 1), months=24
        )

    run = breakage.take(programme, OCTOBER)

    assert (run.cause, [one["what"] for one in run.changes]) == ("policy", ["policy"])
    assert booked("breakage-restated") == []


def test_an_earlier_day_is_refused_and_an_estimate_left_out_of_the_books_is_found(programme, monkeypatch):
    breakage.take(programme, OCTOBER)

    with pytest.raises(EstimateBefore):
        breakage.take(programme, SEPTEMBER)
    with database.begin() as session:
        assert list(verify.findings(session)) == []
        monkeypatch.setitem(
            verify._RECKONED,
            "breakage_expected",
            verify._RECKONED["breakage_expected"].replace("-sum", "sum"),
        )
        assert [one.place for one in verify.findings(session)] == ["breakage_expected CNY"]
    monkeypatch.undo()


def test_two_at_once_keep_one_estimate(programme):
    with ThreadPoolExecutor(3) as pool:
        numbers = list(pool.map(lambda _: breakage.take(programme, OCTOBER).estimate_no, range(3)))

    assert numbers == [1, 1, 1]


def test_the_worker_takes_last_months_once_its_figures_are_there_and_the_command_says_it(programme, cli):
    breakage.nightly()
    with database.begin() as session:
        assert breakage.latest(session, programme.programme_id) is None  # no figures yet

    told = json.loads(cli("breakage", "--on", "2026-10-31", "--json", "--quiet").stdout)
    breakage.nightly()

    (one,) = told["estimates"]
    assert (one["estimate"], one["cause"], one["on"]) == (1, "time", "2026-10-31")
    with database.begin() as session:
        assert len(breakage.listed(session, programme.programme_id)) == 1

"""The liability by cohort: to the point what the ledger says, priced by what redemptions cost, restated and never edited."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from admin.analytics import liability, period_reports, sums
from admin.analytics.models import FiguresRun
from base import clock, database
from points import ledger, lots, policies
from points.deeds import Request
from points.kinds import Kind
from tests.given import (
    ZONE,
    given_area,
    given_extension,
    given_member,
    given_offer,
    given_programme,
)
from tests.owner import owner

JULY = datetime(2026, 7, 15, 4, tzinfo=UTC)
END = date(2026, 10, 31)
AFTER = datetime(2026, 11, 2, 4, tzinfo=UTC)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture(autouse=True)
def the_present():
    with clock.stopped(AFTER):
        yield


def post(member_id, kind, points, at, **more):
    with clock.stopped(at), database.begin() as session:
        request = Request(
            member_id, ledger.key("test", f"{kind}{at}{points}"), kind, points, at, ZONE, **more
        )
        return ledger.post(session, request).seq


def earn(member_id, points, at, last_day):
    return post(member_id, Kind.EARN, points, at, lot_key=lots.key(last_day, policies.BILL_POINTS))


def take(programme, on=END):
    run = liability.take(programme, on)
    with database.begin() as session:
        return liability.of_area(session, run, "")


def test_cohorts_are_by_month_of_issue_and_add_up_to_the_ledger(db, programme):
    first, second = (given_member(db, programme) for _ in range(2))
    earn(first, 1000, JULY, date(2029, 7, 31))
    earn(first, 500, datetime(2026, 8, 3, 4, tzinfo=UTC), date(2029, 8, 31))
    earn(second, 200, datetime(2026, 8, 9, 4, tzinfo=UTC), date(2029, 8, 31))
    post(first, Kind.REDEEM, 300, datetime(2026, 9, 1, 4, tzinfo=UTC))

    found = take(programme)

    assert [(row["issued"], row["class"], row["points"]) for row in found["cohorts"]] == [
        ("2026-07", 1, 700),
        ("2026-08", 1, 700),
    ]
    assert found["total"]["points"] == found["points"] == 1400


def test_value_is_live_points_at_fair_value_less_what_will_lapse(db, programme):
    member = given_member(db, programme)
    earn(member, 1000, JULY, date(2026, 12, 31))
    post(member, Kind.REDEEM, 100, datetime(2026, 8, 1, 4, tzinfo=UTC))

    found = take(programme)["cohorts"][0]

    # 100 of 1,000 burnt at the age of one month, nothing at the others: at the ages still to come nothing burns.
    assert found["expected_to_lapse"] == 900
    assert (
        found["value_fen"] == 900
    )  # no redemption of the catalogue yet: by the bill-credit rate, 100 points for 100 fen
    assert found["liability_fen"] == 0


def test_points_in_a_hold_are_shown_apart_and_those_that_lapsed_unposted_too(db, programme):
    member = given_member(db, programme)
    earn(member, 400, JULY, date(2026, 9, 30))
    earn(member, 600, JULY, date(2029, 7, 31))
    post(
        member, Kind.HOLD, 100, datetime(2026, 8, 1, 4, tzinfo=UTC), ends_at=datetime(2027, 1, 1, tzinfo=UTC)
    )

    found = take(programme)

    assert found["set_aside"] == {"points": 100, "liability_fen": 100, "upper_fen": 100}
    assert found["lapsed_not_posted"] == 300
    assert found["total"]["points"] == 600
    assert found["points"] == 900


def test_what_is_given_back_grows_no_younger(db, programme):
    member = given_member(db, programme)
    earn(member, 400, JULY, date(2029, 7, 31))
    hold = post(
        member, Kind.HOLD, 100, datetime(2026, 9, 1, 4, tzinfo=UTC), ends_at=datetime(2027, 1, 1, tzinfo=UTC)
    )
    post(member, Kind.RELEASE, 100, datetime(2026, 10, 1, 4, tzinfo=UTC), rev_of=hold)

    found = take(programme)

    assert [(row["issued"], row["points"]) for row in found["cohorts"]] == [("2026-07", 400)]


def test_an_extension_restates_what_is_expected_to_lapse(db, programme):
    member = given_member(db, programme)
    for month, burnt in ((5, 0), (6, 100)):
        earn(member, 1000, datetime(2026, month, 15, 4, tzinfo=UTC), date(2026, 11, 30))
        if burnt:
            post(member, Kind.REDEEM, burnt, datetime(2026, 10, 20, 4, tzinfo=UTC))
    before = take(programme, date(2026, 10, 30))
    with clock.stopped(datetime(2026, 10, 31, 3, tzinfo=UTC)):
        given_extension(programme, date(2026, 11, 1), date(2026, 12, 31), date(2027, 6, 30))

    found = take(programme)

    assert before["restated"] is None
    assert [one["what"] for one in found["restated"]["changes"]] == ["extension"]
    assert found["restated"]["expected_to_lapse_after"] == found["total"]["expected_to_lapse"]
    assert found["restated"]["expected_to_lapse_before"] > found["restated"]["expected_to_lapse_after"]
    assert [row["points"] for row in before["lapses_soon"]][:2] == [0, 1900]
    assert sum(row["points"] for row in found["lapses_soon"]) == 0


def test_a_policy_that_begins_is_noted(db, programme):
    earn(given_member(db, programme), 10, JULY, date(2029, 7, 31))
    take(programme, date(2026, 9, 30))
    with database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, policies.BILL_POINTS, date(2026, 10, 1), months=24
        )

    found = take(programme)

    assert found["restated"]["changes"] == [
        {"what": "policy", "class": policies.BILL_POINTS, "from_day": "2026-10-01", "months": 24}
    ]


def test_taken_twice_it_is_one_row_and_taken_after_a_late_posting_a_further_one(db, programme):
    member = given_member(db, programme)
    earn(member, 100, JULY, date(2029, 7, 31))

    first, again = (liability.take(programme, END) for _ in range(2))
    earn(member, 50, datetime(2026, 8, 15, 4, tzinfo=UTC), date(2029, 8, 31))
    later = liability.take(programme, END)

    assert first.run_id == again.run_id != later.run_id
    with database.begin() as session:
        assert sums.latest(session, programme.programme_id, sums.LIABILITY).run_id == later.run_id
        kept = session.scalars(select(FiguresRun)).all()
    assert len(kept) == 2


def test_two_who_take_it_at_once_keep_one_row(db, programme):
    earn(given_member(db, programme), 100, JULY, date(2029, 7, 31))

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: liability.take(programme, END).run_id, range(4)))
        reports = list(pool.map(lambda _: period_reports.make(programme, "2026-10").sha256, range(4)))

    assert len(set(runs)) == len(set(reports)) == 1
    with database.begin() as session:
        kept = session.scalars(select(FiguresRun.topic)).all()
    assert sorted(kept) == ["liability", "roll-up"]


def test_of_a_day_that_is_not_over_nothing_is_told(programme):
    with pytest.raises(sums.DayNotOver):
        liability.take(programme, date(2026, 11, 2))


def test_an_area_has_its_own_and_all_areas_the_whole(db, programme):
    for area, points in (("330106", 100), ("330203", 50), ("3301", 20), ("", 7)):
        member = given_member(db, programme)
        if area:
            given_area(member, area)
        earn(member, points, JULY, date(2029, 7, 31))
    run = liability.take(programme, END)

    with database.begin() as session:
        found = {
            area: liability.of_area(session, run, area)["total"]["points"]
            for area in ("", "33", "3301", "3302", "44")
        }

    assert found == {"": 177, "33": 170, "3301": 120, "3302": 50, "44": 0}


def test_fair_value_is_what_redemptions_cost(db, programme):
    from catalog.redemptions import quotes, redemptions
    from catalog.redemptions.course import JOB

    member = given_member(db, programme)
    earn(member, 5000, JULY, date(2029, 7, 31))
    offer = given_offer(programme, "perk", value_fen=1000, cost_fen=400)
    at = datetime(2026, 9, 9, 4, tzinfo=UTC)
    with clock.stopped(at), database.begin() as session:
        quote = quotes.make(session, member, offer.offer_id, 1, at, 600).quote
        redemptions.redeem(session, member, quote.quote_id, JOB, at)

    found = take(programme)

    assert found["fair_fen_per_1000_points"] == 400
    assert found["bill_credit_fen_per_1000_points"] == 1000
    assert found["cohorts"][0]["value_fen"] == 1600
    assert found["cohorts"][0]["upper_fen"] == 4000
    assert found["status"] == "ok"


def test_cohorts_that_do_not_add_up_are_found(db, programme):
    earn(given_member(db, programme), 100, JULY, date(2029, 7, 31))
    liability.take(programme, END)
    with owner(db) as connection:
        connection.execute(text("update area_sum set points = points + 1"))

    with database.begin() as session:
        found = [one.text for one in liability.findings(session)]
    with owner(db) as connection:
        connection.execute(text("update area_sum set points = points - 1"))

    assert found == ["its cohorts and the ledger differ by 1 points"]


DEEDS = st.lists(
    st.tuples(
        st.sampled_from([Kind.EARN, Kind.REDEEM, Kind.HOLD, Kind.RELEASE, Kind.REVERSE, Kind.EXPIRE]),
        st.integers(0, 1),
        st.integers(1, 300),
    ),
    min_size=1,
    max_size=14,
)


@given(DEEDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_the_cohorts_are_what_the_wallets_say(db, programme, deeds):
    pair = [given_member(db, programme) for _ in range(2)]
    done = {}
    for step, (kind, who, points) in enumerate(deeds):
        at = datetime(2026, 3 + step // 2, 3 + step % 2 * 14, 4, tzinfo=UTC)
        _try(pair[who], kind, points, at, done)

    run = liability.take(programme, date(2026, 11, 1))

    with database.begin() as session:
        mine = sums.within(session, run.run_id, "")
        everybody = session.execute(text("select sum(balance) from wallet")).scalar_one()
    assert sum(one.points for one in mine.values()) == run.facts["ledger"]["balance"] == everybody
    with database.begin() as session:
        block = liability.of_area(session, run, "")
    assert sum(row["points"] for row in block["cohorts"]) + block["lapsed_not_posted"] == everybody
    for name in ("value_fen", "expected_to_lapse", "liability_fen"):
        assert sum(row[name] for row in block["cohorts"]) == block["total"][name]
    assert json.dumps(block["total"])


def _try(member_id, kind, points, at, done):
    """Do it if it can be done: what refers to something before takes the latest of the member's."""
    from base.errors import Problem

    more = {}
    if kind is Kind.EARN:
        more = {"lot_key": lots.key(policies.month_end(at.date(), points % 5), policies.BILL_POINTS)}
    if kind is Kind.HOLD:
        more = {"ends_at": datetime(2028, 1, 1, tzinfo=UTC)}
    if kind in (Kind.RELEASE, Kind.REVERSE):
        seq = done.get((member_id, Kind.HOLD if kind is Kind.RELEASE else Kind.REDEEM))
        if seq is None:
            return
        more = {"rev_of": seq}
    try:
        done[member_id, kind] = post(member_id, kind, 0 if kind is Kind.EXPIRE else points, at, **more)
    except (Problem, LookupError):  # refused, or nothing to do
        return

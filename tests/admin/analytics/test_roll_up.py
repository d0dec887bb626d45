"""The roll-up: exit rate, loyalty and the rest for every area, the parts of which add up to the whole."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.analytics import period_reports, roll_up, satisfaction, sums
from admin.analytics.period_reports import BadPeriod
from admin.analytics.sums import Days, Sums
from base import clock, database
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from points import ledger, lots, policies
from points.care import care
from points.deeds import Request
from points.kinds import Kind
from points.members import areas, members
from points.members.models import Member
from tests.given import (
    ZONE,
    given_area,
    given_group,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_tier,
)
from tests.ratings import rate, used_perk

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
AFTER = datetime(2026, 11, 26, 4, tzinfo=UTC)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture(autouse=True)
def the_present():
    with clock.stopped(AFTER):
        yield


def member(db, programme, *, joined=date(2020, 5, 1), area=None, left=None, involuntary=False, earned=None):
    found = given_member(db, programme, joined_on=joined)
    if area:
        given_area(found, area)
    if earned:
        at = datetime(earned.year, earned.month, earned.day, 4, tzinfo=UTC)
        key = lots.key(date(2026, 12, 31), policies.BILL_POINTS)
        with clock.stopped(at), database.begin() as session:
            ledger.post(
                session, Request(found, ledger.key("test", str(found)), Kind.EARN, 100, at, ZONE, lot_key=key)
            )
    if left:
        with database.begin() as session:
            members.leave(session, found, left, involuntary=involuntary)
    return found


def taken(programme, area=""):
    run = roll_up.take(Days(programme, FIRST, LAST))
    with database.begin() as session:
        return roll_up.of_area(session, run, area)


def test_who_came_went_and_stayed(db, programme):
    for left, involuntary in (
        (None, False),
        (date(2026, 9, 30), False),
        (FIRST, False),
        (LAST, True),
        (date(2026, 11, 1), False),
    ):
        member(db, programme, left=left, involuntary=involuntary)
    member(db, programme, joined=date(2026, 10, 7))
    member(db, programme, joined=date(2026, 11, 7))

    found = taken(programme)["whole"]

    assert (
        found["opening"],
        found["joined"],
        found["left"],
        found["left_involuntary"],
        found["members"],
    ) == (4, 1, 1, 1, 3)
    assert found["exit_rate_bp"] == 2500
    assert found["status"] == "caution"  # four members are few


def test_loyal_is_who_is_there_for_long_and_active_and_silent_who_did_nothing_for_half_a_year(db, programme):
    member(db, programme, earned=date(2026, 6, 1))  # loyal
    member(db, programme, earned=date(2026, 4, 1))  # silent: too long ago
    member(db, programme, joined=date(2025, 5, 1), earned=date(2026, 6, 1))  # active, but not there for long
    member(db, programme, joined=date(2026, 6, 1))  # neither: not there for half a year

    found = taken(programme)["whole"]

    assert (found["members"], found["loyal"], found["silent"]) == (4, 1, 1)
    assert found["loyalty_bp"] == 2500


def test_without_ratings_there_is_no_satisfaction_and_it_says_what_would_supply_it(db, programme):
    member(db, programme)

    found = taken(programme)["whole"]

    assert found["satisfaction_bp"] is None
    assert found["satisfaction"]["reasons"][0]["code"] == "no_rating"
    assert found["vip_satisfaction"]["target_bp"] == 9500


def test_ratings_count_in_the_period_of_their_first_entry_as_they_stood_at_its_end(db, programme):
    offer = given_offer(programme, "perk", value_fen=10)
    at = datetime(2026, 10, 30, 4, tzinfo=UTC)
    for area, tier, entries in (
        ("330106", "diamond", [(at, 2), (at + timedelta(hours=1), 5)]),  # said anew in the period
        ("330106", None, [(at, 4), (at + timedelta(days=3), 1)]),  # said anew after it
        ("3302", None, [(at, 3)]),
        ("33", None, [(at + timedelta(days=3), 5)]),  # after the period
    ):
        who = member(db, programme, area=area, earned=date(2026, 10, 1))
        if tier:
            given_tier(who, tier)
        with clock.stopped(at):
            place = used_perk(who, programme, offer)
        for moment, stars in entries:
            rate(db, who, place, stars, moment)

    found = taken(programme, "33")

    def counts(figures):
        return tuple(figures[name] for name in satisfaction.COUNTED)

    assert counts(found["whole"]) == (3, 2, 1, 1)
    assert {one["area"]: counts(one["figures"]) for one in found["parts"]} == {
        "33": (0, 0, 0, 0),
        "3301": (2, 2, 1, 1),
        "3302": (1, 0, 0, 0),
    }
    assert found["whole"]["satisfaction"]["reasons"][0]["code"] == "few_ratings"


def test_points_earned_redeemed_and_lapsing_of_the_area(db, programme):
    first = member(db, programme, area="330106", earned=date(2026, 10, 5))
    member(db, programme, area="330203", earned=date(2026, 10, 6))
    offer = given_offer(programme, "perk", value_fen=40, cost_fen=15)
    at = datetime(2026, 10, 20, 4, tzinfo=UTC)
    with clock.stopped(at), database.begin() as session:
        quote = quotes.make(session, first, offer.offer_id, 1, at, 600).quote
        redemptions.redeem(session, first, quote.quote_id, JOB, at)

    found = taken(programme, "3301")

    mine = found["whole"]
    assert (mine["points_earned"], mine["points_redeemed"], mine["redemptions"], mine["cost_fen"]) == (
        100,
        40,
        1,
        15,
    )
    assert mine["points_lapsing"] == 60
    assert [(one["area"], one["figures"]["members"]) for one in found["parts"]] == [("330106", 1)]


@pytest.mark.untold
def test_the_most_important_cards_with_and_without_a_named_person_and_groups_nobody_served(db, programme):
    covered, alone = (member(db, programme) for _ in range(2))
    for one in (covered, alone):
        given_tier(one, "gold")
    given_group(db, programme, caps={})
    manager = given_person("support")
    with clock.stopped(datetime(2026, 10, 3, tzinfo=UTC)), database.begin() as session:
        care.assign(
            session, session.get_one(Member, covered), manager.staff_id, "gold card", "test", clock.now()
        )

    found = taken(programme)["whole"]

    assert (found["vip"], found["vip_named"], found["vip_covered_bp"]) == (2, 1, 5000)
    assert (found["groups"], found["groups_not_served"]) == (1, 1)


AREAS = st.sampled_from(["", "33", "3301", "330106", "330108", "3302", "330203", "44", "440103", "4403"])
NUMBERS = st.tuples(*[st.integers(0, 10**6)] * 4).map(lambda numbers: Sums(*numbers))
TABLES = st.dictionaries(
    AREAS,
    st.dictionaries(
        st.sampled_from((*roll_up.COUNTED, "rated", "vip_rated", *roll_up.SUMMED)), NUMBERS, max_size=4
    ),
)


def total(by_key_list):
    found = {}
    for by_key in by_key_list:
        for key, numbers in by_key.items():
            found[key] = found.get(key, sums.NOTHING).plus(numbers)
    return {key: numbers for key, numbers in found.items() if any(numbers)}


@given(TABLES, st.sampled_from(["", "33", "3301", "44"]))
def test_the_parts_of_every_area_add_up_to_it(by_area, area):
    whole = total(by_key for code, by_key in by_area.items() if code.startswith(area))

    below = roll_up.parts(by_area, area)

    assert total(below.values()) == whole
    assert all(code == area or len(code) == len(area) + 2 for code in below)


@given(TABLES)
def test_in_the_whole_tree_the_leaves_add_up_to_headquarters_and_each_stands_once(by_area):
    rows = list(roll_up.tree(by_area))
    places = [(code, is_rest) for code, is_rest, _ in rows]

    assert len(places) == len(set(places))
    assert total([rows[0][2]]) == total(by_area.values())
    for code, is_rest, by_key in rows:
        children = [
            one
            for below, rest, one in rows
            if (below == code and rest)
            or (not rest and len(below) == len(code) + 2 and below.startswith(code))
        ]
        if children and not is_rest:
            assert total(children) == total([by_key])


@given(TABLES)
def test_counts_of_the_parts_add_up_as_they_are_shown(by_area):
    whole = roll_up.figures(total(by_area.values()))
    shown = [roll_up.figures(by_key) for by_key in roll_up.parts(by_area, "").values()]

    for name in (
        *roll_up.COUNTED,
        *satisfaction.COUNTED,
        "points_earned",
        "points_redeemed",
        "cost_fen",
        "points_lapsing",
        "redemptions",
    ):
        assert sum(one[name] for one in shown) == whole[name]


# Reports


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2026-10", "2026-10-01", "2026-10-31"),
        ("2026-02-3", "2026-02-21", "2026-02-28"),
        ("2026-10-1", "2026-10-01", "2026-10-10"),
        ("2026-10-2", "2026-10-11", "2026-10-20"),
        ("2026-10-3", "2026-10-21", "2026-10-31"),
    ],
)
def test_periods_are_months_and_ten_days_of_them(programme, period, first, last):
    days = period_reports.days_of(programme, period)

    assert (str(days.first), str(days.last)) == (first, last)


@pytest.mark.parametrize(
    "period", ["2026", "2026-13", "2026-1", "2026-10-4", "0000-01", "２０２６-10", "2026-10\n", "; drop"]
)
def test_what_is_no_period_is_refused(programme, period):
    with pytest.raises(BadPeriod):
        period_reports.days_of(programme, period)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_the_last_periods_that_are_over_end_before_the_day_and_none_lies_between(day):
    programme = type("P", (), {"zone": ZONE})()
    ten, month = period_reports.ended_before(day)

    assert 0 <= (day - period_reports.days_of(programme, ten).last).days - 1 <= 10
    assert 0 <= (day - period_reports.days_of(programme, month).last).days - 1 <= 30
    assert len(ten) == 9
    assert len(month) == 7


def test_a_report_is_made_once_and_the_same_byte_for_byte_whatever_came_after(db, programme):
    member(db, programme, area="330106", earned=date(2026, 10, 5))
    first = period_reports.make(programme, "2026-10")
    member(db, programme, area="330106", earned=date(2026, 10, 6))

    again = period_reports.make(programme, "2026-10")

    assert again.content == first.content
    assert again.sha256 == first.sha256


def test_a_report_has_every_area_and_no_cell_that_is_a_formula(db, programme):
    member(db, programme, area="330106")
    member(db, programme, area="33")
    with database.begin() as session:
        areas.add(session, "33", {"zh-CN": "=HYPERLINK(1)", "en": "@Zhejiang"})

    lines = period_reports.make(programme, "2026-10").content.split("\r\n")

    cells = [line.split(",") for line in lines[1:-1]]
    assert lines[0].split(",")[:9] == [
        "programme",
        "period",
        "from_day",
        "until_day",
        "level",
        "area",
        "name_zh",
        "name_en",
        "rest",
    ]
    assert [(row[4], row[5], row[8], row[13]) for row in cells] == [
        ("hq", "", "0", "2"),
        ("province", "33", "0", "2"),
        ("province", "33", "1", "1"),
        ("city", "3301", "0", "1"),
        ("county", "330106", "0", "1"),
    ]
    assert cells[1][6:8] == ["'=HYPERLINK(1)", "'@Zhejiang"]
    assert "too few ratings" in lines[1]


def test_there_is_no_report_of_a_period_that_is_not_over(programme):
    with pytest.raises(sums.DayNotOver):
        period_reports.make(programme, "2026-11-3")

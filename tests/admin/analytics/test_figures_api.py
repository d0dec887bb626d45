"""The figures over HTTP: each to who may see it, of one's own area alone, as of when they were taken, page by page."""

from datetime import UTC, date, datetime

import pytest

from admin.analytics import liability, mix, premium, roll_up, taking
from admin.analytics.sums import Days
from base import clock, database
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from tests.given import (
    caller,
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    service_key,
    staff_token,
)

NOV = datetime(2026, 11, 11, 4, tzinfo=UTC)
AFTER = datetime(2026, 11, 26, 4, tzinfo=UTC)
TOPICS = ("premium", "mix", "liability", "roll-up")


@pytest.fixture(autouse=True)
def the_present():
    with clock.stopped(AFTER):
        yield


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def taken(db, programme):
    """Two members, in Hangzhou and Ningbo, who redeemed; every figure taken."""
    perk, credit = (
        given_offer(programme, "perk", value_fen=1000, cost_fen=300),
        given_offer(programme, "bill_credit", value_fen=2000),
    )
    for area, offer in (("330106", perk), ("330203", credit)):
        with clock.stopped(datetime(2026, 10, 1, tzinfo=UTC)):
            member_id = given_area(given_member(db, programme, points=5000), area)
        with clock.stopped(NOV), database.begin() as session:
            quote = quotes.make(session, member_id, offer.offer_id, 1, NOV, 600).quote
            redemptions.redeem(session, member_id, quote.quote_id, JOB, NOV)
    liability.take(programme, date(2026, 11, 25))
    premium.take(programme, date(2026, 11, 1), date(2026, 11, 25))
    for monday in (date(2026, 11, 9), date(2026, 11, 16)):
        mix.take(programme, monday)
    roll_up.take(Days(programme, date(2026, 11, 1), date(2026, 11, 10)))
    return programme


def ask(app, topic, token=None, **more):
    return caller(app, token or staff_token("finance")).get(
        f"/v1/analytics/{topic}", programme="gotone", **more
    )


def test_the_liability_of_a_programme_and_of_an_area(app, taken):
    whole, part = ask(app, "liability").json, ask(app, "liability", area="3301").json

    assert (whole["points"], whole["until_day"]) == (7000, "2026-11-25")
    assert whole["set_aside"]["points"] == 2000  # the bill credit waits for the billing system
    assert whole["data"][0]["class"] == 1
    assert part["points"] == 4000
    assert part["set_aside"] is None
    assert whole["as_of"].startswith("2026-11-26T04:00")


def test_the_premium_as_listed_and_as_taken_up(app, taken):
    listed, by_offer = ask(app, "premium").json, ask(app, "premium", by="offer").json

    assert {row["premium_bp"] for row in listed["data"]} == {0}
    assert [row["points"] for row in by_offer["data"]] == [2000, 1000]
    assert listed["whole"]["points"] == 3000
    assert by_offer["data"][1]["cost_premium_bp"] == -7000
    assert ask(app, "premium", by="merchant").json["data"] == []
    assert by_offer["rating"]["reasons"][0]["code"] == "no_rating"


def test_the_mix_by_week_newest_first_page_by_page(app, taken):
    first = ask(app, "mix", limit=1).json
    second = ask(app, "mix", limit=1, cursor=first["next_cursor"]).json

    assert [page["data"][0]["from_day"] for page in (first, second)] == ["2026-11-16", "2026-11-09"]
    assert second["next_cursor"] is None
    assert next(one for one in second["data"][0]["heaps"] if one["heap"] == "club")["points"] == 1000
    assert ask(app, "mix", on="2026-11-15").json["data"][0]["from_day"] == "2026-11-09"


def test_the_roll_up_shows_parts_that_add_up(app, taken):
    found = ask(app, "roll-up", area="33").json

    assert found["whole"]["members"] == sum(one["figures"]["members"] for one in found["data"]) == 2
    assert [one["area"] for one in found["data"]] == ["3301", "3302"]
    assert found["whole"]["satisfaction"]["status"] == "refused"
    first = ask(app, "roll-up", area="33", limit=1).json
    second = ask(app, "roll-up", area="33", limit=1, cursor=first["next_cursor"]).json
    assert [page["data"][0]["area"] for page in (first, second)] == ["3301", "3302"]


def test_the_roll_up_of_a_period_is_that_period_s(app, taken):
    roll_up.take(Days(taken, date(2026, 10, 1), date(2026, 10, 31)))

    assert ask(app, "roll-up", period="2026-10").json["from_day"] == "2026-10-01"
    assert ask(app, "roll-up", period="2026-11-1").json["until_day"] == "2026-11-10"
    assert ask(app, "roll-up", period="2026-09").json["type"] == "/problems/no-figures-yet"
    assert ask(app, "roll-up", period="autumn").json["type"] == "/problems/bad-period"


def test_who_works_for_an_area_sees_that_alone(app, taken):
    mine = staff_token("analyst", area="3301")

    assert ask(app, "liability", mine).json["points"] == 4000
    assert ask(app, "premium", mine, by="offer").json["whole"]["points"] == 1000
    assert ask(app, "roll-up", mine).json["area"] == "3301"
    assert [one["count"] for one in ask(app, "mix", mine).json["data"][1]["kinds"]] == [1]
    for topic in TOPICS:
        assert ask(app, topic, mine, area="3302").json["type"] == "/problems/area-unknown"
        assert ask(app, topic, mine, area="33").json["type"] == "/problems/area-unknown"
        assert ask(app, topic, mine, area="330106").status_code == 200


def test_a_system_sees_its_own_programme_alone(app, taken):
    own, other = service_key(taken, "figures:read"), service_key(given_programme("other"), "figures:read")

    for topic in TOPICS:
        assert ask(app, topic, own).status_code == 200
        assert ask(app, topic, other).json["type"] == "/problems/programme-unknown"


def test_before_anything_was_taken_it_says_what_to_do(app, programme):
    for topic in ("mix", "liability", "roll-up"):
        answer = ask(app, topic)
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/no-figures-yet")
        assert "jifen figures" in answer.json["next"]
    assert ask(app, "premium").json["whole"] is None


def test_a_forged_cursor_and_a_wrong_area_are_refused(app, taken):
    assert ask(app, "liability", cursor="AAAA").status_code == 400
    assert ask(app, "liability", area="3x").json["type"] == "/problems/bad-area"


def test_a_target_is_proposed_by_one_and_approved_by_another_over_http(app, programme):
    maker, checker = caller(app, staff_token("editor")), caller(app, staff_token("finance"))
    body = {
        "programme": "gotone", "from_day": "2026-12-01", "alert_bp": 500, "reason": "less bill credit",
        "shares": {"mall": 3000, "bill_credit": 5000, "club": 1500, "new_services": 500},
    }  # fmt: skip
    made = maker.post("/v1/mix-target-proposals", body, key="k-1")
    again = maker.post("/v1/mix-target-proposals", body, key="k-1")

    done = checker.post(
        f"/v1/mix-target-proposals/{made.json['id']}/approve", {"content_hash": made.json["content_hash"]}
    )

    assert (made.status_code, again.json["id"]) == (201, made.json["id"])
    assert done.json["state"] == "approved"
    assert done.json["shares"] == body["shares"]
    with database.begin() as session:
        from admin.analytics import mix_targets

        assert (
            mix_targets.in_force(session, programme.programme_id, date(2026, 12, 1)).shares == body["shares"]
        )
        assert mix_targets.in_force(session, programme.programme_id, date(2026, 11, 30)) is None


def test_a_target_that_does_not_add_up_names_the_field(app, programme):
    body = {
        "programme": "gotone", "from_day": "2026-12-01", "alert_bp": 500, "reason": "x",
        "shares": {"mall": 3000, "bill_credit": 5000, "club": 1500, "new_services": 501},
    }  # fmt: skip

    answer = caller(app, staff_token("editor")).post("/v1/mix-target-proposals", body)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/shares"


def test_what_is_due_is_taken_once_and_then_nothing_is(db, programme):
    given_member(db, programme, points=10)
    person = given_person("analyst")
    assert person.staff_id

    rounds = 0
    while taking.step():
        rounds += 1

    assert rounds == 16  # liability, premium, 13 weeks, 2 reports: the last round says that nothing is left
    assert taking.all_due() == []

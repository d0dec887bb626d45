"""Drafts: what the merchant sees before the seal is what is then sealed, to the fen."""

from datetime import date, timedelta

import pytest

from base import clock, database
from merchants import items, merchants
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, DAILY
from merchants.statements import closing, draft, settling
from merchants.terms import NoTermsInForce
from tests.given import ZONE, caller, given_programme, given_shop, given_taken, service_key

DAY = timedelta(days=1)
MONDAY = date(2026, 3, 2)


def at(day, hour=0):
    return clock.start_of(MONDAY + day * DAY, ZONE) + timedelta(hours=hour)


def drafts(shop, moment):
    with database.begin() as session:
        return draft.drafts_of(session, merchants.by_id(session, shop.merchant.merchant_id), moment)


def lines(shop, one, **which):
    with database.begin() as session:
        merchant = merchants.by_id(session, shop.merchant.merchant_id)
        return draft.lines_of(session, merchant, one, limit=which.pop("limit", 99), **which)


@pytest.fixture
def shop(db):
    """Monday, Tuesday and Thursday with something, a reserve, a debt on Tuesday; looked at on Thursday afternoon."""
    made = given_shop(cycle=DAILY, draft_days=3, pay_days=4, reserve_bp=1_000, reserve_days=60)
    given_taken(made, at(0, 9), 1_000, 20, 1)
    given_taken(made, at(0, 10), 500, 10, 1, voided_at=at(0, 11))
    given_taken(made, at(3, 9), 3_000, 60, 4)
    with database.begin() as session:
        items.add(
            session, made.merchant.merchant_id, ADJUSTMENT, Amounts(-600), at=at(1, 9), reason="x", actor="staff:1"
        )  # fmt: skip
    return made


def test_periods_that_are_over_are_drafts_with_a_time_to_look_and_the_last_one_is_open(shop):
    found = drafts(shop, at(3, 15))

    assert [(one.state, one.period.last) for one in found] == [
        ("draft", MONDAY), ("draft", MONDAY + DAY), ("open", MONDAY + 3 * DAY),
    ]  # fmt: skip
    assert found[0].until == at(4)  # Tuesday, Wednesday, Thursday to look at it
    assert found[0].outcome.payable_fen == 979 - 98
    assert (found[1].outcome.payable_fen, found[1].outcome.carried_fen) == (0, -600)
    assert found[2].outcome.opening_fen == -600
    assert found[2].outcome.reserve_in_fen == round((2_936 - 600) / 10)


def test_what_is_sealed_is_what_the_draft_said(shop):
    said = drafts(shop, at(3, 15))
    with clock.stopped(at(20)):
        sealed = list(settling.settle(shop.merchant.merchant_id))

    assert [
        (one.net_fen, one.payable_fen, one.carried_fen, one.line_count, one.due_day, one.sums) for one in sealed
    ] == [
        (
            one.outcome.whole.net_fen, one.outcome.payable_fen, one.outcome.carried_fen, one.outcome.whole.lines,
            one.due_day if one.outcome.payable_fen else None, closing.lines.shown(one.outcome.sums),
        )
        for one in said
    ]  # fmt: skip


def test_a_draft_shows_its_lines_a_page_at_a_time_and_nothing_of_the_next_period(shop):
    first, second, _ = drafts(shop, at(3, 15))

    whole = lines(shop, first)
    begun = lines(shop, first, limit=2)
    last = begun[-1]
    rest = lines(shop, first, after=(last.recorded_at, last.source_id, last.kind, last.member_id))

    assert [one.kind for one in whole] == ["acceptance", "acceptance", "void"]
    assert begun + rest == whole
    assert [one.kind for one in lines(shop, second)] == ["adjustment"]


def test_what_came_late_is_in_the_earliest_draft(shop):
    with clock.stopped(at(20)):
        list(settling.settle(shop.merchant.merchant_id))
    given_taken(shop, at(0, 12), 70, 0, 0)

    (found,) = drafts(shop, at(4, 1))

    assert (found.state, found.period.last) == ("open", MONDAY + 4 * DAY)
    assert [one.owed_fen for one in lines(shop, found)] == [70]


def test_a_merchant_without_anything_has_an_open_period_and_one_without_terms_none(db):
    shop = given_shop(cycle=DAILY)
    (found,) = drafts(shop, at(0, 5))
    with database.begin() as session:
        bare = merchants.add(session, "bare", {}, zone=ZONE, currency="CNY", city="")
        with pytest.raises(NoTermsInForce):
            draft.draft_of(session, bare, at(0))

    assert (found.state, found.outcome.whole.lines, found.outcome.payable_fen) == ("open", 0, 0)


def test_finance_asks_for_drafts_and_their_lines_over_the_api(app, shop):
    system = caller(app, service_key(given_programme("any"), "statements:read"))
    with clock.stopped(at(3, 15)):
        listed = system.get("/v1/statements/drafts", merchant="tea").json["data"]
        one = system.get("/v1/statements/drafts/2026-03-02", merchant="tea", limit=2).json
        rest = system.get(
            "/v1/statements/drafts/2026-03-02", merchant="tea", limit=2, cursor=one["next_cursor"]
        ).json
        missing = [
            system.get(f"/v1/statements/drafts/{day}", merchant="tea").status_code
            for day in ("2026-03-04", "x")
        ]
        nobody = system.get("/v1/statements/drafts", merchant="nobody").status_code

    assert [(each["state"], each["last_day"], each["net_fen"]) for each in listed] == [
        ("draft", "2026-03-02", 881), ("draft", "2026-03-03", -600), ("open", "2026-03-05", 2_936 - 600 - 234),
    ]  # fmt: skip
    assert listed[0]["looks_until"] == "2026-03-05T16:00:00+00:00"
    assert [line["kind"] for line in one["lines"] + rest["lines"]] == ["acceptance", "acceptance", "void"]
    assert (rest["has_more"], rest["next_cursor"], one["lines"][0]["line_no"]) == (False, None, None)
    assert (missing, nobody) == ([404, 404], 404)

"""The books on the console and over HTTP: the same figures, for finance and auditors of the whole operator."""

import pytest

from base import clock
from tests.admin.books.conftest import trade
from tests.given import ZONE, caller, staff_token

__all__ = ["trade"]  # a fixture


@pytest.fixture
def month(trade):
    trade.accepted(trade.issued())
    return f"{clock.day(clock.now(), ZONE):%Y-%m}"


def page(app, path, *roles, area="", language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles, area=area))
    return client.get(path, headers={"Accept-Language": language})


def test_the_api_tells_accounts_of_all_merchants_together_and_of_one_alone(app, month):
    finance = caller(app, staff_token("finance"))

    whole, one = (
        finance.get(f"/v1/books/{month}").json,
        finance.get(f"/v1/books/{month}", merchant="tea").json,
    )

    closing = {row["account"]: row["closing_fen"] for row in whole["accounts"]}
    assert (closing["payable_open"], closing["fee_income"]) == (-2_055, -42)
    assert (whole["totals"][0]["closing_fen"], whole["totals"][0]["opening_fen"]) == (0, 0)
    assert [(row["account"], row["kind"], row["closing_fen"]) for row in one["accounts"]] == [
        ("payable_open:tea", "liability", -2_055)
    ]


@pytest.mark.parametrize("wrong", ["2026-13", "20-1", "latest", "0001-01", "9999-12"])
def test_a_month_that_is_none_is_refused_by_name(app, db, wrong):
    answer = caller(app, staff_token("finance")).get(f"/v1/books/{wrong}")

    assert (answer.status_code, answer.json["type"]) == (400, "/problems/bad-month")


def test_who_works_for_an_area_sees_no_books(app, db):
    answer = caller(app, staff_token("finance", area="3301")).get("/v1/books/2026-11")

    assert (answer.status_code, answer.json["type"]) == (403, "/problems/books-are-whole")


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Owed to merchants, not sealed"), ("zh-CN", "应付商户（未结账）")]
)
def test_the_page_shows_the_trial_balance_in_both_languages(app, month, language, said):
    answer = page(app, f"/staff/books?month={month}", "finance", language=language)

    assert answer.status_code == 200
    assert said in answer.text
    assert "¥20.55" in answer.text


def test_the_page_of_one_merchant_has_its_accounts_alone(app, month):
    text = page(app, f"/staff/books?month={month}&merchant=tea", "auditor").text

    assert "payable_open:tea" in text
    assert "fee_income" not in text


def test_before_an_estimate_the_page_says_how_to_make_one(app, month):
    assert "jifen breakage" in page(app, "/staff/books/breakage", "finance").text

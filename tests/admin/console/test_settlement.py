"""The console's pages of settlement: a statement down to the bill, payouts and runs, an adjustment, invoices, a dispute."""

import html
import re
from urllib.parse import urlencode

import pytest

from admin.console.trace import pages
from base import database
from merchants.payouts import payouts
from tests.given import staff_token
from tests.merchants.sealing import GivenMonth

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Console:
    """A browser of a person of the staff."""

    def __init__(self, app, *roles, language="en"):
        self.client, self.page = app.test_client(), None
        self.client.set_cookie("jifen_staff", staff_token(*roles))
        self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language

    def get(self, path):
        self.page = self.client.get(f"/staff/{path}", follow_redirects=True)
        return self.page

    def send(self, action, **fields):
        form = re.search(rf'<form[^>]*action="/staff/{action}".*?</form>', self.page.text, re.DOTALL)
        assert form, f"no form for {action} on this page"
        self.page = self.client.post(
            f"/staff/{action}",
            data=urlencode(dict(HIDDEN.findall(form[0])) | fields),
            content_type="application/x-www-form-urlencoded",
            follow_redirects=True,
        )
        return self.page


@pytest.fixture
def given(app, db):
    return GivenMonth(app, db)


@pytest.fixture
def finance(app, given):
    return Console(app, "finance")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_each_page_opens_in_both_languages(app, given, language):
    finance = Console(app, "finance", "auditor", language=language)

    for path in (
        "statements?merchant=tea",
        f"statements/{given.id}",
        f"statements/{given.id}/invoices",
        "payouts",
        "payouts?state=on_hold",
        f"payouts/{given.id}",
        "merchants/tea/adjust",
        "trace",
        f"trace?id={given.id}",
        f"trace?id={given.taken[1]['id']}",
        f"disputes/{given.dispute['id']}",
    ):
        page = finance.get(path)
        assert page.status_code == 200, path
        assert page.text.count("<h1") == 1, path


def test_a_line_of_a_statement_leads_to_redemption_points_and_payout(given, finance):
    statement = finance.get(f"statements/{given.id}").text
    line = re.search(r'href="/staff/(trace\?id=stl_\w+)"', statement)[1]
    traced = finance.get(line).text

    assert "red_" in traced
    assert f"/staff/payouts/{given.id}" in traced
    assert "Where its points came from" in traced


def test_all_lines_of_a_traced_statement_are_reached_page_by_page(given, finance, monkeypatch):
    monkeypatch.setattr(pages, "MOST_LINES", 2)

    first = finance.get(f"trace?id={given.id}").text
    [following] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = finance.get("trace?" + html.unescape(following).partition("?")[2]).text

    numbers = [re.findall(r'<tr><td class="jf-right">(\d+)</td>', one) for one in (first, second)]
    assert numbers == [["1", "2"], ["3"]]


def test_a_payout_is_stopped_and_let_go_with_a_reason(given, finance):
    with database.begin() as session:
        held = payouts.of_statement(session, given.statement.merchant_id, 1).held
    page = finance.get(f"payouts/{given.id}").text

    assert held == "no-route"
    assert "no bank account or Stripe account is on file" in page
    assert "Let it go" not in page  # that reason ends by itself
    stopped = finance.send(f"payouts/{given.id}/stop", reason="a call").text
    assert "Let it go" in stopped
    assert (
        "no bank account or Stripe account is on file"
        in finance.send(f"payouts/{given.id}/let-go", reason="r").text
    )


def test_a_run_of_nothing_says_so(finance):
    finance.get("payouts")

    assert finance.send("payouts/runs", route="bank", until="2099-01-01", reason="r").status_code == 409


def test_an_adjustment_is_proposed_here_and_approved_by_another(app, given, finance):
    finance.get("merchants/tea/adjust")
    said = {"owed_fen": "-500", "fee_fen": "0", "vat_fen": "0", "acceptance": "", "reason": "mistake"}

    wrong = finance.send("merchants/tea/adjust", **said | {"owed_fen": "a lot", "text": "t", "ticket": "c"})
    finance.get("merchants/tea/adjust")
    proposed = finance.send("merchants/tea/adjust", **said, text="twice on the list", ticket="T-9")
    place = proposed.request.path.removeprefix("/staff/")
    checker = Console(app, "checker")
    checker.get(place)
    approved = checker.send(f"{place}/approve")

    assert wrong.status_code == 422
    assert "twice on the list" in proposed.text
    assert "your own proposal" in proposed.text
    assert "Approved" in approved.text


def test_a_dispute_shows_what_is_held_and_who_filed_it(app, given):
    page = Console(app, "support").get(f"disputes/{given.dispute['id']}").text

    assert "¥8.81" in page
    assert "The member" in page

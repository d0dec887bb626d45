"""The merchant's pages of its settlement: sums, lines, acceptances, a dispute, an invoice, files; as its people use them."""

import re
from urllib.parse import urlencode

import pytest

from base import ids
from tests.given import given_colleague, given_shop, merchant_token
from tests.merchants.sealing import GivenMonth

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Screen:
    """A browser of a merchant's person."""

    def __init__(self, app, token, language="en"):
        self.client, self.language, self.page = app.test_client(), language, None
        self.client.set_cookie("jifen_merchant", token)

    def get(self, path):
        self.page = self.client.get(path, headers={"Accept-Language": self.language}, follow_redirects=True)
        return self.page

    def send(self, action, **fields):
        form = re.search(rf'<form[^>]*action="{action}".*?</form>', self.page.text, re.DOTALL)
        assert form, f"no form for {action} on this page"
        self.page = self.client.post(
            action,
            data=urlencode(dict(HIDDEN.findall(form[0])) | fields),
            content_type="application/x-www-form-urlencoded",
            headers={"Accept-Language": self.language},
            follow_redirects=True,
        )
        return self.page


@pytest.fixture
def given(app, db):
    return GivenMonth(app, db)


@pytest.fixture
def finance(app, given):
    return Screen(app, merchant_token(given_colleague(given.shop, "finance", "40")))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_each_page_opens_in_both_languages_with_one_heading_and_nothing_of_the_member(
    given, finance, language
):
    finance.language = language

    for path in (
        "statements",
        f"statements/{given.id}",
        f"statements/{given.id}?kind=dispute-held",
        f"statements/{given.id}/invoices",
        f"acceptances/{given.taken[0]['id']}",
        f"acceptances/{given.taken[1]['id']}",
        "disputes",
        f"disputes/{given.dispute['id']}",
    ):
        page = finance.get(f"/merchant/{path}")
        assert page.status_code == 200, path
        assert page.text.count("<h1") == 1, path
        assert "mbr_" not in page.text


def test_from_the_list_one_comes_to_a_draft_a_statement_and_an_acceptance(given, finance):
    first = finance.get("/merchant/statements").text
    draft = re.search(r'href="(/merchant/drafts/[\d-]+)"', first)[1]
    shown = finance.get(draft).text
    statement = finance.get(f"/merchant/statements/{given.id}").text

    assert "¥8.81" in first
    assert given.taken[2]["id"] in shown
    assert f"/merchant/acceptances/{given.taken[1]['id']}" in statement
    assert "Held for a dispute" in statement
    assert finance.get(f"/merchant/statements/{given.id}/files/csv").data.startswith(b"\xef\xbb\xbf")


def test_what_a_phone_shows_first_of_a_row_is_its_amount(given, finance):
    """The first columns are all that fits on 320 pixels; the rest is scrolled to."""
    cells = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)

    for path, amount in (
        ("statements", "¥8.81"),
        ("disputes", "¥9.00"),
        (f"statements/{given.id}", "¥9.00"),
        (f"acceptances/{given.taken[1]['id']}", "¥9.00"),
    ):
        tables = re.findall(r"<tbody>(.*?)</tbody>", finance.get(f"/merchant/{path}").text, re.DOTALL)
        first = [cells.findall(table.partition("</tr>")[0]) for table in tables]
        assert first, path
        assert all(any("¥" in cell for cell in row[:3]) for row in first), path
        assert any(amount in cell for row in first for cell in row[:3]), path


def test_a_refusal_on_a_page_says_what_to_do(given, finance):
    path = f"/merchant/acceptances/{given.taken[0]['id']}"
    finance.get(path)

    refused = finance.send(f"{path}/dispute", said="").text

    assert "said: must be 1 to 500" in refused
    assert "Correct the named fields and send again." in refused


def test_an_acceptance_is_disputed_once_on_its_page(given, finance):
    path = f"/merchant/acceptances/{given.taken[0]['id']}"
    finance.get(path)

    empty = finance.send(f"{path}/dispute", said="")
    made = finance.send(f"{path}/dispute", said="nobody was served")
    again = finance.get(path).text

    assert empty.status_code == 422
    assert "Being looked into" in made.text
    assert "nobody was served" in made.text
    assert f'action="{path}/dispute"' not in again
    assert "Held for a dispute" in again


def test_an_invoice_is_handed_in_and_what_is_wrong_stays_typed(given, finance):
    path = f"/merchant/statements/{given.id}/invoices"
    finance.get(path)
    said = {
        "number": "77", "code": "", "issued_on": "2024-01-02", "seller_name": "Tea Ltd", "seller_tax_number": "T1",
        "buyer_name": "Operator", "buyer_tax_number": "O1", "amount_fen": "849", "tax_bp": "600", "tax_fen": "51",
    }  # fmt: skip

    wrong = finance.send(path, **said, total_fen="901")
    right = finance.send(path, **said, total_fen="900")

    assert wrong.status_code == 422
    assert 'value="77"' in wrong.text
    assert "Received" in right.text
    assert f'action="{path}"' not in right.text


def test_20_another_merchants_pages_are_not_there(app, given):
    stranger = Screen(app, merchant_token(given_colleague(given_shop("noodles"), "owner", "00")))

    for path in (
        f"statements/{given.id}",
        f"statements/{given.id}/files/html",
        f"statements/{given.id}/invoices",
        f"acceptances/{given.taken[0]['id']}",
        f"disputes/{given.dispute['id']}",
    ):
        assert stranger.get(f"/merchant/{path}").status_code == 404, path
    empty = stranger.get("/merchant/statements").text
    assert "No statement was sealed yet" in empty
    assert stranger.get("/merchant/disputes").text.count("jf-empty") == 1
    assert ids.public("mch", given.shop.merchant.merchant_id) not in empty

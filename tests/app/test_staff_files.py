"""There is no export of members: each file that staff can have is listed with what it is about, and none is about who members are."""

import re

import pytest

from tests.test_conventions import CODE, name

# The module of the routes -> whose data the file holds. A new one belongs here first.
FILES = {
    "admin/console/audit/pages.py": "deeds by number, what is shown on the page; having it is itself on record",
    "admin/console/charts/http.py": "figures of a chart",
    "admin/console/intake/pages.py": "the lines that the same person sent and that were refused, and templates",
    "admin/console/payouts/pages.py": "the bank's file of merchants' payouts",
    "admin/console/rates/pages.py": "rates",
    "admin/console/sheets/http.py": "figures of a table, and the rows of a list as its page shows them; having it is itself on record",
    "admin/console/worth/pages.py": "figures of a period",
    "admin/intake/api.py": "the lines that the same person sent and that were refused",
    "catalog/rates/api.py": "rates",
    "merchants/payouts/api.py": "the bank's file of merchants' payouts",
    "merchants/settled/api.py": "a merchant's own statements",
    "merchants/statements/api.py": "statements of merchants",
}
A_FILE = re.compile(r"text/csv|spreadsheetml|application/zip|Content-Disposition")
OF_PERSONS = re.compile(r"\bphone_of\(|\bvault\.opened|members\.phones|\bPHONE\b|customer_id")


def with_files():
    return {
        name(path): path.read_text("utf-8")
        for path in CODE
        if name(path).startswith(("admin/", "catalog/", "merchants/", "points/"))
        and path.name in ("api.py", "pages.py", "http.py")
        and A_FILE.search(path.read_text("utf-8"))
    }


@pytest.mark.attack("A8")
def test_every_file_that_staff_can_have_is_listed_and_none_reads_who_members_are():
    found = with_files()

    assert set(found) == set(FILES)
    assert {path for path, said in found.items() if OF_PERSONS.search(said)} == set()

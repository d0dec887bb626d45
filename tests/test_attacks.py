"""Every attack of the list has tests that try it, or a reason that is said; docs/attacks.md names them."""

import re

from tests.attacks import ATTACKS, NOT_TRIED, marked
from tests.conftest import ROOT

FOUND = marked(ROOT / "tests")
PAGE = (ROOT / "docs" / "attacks.md").read_text("utf-8")
ROWS = {
    cells[0].strip(): [cell.strip() for cell in cells]
    for line in PAGE.splitlines()
    if (cells := line.strip("| ").split(" | ")) and re.fullmatch(r"A\d+", cells[0].strip())
}


def test_every_attack_has_a_test_or_a_reason_and_no_other_is_named():
    assert {name for name in ATTACKS if not FOUND.get(name) and not NOT_TRIED.get(name)} == set()
    assert set(FOUND) | set(NOT_TRIED) <= set(ATTACKS)
    assert list(ATTACKS) == [f"A{number}" for number in range(1, 23)]


def test_the_page_has_a_row_for_each_with_tests_that_are_there():
    assert list(ROWS) == list(ATTACKS)
    for name, cells in ROWS.items():
        told = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", cells[-1])
        files = {test.partition("::")[0] for test in FOUND[name]}
        assert told, name
        for file, test in told:
            assert file in files, f"{name}: {file} has no test with this mark"
            assert not test or f"{file}::{test}" in FOUND[name], f"{name}: {test}"

"""The estimators' own version: the same for the same source, another one when anything that a run comes of changes."""

import shutil

import pytest

from admin.analytics import code
from base.version import VERSION


@pytest.fixture
def copied(tmp_path):
    folder = tmp_path / "analytics"
    shutil.copytree(code.HERE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_version_is_the_programs_and_a_digest_of_the_estimators(copied):
    assert code.version() == f"{VERSION}+{code.digest()}"
    assert code.digest(copied) == code.digest()


@pytest.mark.parametrize(
    ("module", "same"),
    [("trials", False), ("cuts", False), ("estimate_words", False), ("panel", False), ("liability", True), ("api", True)],
)  # fmt: skip
def test_what_a_run_comes_of_makes_another_version_and_nothing_else_does(copied, module, same):
    with open(copied / f"{module}.py", "a", encoding="utf-8") as file:
        file.write("\n# changed\n")

    assert (code.digest(copied) == code.digest()) is same


def test_all_estimators_and_the_panel_are_in_it():
    assert code.modules() >= {
        "report", "trials", "cuts", "event_study", "cox", "curves", "money", "raw_gap", "bootstrap", "panel", "known", "refusals",
    }  # fmt: skip

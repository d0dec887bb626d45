"""docs/features.md tells the truth: every feature once, every file there, every named test there and really run."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "features.md"
NUMBERS = range(1, 101)
NOTHING = "-"
NOT_YET = "not yet"
# A test may be skipped where what it needs is not on this machine, and for nothing else.
GOOD_REASON = re.compile(r"airline|public records|data (?:are|is) not here|chromium|browser", re.IGNORECASE)
SKIPS = frozenset({"skip", "skipif", "xfail"})


class Row(NamedTuple):
    """A line of the table."""

    number: int
    sentence: str
    where: str
    proof: str


def rows(text: str) -> list[Row]:
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"F\d+", cells[0]):
            assert len(cells) == 4, line
            found.append(Row(int(cells[0][1:]), *cells[1:]))
    return found


def wrong_with(found: list[Row], root: Path = ROOT) -> list[str]:
    """All that is not as the table says, in words."""
    numbers = [row.number for row in found]
    faults = [f"F{n} is missing" for n in NUMBERS if n not in numbers]
    faults += [f"F{n} is there twice" for n in sorted(set(numbers)) if numbers.count(n) > 1]
    faults += [f"F{n} is no feature" for n in numbers if n not in NUMBERS]
    for row in found:
        faults += [f"F{row.number}: {fault}" for fault in _faults(row, root)]
    return faults


def _faults(row: Row, root: Path) -> list[str]:
    faults = [] if len(row.sentence) > 10 else ["says nothing"]
    modules, tests = re.findall(r"`([^`]+)`", row.where), re.findall(r"`([^`]+)`", row.proof)
    faults += [f"{module} does not exist" for module in modules if not (root / module).is_file()]
    if not modules and row.where != NOTHING:
        faults.append(f"where is neither a file nor {NOTHING}")
    if not tests and row.proof != NOT_YET:
        faults.append(f"the proof is neither a test nor {NOT_YET}")
    if tests and not modules:
        faults.append("a test without a module")
    return faults + [fault for test in tests if (fault := _fault_of_test(test, root))]


def _fault_of_test(test: str, root: Path) -> str:
    """Why a test proves nothing; empty when it may."""
    path, _, name = test.partition("::")
    file = root / path
    if not (path.startswith("tests/") and file.is_file()):
        return f"{path} is no file of tests"
    tree = ast.parse(file.read_text("utf-8"))
    function = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name), None)
    if function is None or not name.startswith("test_"):
        return f"{test} does not exist"
    marks = [*function.decorator_list, *_marks_of_file(tree)]
    bad = [reason for mark in marks for reason in _skips(mark) if not GOOD_REASON.search(reason)]
    return f"{test} is skipped: {bad[0]}" if bad else ""


def _marks_of_file(tree: ast.Module) -> list[ast.expr]:
    return [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)
    ]


def _skips(mark: ast.expr) -> list[str]:
    """The reasons of skip, skipif and xfail marks; "no reason" for one without."""
    calls = {id(node.func): node for node in ast.walk(mark) if isinstance(node, ast.Call)}
    found = []
    for node in ast.walk(mark):
        if isinstance(node, ast.Attribute) and node.attr in SKIPS:
            call = calls.get(id(node))
            texts = [k.value for k in call.keywords if k.arg == "reason"] if call else []
            texts += call.args[:1] if call and node.attr == "skip" else []
            said = " ".join(
                t.value for t in texts if isinstance(t, ast.Constant) and isinstance(t.value, str)
            )
            found.append("no reason" if node.attr == "xfail" else said or "no reason")
    return found


def test_the_table_is_true():
    faults = wrong_with(rows(TABLE.read_text("utf-8")))

    assert not faults, "\n".join(faults)


GOOD = "| F1 | Points are counted. | `points/ledger.py` | `tests/test_it.py::test_right` |"


@pytest.fixture
def tree(tmp_path):
    """A small project with one file of rules and one of tests."""
    (tmp_path / "points").mkdir()
    (tmp_path / "points" / "ledger.py").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "def test_right(): pass\n"
        "@pytest.mark.skip\ndef test_skipped(): pass\n"
        "@pytest.mark.skipif(slow, reason='slow here')\ndef test_slow(): pass\n"
        "@pytest.mark.skipif(none, reason='no Chromium')\ndef test_page(): pass\n"
        "@pytest.mark.xfail(reason='no Chromium')\ndef test_hoped(): pass\n"
        "def helper(): pass\n"
    )
    return tmp_path


def faults_of(line: str, root: Path) -> list[str]:
    return [fault for fault in wrong_with(rows(line), root) if "is missing" not in fault]


def test_a_line_that_is_right_has_no_fault(tree):
    assert faults_of(GOOD, tree) == []
    assert faults_of(GOOD.replace("test_right", "test_page"), tree) == []
    assert faults_of("| F1 | Points are counted. | - | not yet |", tree) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("points/ledger.py", "points/gone.py", "points/gone.py does not exist"),
        ("`points/ledger.py`", "ledger", "neither a file"),
        ("`points/ledger.py`", "-", "a test without a module"),
        ("Points are counted.", "Points", "says nothing"),
        ("`tests/test_it.py::test_right`", "soon", "neither a test"),
        ("tests/test_it.py", "tests/test_gone.py", "is no file of tests"),
        ("tests/test_it.py", "points/ledger.py", "is no file of tests"),
        ("test_right", "test_gone", "does not exist"),
        ("test_right", "helper", "does not exist"),
        ("test_right", "test_skipped", "is skipped: no reason"),
        ("test_right", "test_slow", "is skipped: slow here"),
        ("test_right", "test_hoped", "is skipped: no reason"),
        ("F1 ", "F101 ", "F101 is no feature"),
    ],
)
def test_a_line_that_is_wrong_is_found(tree, old, new, fault):
    assert any(fault in found for found in faults_of(GOOD.replace(old, new), tree))


def test_a_missing_and_a_double_number_are_found(tree):
    faults = wrong_with(rows(f"{GOOD}\n{GOOD}"), tree)

    assert "F1 is there twice" in faults
    assert "F100 is missing" in faults

"""What the code promises about itself and a linter does not see: one home for each thing, whole numbers, short files."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "admin", "catalog", "merchants", "points", "base", "migrations")
CODE = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TEXTS = sorted(
    path
    for folder in (*PACKAGES, "tests", "docs", "bench")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".html", ".css", ".js", ".md", ".po", ".mako") and "vendor" not in path.parts
)
BOOKS = [path for path in CODE if path.relative_to(ROOT).parts[0] in ("points", "merchants")]
LONGEST = 400
# A file over LONGEST lines, and why it is still one topic.
LONGER = {
    "admin/analytics/demo_operator.py": "one life of a population, told month by month",
    "base/approvals/approvals.py": "one proposal from its making to its decision; who may see, find and decide it stands together",
    "points/deeds.py": "one small generator for each deed; what may be asked of a wallet is read together",
    "points/ledger.py": "the one shell around the pure core: what is read, run and written together",
}
FORBIDDEN_NAMES = re.compile(r"(?:utils?|helpers?|services?|managers?|misc|common)\.py")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
COUNTED = re.compile(r"points|fen|amount|balance", re.IGNORECASE)
ENVIRONMENT = {("os", "environ"), ("os", "getenv"), ("os", "environb"), ("os", "putenv")}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def uses(module: ast.AST, forbidden: set[tuple[str, str]]) -> Iterator[int]:
    """Lines that say `a.b` or `from a import b`, or `x.a.b`, for one of the pairs."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            before = node.value
            owner = before.id if isinstance(before, ast.Name) else getattr(before, "attr", "")
            if (owner, node.attr) in forbidden:
                yield node.lineno
        if isinstance(node, ast.ImportFrom) and any((node.module, a.name) in forbidden for a in node.names):
            yield node.lineno


def found(check: Callable[[ast.Module], Iterator[int]], paths: list[Path], *homes: str) -> list[str]:
    return [f"{name(p)}:{line}" for p in paths if name(p) not in homes for line in check(tree(p))]


def test_only_the_configuration_reads_the_environment():
    assert not found(lambda module: uses(module, ENVIRONMENT), CODE, "base/config.py")


def test_there_is_one_clock():
    assert not found(lambda module: uses(module, CLOCKS), CODE, "base/clock.py", "base/ids.py")


def test_a_package_says_what_it_is_for_and_nothing_else():
    for path in CODE:
        if path.name == "__init__.py":
            body = tree(path).body
            assert len(body) == 1, name(path)
            assert ast.get_docstring(tree(path)), name(path)


def test_files_are_named_after_topics():
    assert not [name(path) for path in CODE if FORBIDDEN_NAMES.fullmatch(path.name)]


def test_every_file_begins_with_what_it_is_for():
    assert not [name(path) for path in CODE if not ast.get_docstring(tree(path))]


def test_no_file_is_long_without_a_reason():
    lines = {name(path): len(path.read_text("utf-8").splitlines()) for path in CODE}

    assert not [f"{file}: {count}" for file, count in lines.items() if count > LONGEST and file not in LONGER]
    assert not [file for file in LONGER if lines.get(file, 0) <= LONGEST], "no longer so long"


def test_nothing_is_marked_as_unfinished():
    assert not [
        f"{name(path)}:{number}"
        for path in TEXTS
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]


# No float near points or fen


def floats(module: ast.AST) -> Iterator[int]:
    """Lines with float(...), a float literal or a true division in an expression about points or money."""
    for expression in own_expressions(module):
        said = {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)}
        said |= {n.attr for n in ast.walk(expression) if isinstance(n, ast.Attribute)}
        said |= {n.arg for n in ast.walk(expression) if isinstance(n, ast.keyword | ast.arg) and n.arg}
        if not any(COUNTED.search(word) for word in said):
            continue
        for node in ast.walk(expression):
            if (
                (isinstance(node, ast.Name) and node.id == "float")
                or (isinstance(node, ast.Constant) and isinstance(node.value, float))
                or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
            ):
                yield node.lineno


def own_expressions(module: ast.AST) -> Iterator[ast.AST]:
    """Each statement as far as it is its own: an `if` without its body, an assignment whole."""
    for node in ast.walk(module):
        if isinstance(node, ast.stmt):
            if not hasattr(node, "body"):
                yield node
                continue
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, ast.stmt):
                    yield child


def test_no_float_comes_near_points_or_money_in_the_books():
    assert not found(floats, [*BOOKS, ROOT / "base" / "money.py"])


@pytest.mark.parametrize(
    "code",
    [
        "points = float(text)",
        "points = total / 3",
        "points /= 2",
        "def f(price_fen: float): pass",
        "if points > 0.5: x = 1",
        "share(amount=x * 1.5)",
        "row.value_fen = a / b",
    ],
)
def test_a_float_near_points_or_money_is_seen(code):
    assert list(floats(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["points = total // 3", "time.sleep(0.1)", "path = folder / name", "if points: wait = 0.5"]
)
def test_other_floats_and_divisions_are_nobodys_business(code):
    assert not list(floats(ast.parse(code)))

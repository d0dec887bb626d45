"""The attacks that are tried, by number, and which tests try each: those with the mark `attack`."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ATTACKS = {
    "A1": "other people's objects and functions",
    "A2": "mass assignment, price tampering",
    "A3": "guessing vouchers",
    "A4": "account takeover: stuffing, guessing codes, a changed number",
    "A5": "a code talked out of a member",
    "A6": "recycled numbers",
    "A7": "an insider credits points",
    "A8": "an insider looks around",
    "A9": "personal data in logs, errors, Redis, addresses, metrics",
    "A10": "merchants' fraud",
    "A11": "replayed requests, pictures, events",
    "A12": "forged forms, stolen sign-ins",
    "A13": "scripts in what people type",
    "A14": "requests into the own network",
    "A15": "formulas in files, import bombs",
    "A16": "SQL, paths and templates out of input",
    "A17": "farming, bots at a flash sale",
    "A18": "spoofed host and forwarding headers",
    "A19": "secrets in the tree, guessable keys",
    "A20": "rights in the database",
    "A21": "a stolen or copied key of a till",
    "A22": "a bank account swapped before a payout",
}
# What of an attack no test of this repository tries, and why; said so in docs/attacks.md as well.
NOT_TRIED: dict[str, str] = {}


def marked(root: Path) -> dict[str, list[str]]:
    """Attack -> the tests that try it, as file::name; read from the sources, so that nothing has to be collected."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.attack(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                for attack in _of(node):
                    found[attack].append(f"{path.relative_to(root.parent)}::{node.name}")
    return found


def _of(function: ast.FunctionDef) -> Iterator[str]:
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.attack":
            yield from (each.value for each in mark.args if isinstance(each, ast.Constant))

"""Which estimators these are: a digest of the modules that a stored run comes out of.

A run is named by it, so that changed estimators make another run of the same snapshot, and a change of anything else in
the program does not.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from base.version import VERSION

PACKAGE = "admin.analytics"
HERE = Path(__file__).parent
ROOTS = ("report", "parts")  # the estimators, and the panel that they are handed
DIGITS = 10


@cache
def version() -> str:
    """The program's version and the digest: 0.1.0+3f9a1c0d2e."""
    return f"{VERSION}+{digest()}"


def digest(folder: Path = HERE) -> str:
    """Of the source of all modules on which the roots rest, by name."""
    whole = hashlib.sha256()
    for name in sorted(modules(folder)):
        whole.update(f"{name}\n".encode() + (folder / f"{name}.py").read_bytes())
    return whole.hexdigest()[:DIGITS]


def modules(folder: Path = HERE) -> set[str]:
    """The roots and what they import of this package, and so on."""
    found: set[str] = set()
    todo = list(ROOTS)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _imported(folder / f"{name}.py", folder)
    return found


def _imported(path: Path, folder: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (one.name for one in node.names if (folder / f"{one.name}.py").exists())
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            yield (node.module or "").removeprefix(f"{PACKAGE}.").split(".")[0]

"""What of a test runs each time, and what only among the long tests (`make long`)."""

import os
from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest


def first_of(*values: Any) -> list[Any]:
    """The first variant each time, the others among the long tests."""
    return [values[0], *(_long(one) for one in values[1:])]


def each_once(rows: Iterable[Any], columns: Iterable[Any]) -> list[Any]:
    """All pairs, of which each time every row and every column comes at least once: the others are among the long tests."""
    rows, columns = list(rows), list(columns)
    longest = max(len(rows), len(columns))
    often = {(rows[number % len(rows)], columns[number % len(columns)]) for number in range(longest)}
    return [pair if pair in often else _long(pair) for pair in product(rows, columns)]


def examples(number: int) -> int:
    """How many a property test draws: all of them among the long tests, else a third."""
    return number if os.environ.get("LONG") else number // 3


def _long(variant: Any) -> Any:
    values = variant if isinstance(variant, tuple) else (variant,)
    return pytest.param(*values, marks=pytest.mark.torture)

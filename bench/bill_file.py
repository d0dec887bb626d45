"""Invented bills: a file of so many lines for so many customers, the same for the same seed."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

COLUMNS = "bill_id,line_no,customer_id,bill_day,line_type,amount_fen,waived_fen"
LINE_TYPES = ("plan", "data")
FIRST_DAY = date(2025, 3, 1)


def customers(count: int) -> list[str]:
    """Customer ids that look like an operator's account numbers."""
    return [f"8610{number:09d}" for number in range(count)]


def write(path: Path, lines: int, members: int, seed: int = 1) -> Path:
    """A file in which the lines of one customer lie far apart: round after round, everybody in another order."""
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(COLUMNS + "\n")
        out.writelines(_rows(lines, customers(members), random.Random(seed)))
    return path


def _rows(lines: int, everybody: list[str], pick: random.Random) -> Iterator[str]:
    for number in range(lines):
        turn, at = divmod(number, len(everybody))
        if at == 0:
            pick.shuffle(everybody)
        customer, day = everybody[at], FIRST_DAY + timedelta(days=turn % 28)
        amount = pick.randrange(0, 30_000)
        waived = pick.randrange(0, amount + 1) if pick.random() < 0.1 else 0
        line_type = LINE_TYPES[turn % len(LINE_TYPES)]
        yield f"{customer[-9:]}-{day:%Y%m},{turn},{customer},{day},{line_type},{amount},{waived}\n"

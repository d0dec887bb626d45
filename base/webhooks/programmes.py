"""Which programme or merchant: what webhooks need to know of those who live above; handed down at the start."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Known:
    """Of a member its programme's id; of a programme's code the id, or a NotFound; of an id the code, of merchants too."""

    of_member: Callable[[Session, int], int]
    by_code: Callable[[Session, str], int]
    code_of: Callable[[Session, int], str]
    code_of_merchant: Callable[[Session, int], str]


_known: list[Known] = []


def known_by(found: Known) -> None:
    """Say how programmes are found."""
    _known[:] = [found]


def known() -> Known:
    """How programmes are found; IndexError in a process that was not wired."""
    return _known[0]

"""Deaths at every border: each begin and end of a transaction, each commit, each request and its answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from base import calls, database


class Died(BaseException):
    """The process is gone: no handler catches it, what was not committed is rolled back."""


class Borders:
    """Counts the borders that are crossed, and dies at one of them."""

    def __init__(self, patch: pytest.MonkeyPatch, dies_at: int | None = None) -> None:
        self.crossed, self.dies_at = 0, dies_at
        begin, call = database.begin, calls.call

        @contextmanager
        def dying_begin() -> Iterator[object]:
            self.cross()
            with begin() as session:
                yield session
                self.cross()  # before the commit
            self.cross()  # after it

        def dying_call(*asked: object, **more: object) -> object:
            self.cross()
            answer = call(*asked, **more)
            self.cross()  # it is done, and nobody heard
            return answer

        patch.setattr(database, "begin", dying_begin)
        patch.setattr(calls, "call", dying_call)

    def cross(self) -> None:
        self.crossed += 1
        if self.crossed == self.dies_at:
            raise Died


def dies(deed: Callable[[], object], at: int | None) -> int:
    """Do it, dying at the border of that number; how many borders there were until then."""
    with pytest.MonkeyPatch.context() as patch:
        borders = Borders(patch, at)
        with suppress(Died):
            deed()
        return borders.crossed

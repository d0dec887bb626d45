"""Time that is taken: transactions of long work are tried again, answers that must not tell anything wait for their moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import exc
from sqlalchemy.orm import Session

from base import database
from base.database import StillRunning
from base.errors import Problem, Unavailable

TRIES = 5
GONE_TRIES = 8  # about a minute: as long as a database takes to restart

Result = TypeVar("Result")
Given = ParamSpec("Given")


def patiently(
    deed: Callable[Concatenate[Session, Given], Result], *given: Given.args, **named: Given.kwargs
) -> Result:
    """Do deed(session, ...) in a transaction of its own, which must be safe to repeat: a commit may be done though its answer was
    lost. At last raises what it met.
    """
    tries = 0
    while True:
        tries += 1
        try:
            with database.begin() as session:
                return deed(session, *given, **named)
        except (StillRunning, exc.IntegrityError):
            if tries >= TRIES:
                raise
            time.sleep(0.1 * 2**tries)
        except Unavailable:
            if tries >= GONE_TRIES:
                raise
            time.sleep(0.25 * 2**tries)


@contextmanager
def no_sooner(kind: type[Problem], after_s: Callable[[], float]) -> Iterator[None]:
    """This problem leaves the block only after so many seconds from its beginning, so that its time tells nothing."""
    began = time.monotonic()
    try:
        yield
    except kind:
        time.sleep(max(0.0, began + after_s() - time.monotonic()))
        raise

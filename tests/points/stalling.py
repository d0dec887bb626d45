"""An import in a process of its own whose workers stand still in the middle of their third part, to be killed there.

Each that stands still leaves a file named after its process; they go on when there is a file named "go".
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from os import getpid
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from base import database
from points import bills, programmes, staged_imports
from points.imports import Format, Outcome
from points.members import imports as member_imports
from points.members.members import Secrets
from points.models import Programme

THIRD = 3
_calls = 0


SECRETS = Secrets(seal_key="s" * 32, index_key="i" * 32)
KINDS = {"bills": bills.form, "members": partial(member_imports.form, SECRETS)}


def form(folder: Path, kind: str, session: Session, programme: Programme) -> Format[Any]:
    """Lines of a kind, taken in as always, and then nothing happens."""
    made = KINDS[kind](session, programme)
    return replace(made, take=partial(_take, folder, made))


def _take(folder: Path, made: Format[Any], session: Session, lines: Sequence[Any]) -> Sequence[Outcome]:
    global _calls
    outcomes = made.take(session, lines)
    _calls += 1  # after it: what was cut off and is tried again is still the same part
    if _calls == THIRD:
        (folder / str(getpid())).touch()
        while not (folder / "go").exists():
            time.sleep(0.01)
    return outcomes


def main() -> None:
    """Arguments: database, programme, file, workers, folder, maybe the kind of file. Prints the report."""
    url, code, path, workers, folder, *kind = sys.argv[1:]
    database.connect(url, statement_timeout_ms=60_000)
    with database.begin() as session:
        programme = programmes.by_code(session, code)
    make = partial(form, Path(folder), *(kind or ["bills"]))
    report = staged_imports.run(programme, Path(path), make, quiet=True, workers=int(workers))
    sys.stdout.write(json.dumps(asdict(report)))


if __name__ == "__main__":
    main()

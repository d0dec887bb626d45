"""The bytes of a file in the database, sealed, a megabyte at a time: whichever worker has them can read them.

Each part is written in a transaction of its own, so that a large file keeps nobody waiting and no memory.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.orm import Session

from admin.intake.models import ERRORS, FILE, IntakePart
from base import csv_files, database, seals
from base.config import Config

PART = 1 << 20  # bytes
AT_ONCE = 50


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in parts."""
    while block := stream.read(PART):
        yield block


def add(config: Config, session: Session, intake_id: int, what: str, part_no: int, block: bytes) -> None:
    """Keep one part."""
    sealed = seals.seal_bytes(config.seal_key, block, _bound(intake_id, what, part_no))
    session.add(IntakePart(intake_id=intake_id, what=what, part_no=part_no, sealed=sealed))


def read(config: Config, intake_id: int, what: str) -> Iterator[bytes]:
    """The bytes again, part by part, each read in a transaction of its own."""
    part_no = 1
    while True:
        with database.reading() as session:
            sealed = session.scalar(
                select(IntakePart.sealed).where(
                    IntakePart.intake_id == intake_id,
                    IntakePart.what == what,
                    IntakePart.part_no == part_no,
                )
            )
        if sealed is None:
            return
        yield seals.opened_bytes(config.seal_key, sealed, _bound(intake_id, what, part_no))
        part_no += 1


def there(session: Session, intake_id: int, what: str) -> bool:
    """Whether there are any."""
    of_it = IntakePart.intake_id == intake_id, IntakePart.what == what
    return bool(session.scalar(select(func.count()).select_from(IntakePart).where(*of_it)))


def write_out(config: Config, intake_id: int, path: Path) -> None:
    """The file on this machine, for its owner alone."""
    path.touch(mode=0o600)
    with open(path, "wb") as out:
        out.writelines(read(config, intake_id, FILE))


def keep_errors(config: Config, intake_id: int, path: Path) -> None:
    """The error file in place of an earlier one; none, where none was written."""
    while _some_removed(intake_id, (ERRORS,)):
        pass
    if not path.exists():
        return
    with open(path, "rb") as file:
        for part_no, block in enumerate(blocks(file), start=1):
            with database.begin() as session:
                add(config, session, intake_id, ERRORS, part_no, block)


def remove(session: Session, intake_id: int, what: Iterable[str]) -> int:
    """Let go of some parts; how many."""
    key = IntakePart.intake_id, IntakePart.what, IntakePart.part_no
    some = select(*key).where(IntakePart.intake_id == intake_id, IntakePart.what.in_(what)).limit(AT_ONCE)
    gone = session.execute(delete(IntakePart).where(tuple_(*key).in_(some)).returning(IntakePart.part_no))
    return len(gone.all())


def safe_name(said: str | None) -> str:
    """What a file is called, without folders, control characters or anything that is no part of a name."""
    last = (said or "").replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*')[-100:].strip(" .")
    return kept or "file.csv"


def header(block: bytes) -> tuple[str, ...]:
    """The names of the columns, from the first part; FileEmpty, FileNotUtf8, FileColumnsWrong."""
    line = block[: csv_files.LONGEST_LINE].split(b"\n", 1)[0]
    try:
        return csv_files.header(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise csv_files.FileNotUtf8("line 1 is not UTF-8; save the file as UTF-8") from error


def _some_removed(intake_id: int, what: Iterable[str]) -> int:
    with database.begin() as session:
        return remove(session, intake_id, what)


def _bound(intake_id: int, what: str, part_no: int) -> str:
    return f"intake:{intake_id}:{what}:{part_no}"

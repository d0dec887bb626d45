"""Files that people send by way of a page: kept in parts, their columns mapped, let go of after a week.

What becomes of them is in tasks.py. Everybody who may import sees all of them; whoever works for one area sees none, for a
file concerns a whole programme.
"""

import codecs
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import IO

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.intake import heads, parts
from admin.intake.kinds import KINDS, Kind
from admin.intake.models import COMMIT, DONE, ERRORS, FILE, Intake, IntakeJob, IntakeMapping
from admin.intake.refusals import (
    ColumnsNotMapped,
    FileNotCsv,
    FileNotThere,
    FileTooLong,
    ImportUnknown,
    JobUnderWay,
    MappedOnceTaken,
)
from base import audit, clock, database, ids
from base.approvals.approvals import ForHeadquarters
from base.auth.principals import Principal, Staff
from base.config import Config
from base.csv_files import FileColumnsWrong, FileEmpty, FileNotUtf8, Look
from base.errors import Problem, field_errors
from points import programmes
from points.models import Programme

READS, SENDS, CONFIRMS = "imports:read", "imports:send", "imports:confirm"
MOST_BYTES = 200_000_000
MOST_LINES = 2_000_000
MOST_COLUMNS = 100
KEPT = timedelta(days=7)
_OTHER_FORMATS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"Rar!",
    b"%PDF",
)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def for_all_areas(person: Principal) -> None:
    """ForHeadquarters."""
    if not isinstance(person, Staff) or person.area:
        raise ForHeadquarters()


def receive(
    config: Config, person: Principal, programme_code: str, kind: str, name: str | None, stream: IO[bytes]
) -> int:
    """Keep a file as it comes; its number. Opens its own transactions, one for each megabyte.

    ForHeadquarters, ProgrammeUnknown, ProgrammeClosed, FileEmpty, FileNotUtf8, FileNotCsv, FileColumnsWrong, FileTooLong;
    then nothing of it stays.
    """
    for_all_areas(person)
    if kind not in KINDS:
        raise field_errors({"kind": f"must be one of {', '.join(KINDS)}"})
    blocks = parts.blocks(stream)
    first = next(blocks, b"")
    columns = _looks_like_csv(first)
    with database.begin() as session:
        programme = programmes.by_code(session, programme_code)
        programmes.taking_writes(programme)
        intake = _begun(session, person, programme, KINDS[kind], parts.safe_name(name), columns)
    try:
        _kept(config, intake.intake_id, first, blocks)
    except Problem:
        drop(intake.intake_id)
        raise
    return intake.intake_id


def _begun(
    session: Session, person: Principal, programme: Programme, kind: Kind, name: str, columns: Iterable[str]
) -> Intake:
    intake = Intake(
        intake_id=ids.new_id(),
        programme_id=programme.programme_id,
        kind=kind.code,
        name=name,
        sent_by=person.actor,
        sent_at=clock.now(),
        heads=list(columns),
    )
    session.add(intake)
    return intake


def _kept(config: Config, intake_id: int, first: bytes, rest: Iterable[bytes]) -> None:
    look, size = Look(), 0
    for part_no, block in enumerate(_one_then(first, rest), start=1):
        look.at(block)
        size += len(block)
        if size > MOST_BYTES or look.lines > MOST_LINES + 1:
            raise FileTooLong(most_rows=MOST_LINES, most_bytes=MOST_BYTES)
        with database.begin() as session:
            parts.add(config, session, intake_id, FILE, part_no, block)
    sha256 = look.ended()
    if look.lines < 2:
        raise FileEmpty("it has no row below the names of its columns")
    with database.begin() as session:
        intake = session.get_one(Intake, intake_id)
        intake.sha256, intake.size, intake.lines = sha256, size, look.lines - 1
        audit.write(
            session, intake.sent_by, "import.sent", reference(intake_id), kind=intake.kind, rows=intake.lines
        )


def _one_then(first: bytes, rest: Iterable[bytes]) -> Iterable[bytes]:
    yield first
    yield from rest


def _looks_like_csv(first: bytes) -> tuple[str, ...]:
    if first.startswith(_OTHER_FORMATS):
        raise FileNotCsv()
    if first.startswith(_UTF_16):
        raise FileNotUtf8("it is UTF-16; save the file as UTF-8")
    found = parts.header(first)
    if len(found) > MOST_COLUMNS:
        raise FileColumnsWrong(f"{len(found)} columns, more than {MOST_COLUMNS}")
    return found


def mapped(
    session: Session, person: Principal, intake_id: int, names: Mapping[str, str], at: datetime
) -> Intake:
    """Say which of our columns each of the file's stands for; remembered for the person's next file like it.

    ColumnsNotMapped, MappedOnceTaken, JobUnderWay, FileNotThere.
    """
    intake = there(session, person, intake_id, lock=True)
    kind = KINDS[intake.kind]
    if intake.posting_at is not None:
        raise MappedOnceTaken()
    if open_job(session, intake_id) is not None:
        raise JobUnderWay()
    kept = {head: column for head, column in names.items() if head in intake.heads and column}
    if unknown := sorted(set(kept.values()) - set(kind.columns)):
        raise field_errors({"columns": f"are not of this kind: {', '.join(unknown)}"})
    twice = sorted({c for c in kept.values() if list(kept.values()).count(c) > 1})
    missing = [column for column in kind.required if column not in kept.values()]
    if missing or twice:
        raise ColumnsNotMapped(missing=missing, twice=twice)
    intake.names, intake.mapped_at = kept, at
    _remember(session, person, intake, kept, at)
    return intake


def _remember(
    session: Session, person: Principal, intake: Intake, names: dict[str, str], at: datetime
) -> None:
    row = {"actor": person.actor, "kind": intake.kind, "heads_hash": heads.digest(intake.heads)}
    said = {"names": names, "at": at}
    session.execute(
        insert(IntakeMapping)
        .values(**row, **said)
        .on_conflict_do_update(index_elements=["actor", "kind", "heads_hash"], set_=said)
    )


def proposed_names(session: Session, person: Principal, intake: Intake) -> tuple[dict[str, str], bool]:
    """How the columns are mapped, or were the last time, or probably are; whether it is remembered."""
    if intake.names is not None:
        return intake.names, False
    found = session.get(IntakeMapping, (person.actor, intake.kind, heads.digest(intake.heads)))
    if found is not None:
        return found.names, True
    return heads.guessed(intake.heads, KINDS[intake.kind].columns), False


def one(session: Session, person: Principal, intake_id: int) -> Intake:
    """A file that was sent whole; ForHeadquarters, ImportUnknown."""
    for_all_areas(person)
    found = session.get(Intake, intake_id, populate_existing=True)
    if found is None or found.sha256 is None:
        raise ImportUnknown()
    return found


def there(session: Session, person: Principal, intake_id: int, *, lock: bool = False) -> Intake:
    """The same, whose bytes are still kept; FileNotThere."""
    for_all_areas(person)
    found = session.get(Intake, intake_id, populate_existing=True, with_for_update=lock)
    if found is None or found.sha256 is None:
        raise ImportUnknown()
    if found.emptied_at is not None:
        raise FileNotThere()
    return found


def recent(
    session: Session, person: Principal, programme_id: int, limit: int, before: int | None = None
) -> list[Intake]:
    """What was sent for a programme, the newest first."""
    for_all_areas(person)
    asked = select(Intake).where(Intake.programme_id == programme_id, Intake.sha256.is_not(None))
    if before is not None:
        asked = asked.where(Intake.intake_id < before)
    return list(session.scalars(asked.order_by(Intake.intake_id.desc()).limit(limit)))


def taken_in_before(session: Session, intake: Intake) -> Intake | None:
    """An earlier file with the very same bytes that was taken in."""
    return session.scalar(
        select(Intake)
        .join(IntakeJob, IntakeJob.intake_id == Intake.intake_id)
        .where(
            Intake.programme_id == intake.programme_id,
            Intake.kind == intake.kind,
            Intake.sha256 == intake.sha256,
            Intake.intake_id != intake.intake_id,
            IntakeJob.deed == COMMIT,
            IntakeJob.state == DONE,
        )
        .order_by(Intake.intake_id.desc())
        .limit(1)
    )


def with_errors(session: Session, person: Principal, intake_id: int) -> Intake:
    """A file whose refused rows somebody reads now; noted, for they are about people. FileNotThere where there are none."""
    found = there(session, person, intake_id)
    if not parts.there(session, intake_id, ERRORS):
        raise FileNotThere()
    audit.write(session, person.actor, "import.errors-read", reference(intake_id), kind=found.kind)
    return found


def open_job(session: Session, intake_id: int) -> IntakeJob | None:
    """The job of a file that has not ended."""
    mine = select(IntakeJob).where(IntakeJob.intake_id == intake_id, IntakeJob.ended_at.is_(None))
    return session.scalar(mine)


def forget() -> bool:
    """Let go of the bytes of one file that is older than a week and that no job works at; whether there may be more."""
    at = clock.now()
    with database.begin() as session:
        busy = select(IntakeJob.intake_id).where(IntakeJob.ended_at.is_(None))
        old = session.scalar(
            select(Intake.intake_id)
            .where(Intake.emptied_at.is_(None), Intake.sent_at < at - KEPT, Intake.intake_id.not_in(busy))
            .order_by(Intake.sent_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if old is None:
            return False
        if not parts.remove(session, old, (FILE, ERRORS)):
            session.execute(update(Intake).where(Intake.intake_id == old).values(emptied_at=at))
    return True


def drop(intake_id: int) -> None:
    """Let go of a file of which nothing became."""
    with database.begin() as session:
        _emptied(session, intake_id, clock.now())


def _emptied(session: Session, intake_id: int, at: datetime) -> None:
    while parts.remove(session, intake_id, (FILE, ERRORS)):
        pass
    session.execute(update(Intake).where(Intake.intake_id == intake_id).values(emptied_at=at))


def reference(intake_id: int) -> str:
    """The public id of a file."""
    return ids.public("imp", intake_id)


def parse(said: str) -> int:
    """The file of a public id; ImportUnknown when it is none."""
    return ids.parse("imp", said, parts=1, unknown=ImportUnknown)[0]

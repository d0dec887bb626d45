"""A member asks for the own data, a job writes them part by part, and the file can be fetched for a day.

What belongs in it is handed over by whoever puts the program together, as functions that give rows; each part is a JSON and a
CSV file of one archive. Once a day; every fetching is written down.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, undefer

from base import audit, clock, database, ids, outbox, seals, vault
from base.config import Config
from base.errors import Conflict, NotFound
from base.halts import halts
from base.web import i18n
from points import programmes
from points.exports import archive
from points.exports.models import MemberExport
from points.members import members

TASK = "member_export"
LIVES = timedelta(days=1)
Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A file of the archive: its name, its columns, and what gives its rows, in the caller's transaction."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Session, Config, int], Iterable[Row]]


class OneExportADay(Conflict):
    """A file of your data was asked for today."""

    zh = "今天已申请过一次数据导出。"
    next_en, next_zh = "Fetch it on this page, or ask again tomorrow.", "请在本页下载，或明天再申请。"


class ExportGone(NotFound):
    """This file is not there, or its day is over."""

    zh = "该文件不存在或已过期。"
    next_en, next_zh = "Ask for a fresh one under Me, Privacy.", "可在「我的」—「隐私」中重新申请。"


_parts: tuple[Part, ...] = ()


def parts_by(parts: Sequence[Part]) -> None:
    """Tell what belongs in the file, in the order in which it is written."""
    global _parts
    _parts = tuple(parts)


def ask(session: Session, member_id: int, language: str, at: datetime) -> MemberExport:
    """A file of the own data, to be written by the worker. OneExportADay, ExportsStopped."""
    programme = programmes.by_id(session, members.by_id(session, member_id).programme_id)
    halts.check(session, halts.EXPORT, programme.programme_id)
    values = {
        "member_id": member_id,
        "export_id": ids.new_id(),
        "asked_at": at,
        "total": len(_parts),
        "on_day": clock.day(at, programme.zone),
        "language": language,
        "done": 0,
        "downloads": 0,
    }
    fresh: MemberExport | None = session.scalar(
        insert(MemberExport).values(values).on_conflict_do_nothing().returning(MemberExport)
    )
    if fresh is None:
        raise OneExportADay()
    outbox.put(session, member_id, TASK, {"member_id": member_id, "export_id": fresh.export_id})
    return fresh


def latest(session: Session, member_id: int) -> MemberExport | None:
    """The newest one, without its bytes."""
    return session.scalar(
        select(MemberExport)
        .where(MemberExport.member_id == member_id)
        .order_by(MemberExport.export_id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def fetch(
    session: Session, config: Config, member_id: int, export_id: int, actor: str, at: datetime
) -> bytes:
    """The archive, while its day lasts; the fetching is written down. ExportGone, ExportsStopped."""
    halts.check(session, halts.EXPORT, members.by_id(session, member_id).programme_id)
    found = session.scalar(
        select(MemberExport)
        .where(MemberExport.member_id == member_id, MemberExport.export_id == export_id)
        .options(undefer(MemberExport.file))
    )
    if found is None or found.file is None or found.ends_at is None or found.ends_at <= at:
        raise ExportGone()
    key = vault.keys_for(session, config.seal_key, [member_id])[member_id]
    found.downloads, found.downloaded_at = found.downloads + 1, at
    audit.write(session, actor, "export.fetched", ids.public("mbr", member_id), nth=found.downloads)
    return seals.opened_bytes(key, found.file, _bound(export_id))


def run(config: Config, member_id: int, export_id: int) -> None:
    """The job: each part in a transaction of its own, with how far it is. Safe to run twice: a file that is there stays."""
    place = (member_id, export_id)
    with database.begin() as session:
        found = session.get(MemberExport, place)
        if found is None or found.made_at is not None or vault.is_erased(session, member_id):
            return
        language = found.language
    written = archive.Archive()
    for number, part in enumerate(_parts, 1):
        with i18n.speaking(language), database.begin() as session:
            written.add(part.name, part.columns, part.rows(session, config, member_id))
        with database.begin() as session:
            session.execute(_this(*place).values(done=number))
    with database.begin() as session:
        at = clock.now()
        key = vault.keys_for(session, config.seal_key, [member_id])[member_id]
        sealed = seals.seal_bytes(key, written.closed(language), _bound(export_id))
        session.execute(_this(*place).values(file=sealed, made_at=at, ends_at=at + LIVES))


def forget() -> bool:
    """Let go of files whose day is over; never more at once. Safe to repeat."""
    with database.begin() as session:
        session.execute(
            update(MemberExport)
            .where(MemberExport.ends_at < clock.now(), MemberExport.file.is_not(None))
            .values(file=None)
        )
    return False


def _this(member_id: int, export_id: int) -> Any:
    return update(MemberExport).where(
        MemberExport.member_id == member_id,
        MemberExport.export_id == export_id,
        MemberExport.made_at.is_(None),
    )


def _bound(export_id: int) -> str:
    return f"export:{export_id}"

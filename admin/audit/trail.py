"""Who did what, about what, when: the audit log asked by any of these, newest first, and its chain checked."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from base import audit_proof, clock
from base.auth.principals import Principal, Staff
from base.csv_files import neutralised
from base.errors import Invalid, NotAllowed
from base.findings import Finding
from base.halts import halts
from base.models import AuditHead, AuditRow
from points.members import scope

READS = "audit:read"
MOST_EXPORTED = 10_000
COLUMNS = ("at", "actor", "action", "subject", "facts", "request_id", "chain", "no", "digest")


class MemberMustBeNamed(NotAllowed):
    """Who works for an area asks about one member of it at a time."""

    zh = "您的权限限于某一区域，请指定该区域内的一位会员。"
    next_en, next_zh = "Name a member as the subject.", "请在“对象”中填写会员。"


class DaysBackwards(Invalid):
    """The last day lies before the first one."""

    zh = "结束日期早于开始日期。"


@dataclass(frozen=True)
class Asked:
    """What to look for; empty asks for anything. `action` may be a beginning ("offer." finds what happened to offers)."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    request_id: str = ""
    from_day: date | None = None
    to_day: date | None = None

    def __post_init__(self) -> None:
        if self.from_day and self.to_day and self.to_day < self.from_day:
            raise DaysBackwards()


def rows(
    session: Session, principal: Principal, asked: Asked, zone: str, *, before: int | None = None, limit: int
) -> Sequence[AuditRow]:
    """The newest rows that are asked for. MemberMustBeNamed, MemberUnknown."""
    _within(session, principal, asked)
    return session.scalars(_select(asked, zone, before).limit(limit)).all()


def export(session: Session, principal: Principal, asked: Asked, zone: str) -> str:
    """The same rows as CSV, oldest last, at most MOST_EXPORTED. MemberMustBeNamed, MemberUnknown, ExportsStopped."""
    halts.check(session, halts.EXPORT)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows(session, principal, asked, zone, limit=MOST_EXPORTED):
        facts = json.dumps(row.facts, ensure_ascii=False, sort_keys=True)
        cells = (
            row.at.isoformat(), row.actor, row.action, row.subject, facts, row.request_id, row.chain,
            str(row.no), row.digest.hex(),
        )  # fmt: skip
        writer.writerow([neutralised(cell) for cell in cells])
    return out.getvalue()


def check(session: Session, actor: str) -> tuple[int, list[Finding]]:
    """How many rows the actor's chains have, and what is wrong with them."""
    heads = session.execute(
        select(AuditHead.chain, AuditHead.no).where(
            (AuditHead.chain == actor) | AuditHead.chain.startswith(f"{actor}/", autoescape=True)
        )
    ).all()
    found = [finding for chain, _no in heads for finding in audit_proof.findings(session, chain)]
    unheaded = session.scalar(select(func.count()).where(AuditRow.actor == actor)) if not heads else 0
    if unheaded:
        found = list(audit_proof.findings(session, actor))
    return sum(no for _chain, no in heads), found


def actions(session: Session) -> Iterator[str]:
    """Every action that is on record, each once: a loose walk over the index, whatever the log's length."""
    last = ""
    while (
        found := session.scalar(select(func.min(AuditRow.action)).where(AuditRow.action > last))
    ) is not None:
        yield found
        last = found


def _within(session: Session, principal: Principal, asked: Asked) -> None:
    if isinstance(principal, Staff) and not principal.area:
        return
    if not asked.subject.startswith("mbr_"):
        raise MemberMustBeNamed()
    scope.find(session, principal, asked.subject)


def _select(asked: Asked, zone: str, before: int | None) -> Select[AuditRow]:
    found = select(AuditRow).order_by(AuditRow.audit_id.desc())
    if asked.actor:
        found = found.where(AuditRow.actor == asked.actor)
    if asked.action:
        found = found.where(AuditRow.action.startswith(asked.action, autoescape=True))
    if asked.subject:
        found = found.where(AuditRow.subject == asked.subject)
    if asked.request_id:
        found = found.where(AuditRow.request_id == asked.request_id, AuditRow.request_id != "")
    if asked.from_day:
        found = found.where(AuditRow.at >= clock.start_of(asked.from_day, zone))
    if asked.to_day:
        found = found.where(AuditRow.at < clock.start_of(asked.to_day + timedelta(days=1), zone))
    if before is not None:
        found = found.where(AuditRow.audit_id < before)
    return found

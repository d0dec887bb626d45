"""Opening balances by two persons: the totals of a file are proposed, another person approves exactly those, then it is posted.

A proposal names the file by its hash and says what would be posted; whoever approves it posts nothing yet. The file is
then taken in as often as it needs, and what it left in the ledger is held against what was approved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.approvals import EXPIRED, Case
from base.approvals.models import APPROVED, REJECTED, WITHDRAWN, Decision, Proposal
from base.auth.principals import Principal
from base.csv_files import CsvFile
from base.errors import Conflict
from points import lots, programmes
from points.imports import Report
from points.models import ImportRun, Programme
from points.opening.models import OpeningLot

KIND = "opening-balances"
READS, PROPOSES, APPROVES = "proposals:read", "balances:propose", "balances:approve"
RUN = "balances"  # as imports call it
NO_MEMBER = 0
NO_END = "without end"
_OVER = (REJECTED, WITHDRAWN, EXPIRED)
Totals = dict[str, Any]


class OtherFile(Conflict):
    """This is not the file whose totals were approved."""

    zh = "此文件与已审批的文件不一致。"
    next_en = "Bring the approved file back, or propose this one under another name."
    next_zh = "请使用已审批的文件，或将此文件另行命名后重新提出申请。"


class TotalsDiffer(Conflict):
    """The totals of the file are not those that were expected."""

    zh = "文件合计与预期合计不一致。"
    next_en, next_zh = (
        "Look at the file and at the error file; nothing was proposed.",
        "请核对文件与错误文件；尚未提出申请。",
    )


class NothingToPost(Conflict):
    """No line of the file would bring anything."""

    zh = "文件中没有可入账的记录。"


@dataclass(frozen=True)
class Expected:
    """Totals that the maker was told by the older system; None: not told."""

    lines: int | None = None
    points: int | None = None


def totals_of(report: Report) -> Totals:
    """What a dry run says would be posted."""
    sums = report.sums
    return {
        "lines": report.posted,
        "members": sums.get("members", 0),
        "points": sums.get("points", 0),
        "value_fen": sums.get("value_fen", 0),
        "without_value": sums.get("without_value", 0),
        "by_class": [
            {"class": lot_class, "until": until, "points": sums[name]}
            for lot_class, until, name in sorted(_months(sums))
        ],
    }


def name_of(lot_class: int, last_day: date) -> str:
    """Under which name points of a class that lapse in a month are added up."""
    return of_class(lot_class, NO_END if last_day == lots.NO_END else f"{last_day:%Y-%m}")


def of_class(lot_class: int, until: str) -> str:
    """Points of a class and the month of their last day, in words."""
    return f"class {lot_class} until {until}"


def check(report: Report, expected: Expected) -> None:
    """TotalsDiffer, NothingToPost."""
    found = totals_of(report)
    for name, wanted, there in (
        ("lines", expected.lines, report.read),
        ("points", expected.points, found["points"]),
    ):
        if wanted is not None and wanted != there:
            raise TotalsDiffer(what=name, expected=wanted, found=there)
    if not found["lines"]:
        raise NothingToPost(read=report.read, already_there=report.already_there, refused=report.refused)


def propose(
    session: Session, person: Principal, programme: Programme, file: CsvFile, report: Report, at: datetime
) -> Case:
    """Propose that a file be taken in whose dry run this is; ProgrammeClosed."""
    programmes.open_one(session, programme.programme_id)
    content = {
        "programme": programme.code,
        "file": file.path.name,
        "sha256": file.sha256.hex(),
        "read": report.read,
        "refused": report.refused,
        "already_there": report.already_there,
        **totals_of(report),
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """From now on the file may be taken in; nothing is posted here. ProgrammeClosed."""
    programme = programmes.by_code(session, proposal.said["programme"])
    programmes.open_one(session, programme.programme_id)


def standing(session: Session, programme: Programme, file: CsvFile, at: datetime) -> Case | None:
    """The proposal of a file that waits or was approved; None: it can be proposed.

    OtherFile where a file of this name was approved, is not posted yet, and is not this one.
    """
    mine = [case for case in every(session) if case.proposal.said["programme"] == programme.code]
    for case in mine:
        if case.proposal.said["sha256"] == file.sha256.hex() and case.state(at) not in _OVER:
            return case
    for case in mine:
        said = case.proposal.said
        if said["file"] == file.path.name and case.state(at) == APPROVED and refused(session, case) is None:
            raise OtherFile(approved_sha256=said["sha256"], sha256=file.sha256.hex())
    return None


def every(session: Session) -> Iterator[Case]:
    """All proposals of opening balances, newest first."""
    rows = session.execute(
        select(Proposal, Decision)
        .outerjoin(Decision, Decision.proposal_id == Proposal.proposal_id)
        .where(Proposal.kind == KIND)
        .order_by(Proposal.proposal_id.desc())
    )
    return (Case(row.Proposal, row.Decision) for row in rows.all())


def refused(session: Session, case: Case) -> int | None:
    """How many lines were refused when the file was taken in since it was approved; None: it was not, or not to its end."""
    said = case.proposal.said
    programme = programmes.by_code(session, said["programme"])
    if case.decision is None:
        return None
    counts = session.scalar(
        select(ImportRun.counts)
        .where(
            ImportRun.programme_id == programme.programme_id,
            ImportRun.kind == RUN,
            ImportRun.file_hash == bytes.fromhex(said["sha256"]),
            ImportRun.began_at >= case.decision.at,
            ImportRun.ended_at.is_not(None),
        )
        .order_by(ImportRun.began_at.desc())
        .limit(1)
    )
    return None if counts is None else int(counts["refused"])


def posted(session: Session, proposal_id: int) -> Totals:
    """What was posted under an approval, in the words of its content."""
    rows = (
        session.connection()
        .exec_driver_sql(
            "select lot_class, case when last_day = %s then %s else to_char(last_day, 'YYYY-MM') end, "
            "sum(points)::bigint, count(*), coalesce(sum(value_fen), 0)::bigint, count(*) - count(value_fen) "
            "from opening_lot where proposal_id = %s group by 1, 2 order by 1, 2",
            (lots.NO_END, NO_END, proposal_id),
        )
        .all()
    )
    members = session.scalar(
        select(func.count(OpeningLot.member_id.distinct())).where(OpeningLot.proposal_id == proposal_id)
    )
    return {
        "lines": sum(row[3] for row in rows),
        "members": members or 0,
        "points": sum(row[2] for row in rows),
        "value_fen": sum(row[4] for row in rows),
        "without_value": sum(row[5] for row in rows),
        "by_class": [{"class": row[0], "until": row[1], "points": row[2]} for row in rows],
    }


def differences(said: Totals, found: Totals) -> list[str]:
    """Where what was posted is not what was approved, in words."""
    return [
        f"{name}: approved {said[name]}, posted {found[name]}" for name in found if said[name] != found[name]
    ]


def ref_of(proposal_id: int, source: str) -> str:
    """What a posting names: the approval, and the system that the lot comes from."""
    return f"opening {approvals.reference(proposal_id)} {source}"


def _months(sums: dict[str, int]) -> Iterator[tuple[int, str, str]]:
    for name in sums:
        if name.startswith("class "):
            lot_class, until = name.removeprefix("class ").split(" until ")
            yield int(lot_class), until, name

"""The kinds of files that a page takes in: their columns, and the very functions that the command line calls."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from base import clock, csv_files, database
from base.approvals.approvals import Case
from base.approvals.models import APPROVED
from base.config import Config
from base.csv_files import CsvFile
from base.errors import Conflict
from catalog.rates import rates
from points import bills, taking_back
from points.groups import imports as groups
from points.imports import Report
from points.lines import imports as lines
from points.members import imports as members
from points.members.sign_in import secrets_of
from points.models import Programme
from points.opening import imports as balances
from points.opening import opening

Take = Callable[[Programme, Config, Path, Any], Report]
MEMBERS, BILLS, GROUPS, LINE_EVENTS, BALANCES = "members", "bills", "groups", "line-events", opening.RUN


class TotalsNotApproved(Conflict):
    """Nothing of this file is posted before another person approved its totals."""

    zh = "合计须先由另一人审批，方可入账。"
    next_en = "Propose the totals, have another person approve them, then take the same file in."
    next_zh = "请先提交合计申请，由另一人审批通过后，再导入同一文件。"


@dataclass(frozen=True)
class Kind:
    """A kind of file. `take` is given how as keywords; `by_two`: it brings points, so not its sender alone takes it in.

    `back` takes one back that is untouched, None: no file of this kind is taken back as a whole.
    """

    code: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    take: Take
    by_two: bool = False
    run: str = ""  # as the log of runs calls it
    back: Take | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)

    @property
    def named(self) -> str:
        return self.run or self.code


def _take_members(programme: Programme, config: Config, file: Path, how: Any) -> Report:
    return members.take_in(programme, secrets_of(config), file, **how)


def _take_bills(programme: Programme, config: Config, file: Path, how: Any) -> Report:
    report = bills.take_in(programme, file, **how)
    if report.preview is not None:
        report.preview["liability_fen"] = _worth(programme, sum(report.points.values()))
    return report


def _take_bills_back(programme: Programme, config: Config, file: Path, how: Any) -> Report:
    sha256 = csv_files.opened(file, bills.REQUIRED, bills.OPTIONAL, how.get("names")).sha256
    return taking_back.take_back(programme, file, f"taken back {sha256.hex()[:16]}", **how)


def _take_groups(programme: Programme, config: Config, file: Path, how: Any) -> Report:
    return groups.take_in(programme, file, **how)


def _take_lines(programme: Programme, config: Config, file: Path, how: Any) -> Report:
    return lines.take_in(programme, config, file, **how)


def _take_balances(programme: Programme, config: Config, file: Path, how: Any) -> Report:
    """TotalsNotApproved, unless it is a dry run."""
    if how.get("dry_run"):
        return balances.tried(programme, file, **how)
    found = csv_files.opened(file, balances.REQUIRED, balances.OPTIONAL, how.get("names"))
    with database.begin() as session:
        case = approved(session, programme, found, clock.now())
    return balances.take_in(programme, case.proposal.proposal_id, file, sha256=found.sha256, **how)


def approved(session: Session, programme: Programme, file: CsvFile, at: datetime) -> Case:
    """The approval under which a file of opening balances is posted; TotalsNotApproved."""
    case = opening.standing(session, programme, file, at)
    if case is None or case.state(at) != APPROVED:
        raise TotalsNotApproved(file=file.path.name)
    return case


def _worth(programme: Programme, points: int) -> int:
    """What points would be as bill credit today, in fen; 0 where the programme has no rate."""
    with database.begin() as session:
        today = clock.day(clock.now(), programme.zone)
        return rates.worth(rates.load(session, programme.programme_id, today), points)


KINDS = {
    kind.code: kind
    for kind in (
        Kind(MEMBERS, members.REQUIRED, members.OPTIONAL, _take_members),
        Kind(BILLS, bills.REQUIRED, bills.OPTIONAL, _take_bills, by_two=True, back=_take_bills_back),
        Kind(GROUPS, groups.REQUIRED, groups.OPTIONAL, _take_groups),
        Kind(LINE_EVENTS, lines.REQUIRED, lines.OPTIONAL, _take_lines, run="line events"),
        Kind(BALANCES, balances.REQUIRED, balances.OPTIONAL, _take_balances),
    )
}

"""Opening balances by way of a page: the totals of a dry run are proposed, another person approves them, then they are posted."""

from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from admin.intake import intake as files
from admin.intake import tasks
from admin.intake.models import DONE, TRY
from admin.intake.refusals import TriedFirst
from base.approvals.approvals import Case
from base.auth.principals import Principal
from base.config import Config
from base.csv_files import CsvFile
from points import programmes
from points.imports import Report
from points.opening import opening
from points.opening.opening import Expected


def propose(session: Session, config: Config, person: Principal, intake_id: int, at: datetime) -> Case:
    """Propose what the last dry run found, or give the proposal that stands; TriedFirst, NothingToPost, OtherFile."""
    intake = files.there(session, person, intake_id, lock=True)
    tried = tasks.latest(session, intake_id, TRY)
    if tried is None or tried.state != DONE or intake.mapped_at is None or tried.asked_at < intake.mapped_at:
        raise TriedFirst()
    programme = programmes.by_id(session, intake.programme_id)
    told = tasks.told(config, tried)
    report = Report(file=intake.name, dry_run=True, **told)
    sha256 = bytes.fromhex((tried.counts or {})["sha256"])
    file = CsvFile(Path(intake.name), tuple(intake.heads), sha256, intake.lines)
    there = opening.standing(session, programme, file, at)
    if there is not None:
        return there
    opening.check(report, Expected())
    return opening.propose(session, person, programme, file, report, at)

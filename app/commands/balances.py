"""jifen import balances and jifen balances: totals of the first day, proposed by one person and approved by another."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from app import local_setup
from app.commands.approvals import deciding, said_plainly, signed_in
from app.commands.imports import imports
from app.commands.taking_in import CannotRun, a_file, chosen, leave, plainly, tell
from base import clock, csv_files, database
from base.approvals.approvals import Case
from base.csv_files import CsvFile
from base.errors import NotAllowed
from points.models import Programme
from points.opening import imports as opening_imports
from points.opening import opening
from points.opening.opening import Expected
from points.opening.schemas import opening_view


@click.group()
def balances() -> None:
    """Opening balances: the totals that `jifen import balances FILE --as EMAIL` proposed, and what was decided on them."""


deciding(balances, opening, opening_view)


@imports.command("balances")
@a_file(staged=True)
@click.option(
    "--as", "email", metavar="EMAIL", help="Who proposes the totals; the password is asked for or read."
)
@click.option("--expect-lines", type=click.IntRange(0), metavar="N", help="Lines that the file must have.")
@click.option("--expect-points", type=click.IntRange(0), metavar="N", help="Points that it must bring.")
def import_balances(
    file: Path,
    code: str | None,
    email: str | None,
    expect_lines: int | None,
    expect_points: int | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Balances of the first day (CSV), in three steps.

    With --as the totals are reckoned and proposed; another person approves them (jifen balances approve); then the same
    command posts the file, which must still be the same. Columns: key, customer_id, class, last_day (empty: does not
    lapse), points, source, maybe value_fen, earned_on.
    """
    with plainly():
        local_setup.ready()
        programme, expected = chosen(code), Expected(expect_lines, expect_points)
        opened, case = _standing(programme, file)
        how["sha256"] = opened.sha256
        show = _shown(as_json=as_json, quiet=how["quiet"])
        if how["dry_run"]:
            case, report = None, opening_imports.tried(programme, file, **how)
            opening.check(report, expected)
        elif case is None:
            _propose(programme, opened, expected, email, show, how)
        elif case.decision is None:
            show(case)
            click.echo(
                "Nothing is posted before another person approves it: jifen balances approve.", err=True
            )
            leave(1)
        else:
            report = opening_imports.take_in(programme, case.proposal.proposal_id, file, **how)
    tell(report, as_json=as_json, quiet=how["quiet"], differences=_differences(case))


def _standing(programme: Programme, file: Path) -> tuple[CsvFile, Case | None]:
    opened = csv_files.opened(file, opening_imports.REQUIRED, opening_imports.OPTIONAL)
    with database.begin() as session:
        return opened, opening.standing(session, programme, opened, clock.now())


def _propose(
    programme: Programme,
    file: CsvFile,
    expected: Expected,
    email: str | None,
    show: Callable[[Case], None],
    how: Any,
) -> NoReturn:
    """Reckon the totals and propose them; 1 where lines were refused."""
    if email is None:
        raise CannotRun("Nothing is posted before two persons agreed: propose the totals with --as EMAIL.")
    person = signed_in(email)
    if opening.PROPOSES not in person.permissions:
        raise NotAllowed(needs=opening.PROPOSES)
    report = opening_imports.tried(programme, file.path, **how)
    opening.check(report, expected)
    with database.begin() as session:
        case = opening.propose(session, person, programme, file, report, clock.now())
    show(case)
    leave(1 if report.refused else 0)


def _shown(*, as_json: bool, quiet: bool) -> Callable[[Case], None]:
    def show(case: Case) -> None:
        with database.begin() as session:
            row = opening_view(session, case, clock.now())
        if as_json or not quiet:
            click.echo(json.dumps(row, ensure_ascii=False) if as_json else said_plainly(row))

    return show


def _differences(case: Case | None) -> list[str]:
    """Where what was posted is not what was approved."""
    if case is None:
        return []
    with database.begin() as session:
        return opening.differences(case.proposal.said, opening.posted(session, case.proposal.proposal_id))


verbs = (balances,)

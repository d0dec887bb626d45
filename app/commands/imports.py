"""jifen import: members, bills, payments, corrections and more. Exit 0: done; 1: done but for refused rows; 2: cannot run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from admin.airline import taking_in as airline
from app import local_setup
from base import clock, database, progress
from base.config import ConfigError
from base.errors import Problem
from base.local import CannotStart
from catalog.rates import rates
from points import bills, corrections, payments, policies, programmes, waiting
from points.imports import Report
from points.lines import imports as line_imports
from points.members import attribute_files
from points.members import imports as member_imports
from points.members.sign_in import secrets_of
from points.models import Programme
from points.operations import files as operation_files

INTERRUPTED = 130  # as shells have it

_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_file = click.argument("file", type=click.Path(path_type=Path))
_programme = click.option("--programme", "code", metavar="CODE", help="Needed where there are several.")
_dry_run = click.option("--dry-run", is_flag=True, help="Check and count everything, keep nothing.")
_errors = click.option(
    "--errors", type=click.Path(path_type=Path, dir_okay=False), help="Where bad rows go (FILE.errors.csv)."
)


_workers = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Processes; left out: as many as the file is worth and there are cores.",
)


class CannotRun(click.ClickException):
    """Wrong use, or something is not there: cause and next step, no traceback."""

    exit_code = 2


@click.group("import")
def imports() -> None:
    """Take files in. Safe to run twice: what is there already stays as it is."""


@imports.command("members")
@_file
@_programme
@_dry_run
@_errors
@_json
@_quiet
def import_members(
    file: Path, code: str | None, dry_run: bool, errors: Path | None, as_json: bool, quiet: bool
) -> None:
    """Members (CSV): customer_id, joined_on, maybe phone, left_on, tier, tier_from, birthday (MM-DD)."""
    with _plainly():
        config = local_setup.ready()
        report = member_imports.take_in(
            _chosen(code), secrets_of(config), file, errors=errors, dry_run=dry_run, quiet=quiet
        )
    _tell(report, as_json=as_json, quiet=quiet)


@imports.command("bills")
@_file
@_programme
@_workers
@_dry_run
@_errors
@_json
@_quiet
def import_bills(
    file: Path,
    code: str | None,
    workers: int | None,
    dry_run: bool,
    errors: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Bill lines (CSV).

    Columns: bill_id, line_no, customer_id, bill_day, line_type, amount_fen, maybe waived_fen, paid_fen (left out: paid
    in full).
    """
    with _plainly():
        local_setup.ready()
        programme = _chosen(code)
        report = bills.take_in(programme, file, errors=errors, dry_run=dry_run, quiet=quiet, workers=workers)
        if report.preview is not None:
            report.preview["liability_fen"] = _worth(programme, sum(report.points.values()))
    _tell(report, as_json=as_json, quiet=quiet)


@imports.command("waiting")
@_programme
@_json
@_quiet
def import_waiting(code: str | None, as_json: bool, quiet: bool) -> None:
    """Rate the bill lines that waited for a rule; 1 while some still wait or are refused."""
    with _plainly():
        local_setup.ready()
        programme, report = _chosen(code), waiting.Step()
        with database.begin() as session:
            versions = policies.load(session, programme.programme_id)
            total = sum(waiting.counts(session, programme.programme_id).values())
        with progress.bar(total, "waiting", quiet) as bar:
            while True:
                with database.begin() as session:
                    done = waiting.step(session, programme, versions, report.last)
                report.add(done)
                bar.advance(done.looked_at)
                if done.last is None:
                    break
    if as_json:
        click.echo(json.dumps(report.facts(), ensure_ascii=False))
    elif not quiet:
        click.echo(f"{report.posted:>13,}  posted")
        for name, count in sorted(report.waiting.items()):
            click.echo(f"{count:>13,}  of type {name} wait for a rule")
    for refusal in [] if as_json else report.refused[:10]:
        click.echo(f"Refused: {refusal}", err=True)
    _leave(1 if report.waiting or report.refused else 0)


@imports.command("payments")
@_file
@_programme
@_dry_run
@_errors
@_json
@_quiet
def import_payments(
    file: Path, code: str | None, dry_run: bool, errors: Path | None, as_json: bool, quiet: bool
) -> None:
    """Payments of bill lines (CSV): payment_id, bill_id, line_no, customer_id, paid_day, paid_fen."""
    with _plainly():
        local_setup.ready()
        report = payments.take_in(_chosen(code), file, errors=errors, dry_run=dry_run, quiet=quiet)
    _tell(report, as_json=as_json, quiet=quiet)


@imports.command("corrections")
@_file
@_programme
@_dry_run
@_errors
@_json
@_quiet
def import_corrections(
    file: Path, code: str | None, dry_run: bool, errors: Path | None, as_json: bool, quiet: bool
) -> None:
    """Bill lines as they are after a correction (CSV).

    Columns: correction_id, bill_id, line_no, customer_id, correction_day, amount_fen, maybe waived_fen (left
    out: as before).
    """
    with _plainly():
        local_setup.ready()
        report = corrections.take_in(_chosen(code), file, errors=errors, dry_run=dry_run, quiet=quiet)
    _tell(report, as_json=as_json, quiet=quiet)


@imports.command("operations")
@_file
@_programme
@_dry_run
@_errors
@_json
@_quiet
def import_operations(
    file: Path, code: str | None, dry_run: bool, errors: Path | None, as_json: bool, quiet: bool
) -> None:
    """What to do with wallets (CSV): key, customer_id, operation, points, maybe of, on, class, ref.

    Operations: earn, unearn, redeem, hold, capture, release, reverse; `of` names the key of the one that is
    followed.
    """
    with _plainly():
        local_setup.ready()
        report = operation_files.take_in(_chosen(code), file, errors=errors, dry_run=dry_run, quiet=quiet)
    _tell(report, as_json=as_json, quiet=quiet)


@imports.command("line-events")
@_file
@_programme
@_dry_run
@_errors
@_json
@_quiet
def import_line_events(
    file: Path, code: str | None, dry_run: bool, errors: Path | None, as_json: bool, quiet: bool
) -> None:
    """What happened to lines (CSV): customer_id, event_id, state, since, reason, maybe clearing_day, to_customer, phone."""
    with _plainly():
        config = local_setup.ready()
        report = line_imports.take_in(
            _chosen(code), config, file, errors=errors, dry_run=dry_run, quiet=quiet
        )
    _tell(report, as_json=as_json, quiet=quiet)


@imports.command("attributes")
@_file
@_programme
@_dry_run
@_errors
@_json
@_quiet
def import_attributes(
    file: Path, code: str | None, dry_run: bool, errors: Path | None, as_json: bool, quiet: bool
) -> None:
    """What members are from a day on (CSV): customer_id, name, from_day, value, maybe source, reason.

    Names: area, arpu_fen, risk, tier, birthday.
    """
    with _plainly():
        local_setup.ready()
        report = attribute_files.take_in(_chosen(code), file, errors=errors, dry_run=dry_run, quiet=quiet)
    _tell(report, as_json=as_json, quiet=quiet)


@imports.command("airline")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True))
@_json
@_quiet
def import_airline(folder: Path, as_json: bool, quiet: bool) -> None:
    """The public records of an airline (docs/airline-records.md): a folder with its two CSV files."""
    with _plainly():
        report = airline.take_in(folder, secrets_of(local_setup.ready()), quiet=quiet)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False))
    elif not quiet:
        for name, value in asdict(report).items():
            if isinstance(value, int):
                click.echo(f"{value:>13,}  {name.replace('_', ' ')}")
    for refusal in report.refused[:10]:
        click.echo(f"Refused: {refusal}", err=True)
    _leave(0 if report.clean else 1)


def _chosen(code: str | None) -> Programme:
    """The programme of a code, or the only one there is."""
    with database.begin() as session:
        if code is not None:
            return programmes.open_one(session, programmes.by_code(session, code).programme_id)
        every = programmes.every(session)
        if len(every) == 1:
            return programmes.open_one(session, every[0].programme_id)
    if not every:
        raise CannotRun("There is no programme yet. `jifen demo` makes some.")
    raise CannotRun(f"Which programme? Add --programme with one of: {', '.join(p.code for p in every)}")


def _worth(programme: Programme, points: int) -> int:
    """What points would be as bill credit today, in fen; 0 where the programme has no rate."""
    with database.begin() as session:
        today = clock.day(clock.now(), programme.zone)
        return rates.worth(rates.load(session, programme.programme_id, today), points)


def _tell(report: Report, *, as_json: bool, quiet: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps(_facts(report), ensure_ascii=False))
    elif not quiet:
        for line in _lines(report):
            click.echo(line)
    if not report.adds_up:
        click.echo("The counts do not add up: this is a defect, please report it.", err=True)
    _leave(0 if report.clean else 1)


def _facts(report: Report) -> dict[str, Any]:
    return asdict(report) | {"adds_up": report.adds_up}


def _lines(report: Report) -> Iterator[str]:
    """The summary for a person."""
    done = "would be posted (dry run, nothing was kept)" if report.dry_run else "posted"
    yield f"{report.file}: {report.read:,} rows read"
    yield f"{report.posted:>13,}  {done}"
    yield f"{report.already_there:>13,}  already there"
    yield f"{report.refused:>13,}  refused"
    for name, points in sorted(report.points.items()):
        yield f"{points:>13,}  points for {name}"
    if report.preview is not None:
        yield from _preview_lines(report.preview)
    for error in report.errors:
        yield f"  line {error['line']}: {error['error']}"
    if report.refused > len(report.errors):
        yield f"  and {report.refused - len(report.errors):,} more"
    if report.error_file:
        yield f"Bad rows are in {report.error_file}. Correct them there and take that file in."


def _preview_lines(preview: dict[str, Any]) -> Iterator[str]:
    """What only a dry run tells."""
    yield f"{preview['liability_fen']:>13,}  fen more owed, at the programme's rate for bill credit"
    for rule in preview["by_rule"]:
        yield (
            f"{rule['points']:>13,}  points in {rule['postings']:,} postings by the rule for {rule.get('line_type', '?')} "
            f"from {rule.get('from_day', '?')} on, class {rule['class']}"
        )
    if preview["largest"]:
        yield "  Most points go to:"
    for one in preview["largest"]:
        yield f"{one['points']:>13,}  {one['customer']} in {one['postings']:,} postings"
    if preview["sample"]:
        yield "  Lines drawn by lot:"
    for one in preview["sample"]:
        said = ", ".join(f"{name} {value}" for name, value in one.items() if name not in ("line", "points"))
        yield f"{one['points']:>13,}  line {one['line']}: {said}"


def _leave(code: int) -> NoReturn:
    click.get_current_context().exit(code)


@contextmanager
def _plainly() -> Iterator[None]:
    """What stops a run, told in a sentence with the next step."""
    try:
        yield
    except Problem as problem:
        raise CannotRun(f"{problem} {problem.next_step('en')}") from problem
    except (ConfigError, CannotStart) as error:
        raise CannotRun(str(error)) from error
    except KeyboardInterrupt:
        click.echo("\nStopped. What was done is kept; the same command goes on from there.", err=True)
        click.get_current_context().exit(INTERRUPTED)

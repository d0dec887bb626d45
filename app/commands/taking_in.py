"""What all commands that take a file in share: their options, the programme, and how the end is told."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from base import database
from base.config import ConfigError
from base.errors import Problem
from base.local import CannotStart
from points import programmes
from points.imports import Report
from points.models import Programme

INTERRUPTED = 130  # as shells have it
SHOWN = 10

Command = TypeVar("Command", bound=Callable[..., Any])
with_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")
with_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
with_programme = click.option("--programme", "code", metavar="CODE", help="Needed where there are several.")
_FILE = (
    click.argument("file", type=click.Path(path_type=Path)),
    with_programme,
    click.option("--dry-run", is_flag=True, help="Check and count everything, keep nothing."),
    click.option(
        "--errors",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Where bad rows go (FILE.errors.csv).",
    ),
    with_json,
    with_quiet,
)
_WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Processes; left out: as many as the file is worth and there are cores.",
)


class CannotRun(click.ClickException):
    """Wrong use, or something is not there: cause and next step, no traceback."""

    exit_code = 2


def a_file(*, staged: bool = False) -> Callable[[Command], Command]:
    """The file and the options of a command that takes it in; `staged`: by several processes."""

    def add(command: Command) -> Command:
        for option in reversed((*_FILE, _WORKERS) if staged else _FILE):
            command = option(command)
        return command

    return add


def chosen(code: str | None) -> Programme:
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


def tell(report: Report, *, as_json: bool, quiet: bool, differences: Sequence[str] = ()) -> NoReturn:
    """The end of a command: 1 where rows were refused, or what was posted is not what was approved."""
    if as_json:
        click.echo(json.dumps(_facts(report), ensure_ascii=False))
    elif not quiet:
        for line in _lines(report):
            click.echo(line)
    if not report.adds_up:
        click.echo("The counts do not add up: this is a defect, please report it.", err=True)
    for difference in differences:
        click.echo(f"Not as approved: {difference}", err=True)
    leave(0 if report.clean and not differences else 1)


def _facts(report: Report) -> dict[str, Any]:
    return asdict(report) | {"adds_up": report.adds_up}


def _lines(report: Report) -> Iterator[str]:
    """The summary for a person."""
    done = "would be posted (dry run, nothing was kept)" if report.dry_run else "posted"
    yield f"{report.file}: {report.read:,} rows read"
    yield f"{report.posted:>13,}  {done}"
    if report.changed:
        yield f"{report.changed:>13,}  of which change what is known"
    yield f"{report.already_there:>13,}  already there"
    yield f"{report.refused:>13,}  refused"
    for name, points in sorted(report.points.items()):
        yield f"{points:>13,}  points for {name}"
    for name in ("members", "value_fen", "without_value"):
        if name in report.sums:
            yield f"{report.sums[name]:>13,}  {name.replace('_', ' ')}"
    if report.preview is not None:
        yield from _preview_lines(report.preview)
    for error in report.errors[:SHOWN]:
        yield f"  line {error['line']}: {error['error']}"
    if report.refused > SHOWN:
        yield f"  and {report.refused - SHOWN:,} more"
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


def leave(code: int) -> NoReturn:
    """End the command with a code."""
    click.get_current_context().exit(code)


@contextmanager
def plainly() -> Iterator[None]:
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

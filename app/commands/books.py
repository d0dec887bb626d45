"""jifen settle, retention: the monthly work, safe to run twice."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from admin.analytics import engines, history_files, report, runs, snapshot
from admin.analytics.models import AnalysisRun
from app import local_setup
from base import clock, database
from base.config import Config
from base.money import yuan_text
from base.progress import bar
from merchants import merchants
from merchants.models import Merchant
from merchants.statements import closing
from points import programmes
from points.models import Programme

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")
_programme = click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")


class Day(click.ParamType[date]):
    """A date as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            if not str(value).isascii():
                raise ValueError(value)
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date: write YYYY-MM-DD", param, ctx)


@click.command()
@click.option(
    "--until", type=Day(), required=True, metavar="DATE", help="The last day of the period, inclusive."
)
@click.option("--merchant", "code", metavar="CODE", help="One merchant instead of all.")
@_json
@_quiet
def settle(until: date, code: str | None, as_json: bool, quiet: bool) -> None:
    """Close the period of each merchant into a sealed statement; twice changes nothing."""
    local_setup.ready()
    with database.begin() as session:
        chosen = (
            [merchants.by_code(session, code)]
            if code
            else list(session.scalars(select(Merchant).order_by(Merchant.code)))
        )
    sealed: list[dict[str, Any]] = []
    with bar(len(chosen), "settle", quiet=quiet) as shown:
        for merchant in chosen:
            with database.begin() as session:
                statement = closing.close(session, merchant, until, clock.now())
            shown.advance()
            if statement is not None:
                sealed.append(
                    {
                        "merchant": merchant.code,
                        "number": statement.statement_no,
                        "lines": statement.line_count,
                        "owed_fen": statement.owed_fen,
                        "net_fen": statement.net_fen,
                        "currency": statement.currency,
                        "hash": statement.hash.hex(),
                    }
                )
    lines = [
        f"{row['merchant']:<24} no. {row['number']:>3}  {row['lines']:>6} lines  net {yuan_text(row['net_fen']):>12} {row['currency']}"
        for row in sealed
    ]
    _tell(
        {"until": str(until), "statements": sealed},
        as_json,
        quiet,
        [*lines, f"{len(sealed)} statements sealed"],
    )


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_programme
@click.option("--fresh", is_flag=True, help="Take a snapshot of the database now, even if there is one.")
@click.option("--language", type=click.Choice(["en", "zh-CN"]), default="en", show_default=True)
@_json
@_quiet
def retention(
    file: Path | None, code: str | None, fresh: bool, language: str, as_json: bool, quiet: bool
) -> None:
    """Redeemers beside non-redeemers: the raw gap, and the check that gives both the same time.

    FILE: intervals as CSV (id,start,stop,event,exposed); without it, the programmes of the database as the latest
    snapshot tells of them, or one taken now. Twice is harmless; broken off, it goes on where it was.
    """
    if file is not None:
        _show(
            file.name, report.retention_report(history_files.read_intervals(file)), language, as_json, quiet
        )
        return
    config = local_setup.ready()
    if engines.installed() == engines.POSTGRESQL and not quiet:
        click.echo("DuckDB is not installed: PostgreSQL does its work, which takes longer.", err=True)
    for programme in _programmes(code):
        try:
            found = _of_database(config, programme, fresh=fresh, quiet=quiet)
        except runs.NothingToCompare as nothing:
            if code:
                raise
            click.echo(f"{programme.code}: {nothing.title('en')}", err=True)
            continue
        fresh = False  # the snapshot tells of all programmes
        _show(programme.code, found.report, language, as_json, quiet)


def _of_database(config: Config, programme: Programme, *, fresh: bool, quiet: bool) -> AnalysisRun:
    with bar(snapshot.STEPS, f"{programme.code}: snapshot", quiet=quiet) as shown:
        taken = runs.snapshot_for(config, programme, shown, fresh=fresh)
    with bar(runs.steps(taken), f"{programme.code}: analysis", quiet=quiet) as shown:
        return runs.take(config, programme, taken, shown)


def _show(name: str, found: dict[str, Any], language: str, as_json: bool, quiet: bool) -> None:
    if as_json:
        click.echo(json.dumps({"of": name} | found, sort_keys=True, ensure_ascii=False))
    elif not quiet:
        click.echo(f"== {name} ==\n{report.as_text(found, language)}")


def _programmes(code: str | None) -> list[Any]:
    with database.begin() as session:
        return [programmes.by_code(session, code)] if code else programmes.every(session)


def _tell(facts: dict[str, Any], as_json: bool, quiet: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif not quiet:
        for line in lines:
            click.echo(line)


verbs = (settle, retention)

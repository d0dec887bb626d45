"""jifen retention: does redemption keep members? Of the live books, or of a file with any history."""

import hashlib
import json
from pathlib import Path
from typing import Any

import click

from admin.analytics import code as estimators
from admin.analytics import engines, person_month_files, report, runs, snapshot
from admin.analytics.models import AnalysisRun
from admin.analytics.protocol import Options
from app import local_setup
from base import database
from base.config import Config
from base.progress import bar
from points import programmes
from points.models import Programme

EVER = "ever"
BLOCK_BYTES = 1 << 20


class Months(click.ParamType[tuple[float, ...]]):
    """Numbers between commas, each above 0."""

    name = "months"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            found = ()
        if not found or not all(0 < one < float("inf") for one in found):
            self.fail(f"{value!r} are no months: write for instance 6,12", param, ctx)
        return found


class Washout(click.ParamType[int | None]):
    """A number of months, or "ever" (None)."""

    name = "washout"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value is None or value == EVER:
            return None
        if isinstance(value, int):
            return value
        if not str(value).isascii() or not str(value).isdigit() or int(value) < 1:
            self.fail(f"{value!r} is neither a number of months nor {EVER!r}", param, ctx)
        return int(value)


class MonthRange(click.ParamType[tuple[int | None, int | None]]):
    """FROM:TO, each YYYY-MM or a whole number, or empty for what the data allow."""

    name = "months"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, int | None]:
        if isinstance(value, tuple):
            return value
        ends = str(value).split(":")
        try:
            if len(ends) != 2:
                raise ValueError(value)
            first, last = (_month(end) for end in ends)
        except ValueError:
            self.fail(f"{value!r} is no range: write FROM:TO, each YYYY-MM or a number", param, ctx)
        return first, last


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")
@click.option("--fresh", is_flag=True, help="Take a snapshot of the database now, even if there is one.")
@click.option("--unit", type=click.Choice(["month", "day"]), default="month", show_default=True,
              help="Of a file of intervals; trials need months.")  # fmt: skip
@click.option("--horizon", type=click.IntRange(1, 120), default=12, show_default=True,
              help="For how long leaving is counted after a redemption.")  # fmt: skip
@click.option("--at", type=Months(), default="6,12", show_default=True, help="Where curves are read.")
@click.option("--landmarks", type=Months(), default="3,6,12", show_default=True)
@click.option("--washout", type=Washout(), default=EVER, show_default=True, metavar="N|ever",
              help="Months without a redemption before a trial.")  # fmt: skip
@click.option("--trials", "window", type=MonthRange(), default=":", metavar="FROM:TO",
              help="Months in which trials begin.")  # fmt: skip
@click.option("--min-history", type=click.IntRange(0, 1200), default=None, metavar="N",
              help="Months a member must have been in view before a trial; 0 of a file, 3 of live data.")  # fmt: skip
@click.option("--draws", type=click.IntRange(20, 10_000), default=400, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--covariates", metavar="A,B", help="The columns to use; all others without this option.")
@click.option("--margin-fen", type=click.IntRange(0), metavar="FEN",
              help="What a member who stays brings over the horizon.")  # fmt: skip
@click.option("--drop-missing", is_flag=True, help="Leave members with missing values out, and count them.")
@click.option("--language", type=click.Choice(["en", "zh-CN"]), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def retention(
    file: Path | None,
    code: str | None,
    fresh: bool,
    unit: str,
    covariates: str | None,
    drop_missing: bool,
    language: str,
    as_json: bool,
    quiet: bool,
    window: tuple[int | None, int | None],
    min_history: int | None,
    **chosen: Any,
) -> None:
    """Does redemption keep members? The raw gap with its caution, beside what is left of it.

    FILE: intervals (id,start,stop,event,exposed[,kind]) or person-months (id,month,left,redeemed_kind), CSV or
    Parquet, further columns as covariates; without it, the programmes of the database as the latest snapshot tells of
    them, or one taken now. Twice is harmless; broken off, it goes on where it was.
    """
    history = min_history if min_history is not None else runs.MIN_HISTORY if file is None else 0
    options = Options(first=window[0], last=window[1], min_history=history, **chosen)
    if file is None:
        if covariates or drop_missing:
            raise click.UsageError("--covariates and --drop-missing are for a FILE")
        _of_programmes(code, options, language, fresh=fresh, as_json=as_json, quiet=quiet)
        return
    names = None if covariates is None else [name.strip() for name in covariates.split(",") if name.strip()]
    with bar(report.STEPS + 1, "retention", quiet=quiet) as shown:
        found = person_month_files.read(file, unit=unit, covariates=names, drop_missing=drop_missing)
        shown.advance()
        run = {"as_of": None, "code_version": estimators.version(), "input_sha256": _sha256(file)}
        said = report.retention_report(found, options, run, done=shown.advance)
    _show(file.name, said, language, as_json, quiet)


def _of_programmes(
    code: str | None, options: Options, language: str, *, fresh: bool, as_json: bool, quiet: bool
) -> None:
    config = local_setup.ready()
    if engines.installed() == engines.POSTGRESQL and not quiet:
        click.echo("DuckDB is not installed: PostgreSQL does its work, which takes longer.", err=True)
    with database.begin() as session:
        chosen = [programmes.by_code(session, code)] if code else programmes.every(session)
    for programme in chosen:
        try:
            found = _of_database(config, programme, options, fresh=fresh, quiet=quiet)
        except runs.NothingToCompare as nothing:
            if code:
                raise
            click.echo(f"{programme.code}: {nothing.title('en')}", err=True)
            continue
        finally:
            fresh = False  # the snapshot tells of all programmes
        _show(programme.code, found.report, language, as_json, quiet)


def _of_database(
    config: Config, programme: Programme, options: Options, *, fresh: bool, quiet: bool
) -> AnalysisRun:
    with bar(snapshot.STEPS, f"{programme.code}: snapshot", quiet=quiet) as shown:
        taken = runs.snapshot_for(config, programme, shown, fresh=fresh)
    with bar(runs.steps(taken), f"{programme.code}: analysis", quiet=quiet) as shown:
        return runs.take(config, programme, taken, shown, options=options)


def _show(name: str, found: dict[str, Any], language: str, as_json: bool, quiet: bool) -> None:
    if as_json:
        click.echo(json.dumps({"of": name} | found, sort_keys=True, ensure_ascii=False))
    elif not quiet:
        click.echo(f"== {name} ==\n{report.as_text(found, language)}")


def _month(text: str) -> int | None:
    """A month of a range: YYYY-MM as year * 12 + month - 1, or a whole number, or none. ValueError."""
    if not text.strip():
        return None
    if not text.isascii():
        raise ValueError(text)
    year, dash, month = text.strip().partition("-")
    if not dash or not year:
        return int(text)
    if len(year) != 4 or not 1 <= int(month) <= 12:
        raise ValueError(text)
    return int(year) * 12 + int(month) - 1


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


verbs = (retention,)

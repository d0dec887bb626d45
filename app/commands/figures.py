"""jifen liability, figures, report: what points cost, taken of days that are over; safe to run twice."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from admin.analytics import liability, period_reports, sums, taking
from app import local_setup
from app.commands.books import Day
from app.commands.taking_in import chosen
from base import clock, database, locks
from base.money import yuan_text
from base.progress import bar
from points import programmes
from points.models import Programme

FINDINGS = 1
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")
_programme = click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")


@click.command("liability")
@click.option(
    "--as-of", "on", type=Day(), metavar="DATE", help="The end of this day; left out: of yesterday."
)
@_programme
@_json
@_quiet
@click.pass_context
def liability_verb(ctx: click.Context, on: date | None, code: str | None, as_json: bool, quiet: bool) -> None:
    """What the points that are there are worth, and how many of them are expected to lapse, by month of issue and class.

    Kept for the console and the API; taken again it is the same row, unless something has changed. Exit 1: the cohorts do
    not add up to what the ledger says.
    """
    local_setup.ready()
    with database.begin() as session:
        every = [programmes.by_code(session, code)] if code else programmes.every(session)
    told = [_liability(programme, on, quiet=quiet) for programme in every]
    if as_json:
        click.echo(json.dumps({"programmes": told}, sort_keys=True, ensure_ascii=False))
    elif not quiet:
        for one in told:
            click.echo("\n".join(_lines(one)))
    if any(one["difference"] for one in told):
        ctx.exit(FINDINGS)


def _liability(programme: Programme, on: date | None, *, quiet: bool) -> dict[str, Any]:
    day = on or clock.day(clock.now(), programme.zone) - timedelta(days=1)
    with bar(liability.parts(programme), f"liability {programme.code}: parts", quiet=quiet) as shown:
        run = liability.take(programme, day, shown.advance)
    with database.begin() as session:
        found = liability.of_area(session, run, "")
    return {
        "programme": programme.code,
        "as_of": str(day),
        "currency": programme.currency,
        "ledger_points": run.facts["ledger"]["balance"],
        "difference": liability.difference(run.facts, found["points"]),
        **found,
    }


def _lines(one: dict[str, Any]) -> list[str]:
    total, money = one["total"], one["currency"]
    low, high = total["expected_to_lapse_interval"]
    lines = [
        f"== {one['programme']}, end of {one['as_of']} ==",
        f"{'issued':<8} {'class':>5} {'points':>15} {'will lapse':>15} {'liability':>16} {'as bill credit':>16}",
        *(
            f"{row['issued']:<8} {row['class']:>5} {row['points']:>15,} {row['expected_to_lapse']:>15,} "
            f"{yuan_text(row['liability_fen']):>16} {yuan_text(row['upper_liability_fen']):>16}"
            for row in one["cohorts"]
        ),
        f"all: {total['points']:,} points, of which {total['expected_to_lapse']:,} are expected to lapse ({low:,} to {high:,})",
        f"worth {yuan_text(total['liability_fen'])} {money}, as bill credit {yuan_text(total['upper_liability_fen'])} {money}",
        f"set aside: {one['set_aside']['points']:,} points; lapsed and not posted: {one['lapsed_not_posted']:,}",
        *(
            f"lapses {row['from_day']} to {row['until_day']}: {row['points']:,} points, {row['expected_to_lapse']:,} expected"
            for row in one["lapses_soon"]
        ),
        *(f"{reason['text']['en']}" for reason in one["reasons"]),
    ]
    if one["restated"]:
        lines.append(one["restated"]["text"]["en"])
    off = one["difference"]
    found = (
        f"The ledger says {one['ledger_points']:,} points: a difference of {off:,}."
        if off
        else "The ledger says the same."
    )
    return [*lines, found]


@click.command()
@_json
@_quiet
@click.pass_context
def figures(ctx: click.Context, as_json: bool, quiet: bool) -> None:
    """Take all figures that are due: liability, premium, the mix by week, reports. The worker does the same by itself."""
    local_setup.ready()
    with locks.held(taking.LOCK) as mine:
        if not mine:
            raise click.ClickException("They are being taken already. Wait for the end, then look again.")
        due = taking.all_due()
        with bar(len(due), "figures", quiet=quiet) as shown:
            for one in due:
                one.take()
                shown.advance()
    if as_json:
        click.echo(json.dumps({"taken": [{"topic": one.topic, "of": one.of} for one in due]}))
    elif not quiet:
        click.echo(f"{len(due)} taken")


@click.command()
@click.option(
    "--period",
    required=True,
    metavar="PERIOD",
    help="A month (2026-11) or ten days of it (2026-11-1, -2, -3).",
)
@click.option("--programme", "code", metavar="CODE", help="Needed where there are several.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A file; left out: standard output."
)
@click.option("--quiet", is_flag=True, help="No progress.")
def report(period: str, code: str | None, out: Path | None, quiet: bool) -> None:
    """The report of a period over all areas, as CSV. It is made once; later it is the same, byte for byte."""
    local_setup.ready()
    programme = chosen(code)
    with bar(_parts(programme), "report: parts", quiet=quiet) as shown:
        made = period_reports.make(programme, period, shown.advance)
    if out is None:
        click.echo(made.content, nl=False)
    else:
        out.write_bytes(made.content.encode())


def _parts(programme: Programme) -> int:
    with database.begin() as session:
        return 3 * len(sums.parts(session, programme.programme_id))


verbs = (liability_verb, figures, report)

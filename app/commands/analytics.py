"""jifen simulate, analytics: members whose answer is known, and the estimators' examination on them."""

import json
from pathlib import Path

import click

from admin.analytics.simulation import files, selftest
from admin.analytics.simulation.goals import WHOLE
from admin.analytics.simulation.scenarios import SCENARIOS, scenario
from app.commands.taking_in import plainly, with_json, with_quiet
from base.config import Config

FINDINGS = 1
MOST_MEMBERS, MOST_MONTHS = 10_000_000, 120
_there = f"One of: {', '.join(SCENARIOS)}."


@click.command()
@click.option("--scenario", "name", default="main", show_default=True, metavar="NAME", help=_there)
@click.option("--members", type=click.IntRange(1, MOST_MEMBERS), default=20_000, show_default=True)
@click.option("--months", type=click.IntRange(1, MOST_MONTHS), default=24, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False, writable=True), required=True, metavar="FILE",
    help="A .csv or .parquet file; truth.json is written beside it.",
)  # fmt: skip
@with_json
@with_quiet
def simulate(name: str, members: int, months: int, seed: int, out: Path, as_json: bool, quiet: bool) -> None:
    """Person-months of invented members, for which it is known what redeeming does. The same seed, the same bytes.

    `jifen demo` makes a whole operator instead, through the real rules.
    """
    with plainly():
        made = files.simulate(scenario(name), members, months, seed, out, quiet=quiet)
    if as_json:
        click.echo(json.dumps(made, sort_keys=True))
    elif not quiet:
        click.echo(
            f"{out}: {made['rows']:,} months of {members:,} members, {made['leavers']:,} left, "
            f"{made['redemptions']:,} redemptions; what is true is in {out.parent / files.TRUTH}"
        )


@click.group()
def analytics() -> None:
    """What stands behind the figures."""


@analytics.command("selftest")
@click.option("--runs", type=click.IntRange(1, 10_000), help="Runs of each scenario, instead of a few.")
@click.option(
    "--full",
    is_flag=True,
    help=f"All {WHOLE} runs of null and main, a fifth or a tenth of the others: takes most of an hour.",
)
@click.option("--scenario", "name", metavar="NAME", help=_there)
@click.option("--members", type=click.IntRange(100, MOST_MEMBERS), help="Members of each run.")
@click.option("--draws", type=click.IntRange(20, 10_000), default=selftest.DRAWS, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False, writable=True), metavar="FILE",
    help="Keeps finished runs, which are not made again.",
)  # fmt: skip
@with_json
@with_quiet
@click.pass_context
def exam(
    ctx: click.Context,
    runs: int | None,
    full: bool,
    name: str | None,
    members: int | None,
    draws: int,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Hold the estimators against simulated members whose answer is known. Exit 1: a goal was missed."""
    with plainly():
        notebook = out or Config.from_env().data_dir / "selftest.jsonl"
        planned = selftest.plan(only=name, runs=runs, members=members, full=full)
        result = selftest.examine(planned, notebook, draws=draws, quiet=quiet)
    if as_json:
        click.echo(json.dumps(result.block(), sort_keys=True))
    elif not quiet:
        for line in selftest.table(result):
            click.echo(line)
        click.echo(f"{result.made} runs made, {result.found} found in {notebook}")
    ctx.exit(0 if result.passed else FINDINGS)


verbs = (simulate, analytics)

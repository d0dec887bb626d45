"""jifen replay: what a proposed change would have done to the months before."""

import json

import click

from admin.replay import asking, job, runs
from admin.replay.models import DONE, ReplayRun
from app import local_setup
from base import clock, database
from base.approvals import approvals
from base.progress import bar

ACTOR = "command"


@click.command()
@click.argument("proposal")
@click.option(
    "--months",
    type=click.IntRange(1, runs.MOST_MONTHS),
    default=runs.MONTHS,
    show_default=True,
    help="Whole days of so many months, up to yesterday.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output: the whole report.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def replay(proposal: str, months: int, as_json: bool, quiet: bool) -> None:
    """Replay PROPOSAL (apr_...), of rates, an offer or earn rules, and tell what it would have done.

    Twice is harmless; broken off, the same command goes on with the part it was in.
    """
    local_setup.ready()
    with database.begin() as session:
        asked = approvals.by_id(session, approvals.parse(proposal)).proposal
        run = runs.begin(session, asked, months, clock.now(), ACTOR)
    with database.begin() as session:
        run = runs.divided(session, run.replay_id)
    run = to_the_end(run, quiet=quiet)
    if as_json:
        click.echo(json.dumps(asking.view(run), ensure_ascii=False, sort_keys=True))
    elif not quiet:
        for line in lines(run):
            click.echo(line)


def to_the_end(run: ReplayRun, *, quiet: bool) -> ReplayRun:
    """Do what is left of a run, a part in each transaction; the worker may be doing the same."""
    with bar(len(run.ends), "replay: parts", quiet=quiet) as shown:
        shown.advance(run.parts_done)
        while run.state != DONE:
            before, run = run.parts_done, job.patient_step(run.replay_id)
            shown.advance(run.parts_done - before)
    return run


def lines(run: ReplayRun) -> list[str]:
    """A report as a person reads it on a terminal."""
    told = run.report or {}
    whole, who, owed = told.get("redeemed") or told["earned"], told["members"], told["liability"]
    what = "redeemed" if "redeemed" in told else "earned"
    return [
        f"{told['from_day']} to {told['until_day']}: {runs.reference(run.replay_id)}",
        told["assumption"]["en"],
        f"points {what}: {whole['points_then']:,} then, {whole['points_new']:,} under the draft",
        f"liability: {owed['points_change']:+,} points, {owed['fen_change']:+,} fen",
        f"members: {who['better']:,} better, {who['worse']:,} worse, {who['same']:,} the same",
        *(f"warning: {one['code']}: {one['what']}" for one in told.get("warnings", ())),
    ]


verbs = (replay,)

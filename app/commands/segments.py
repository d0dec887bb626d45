"""jifen segments: refresh who is in them. Safe to run twice; broken off, the same command goes on where it was."""

import json
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import click

from app import local_setup
from app.commands.books import Day
from base import clock, database, locks
from base.database import StillRunning
from base.progress import bar
from points.segments import refreshing
from points.segments.models import SegmentRun
from points.segments.refreshing import Work
from points.tiers import present

TRIES = 5
LOCK = "segments refresh"
CATCH_UP = 5_000


@click.group("segments")
def segments() -> None:
    """Segments of members: who is in them."""


@segments.command("refresh")
@click.option("--as-of", "on", type=Day(), metavar="DATE", help="The day that counts; left out: today.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def refresh(on: date | None, as_json: bool, quiet: bool) -> None:
    """Take in who meets a segment's rule now, let go who no longer does, and keep the counts."""
    config = local_setup.ready()
    today = clock.day(clock.now(), config.zone)
    if on is not None and on > today:
        raise click.BadParameter("the day has not come yet", param_hint="--as-of")
    with locks.held(LOCK) as mine:
        if not mine:
            raise click.ClickException("Another refresh is running. Wait for its end, then look again.")
        told = list(refreshed(on or today, quiet=quiet))
    if as_json:
        click.echo(json.dumps({"as_of": str(on or today), "segments": told}, ensure_ascii=False))
    elif not quiet:
        for one in told:
            click.echo(
                f"{one['code']}: {one['members']:,} members, {one['came']:,} came, {one['went']:,} went"
            )


def refreshed(on: date, *, quiet: bool) -> Iterator[dict[str, Any]]:
    """Refresh every segment as of a day, a part in each transaction; what was counted, segment by segment."""
    while True:  # granted tiers that ended since the last evaluation count no longer
        with database.begin() as session:
            if present.catch_up(session, clock.now(), CATCH_UP) < CATCH_UP:
                break
    with database.begin() as session:
        due, ends = refreshing.due(session, on), refreshing.parts(session)
    with bar(len(due) * len(ends), "segments: parts", quiet=quiet) as shown:
        for work in due:
            with database.begin() as session:
                run = refreshing.begin(session, work, on, clock.now())
            todo = refreshing.left(run, ends)
            shown.advance(len(ends) - len(todo))
            for end in todo:
                run = _step(run, work, end)
                shown.advance()
            yield {
                "code": work.segment.code,
                "members": run.came + run.stayed,
                "came": run.came,
                "went": run.went,
                "stayed": run.stayed,
            }


def _step(run: SegmentRun, work: Work, end: int) -> SegmentRun:
    """One part; somebody else may hold a row for a moment."""
    for tries in range(1, TRIES + 1):
        try:
            with database.begin() as session:
                return refreshing.step(session, run, work.version, end)
        except StillRunning:
            if tries == TRIES:
                raise
            time.sleep(0.1 * 2**tries)
    raise AssertionError("not reached")

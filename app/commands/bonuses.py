"""jifen bonuses: joinings, birthdays and member days, given to everybody due. Exit 1 where a budget had not enough."""

import json
import time
from datetime import date, timedelta
from typing import Any

import click

from app import local_setup
from app.commands.books import Day
from base import clock, database
from base.database import StillRunning
from base.progress import bar
from points import programmes
from points.bonuses import due
from points.bonuses.due import Place, Step, Task
from points.models import Programme

TRIES = 5
MOST_DAYS = 366


@click.command()
@click.option(
    "--as-of", "on", type=Day(), required=True, metavar="DATE", help="The day whose occasions are due."
)
@click.option("--since", type=Day(), metavar="DATE", help="The days from here on too, where nothing ran.")
@click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.pass_context
def bonuses(
    ctx: click.Context, on: date, since: date | None, code: str | None, as_json: bool, quiet: bool
) -> None:
    """Give the bonuses of a day: to whom it is a birthday, to all on a member day, to whoever joined by then.

    Twice changes nothing; after Ctrl-C or a crash the same command goes on. 1 where a budget had not enough for all.
    """
    local_setup.ready()
    first = since or on
    if not timedelta(0) <= on - first <= timedelta(days=MOST_DAYS):
        raise click.BadParameter(
            f"lies after --as-of or more than {MOST_DAYS} days before", param_hint="--since"
        )
    with database.begin() as session:
        chosen = [programmes.by_code(session, code)] if code else programmes.every(session)
    chosen = [programme for programme in chosen if code or programme.closed_at is None]
    if any(on > clock.day(clock.now(), programme.zone) for programme in chosen):
        raise click.BadParameter("the day has not come yet", param_hint="--as-of")
    done = {
        programme.code: {task.rule.code: step for task, step in _give(programme, first, on, quiet)}
        for programme in chosen
    }
    if as_json:
        facts = {name: {rule: _facts(step) for rule, step in steps.items()} for name, steps in done.items()}
        click.echo(json.dumps({"as_of": str(on), "since": str(first), "given": facts}, ensure_ascii=False))
    elif not quiet:
        for name, steps in done.items():
            for rule, step in steps.items():
                click.echo(f"{name}: {step.points:,} points in {step.given:,} bonuses {rule}{_refused(step)}")
    ctx.exit(1 if any(step.used_up for steps in done.values() for step in steps.values()) else 0)


def _give(programme: Programme, first: date, last: date, quiet: bool) -> list[tuple[Task, Step]]:
    """All rules of a programme, one after the other; ProgrammeClosed. Of two versions the figures come together."""
    with database.begin() as session:
        programmes.open_one(session, programme.programme_id)
        tasks = due.tasks(session, programme, first, last)
    totals: dict[str, tuple[Task, Step]] = {}
    for task in tasks:
        with database.begin() as session:
            size = due.count(session, programme, task)
        _, total = totals.setdefault(task.rule.code, (task, Step()))
        with bar(size, f"bonuses {programme.code} {task.rule.code}", quiet=quiet) as shown:
            place: Place | None = due.START
            while place is not None:
                did = _step(programme, task, place)
                shown.advance(did.looked_at)
                total.add(did)
                place = did.next
    return list(totals.values())


def _step(programme: Programme, task: Task, after: Place) -> Step:
    """One step in its transaction; somebody else may hold one of the wallets for a moment."""
    for tries in range(TRIES):
        try:
            with database.begin() as session:
                return due.step(session, programme, task, after, clock.now())
        except StillRunning:
            if tries == TRIES - 1:
                raise
            time.sleep(0.1 * 2**tries)
    raise AssertionError("not reached")


def _facts(step: Step) -> dict[str, Any]:
    return {
        "bonuses": step.given,
        "points": step.points,
        "refused": dict(step.refused),
        "used_up": step.used_up,
    }


def _refused(step: Step) -> str:
    said = ", ".join(f"{count:,} {name}" for name, count in sorted(step.refused.items()))
    return f" (not given: {said}{'; the budget is used up' if step.used_up else ''})" if said else ""


verbs = (bonuses,)

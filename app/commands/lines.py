"""jifen lines close: clears what is left on cancelled lines whose day has come; safe to run twice."""

import json
from datetime import date

import click

from app import local_setup
from app.commands.books import Day
from base import clock, database
from base.progress import bar
from points import programmes
from points.lines import closing
from points.models import Programme


@click.group("lines")
def lines() -> None:
    """Lines of the members: what their events leave to be done."""


@lines.command("close")
@click.option(
    "--as-of",
    "on",
    type=Day(),
    required=True,
    metavar="DATE",
    help="Lines whose clearing day has come by it.",
)
@click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def close(on: date, code: str | None, as_json: bool, quiet: bool) -> None:
    """Clear the points of cancelled lines by a posting, once the day has come that their members were told."""
    local_setup.ready()
    with database.begin() as session:
        chosen = [programmes.by_code(session, code)] if code else programmes.every(session)
    if any(on > clock.day(clock.now(), programme.zone) for programme in chosen):
        raise click.BadParameter("the day has not come yet", param_hint="--as-of")
    cleared = {programme.code: _clear(programme, on, quiet) for programme in chosen}
    if as_json:
        click.echo(json.dumps({"as_of": str(on), "cleared": cleared}, ensure_ascii=False))
    elif not quiet:
        for name, (members, points) in ((name, done.values()) for name, done in cleared.items()):
            click.echo(f"{name}: {points:,} points of {members:,} cancelled lines cleared")


def _clear(programme: Programme, on: date, quiet: bool) -> dict[str, int]:
    done = {"members": 0, "points": 0}
    with database.begin() as session:
        total = closing.due(session, programme, on)
    with bar(total, f"lines close {programme.code}", quiet=quiet) as shown:
        last: int | None = 0
        while last is not None:
            with database.begin() as session:
                step = closing.step(session, programme, on, clock.now(), last)
            done["members"] += step.members
            done["points"] += step.points
            last = step.last_member
            shown.advance(step.looked_at)
    return done

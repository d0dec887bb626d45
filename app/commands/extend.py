"""jifen extend: points that shall last longer, proposed by one person, approved by another; a preview counts first."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import click

from app import local_setup
from app.commands.approvals import as_person, deciding, proposing, with_json, with_key
from app.commands.books import Day
from base import clock, database
from base.money import yuan_text
from base.progress import bar
from catalog.rates import rates
from points import extensions, programmes, restoring
from points.announcements import announcements
from points.announcements.announcements import NO_MEMBER, Wanted
from points.announcements.schemas import extension_view
from points.lots import Extension
from points.models import Programme

DAY = Day()


def _which(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which points shall last until when."""
    for option in (
        click.option(
            "--to", "last_day", type=DAY, required=True, metavar="DATE", help="Their last day from then on."
        ),
        click.option(
            "--without-end",
            is_flag=True,
            help="Instead of those two: points that do not lapse, and now will.",
        ),
        click.option("--until", "until_day", type=DAY, metavar="DATE", help="to this one."),
        click.option(
            "--from", "from_day", type=DAY, metavar="DATE", help="Points whose last day is this one"
        ),
        click.option(
            "--class",
            "lot_class",
            type=int,
            required=True,
            help="The class of points: 1 bills, 2 promotions.",
        ),
        click.option("--programme", required=True, metavar="CODE"),
    ):
        command = option(command)
    return command


@click.group()
def extend() -> None:
    """Let points of a class last longer: one person proposes it, another approves it.

    It counts five minutes after the approval; no wallet is rewritten. What lapsed already comes back with `jifen restore`.
    """


@extend.command("propose")
@_which
@click.option("--reason", required=True, help="Kept with it.")
@as_person
@with_key
@with_json
def propose(email: str, key: str | None, as_json: bool, without_end: bool, **asked: Any) -> None:
    """Propose it; nothing lasts longer before another person approves."""
    wanted = _wanted(without_end, **asked)
    proposing(
        email,
        key,
        lambda session: NO_MEMBER,
        {"verb": "extend propose"} | vars(wanted),
        lambda session, person, _: announcements.propose(session, person, wanted, clock.now()),
        extension_view,
        as_json,
    )


@extend.command("preview")
@_which
@with_json
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def preview(as_json: bool, quiet: bool, without_end: bool, **asked: Any) -> None:
    """Count members, points and their worth; nothing is proposed and nothing kept."""
    wanted = _wanted(without_end, reason="", **asked)
    local_setup.ready()
    with database.begin() as session:
        programme = programmes.by_code(session, wanted.programme)
        found = announcements.checked(session, programme, wanted, clock.now())
    facts = _touched(programme, found, quiet=quiet)
    if as_json:
        click.echo(json.dumps(facts))
    elif not quiet:
        click.echo(
            f"{facts['members']:,} members hold {facts['points']:,} such points, worth {yuan_text(facts['value_fen'])}"
        )
        click.echo(
            f"{facts['lapsed_members']:,} members lost {facts['lapsed_points']:,} of them and would get them back, "
            f"worth {yuan_text(facts['lapsed_value_fen'])}"
        )


deciding(extend, announcements, extension_view)


def _wanted(without_end: bool, from_day: date | None, until_day: date | None, **more: Any) -> Wanted:
    if without_end == bool(from_day or until_day) or bool(from_day) != bool(until_day):
        raise click.UsageError("say either --from and --until, or --without-end")
    return Wanted(from_day=from_day, until_day=until_day, **more)


def _touched(programme: Programme, asked: Extension, *, quiet: bool) -> dict[str, int]:
    """Members, points and worth: in wallets, and lapsed already."""
    counts = {"members": 0, "points": 0, "lapsed_members": 0, "lapsed_points": 0}
    with database.begin() as session:
        size = session.connection().exec_driver_sql(
            "select count(*) from member where programme_id = %s", (programme.programme_id,)
        ).scalar_one()  # fmt: skip
    last: int | None = 0
    with bar(size, "look", quiet=quiet) as shown:
        while last is not None:
            with database.begin() as session:
                members = restoring.next_members(session, programme, last)
                here = extensions.touched(session, members, asked)
                lost = restoring.total(restoring.found(session, members, asked)) if members else (0, 0)
            for name, count in zip(counts, (*here, *lost), strict=True):
                counts[name] += count
            last = members[-1] if members else None
            shown.advance(len(members))
    with database.begin() as session:
        begun = rates.load(session, programme.programme_id, clock.day(clock.now(), programme.zone))
    return counts | {
        "value_fen": rates.worth(begun, counts["points"]),
        "lapsed_value_fen": rates.worth(begun, counts["lapsed_points"]),
    }


verbs = (extend,)

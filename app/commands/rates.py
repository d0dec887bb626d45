"""jifen rates and jifen earn-rules: versions as a file; proposed by one person, approved by another."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from app import local_setup
from app.commands.approvals import as_person, deciding, proposing, with_json, with_key
from app.commands.books import Day
from app.commands.taking_in import chosen, leave
from base import clock, database
from base.approvals.approvals import NO_MEMBER
from catalog.rates import files, proposals
from catalog.rates.files import Read
from catalog.rates.proposals import Wanted
from catalog.rates.schemas import proposal_view
from points.earn_rules import earn_rules
from points.earn_rules.schemas import proposal_view as earn_rules_view
from points.models import Programme

DAY = Day()
with_programme = click.option("--programme", "code", metavar="CODE", help="Needed where there are several.")
with_reason = click.option("--reason", required=True, help="Why, in words.")


@click.group("rates")
def rates_group() -> None:
    """What points buy, from which day on: every version as a file; new ones by two persons."""


@rates_group.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@with_programme
def export(file: Path | None, code: str | None) -> None:
    """Write every version as CSV, to FILE or to standard output."""
    local_setup.ready()
    programme = chosen(code)
    with database.begin() as session:
        text = files.written(session, programme.programme_id)
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")


@rates_group.command("propose")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_reason
@with_programme
@as_person
@with_key
@with_json
def propose(file: Path, reason: str, code: str | None, email: str, key: str | None, as_json: bool) -> None:
    """Propose the new lines of FILE, as `jifen rates export` writes it: one grid, approved as a whole.

    Columns: from_day, points, per_fen, maybe offer, kind, tier, area, until_day. Lines that are there already are left
    out; one without points and per_fen ends the rate of its scope. Wrong lines: nothing is proposed, exit 1.
    """
    local_setup.ready()
    programme = chosen(code)
    with database.begin() as session:
        found = files.read(session, programme, file, _today(programme))
    if found.errors:
        _tell_errors(file, found)
        leave(1)
    if not found.rows:
        raise files.RatesUnchanged(lines=found.known)
    proposing(
        email,
        key,
        lambda session: NO_MEMBER,
        {"verb": "rates propose", "rows": str(found.rows), "reason": reason},
        lambda session, person, _: proposals.propose(
            session, person, Wanted(programme.code, tuple(found.rows), reason), clock.now()
        ),
        proposal_view,
        as_json,
    )


@rates_group.command("revert")
@click.argument("rate")
@click.option("--from", "from_day", type=DAY, required=True, metavar="DATE", help="Tomorrow or later.")
@with_reason
@as_person
@with_key
@with_json
def revert(rate: str, from_day: date, reason: str, email: str, key: str | None, as_json: bool) -> None:
    """Propose that RATE (rat_...) comes back: a further version with its numbers."""
    proposing(
        email,
        key,
        lambda session: NO_MEMBER,
        {"verb": "rates revert", "rate": rate, "from_day": str(from_day), "reason": reason},
        lambda session, person, _: proposals.revert(
            session, person, proposals.parse(rate), from_day, reason, clock.now()
        ),
        proposal_view,
        as_json,
    )


deciding(rates_group, proposals, proposal_view)


@click.group("earn-rules")
def earn_rules_group() -> None:
    """What bill lines earn, from which day on: one person proposes a version, another approves it."""


@earn_rules_group.command("propose")
@click.argument("line_type")
@click.option("--points", type=click.IntRange(0), required=True, help="0: nothing any more.")
@click.option("--per-fen", type=click.IntRange(1), required=True, metavar="FEN", help="For so many fen.")
@click.option("--from", "from_day", type=DAY, required=True, metavar="DATE", help="Tomorrow or later.")
@with_reason
@with_programme
@as_person
@with_key
@with_json
def propose_earn_rule(
    code: str | None, reason: str, email: str, key: str | None, as_json: bool, **row: Any
) -> None:
    """Propose what lines of a LINE_TYPE earn from a day on."""
    local_setup.ready()
    wanted = earn_rules.Wanted(chosen(code).code, (earn_rules.Row(**row),), reason)
    proposing(
        email,
        key,
        lambda session: NO_MEMBER,
        {"verb": "earn-rules propose", "reason": reason} | {name: str(value) for name, value in row.items()},
        lambda session, person, _: earn_rules.propose(session, person, wanted, clock.now()),
        earn_rules_view,
        as_json,
    )


deciding(earn_rules_group, earn_rules, earn_rules_view)


def _today(programme: Programme) -> date:
    return clock.day(clock.now(), programme.zone)


def _tell_errors(file: Path, found: Read) -> None:
    for line, error in sorted(found.errors.items()):
        click.echo(f"{file.name}:{line}: {error}", err=True)
    click.echo("Nothing was proposed. Correct these lines and send the file again.", err=True)


verbs = (rates_group, earn_rules_group)

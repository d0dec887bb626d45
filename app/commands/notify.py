"""jifen notify expiry, debits, report, template: what members are told. All safe to run twice."""

import json
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import click

from app import local_setup
from app.commands.books import Day
from base import clock, database
from base.config import Config
from base.notices import notices, templates
from base.notices.texts import EN, KINDS, ZH
from base.patience import patiently
from base.progress import bar
from catalog.rates import rates
from catalog.redemptions import redemptions
from points import expiry, programmes
from points.models import Programme
from points.notices import ahead, debits

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")


@click.group("notify")
def notify() -> None:
    """Messages to members that nobody's click writes."""


@notify.command("expiry")
@click.option(
    "--as-of", "on", type=Day(), required=True, metavar="DATE", help="The day from which days are counted."
)
@click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")
@_json
@_quiet
def expiry_ahead(on: date, code: str | None, as_json: bool, quiet: bool) -> None:
    """Tell members 90, 30 and 7 days ahead which points lapse; each last day and stage once.

    After Ctrl-C or a crash the same command goes on where it stopped.
    """
    config = local_setup.ready()
    with database.begin() as session:
        chosen = [programmes.by_code(session, code)] if code else programmes.every(session)
    if any(on > clock.day(clock.now(), programme.zone) for programme in chosen):
        raise click.BadParameter("the day has not come yet", param_hint="--as-of")
    done = {programme.code: _tell_ahead(config, programme, on, quiet) for programme in chosen}
    facts = {
        name: {"looked_at": step.looked_at, "written": step.written, "suppressed": step.suppressed}
        for name, step in done.items()
    }
    lines = [
        f"{name}: {step.written:,} notices, {step.suppressed:,} of them held back by a cap; "
        f"{step.looked_at:,} wallets looked at"
        for name, step in done.items()
    ]
    _tell({"as_of": str(on), "notices": facts}, as_json, quiet, lines)


def _tell_ahead(config: Config, programme: Programme, on: date, quiet: bool) -> ahead.Step:
    with database.begin() as session:
        at = clock.now()
        where = ahead.window(session, programme, on, at)
        size = expiry.count(session, programme, where)
        worth = partial(rates.worth, rates.load(session, programme.programme_id, on))
        place: expiry.Place | None = ahead.begin(session, programme, where, on, at)
    total = ahead.Step()
    with bar(size, f"notify expiry {programme.code}", quiet=quiet) as shown:
        while place is not None:
            did, met, place = patiently(ahead.step, config, programme, where, place, on, clock.now(), worth)
            total += did
            shown.advance(met)
    return total


@notify.command("debits")
@_json
@_quiet
def debits_told(as_json: bool, quiet: bool) -> None:
    """Tell debits that nobody told yet, as the worker does each half minute; those of the last minute wait."""
    config = local_setup.ready()
    looked_at = written = 0
    more = True
    while more:
        step = patiently(_next_debits, config, clock.now())
        looked_at, written, more = looked_at + step.looked_at, written + step.written, step.more
    _tell({"looked_at": looked_at, "written": written}, as_json, quiet, [f"{written:,} debits told"])


def _next_debits(session: Any, config: Config, at: datetime) -> debits.Step:
    until = debits.horizon(session, at)
    return debits.step(session, config, redemptions.names_of_references, until, at)


@notify.command("report")
@click.option("--since", "first", type=Day(), required=True, metavar="DATE", help="The first day.")
@click.option("--until", "last", type=Day(), required=True, metavar="DATE", help="The last day, inclusive.")
@_json
@_quiet
def report(first: date, last: date, as_json: bool, quiet: bool) -> None:
    """What became of the messages written on some days: by kind, how many in each state."""
    config = local_setup.ready()
    if last < first:
        raise click.BadParameter("it lies before --since", param_hint="--until")
    since, until = (clock.start_of(on, config.zone) for on in (first, last + timedelta(days=1)))
    with database.begin() as session:
        found = notices.report(session, since, until)
    lines = [
        f"{kind:<20} " + "  ".join(f"{state} {count:,}" for state, count in states.items())
        for kind, states in found.items()
    ]
    facts = {"since": str(first), "until": str(last), "notices": found}
    _tell(facts, as_json, quiet, lines or ["No messages were written on these days."])


@notify.command("template")
@click.argument("name", type=click.Choice(sorted(KINDS)))
@click.option("--zh", required=True, metavar="TEXT", help="The Chinese text, with {placeholders}.")
@click.option("--en", required=True, metavar="TEXT", help="The English text.")
@click.option("--by", "actor", required=True, metavar="WHO", help="Who answers for it.")
def template(name: str, zh: str, en: str, actor: str) -> None:
    """A later version of a message's texts, from now on. Links, questions for cards and unknown placeholders are refused."""
    local_setup.ready()
    with database.begin() as session:
        made = templates.change(session, name, {ZH: zh, EN: en}, clock.now(), actor)
        click.echo(f"{made.code}: version {made.version}")


def _tell(facts: dict[str, Any], as_json: bool, quiet: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif not quiet:
        for line in lines:
            click.echo(line)

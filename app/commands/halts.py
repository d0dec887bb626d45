"""jifen halts: stop an action at once, see what is stopped, and let it go on by two persons."""

import json

import click

from admin.halts import resuming
from admin.halts.schemas import halt_view, resumption_view
from app import local_setup
from app.commands.approvals import as_person, deciding, proposing, signed_in, with_json, with_key
from base import clock, database
from base.approvals.approvals import NO_MEMBER
from base.errors import NotAllowed
from base.halts import halts

MOST_SHOWN = 200


@click.group("halts")
def group() -> None:
    """What members, tills and payouts do, stopped at once by one person; two let it go on."""


@group.command()
@click.argument("action", type=click.Choice(halts.ACTIONS))
@click.option("--programme", "code", metavar="CODE", help="Left out: in all programmes.")
@click.option("--reason", required=True, help="Why, for colleagues.")
@as_person
@with_json
def stop(action: str, code: str | None, reason: str, email: str, as_json: bool) -> None:
    """Stop ACTION from the next one on. Checking, voiding, cancelling, balances and statements always work."""
    local_setup.ready()
    person = signed_in(email)
    if resuming.STOPS not in person.permissions:
        raise NotAllowed(needs=resuming.STOPS)
    with database.begin() as session:
        view = halt_view(session, resuming.stop(session, person, action, code, reason, clock.now()))
    click.echo(json.dumps(view, ensure_ascii=False) if as_json else _line(view))


@group.command()
@click.argument("halt")
@click.option("--reason", required=True, help="Why it may go on.")
@as_person
@with_key
@with_json
def resume(halt: str, reason: str, email: str, key: str | None, as_json: bool) -> None:
    """Propose that HALT (hlt_...) ends; another person approves it with `jifen halts approve`."""
    proposing(
        email,
        key,
        lambda session: NO_MEMBER,
        {"verb": "halts resume", "halt": halt, "reason": reason},
        lambda session, person, _: resuming.propose(session, person, halts.parse(halt), reason, clock.now()),
        resumption_view,
        as_json,
    )


deciding(group, resuming, resumption_view)


@group.command()
@click.option("--all", "every", is_flag=True, help="What has ended, too.")
@with_json
def show(every: bool, as_json: bool) -> None:
    """What is stopped now."""
    local_setup.ready()
    with database.begin() as session:
        rows = halts.listed(session, limit=MOST_SHOWN) if every else halts.standing(session)
        views = [halt_view(session, row) for row in rows]
    if as_json:
        click.echo(json.dumps({"data": views}, ensure_ascii=False))
    else:
        click.echo("\n".join(map(_line, views)) or "nothing is stopped")


def _line(view: dict[str, str | None]) -> str:
    end = f", ended {view['ended_at']}" if view["ended_at"] else ""
    place = view["programme"] or "all programmes"
    return f"{view['id']}  {view['action']} in {place} since {view['began_at']} by {view['begun_by']}{end}: {view['reason']}"


verbs = (group,)

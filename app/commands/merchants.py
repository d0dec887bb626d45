"""jifen merchants and jifen terminals: where merchants stand and their next step; tills listed, added, paired, revoked."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from app import local_setup
from app.commands.approvals import with_json
from base import clock, database
from base.auth.principals import ANONYMOUS  # whoever runs the machine sees all areas
from merchants import business_days, scope
from merchants import merchants as rows
from merchants.models import STAGES, Merchant, Outlet
from merchants.onboarding import schemas, stages
from merchants.onboarding.stages import Ticket
from merchants.outlets import outlets
from merchants.terminals.models import BROWSER, POS
from merchants.tills import tills
from merchants.tills.schemas import till_view

ACTOR = "operator"
AT_ONCE = 500


@click.group("merchants")
def merchants_group() -> None:
    """Merchants: at which stage, who has them, until when."""


@merchants_group.command("list")
@click.option("--stage", type=click.Choice(STAGES), help="Those of one stage.")
@with_json
def list_merchants(stage: str | None, as_json: bool) -> None:
    """Merchants by their deadline: what is overdue comes first."""
    local_setup.ready()
    at, place = clock.now(), None
    while True:
        with database.begin() as session:
            found = stages.listed(session, ANONYMOUS, stage=stage, after=place, limit=AT_ONCE)
            views = [schemas.merchant_view(one, at) for one in found]
        for view in views:
            click.echo(json.dumps(view, ensure_ascii=False) if as_json else _line(view))
        if len(found) < AT_ONCE:
            return
        place = stages.after(stages.position(found[-1]))


@merchants_group.command("show")
@click.argument("code")
@with_json
def show_merchant(code: str, as_json: bool) -> None:
    """One merchant: its stage, what the next step needs, and the steps so far."""
    config = local_setup.ready()
    with database.begin() as session:
        view = _shown(session, config.seal_key, rows.by_code(session, code))
    _tell(view, as_json)


@merchants_group.command("step")
@click.argument("code")
@click.argument("stage", type=click.Choice(STAGES))
@click.option("--note", default="", metavar="TEXT", help="Why; needed for suspended, leaving and closed.")
@click.option("--confirmed", is_flag=True, help="To tried: somebody saw the trial at the till.")
@with_json
def step(code: str, stage: str, note: str, confirmed: bool, as_json: bool) -> None:
    """Take a step whose conditions are met; reviewed is taken by two persons in the console."""
    config = local_setup.ready()
    with database.begin() as session:
        merchant = rows.by_code(session, code)
        stages.step(session, merchant, stage, ACTOR, clock.now(), note=note, confirmed=confirmed)
        view = _shown(session, config.seal_key, merchant)
    _tell(view, as_json)


@merchants_group.command("calendar")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--year", type=click.IntRange(2000, 2100), help="Of the list, this year alone.")
def calendar(file: Path | None, year: int | None) -> None:
    """Days on which banks are open or closed against their weekday: list them, or take FILE in (CSV: day, state).

    `state` is open or closed. A day that is there already is said anew; weekends need no line.
    """
    local_setup.ready()
    if file is not None:
        with database.begin() as session:
            fresh = business_days.put(session, said := business_days.read(file), ACTOR)
        click.echo(f"{len(said)} days read, {fresh} of them said anew")
        return
    first, last = (date(year, 1, 1), date(year, 12, 31)) if year else (date.min, date.max)
    with database.begin() as session:
        found = business_days.load(session, first=first, last=last)
    for day, is_open in found.items():
        click.echo(f"{day}  {day:%a}  {business_days.OPEN if is_open else business_days.CLOSED}")


@click.group("terminals")
def terminals_group() -> None:
    """Tills: listed, added, paired with a code, revoked."""


@terminals_group.command("list")
@click.option("--merchant", "code", required=True, metavar="CODE")
@with_json
def list_terminals(code: str, as_json: bool) -> None:
    """A merchant's tills and whether each may act."""
    local_setup.ready()
    with database.begin() as session:
        merchant = rows.by_code(session, code)
        views = [till_view(one) for one in tills.of_merchant(session, merchant.merchant_id, clock.now())]
    for view in views:
        line = f"{view['code']:24} {view['kind']:8} {view['state']:8} {view['outlet']}"
        click.echo(json.dumps(view, ensure_ascii=False) if as_json else line)


@terminals_group.command("add")
@click.option("--merchant", "code", required=True, metavar="CODE")
@click.option(
    "--outlet", metavar="ID", help="Needed where the merchant has several: out_..., as the list shows."
)
@click.option("--kind", type=click.Choice((BROWSER, POS)), default=BROWSER, show_default=True)
def add_terminal(code: str, outlet: str | None, kind: str) -> None:
    """A till more, with a pairing code."""
    config = local_setup.ready()
    with database.begin() as session:
        place = _outlet(session, rows.by_code(session, code), outlet)
        made = tills.add(session, place, ACTOR, kind=kind)
        code_made = tills.pairing_code(session, config.secret_key, made, ACTOR, clock.now())
    click.echo(f"{made.code}: pairing code {code_made.code}, good once, for ten minutes")


@terminals_group.command("pair")
@click.argument("code")
def pair(code: str) -> None:
    """A fresh pairing code for the till of this terminal code; the one before is worth nothing then."""
    config = local_setup.ready()
    with database.begin() as session:
        terminal = tills.by_code(session, code)
        made = tills.pairing_code(session, config.secret_key, terminal, ACTOR, clock.now())
    click.echo(f"{code}: pairing code {made.code}, good once, for ten minutes")


@terminals_group.command("revoke")
@click.argument("code")
def revoke(code: str) -> None:
    """The till can do nothing any more, within five seconds and for good."""
    local_setup.ready()
    with database.begin() as session:
        tills.revoke(session, tills.by_code(session, code), ACTOR, clock.now())
    click.echo(f"{code}: revoked")


def _outlet(session: Session, merchant: Merchant, public_id: str | None) -> Outlet:
    found = rows.outlets_of(session, merchant.merchant_id)
    if public_id is None:
        if len(found) != 1:
            known = ", ".join(outlets.public_id(one) for one in found) or "none yet"
            raise click.UsageError(f"Name the outlet with --outlet: {known}")
        return found[0]
    for one in found:
        if outlets.public_id(one) == public_id:
            return one
    raise scope.OutletUnknown()


def _shown(session: Session, seal_key: str, merchant: Merchant) -> dict[str, Any]:
    ticket = Ticket(merchant, stages.latest(session, merchant.merchant_id))
    return schemas.one_view(session, seal_key, ticket, clock.now())


def _line(view: dict[str, Any]) -> str:
    until = (view["until_at"] or "-")[:16]
    late = "  overdue" if view["overdue"] else ""
    return f"{view['code']:24} {view['stage']:10} {view['owner'] or '-':9} {until}{late}"


def _tell(view: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(view, ensure_ascii=False))
        return
    click.echo(_line(view))
    if view["next"]:
        click.echo(f"next: {view['next']}")
    for point in view["checklist"]:
        click.echo(f"  {'done   ' if point['done'] else 'missing'} {point['name']}")
    for one in view["steps"]:
        click.echo(f"  {one['at'][:16]} {one['stage']} {one['by']} {one['note']}".rstrip())


verbs = (merchants_group, terminals_group)

"""jifen payouts: runs by two persons, the files that banks get and give back, where each statement's money stands."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select

from app import local_setup
from app.commands.approvals import as_person, deciding, proposing, signed_in, with_json, with_key
from app.commands.books import Day
from base import audit, clock, database
from base.approvals.approvals import NO_MEMBER
from base.auth.principals import Principal
from base.csv_files import ErrorFile
from base.errors import NotAllowed
from base.money import yuan_text
from merchants import merchants
from merchants.payout_routes.models import BANK, STRIPE
from merchants.payouts import bank_files, bank_returns, payouts, runs
from merchants.payouts.models import STATES, Payout
from merchants.payouts.runs import Wanted
from merchants.payouts.schemas import payout_view, run_proposal_view, taken_view

FILES = "payouts:files"
MOST_SHOWN = 200
with_template = click.option(
    "--template", type=click.Choice(sorted(bank_files.TEMPLATES)), default=bank_files.PLAIN, show_default=True
)


@click.group("payouts")
def payouts_verbs() -> None:
    """The money of sealed statements: proposed in runs, approved by another person, sent once."""


@payouts_verbs.command()
@click.option("--route", required=True, type=click.Choice([STRIPE, BANK]))
@click.option("--until", type=Day(), metavar="DATE", help="Payouts due by then; without it by today.")
@with_template
@click.option("--reason", default="due", show_default=True)
@as_person
@with_key
@with_json
def run(
    route: str, until: date | None, template: str, reason: str, email: str, key: str | None, as_json: bool
) -> None:
    """Propose to pay everything that is ready; another person approves it with `jifen payouts approve`."""
    config = local_setup.ready()
    wanted = Wanted(route, until or clock.day(clock.now(), config.zone), template)
    asked = {"verb": "payouts run", "route": route, "until": str(until), "template": template}
    proposing(
        email,
        key,
        lambda session: NO_MEMBER,
        asked,
        lambda session, person, _: runs.propose(
            session, person, config.seal_key, wanted, reason, clock.now()
        ),
        run_proposal_view,
        as_json,
    )


deciding(payouts_verbs, runs, run_proposal_view)


@payouts_verbs.command()
@click.argument("run_id", metavar="RUN")
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="Without it: its own name, here.")
@as_person
@with_json
def files(run_id: str, to: Path | None, email: str, as_json: bool) -> None:
    """Write the file of a bank's run, with the bytes that were approved; only its owner may read it."""
    config, person = local_setup.ready(), signed_in(email)
    _check(person)
    with database.begin() as session:
        made = bank_files.of_run(session, config.seal_key, runs.find(session, run_id))
        audit.write(session, person.actor, "payout-run.file", run_id, sha256=made.sha256.hex())
    path = to or Path(made.name)
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(made.content)
    told = {
        "file": str(path),
        "count": made.count,
        "sum_fen": made.sum_fen,
        "sha256": made.sha256.hex(),
    }
    _tell(told, as_json, f"{path}: {made.count} payouts, {yuan_text(made.sum_fen)}, SHA-256 {told['sha256']}")


@payouts_verbs.command("return")
@click.argument("file", type=click.Path(path_type=Path))
@with_template
@as_person
@with_json
def take_back(file: Path, template: str, email: str, as_json: bool) -> None:
    """Take in what a bank says became of its lines; rows that do not fit are written beside it. The same file is refused."""
    local_setup.ready()
    person = signed_in(email)
    _check(person)
    with database.begin() as session:
        taken = bank_returns.take(session, file, template, person.actor, clock.now())
        told = taken_view(taken)
    with ErrorFile(ErrorFile.beside(file), bank_files.template(template).back) as errors:
        for row, error in taken.wrong:
            errors.add(row, error)
    said = f"{told['paid']} paid, {told['returned']} returned, {told['wrong']} not understood"
    _tell(told, as_json, said + (f": see {errors.path}" if taken.wrong else ""))
    if taken.wrong:
        raise SystemExit(1)


@payouts_verbs.command()
@click.argument("statement", required=False)
@click.option("--state", type=click.Choice(STATES), help="Only those that stand there.")
@with_json
def show(statement: str | None, state: str | None, as_json: bool) -> None:
    """How many payouts stand where, and the latest of them; or one STATEMENT's with every step."""
    local_setup.ready()
    with database.begin() as session:
        if statement is not None:
            where = payouts.place(statement)
            found = payouts.of_statement(session, *where) if where else None
            if found is None:
                raise payouts.PayoutUnknown()
            steps = payouts.steps_of(session, found)
            view = payout_view(session, found, steps)
            lines = [_line(merchants.by_id(session, found.merchant_id).code, found)]
            lines += [
                f"  {s.at:%Y-%m-%d %H:%M} {s.state:<9} v{s.version} {s.actor} {s.reason} {s.reference or ''}"
                for s in steps
            ]
            _tell(view, as_json, "\n".join(line.rstrip() for line in lines))
            return
        grouped = session.execute(select(Payout.state, func.count().label("many")).group_by(Payout.state))
        counts = {row.state: row.many for row in grouped}
        asked = select(Payout).order_by(Payout.changed_at.desc()).limit(MOST_SHOWN)
        rows = list(session.scalars(asked if state is None else asked.where(Payout.state == state)))
        lines = [_line(merchants.by_id(session, row.merchant_id).code, row) for row in rows]
        told = {"counts": counts, "data": [payout_view(session, row) for row in rows]}
    summary = ", ".join(f"{counts[name]} {name}" for name in STATES if name in counts)
    _tell(told, as_json, "\n".join([*lines, summary or "no payouts"]))


def _line(code: str, row: Payout) -> str:
    why = row.held or row.reason
    return f"{payouts.reference(row)}  {code:<20} {row.state:<9} {yuan_text(row.amount_fen):>12} {row.currency}  {why}".rstrip()


def _check(person: Principal) -> None:
    """NotAllowed, ForHeadquarters, unless this person handles banks' files, which are about merchants of all areas."""
    if FILES not in person.permissions:
        raise NotAllowed(needs=FILES)
    runs.for_all_areas(person)


def _tell(facts: dict[str, Any], as_json: bool, said: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False, default=str) if as_json else said)


verbs = (payouts_verbs,)

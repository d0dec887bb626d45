"""jifen import: members, bills, payments, corrections and more. Exit 0: done; 1: done but for refused rows; 2: cannot run."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from admin.airline import taking_in as airline
from admin.intake.kinds import BILLS, GROUPS, KINDS, LINE_EVENTS, MEMBERS, Take
from app import local_setup
from app.commands.taking_in import a_file, chosen, leave, plainly, tell, with_json, with_programme, with_quiet
from base import database, progress
from points import corrections, payments, policies, waiting
from points.bonuses import files as bonus_files
from points.care import imports as manager_imports
from points.members import attribute_files
from points.members.sign_in import secrets_of
from points.operations import files as operation_files


@click.group("import")
def imports() -> None:
    """Take files in. Safe to run twice: what is there already stays as it is."""


def _kind(name: str, about: str, take: Take, *, staged: bool = False) -> None:
    """A command that takes files of one kind in; `take` is given how as keywords."""

    @imports.command(name, help=about)
    @a_file(staged=staged)
    def take_in(file: Path, code: str | None, as_json: bool, **how: Any) -> None:
        with plainly():
            config = local_setup.ready()
            report = take(chosen(code), config, file, how)
        tell(report, as_json=as_json, quiet=how["quiet"])


_kind(
    "members",
    """Members (CSV): customer_id, joined_on, maybe more.

    More: phone, left_on, tier, tier_from, birthday (MM-DD), area, arpu_fen, risk; and for the vault alone name,
    second_phone, email, address, id_number.""",
    KINDS[MEMBERS].take,
    staged=True,
)
_kind(
    "bills",
    """Bill lines (CSV).

    Columns: bill_id, line_no, customer_id, bill_day, line_type, amount_fen, maybe waived_fen, paid_fen (left out: paid
    in full).""",
    KINDS[BILLS].take,
    staged=True,
)
_kind(
    "payments",
    "Payments of bill lines (CSV): payment_id, bill_id, line_no, customer_id, paid_day, paid_fen.",
    lambda programme, config, file, how: payments.take_in(programme, file, **how),
)
_kind(
    "corrections",
    """Bill lines as they are after a correction (CSV).

    Columns: correction_id, bill_id, line_no, customer_id, correction_day, amount_fen, maybe waived_fen (left
    out: as before).""",
    lambda programme, config, file, how: corrections.take_in(programme, file, **how),
)
_kind(
    "operations",
    """What to do with wallets (CSV): key, customer_id, operation, points, maybe of, on, class, ref.

    Operations: earn, unearn, redeem, hold, capture, release, reverse; `of` names the key of the one that is
    followed.""",
    lambda programme, config, file, how: operation_files.take_in(programme, file, **how),
)
_kind(
    "attributes",
    """What members are from a day on (CSV): customer_id, name, from_day, value, maybe source, reason.

    Names: area, arpu_fen, risk, tier, birthday.""",
    lambda programme, config, file, how: attribute_files.take_in(programme, file, **how),
)
_kind(
    "bonuses",
    "What members did for which a rule gives a bonus (CSV): rule, customer_id, on, ref; each ref counts once.",
    lambda programme, config, file, how: bonus_files.take_in(programme, file, **how),
)
_kind(
    "managers",
    "Who looks after whom (CSV): customer_id, person (a mail address of the staff), reason, maybe from_day.",
    lambda programme, config, file, how: manager_imports.take_in(programme, file, **how),
)
_kind(
    "groups",
    """Groups (CSV), a row for each contact: group, name, class, contact, rank, maybe cap_points, cost_centre.

    Class: top, a, b, c (or 百强, A, B, C). Rank: senior, middle, ordinary (or 高层领导, 中层领导, 普通成员).""",
    KINDS[GROUPS].take,
)
_kind(
    "line-events",
    "What happened to lines (CSV): customer_id, event_id, state, since, reason, maybe clearing_day, to_customer, phone.",
    KINDS[LINE_EVENTS].take,
)


@imports.command("waiting")
@with_programme
@with_json
@with_quiet
def import_waiting(code: str | None, as_json: bool, quiet: bool) -> None:
    """Rate the bill lines that waited for a rule; 1 while some still wait or are refused."""
    with plainly():
        local_setup.ready()
        programme, report = chosen(code), waiting.Step()
        with database.begin() as session:
            versions = policies.load(session, programme.programme_id)
            total = sum(waiting.counts(session, programme.programme_id).values())
        with progress.bar(total, "waiting", quiet) as bar:
            while True:
                with database.begin() as session:
                    done = waiting.step(session, programme, versions, report.last)
                report.add(done)
                bar.advance(done.looked_at)
                if done.last is None:
                    break
    if as_json:
        click.echo(json.dumps(report.facts(), ensure_ascii=False))
    elif not quiet:
        click.echo(f"{report.posted:>13,}  posted")
        for name, count in sorted(report.waiting.items()):
            click.echo(f"{count:>13,}  of type {name} wait for a rule")
    for refusal in [] if as_json else report.refused[:10]:
        click.echo(f"Refused: {refusal}", err=True)
    leave(1 if report.waiting or report.refused else 0)


@imports.command("airline")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True))
@with_json
@with_quiet
def import_airline(folder: Path, as_json: bool, quiet: bool) -> None:
    """The public records of an airline (docs/airline-records.md): a folder with its two CSV files."""
    with plainly():
        report = airline.take_in(folder, secrets_of(local_setup.ready()), quiet=quiet)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False))
    elif not quiet:
        for name, value in asdict(report).items():
            if isinstance(value, int):
                click.echo(f"{value:>13,}  {name.replace('_', ' ')}")
    for refusal in report.refused[:10]:
        click.echo(f"Refused: {refusal}", err=True)
    leave(0 if report.clean else 1)

"""jifen settle: what is due of every merchant is sealed, safe to run twice and two at once."""

import json
from datetime import date
from typing import Any

import click

from app import local_setup
from base import database
from base.money import yuan_text
from base.progress import bar
from merchants import merchants
from merchants.models import Merchant
from merchants.statements import settling
from merchants.statements.models import Statement

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")


class Day(click.ParamType[date]):
    """A date as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            if not str(value).isascii():
                raise ValueError(value)
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date: write YYYY-MM-DD", param, ctx)


@click.command()
@click.option(
    "--until",
    type=Day(),
    required=True,
    metavar="DATE",
    help="The last day on which a draft time ended, inclusive.",
)
@click.option("--merchant", "code", metavar="CODE", help="One merchant instead of all.")
@_json
@_quiet
def settle(until: date, code: str | None, as_json: bool, quiet: bool) -> None:
    """Seal each period whose draft time ended by the end of a day, of every merchant; twice changes nothing."""
    local_setup.ready()
    with database.begin() as session:
        chosen = [merchants.by_code(session, code)] if code else settling.every(session)
    sealed: list[dict[str, Any]] = []
    with bar(len(chosen), "settle", quiet=quiet) as shown:
        for merchant in chosen:
            sealed += [_said(merchant, one) for one in settling.settle(merchant.merchant_id, until)]
            shown.advance()
    lines = [
        f"{row['merchant']:<24} no. {row['number']:>3}  {row['lines']:>6} lines  net {yuan_text(row['net_fen']):>12}"
        f"  to pay {yuan_text(row['payable_fen']):>12} {row['currency']}"
        for row in sealed
    ]
    _tell(
        {"until": str(until), "statements": sealed},
        as_json,
        quiet,
        [*lines, f"{len(sealed)} statements sealed"],
    )


def _said(merchant: Merchant, statement: Statement) -> dict[str, Any]:
    names = ("owed_fen", "net_fen", "payable_fen", "carried_fen", "reserve_fen", "currency")
    return {
        "merchant": merchant.code,
        "number": statement.statement_no,
        "lines": statement.line_count,
        "hash": statement.hash.hex(),
    } | {name: getattr(statement, name) for name in names}


def _tell(facts: dict[str, Any], as_json: bool, quiet: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif not quiet:
        for line in lines:
            click.echo(line)


verbs = (settle,)

"""jifen settle: the monthly work, safe to run twice."""

import json
from datetime import date
from typing import Any

import click
from sqlalchemy import select

from app import local_setup
from base import clock, database
from base.money import yuan_text
from base.progress import bar
from merchants import merchants
from merchants.models import Merchant
from merchants.statements import closing

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
    "--until", type=Day(), required=True, metavar="DATE", help="The last day of the period, inclusive."
)
@click.option("--merchant", "code", metavar="CODE", help="One merchant instead of all.")
@_json
@_quiet
def settle(until: date, code: str | None, as_json: bool, quiet: bool) -> None:
    """Close the period of each merchant into a sealed statement; twice changes nothing."""
    local_setup.ready()
    with database.begin() as session:
        chosen = (
            [merchants.by_code(session, code)]
            if code
            else list(session.scalars(select(Merchant).order_by(Merchant.code)))
        )
    sealed: list[dict[str, Any]] = []
    with bar(len(chosen), "settle", quiet=quiet) as shown:
        for merchant in chosen:
            with database.begin() as session:
                statement = closing.close(session, merchant, until, clock.now())
            shown.advance()
            if statement is not None:
                sealed.append(
                    {
                        "merchant": merchant.code,
                        "number": statement.statement_no,
                        "lines": statement.line_count,
                        "owed_fen": statement.owed_fen,
                        "net_fen": statement.net_fen,
                        "currency": statement.currency,
                        "hash": statement.hash.hex(),
                    }
                )
    lines = [
        f"{row['merchant']:<24} no. {row['number']:>3}  {row['lines']:>6} lines  net {yuan_text(row['net_fen']):>12} {row['currency']}"
        for row in sealed
    ]
    _tell(
        {"until": str(until), "statements": sealed},
        as_json,
        quiet,
        [*lines, f"{len(sealed)} statements sealed"],
    )


def _tell(facts: dict[str, Any], as_json: bool, quiet: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif not quiet:
        for line in lines:
            click.echo(line)


verbs = (settle,)

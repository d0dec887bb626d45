"""jifen books and breakage: the books of a month, the journal of it as a file, and the breakage that is expected."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from admin.analytics import sums
from admin.books import balances, breakage, journal
from admin.books.balances import Account, Balance
from app import local_setup
from app.commands.books import Day
from base import database
from base.money import yuan_text
from base.progress import bar
from merchants import merchants
from points import programmes

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")


@click.command("books")
@click.option("--month", required=True, metavar="YYYY-MM", help="The month.")
@click.option("--merchant", "code", metavar="CODE", help="The accounts of one merchant alone.")
@click.option(
    "--export",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the journal of the month to a new CSV file, for the operator's own ledger.",
)
@_json
@_quiet
def books(month: str, code: str | None, file: Path | None, as_json: bool, quiet: bool) -> None:
    """The trial balance of a month: opening, debits, credits and closing of each account, debits above zero.

    Everything is derived from what happened; nothing is written. The same month exported again is the same file, byte by byte.
    """
    local_setup.ready()
    with sums.snapshot() as session:
        merchant = merchants.by_code(session, code) if code else None
        span = balances.month(session, month, merchant.merchant_id if merchant else None)
        found = balances.of(session, span)
        if file is not None:
            with bar(found.documents, "journal", quiet=quiet) as shown:
                _export(file, journal.counted(journal.documents(session, span), shown.advance), span.zone)
    rows = balances.of_merchant(found, code) if code else found.rows()
    facts = {
        "month": month,
        "documents": found.documents,
        "accounts": [_row(account, balance) for account, balance in rows],
        "totals": balances.totals(rows),
    }
    _tell(facts, as_json, quiet, _lines(rows, code is None))


def _export(file: Path, documents: Any, zone: str) -> None:
    """Whole or not at all: written beside it first."""
    part = file.with_name(file.name + ".part")
    try:
        with part.open("x", encoding="utf-8", newline="") as out:
            out.writelines(journal.written(journal.rows(documents, zone)))
        part.replace(file)
    except FileExistsError:
        raise click.ClickException(
            f"{part} is there: another export writes it, or was broken off. Remove it."
        ) from None
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise


def _row(account: Account, balance: Balance) -> dict[str, Any]:
    return {"account": account.name, "currency": account.currency} | balance.to_json()


def _lines(rows: list[tuple[Account, Balance]], whole: bool) -> list[str]:
    lines = [f"{'':<40} {'opening':>15} {'debits':>15} {'credits':>15} {'closing':>15}"]
    for account, balance in rows:
        figures = (balance.opening, balance.debits, balance.credits, balance.closing)
        lines.append(
            f"{account.name:<40} "
            + " ".join(f"{yuan_text(fen):>15}" for fen in figures)
            + f" {account.currency}"
        )
    if whole:
        for one in balances.totals(rows):
            figures = tuple(one[name] for name in ("opening_fen", "debits_fen", "credits_fen", "closing_fen"))
            lines.append(
                f"{'total':<40} "
                + " ".join(f"{yuan_text(fen):>15}" for fen in figures)
                + f" {one['currency']}"
            )
    return lines


@click.command("breakage")
@click.option("--on", type=Day(), required=True, metavar="DATE", help="As of the end of this day.")
@click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")
@_json
@_quiet
def expected_breakage(on: Any, code: str | None, as_json: bool, quiet: bool) -> None:
    """Estimate by earn cohort what will never be redeemed, and keep it; twice changes nothing.

    The worker does so at the end of each month. Where a policy or an extension has changed since the estimate before, a row more
    says what that alone did.
    """
    local_setup.ready()
    with database.begin() as session:
        chosen = [programmes.by_code(session, code)] if code else programmes.every(session)
    taken: list[dict[str, Any]] = []
    with bar(len(chosen), "breakage", quiet=quiet) as shown:
        for programme in chosen:
            run = breakage.take(programme, on)
            with database.begin() as session:
                cohorts = breakage.cohorts(session, run)
            taken.append({
                "programme": programme.code,
                "estimate": run.estimate_no,
                "cause": run.cause,
                "on": str(run.on_day),
                "points": sum(one.points for one in cohorts),
                "expected_points": sum(one.expected_points for one in cohorts),
                "breakage_fen": sum(one.breakage_fen for one in cohorts),
                "currency": programme.currency,
            })  # fmt: skip
            shown.advance()
    lines = [
        f"{one['programme']}: of {one['points']:,} points {one['expected_points']:,} are expected to lapse, "
        f"{yuan_text(one['breakage_fen'])} {one['currency']}"
        for one in taken
    ]
    _tell({"estimates": taken}, as_json, quiet, lines)


def _tell(facts: dict[str, Any], as_json: bool, quiet: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif not quiet:
        for line in lines:
            click.echo(line)


verbs = (books, expected_breakage)

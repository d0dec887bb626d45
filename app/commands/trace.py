"""jifen trace: any redemption to its payout and back, down to the lines of bills."""

import json
from typing import Any

import click

from app import local_setup
from base import database
from base.money import yuan_text
from catalog.trace import trace as traces
from catalog.trace.schemas import TraceView, trace_view


@click.command()
@click.argument("id")
@click.option("--after", type=click.IntRange(0), default=0, help="Of a statement: from after this line on.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def trace(id: str, after: int, limit: int, as_json: bool) -> None:
    """Where the money of a redemption went, and where its points came from; of a statement: its payout and lines.

    ID: of a redemption (red_...), voucher, acceptance, void, dispute, statement line (stl_...) or statement (stm_...).
    """
    local_setup.ready()
    with database.begin() as session:
        facts = trace_view(traces.of(session, None, id, after=after, limit=limit))
    if as_json:
        click.echo(json.dumps(TraceView().dump(facts), ensure_ascii=False))
        return
    for line in _back(facts) if facts["statement"] else _forward(facts):
        click.echo(line)


def _forward(facts: dict[str, Any]) -> list[str]:
    red = facts["redemption"]
    told = [f"redemption {red['id']}  {red['names']['en']}  {red['price_points']:,} points  {red['state']}"]
    if red["voucher"]:
        told.append(f"voucher    {red['voucher']}  ends in {red['last4']}")
    for use in facts["uses"]:
        told.append(f"acceptance {use['acceptance']}  {use['merchant']}  {use['accepted_at']:%Y-%m-%d %H:%M}")
        for moved in use["moved"]:
            told.append(f"  {moved['kind']:<17}{yuan_text(_net(moved)):>12}  {_place(moved)}")
    for part in facts["points"]:
        for origin in part["origins"]:
            bill = origin.get("bill") or {}
            where = f"bill {bill['bill_id']} line {bill['line_no']}" if bill else f"posting {origin['seq']}"
            told.append(f"points     {origin['points']:>12,}  {where}")
    return told


def _back(facts: dict[str, Any]) -> list[str]:
    row = facts["statement"]
    told = [
        f"statement  {row['id']}  {row['merchant']} no. {row['number']}  net {yuan_text(row['net_fen'])}",
        f"payout     {_payout(row['payout'])}",
    ]
    for line in facts["lines"]:
        behind = line["redemption"] or line["about"]
        told.append(f"{line['line_no']:>9}  {line['kind']:<17}{yuan_text(_net(line)):>12}  {behind}")
    return told


def _net(row: dict[str, Any]) -> int:
    return int(row["owed_fen"] - row["fee_fen"] - row["vat_fen"])


def _place(moved: dict[str, Any]) -> str:
    if moved["statement"] is None:
        return "on no statement yet"
    return f"{moved['statement']['id']}  payout {_payout(moved['statement']['payout'])}"


def _payout(payout: dict[str, Any] | None) -> str:
    if payout is None:
        return "none"
    return " ".join(
        filter(None, (payout["state"], payout["transfer"], payout["payment"], payout["bank_payout"]))
    )


verbs = (trace,)

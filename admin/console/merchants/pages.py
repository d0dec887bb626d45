"""One merchant's terms, drafts and sealed statements; each statement with its lines, files, payout and place in the chain."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from admin.console.http import PAGE, cut, page, position
from admin.console.sheets import http as sheets
from base import clock, database, ids
from base.auth.guard import current, needs
from base.web.i18n import current_language
from merchants import scope, terms
from merchants import words as merchant_words
from merchants.invoices import invoices
from merchants.merchants import MerchantUnknown
from merchants.payouts import payouts
from merchants.settled import settled
from merchants.statements import api as statements_api
from merchants.statements import closing, seals
from merchants.statements import lines as statement_lines

LINES = 200
MOST_TO_PROVE = 5_000
COLUMNS = (
    "statement", "no", "from_at", "to_at", "lines", "owed_fen", "fee_fen", "vat_fen", "payable_fen", "currency", "money", "sealed_at",
)  # fmt: skip

blueprint = Blueprint("merchants", __name__)


@blueprint.route("/statements")
@needs("statements:read")
def statement_list() -> ResponseReturnValue:
    """One merchant: its terms and its statements, newest first."""
    code = request.args.get("merchant", "")
    if not code:
        return redirect("/staff/merchants", 303)
    if not code.isprintable():
        raise MerchantUnknown()
    place = position("statements")
    with database.begin() as session:
        merchant = scope.merchant(session, current(), code)
        if sheets.is_asked():
            every = settled.listed(session, merchant.merchant_id, limit=sheets.MOST)
            return sheets.of_list(session, f"statements-{merchant.code}", COLUMNS, map(_line, every))
        outlets = scope.outlets_of(session, current(), merchant.merchant_id)
        versions = terms.versions(session, merchant.merchant_id)
        before = int(place[0]) if place else None
        found = settled.listed(session, merchant.merchant_id, before=before, limit=PAGE + 1)
        drafts = [] if place else settled.drafts(session, merchant, clock.now())
    rows, after = cut("statements", found, lambda row: [row.statement.statement_no])
    return page(
        "console/statements.html",
        merchant=merchant,
        outlets=outlets,
        versions=versions,
        today=clock.day(clock.now(), merchant.zone),
        rows=[
            (
                ids.public("stm", row.statement.merchant_id, row.statement.statement_no),
                row.statement,
                row.stage,
            )
            for row in rows
        ],
        drafts=drafts,
        may_adjust="merchant-adjustments:propose" in current().permissions,
        words=merchant_words,
        after=after,
        as_file=bool(rows),
    )


def _line(one: settled.Row) -> Sequence[Any]:
    row = one.statement
    return (
        ids.public("stm", row.merchant_id, row.statement_no), row.statement_no, row.from_at.isoformat(), row.to_at.isoformat(),
        row.line_count, row.owed_fen, row.fee_fen, row.vat_fen, row.payable_fen, row.currency, one.stage,
        row.sealed_at.isoformat(),
    )  # fmt: skip


@blueprint.route("/statements/<statement>")
@needs("statements:read")
def one_statement(statement: str) -> ResponseReturnValue:
    """A statement with its lines; its seal is computed anew where it is short enough for a page."""
    merchant_id, number = ids.parse("stm", statement)
    place = position(f"lines {statement}")
    with database.begin() as session:
        row, merchant = statements_api.seen(session, current(), statement)
        found = closing.lines_of(session, row, after=int(place[0]) if place else 0, limit=LINES + 1)
        payout = payouts.of_statement(session, merchant_id, number)
        due = invoices.due(session, row, clock.now())
        proven = None
        if row.line_count <= MOST_TO_PROVE:
            proven = seals.of(row, statement_lines.stored(session, row)) == row.hash
    lines, after = cut(f"lines {statement}", found, lambda line: [line.line_no], LINES)
    return page(
        "console/statement.html",
        merchant=merchant,
        row=row,
        id=statement,
        payout=payout,
        due=due,
        may_trace="trace:read" in current().permissions,
        id_of=statement,
        lines=[
            (
                statement_lines.public_id(merchant_id, line.kind, line.member_id, line.source_id),
                ids.public("stl", merchant_id, number, line.line_no),
                line,
            )
            for line in lines
        ],
        words=merchant_words,
        before=ids.public("stm", merchant_id, number - 1) if number > 1 else None,
        proven=proven,
        after=after,
    )


@blueprint.route("/statements/<statement>/files/<kind>")
@needs("statements:read")
def one_file(statement: str, kind: str) -> Response:
    """A statement as `csv`, `xlsx` or `html` to print, in the language of the pages."""
    with database.begin() as session:
        row, merchant = statements_api.seen(session, current(), statement)
    return statements_api.answer(row, merchant, kind, current_language())

"""One merchant's terms and sealed statements, and each statement with its lines and its place in the chain."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from admin.console.http import PAGE, cut, page, position
from base import clock, database, ids
from base.auth.guard import current, needs
from merchants import merchants, scope, terms
from merchants.merchants import MerchantUnknown
from merchants.statements import closing, seals
from merchants.statements import lines as statement_lines
from merchants.words import LINES as WORDS

LINES = 200
MOST_TO_PROVE = 5_000

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
        outlets = scope.outlets_of(session, current(), merchant.merchant_id)
        versions = terms.versions(session, merchant.merchant_id)
        before = int(place[0]) if place else None
        found = closing.all_of(session, merchant.merchant_id, before=before, limit=PAGE + 1)
    rows, after = cut("statements", found, lambda row: [row.statement_no])
    return page(
        "console/statements.html",
        merchant=merchant,
        outlets=outlets,
        versions=versions,
        today=clock.day(clock.now(), merchant.zone),
        rows=[(ids.public("stm", row.merchant_id, row.statement_no), row) for row in rows],
        after=after,
    )


@blueprint.route("/statements/<statement>")
@needs("statements:read")
def one_statement(statement: str) -> ResponseReturnValue:
    """A statement with its lines; its seal is computed anew where it is short enough for a page."""
    merchant_id, number = ids.parse("stm", statement)
    place = position(f"lines {statement}")
    with database.begin() as session:
        row = closing.find(session, merchant_id, number)
        if not scope.sees(session, current(), merchant_id):
            raise closing.StatementUnknown()
        merchant = merchants.by_id(session, merchant_id)
        found = closing.lines_of(session, row, after=int(place[0]) if place else 0, limit=LINES + 1)
        proven = None
        if row.line_count <= MOST_TO_PROVE:
            proven = seals.of(row, statement_lines.stored(session, row)) == row.hash
    lines, after = cut(f"lines {statement}", found, lambda line: [line.line_no], LINES)
    return page(
        "console/statement.html",
        merchant=merchant,
        row=row,
        lines=[
            (statement_lines.public_id(merchant_id, line.kind, line.member_id, line.source_id), line)
            for line in lines
        ],
        words=WORDS,
        before=ids.public("stm", merchant_id, number - 1) if number > 1 else None,
        proven=proven,
        after=after,
    )

"""HTTP: sealed statements, for finance and the operator's systems."""

from typing import Any

from base import database, ids, pages
from base.auth.guard import current, needs
from base.http.api import Blueprint
from base.http.settings import config
from merchants import merchants, scope
from merchants.statements import closing
from merchants.statements.schemas import StatementsQuery, StatementsView, StatementView, statement_view

blueprint = Blueprint("statements", __name__, description="Settlement statements")


@blueprint.route("/statements")
@blueprint.arguments(StatementsQuery, location="query")
@blueprint.response(200, StatementsView)
@needs("statements:read")
def list_statements(query: dict[str, Any]) -> dict[str, Any]:
    """A merchant's statements, newest first."""
    key, limit = f"statements:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        merchant = scope.merchant(session, current(), query["merchant"])
        rows = closing.all_of(
            session, merchant.merchant_id, before=place[0] if place else None, limit=limit + 1
        )
    more = len(rows) > limit
    return {
        "data": [statement_view(row, merchant) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].statement_no) if more else None,
    }


@blueprint.route("/statements/<statement>")
@blueprint.response(200, StatementView)
@needs("statements:read")
def one_statement(statement: str) -> dict[str, Any]:
    """One statement with every line."""
    merchant_id, number = ids.parse("stm", statement)
    with database.begin() as session:
        row = closing.find(session, merchant_id, number)
        if not scope.sees(session, current(), merchant_id):
            raise closing.StatementUnknown()
        return statement_view(row, merchants.by_id(session, merchant_id), closing.lines_of(session, row))

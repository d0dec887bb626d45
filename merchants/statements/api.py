"""HTTP: sealed statements with their files, and drafts, for finance and the operator's systems."""

import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Principal
from base.http.api import Blueprint
from base.http.settings import config
from merchants import merchants, scope
from merchants.models import Merchant
from merchants.statements import closing, draft, files, lines
from merchants.statements.files import CSV, HTML, TYPES, XLSX, FileUnknown, Sealed
from merchants.statements.models import Statement
from merchants.statements.schemas import (
    DraftLinesQuery,
    DraftsQuery,
    StatementDraftsView,
    StatementDraftView,
    StatementFileQuery,
    StatementLinesQuery,
    StatementsQuery,
    StatementsView,
    StatementView,
    draft_view,
    statement_view,
)

BLOCK = 1 << 16
MOST_IN_MEMORY = 1 << 20

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
    return pages.page(
        key, rows, limit, lambda row: [row.statement_no], lambda row: statement_view(row, merchant)
    )


@blueprint.route("/statements/<statement>")
@blueprint.arguments(StatementLinesQuery, location="query")
@blueprint.response(200, StatementView)
@needs("statements:read")
def one_statement(query: dict[str, Any], statement: str) -> dict[str, Any]:
    """One statement with its lines in order, so many at a time."""
    key, limit = f"lines:{statement}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        row, merchant = seen(session, current(), statement)
        found = lines.page(
            session, row.merchant_id, row.statement_no, after=place[0] if place else 0, limit=limit + 1
        )
    page = pages.page(key, found, limit, lambda line: [line.line_no], lambda line: line)
    return statement_view(row, merchant, page.pop("data")) | page


@blueprint.route("/statements/<statement>/files/<kind>")
@blueprint.arguments(StatementFileQuery, location="query")
@blueprint.response(200, content_type="text/csv", description="the file; XLSX and HTML have their own types")
@needs("statements:read")
def one_file(query: dict[str, Any], statement: str, kind: str) -> Response:
    """A statement as `csv`, `xlsx` or `html` (to print): the same bytes whenever it is asked for."""
    with database.begin() as session:
        row, merchant = seen(session, current(), statement)
    return answer(row, merchant, kind, query["language"])


@blueprint.route("/statements/drafts")
@blueprint.arguments(DraftsQuery, location="query")
@blueprint.response(200, StatementDraftsView)
@needs("statements:read")
def list_drafts(query: dict[str, Any]) -> dict[str, Any]:
    """What would be on a merchant's next statements now, without lines."""
    with database.begin() as session:
        merchant = scope.merchant(session, current(), query["merchant"])
        found = draft.drafts_of(session, merchant, clock.now())
    return {"data": [draft_view(one, merchant) for one in found]}


@blueprint.route("/statements/drafts/<last_day>")
@blueprint.arguments(DraftLinesQuery, location="query")
@blueprint.response(200, StatementDraftView)
@needs("statements:read")
def one_draft(query: dict[str, Any], last_day: str) -> dict[str, Any]:
    """The draft of the period that ends with a day, with its lines in order, so many at a time."""
    key, limit = f"draft:{query['merchant']}:{last_day}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    after = (datetime.fromisoformat(place[0]), *place[1:]) if place else None
    with database.begin() as session:
        merchant = scope.merchant(session, current(), query["merchant"])
        one = draft.find(session, merchant, _day(last_day), clock.now())
        found = draft.lines_of(session, merchant, one, after=after, limit=limit + 1)  # type: ignore[arg-type]
    page = pages.page(key, found, limit, _place, lambda line: line)
    return draft_view(one, merchant, page.pop("data")) | page


def answer(statement: Statement, merchant: Merchant, kind: str, language: str) -> Response:
    """A file of a statement, sent as it is made; FileUnknown, TooManyRows."""
    if kind not in TYPES:
        raise FileUnknown()
    sealed = Sealed(statement, merchant.code, merchant.zone)
    if kind == XLSX:
        body: Any = _blocks(_workbook(sealed, language))
    else:
        rows = stored(statement)
        body = files.as_csv(sealed, rows) if kind == CSV else files.as_page(sealed, rows, language)
    made = Response(body, content_type=TYPES[kind])
    shown = "inline" if kind == HTML else "attachment"
    made.headers["Content-Disposition"] = f'{shown}; filename="{files.name(sealed, kind)}"'
    return made


def stored(statement: Statement) -> Iterator[Any]:
    """The lines of a sealed statement, some thousands in a transaction, so that a slow receiver keeps none open."""
    after = 0
    while True:
        with database.begin() as session:
            rows = lines.page(session, statement.merchant_id, statement.statement_no, after=after)
        if not rows:
            return
        yield from rows
        after = rows[-1].line_no


def _workbook(sealed: Sealed, language: str) -> Any:
    file = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY)  # noqa: SIM115 (closed when it is sent)
    files.as_xlsx(sealed, stored(sealed.statement), language, file)  # type: ignore[arg-type]
    file.seek(0)
    return file


def _blocks(file: Any) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK):
            yield block


def seen(session: Session, principal: Principal, statement: str) -> tuple[Statement, Merchant]:
    """A statement by its public id with its merchant, which is one of the principal's own; StatementUnknown."""
    merchant_id, number = ids.parse("stm", statement)
    row = closing.find(session, merchant_id, number)
    if not scope.sees(session, principal, merchant_id):
        raise closing.StatementUnknown()
    return row, merchants.by_id(session, merchant_id)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise closing.StatementUnknown() from None


def _place(line: Any) -> list[Any]:
    return [line.recorded_at.isoformat(), line.source_id, line.kind, line.member_id]

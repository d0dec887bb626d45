"""HTTP: a merchant's own statements, drafts and files, each line down to its acceptance, and where the money stands."""

from typing import Any

from flask import Response

from base import clock, database, pages
from base.auth.guard import current, needs
from base.http.api import Blueprint
from base.http.settings import config
from merchants import scope
from merchants.schemas import PageQuery
from merchants.settled import settled
from merchants.settled.schemas import (
    OwnLinesQuery,
    OwnStatementsView,
    OwnStatementView,
    OwnUseView,
    SettledMoneyView,
    money_view,
    own_view,
    use_view,
)
from merchants.statements.api import answer
from merchants.statements.schemas import StatementDraftsView, StatementFileQuery, draft_view

blueprint = Blueprint("settled", __name__, description="A merchant's own settlement")


@blueprint.route("/merchant/statements")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, OwnStatementsView)
@needs(settled.READS)
def list_own(query: dict[str, Any]) -> dict[str, Any]:
    """The own merchant's sealed statements, the newest first, and where the money of each stands."""
    with database.begin() as session:
        merchant = scope.merchant_of(session, scope.reach_of(session, current()))
        key = f"own statements:{merchant.merchant_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        rows = settled.listed(
            session, merchant.merchant_id, before=place[0] if place else None, limit=query["limit"] + 1
        )
    return pages.page(
        key,
        rows,
        query["limit"],
        lambda row: [row.statement.statement_no],
        lambda row: own_view(row, merchant),
    )


@blueprint.route("/merchant/drafts")
@blueprint.response(200, StatementDraftsView)
@needs(settled.READS)
def list_drafts() -> dict[str, Any]:
    """What would be on the own merchant's next statements now: periods to look at and dispute, and the one that goes on."""
    with database.begin() as session:
        merchant = scope.merchant_of(session, scope.reach_of(session, current()))
        found = settled.drafts(session, merchant, clock.now())
    return {"data": [draft_view(one, merchant) for one in found]}


@blueprint.route("/merchant/money")
@blueprint.response(200, SettledMoneyView)
@needs(settled.READS)
def money() -> dict[str, Any]:
    """What is expected, under way, on hold and paid."""
    at = clock.now()
    with database.begin() as session:
        merchant = scope.merchant_of(session, scope.reach_of(session, current()))
        found = settled.money(session, merchant, settled.drafts(session, merchant, at), at)
    return money_view(found, merchant)


@blueprint.route("/merchant/statements/<statement>")
@blueprint.arguments(OwnLinesQuery, location="query")
@blueprint.response(200, OwnStatementView)
@needs(settled.READS)
def one_own(query: dict[str, Any], statement: str) -> dict[str, Any]:
    """A statement of the own merchant with its lines in order, so many at a time, maybe of one kind."""
    kind, limit = query["kind"], query["limit"]
    key = f"own lines:{statement}:{kind}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        row, merchant = settled.find(session, reach, statement), scope.merchant_of(session, reach)
        found = settled.lines(
            session, row.statement, kind=kind, after=place[0] if place else 0, limit=limit + 1
        )
    page = pages.page(key, found, limit, lambda line: [line.line_no], lambda line: line)
    return own_view(row, merchant, page.pop("data")) | page


@blueprint.route("/merchant/statements/<statement>/files/<kind>")
@blueprint.arguments(StatementFileQuery, location="query")
@blueprint.response(200, content_type="text/csv", description="the file; XLSX and HTML have their own types")
@needs(settled.READS)
def one_own_file(query: dict[str, Any], statement: str, kind: str) -> Response:
    """A statement of the own merchant as `csv`, `xlsx` or `html`: the same bytes whenever it is asked for."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        row, merchant = (
            settled.find(session, reach, statement).statement,
            scope.merchant_of(session, reach),
        )
    return answer(row, merchant, kind, query["language"])


@blueprint.route("/merchant/acceptances/<acceptance>")
@blueprint.response(200, OwnUseView)
@needs(settled.READS)
def one_use(acceptance: str) -> dict[str, Any]:
    """An acceptance of the own merchant: where and by whom, the end of the code, and everything that moved money for it."""
    with database.begin() as session:
        return use_view(settled.use(session, scope.reach_of(session, current()), acceptance))

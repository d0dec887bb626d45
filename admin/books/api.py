"""HTTP: the books of a month, for finance and the operator's own systems."""

from typing import Any

from admin.books import balances
from admin.books.schemas import BooksQuery, BooksView, books_view
from base import database
from base.auth.guard import current, needs
from base.http.api import Blueprint
from merchants import merchants

READS = "books:read"
blueprint = Blueprint("books", __name__, description="The operator's books: trial balance of a month")


@blueprint.route("/books/<month>")
@blueprint.arguments(BooksQuery, location="query")
@blueprint.response(200, BooksView)
@needs(READS)
def books_of_a_month(query: dict[str, Any], month: str) -> dict[str, Any]:
    """The trial balance of a month (YYYY-MM) as far as it is over; of one merchant its own accounts."""
    balances.check_whole(current())
    code = query["merchant"]
    with database.begin() as session:
        balances.at_one_moment(session)
        merchant = merchants.by_code(session, code) if code else None
        span = balances.month(session, month, merchant.merchant_id if merchant else None)
        found = balances.of(session, span)
    rows = balances.of_merchant(found, code) if code else balances.together(found)
    return books_view(month, code, (span.first, span.last), found.documents, rows)

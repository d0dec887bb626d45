"""The books of a month: trial balance, the accounts of a merchant, and the breakage that is expected, by the month of earning."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.books import balances, breakage, rules
from admin.books.api import READS
from admin.console import words
from admin.console.http import chosen, page
from base import clock, database
from base.auth.guard import current, needs
from merchants import merchants

blueprint = Blueprint("books", __name__)


@blueprint.route("/books")
@needs(READS)
def month_page() -> ResponseReturnValue:
    """The trial balance of ?month=, else of the last one; of ?merchant= its own accounts. BadMonth, MerchantUnknown."""
    balances.check_whole(current())
    code = request.args.get("merchant") or None
    with database.begin() as session:
        balances.at_one_moment(session)
        month = request.args.get("month") or _last(session)
        merchant = merchants.by_code(session, code) if code else None
        span = balances.month(session, month, merchant.merchant_id if merchant else None)
        found = balances.of(session, span)
    rows = balances.of_merchant(found, code) if code else balances.together(found)
    return page(
        "console/books/month.html",
        month=month,
        before=_beside(span.first, -1),
        after=_beside(span.first, 1),
        is_running=clock.now() < (span.until or clock.now()),
        merchant=merchant,
        documents=found.documents,
        rows=[(account, balance, *_named(account.name)) for account, balance in rows],
        totals=balances.totals(rows) if not code else [],
        span=span,
    )


@blueprint.route("/books/breakage")
@needs(READS)
def breakage_page() -> ResponseReturnValue:
    """Estimates with what changed between them; the latest one by cohort."""
    balances.check_whole(current())
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        runs = breakage.listed(session, programme.programme_id) if programme else []
        sums = {
            run.estimate_no: sum(one.breakage_fen for one in breakage.cohorts(session, run)) for run in runs
        }
        cohorts = breakage.cohorts(session, runs[0]) if runs else []
    return page(
        "console/books/breakage.html", **choice, runs=runs, sums=sums, cohorts=cohorts, classes=words.LOT_CLASSES
    )  # fmt: skip


def _last(session: Session) -> str:
    first = clock.day(clock.now(), balances.zone_of(session)).replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}"


def _beside(first: date | None, step: int) -> str:
    assert first is not None
    return f"{(first - timedelta(days=1)) if step < 0 else (first + timedelta(days=31)):%Y-%m}"


def _named(name: str) -> tuple[Any, Any]:
    kind, en, zh = rules.account(name)
    return words.ACCOUNT_KINDS[kind], {"en": en, "zh-CN": zh}

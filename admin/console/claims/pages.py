"""An adjustment of a merchant's account, proposed for a second person; the tax invoices of a statement."""

from datetime import date
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.approvals.pages import url_of
from admin.console.http import once, page
from admin.console.partners.http import day, text, text_or_none, whole
from base import clock, database, ids
from base.auth.guard import current, needs
from base.errors import field_errors
from base.web.i18n import gettext as _
from merchants import merchants, scope
from merchants import words as merchant_words
from merchants.adjustments import adjustments
from merchants.adjustments.adjustments import MOST_FEN, REASONS
from merchants.invoices import invoices
from merchants.invoices.invoices import InvoiceUnknown
from merchants.invoices.invoices import Wanted as Invoice
from merchants.invoices.models import MERCHANT, OPERATOR
from merchants.statements import closing
from merchants.statements.models import Statement

blueprint = Blueprint("claims", __name__)


@blueprint.route("/merchants/<merchant>/adjust")
@needs(adjustments.PROPOSES)
def adjust_form(merchant: str) -> ResponseReturnValue:
    """What the merchant is to get or give back, and why."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
    return page(
        "console/merchant_adjust.html",
        merchant=found,
        acceptance=request.args.get("acceptance", ""),
        reasons=[(one, words.MERCHANT_ADJUSTMENT_REASONS[one]) for one in REASONS],
        key=uuid4(),
    )


@blueprint.route("/merchants/<merchant>/adjust", methods=["POST"])
@needs(adjustments.PROPOSES)
def adjust(merchant: str) -> ResponseReturnValue:
    """Propose it, once; another person decides."""
    wanted = adjustments.Wanted(
        owed_fen=_signed("owed_fen"),
        fee_fen=_signed("fee_fen"),
        vat_fen=_signed("vat_fen"),
        acceptance=text_or_none("acceptance", 60),
        reason=request.form.get("reason", ""),
        text=text("text", 500),
        ticket=text("ticket", 64),
    )

    def effect(session: Session) -> str:
        found = scope.merchant(session, current(), merchant)
        case = adjustments.propose(session, current(), found, wanted, clock.now())
        return url_of(adjustments.KIND, case.proposal.proposal_id)

    return redirect(once(effect), 303)


@blueprint.route("/statements/<statement>/invoices")
@needs("statements:read")
def invoice_list(statement: str) -> ResponseReturnValue:
    """The invoices of a statement in both directions: what is due, what was handed in."""
    with database.begin() as session:
        row = _statement(session, statement)
        due = invoices.due(session, row, clock.now())
        found = invoices.of_statement(session, row)
        merchant = merchants.by_id(session, row.merchant_id)
    asked = next((one for one in due if one.issuer == OPERATOR and one.state != invoices.RECEIVED), None)
    may = invoices.RECORDS in current().permissions
    return page(
        "console/invoices.html",
        id=statement,
        statement=row,
        merchant=merchant,
        due=due,
        asked=asked if may else None,
        may_record=may,
        rows=[(invoices.public_id(one), one) for one in found],
        words=merchant_words,
        key=uuid4(),
    )


@blueprint.route("/statements/<statement>/invoices", methods=["POST"])
@needs(invoices.RECORDS)
def hand_in(statement: str) -> ResponseReturnValue:
    """Record the operator's own invoice for the fee."""
    wanted = _invoice()

    def effect(session: Session) -> Any:
        row = _statement(session, statement)
        return invoices.public_id(
            invoices.hand_in(session, row, OPERATOR, wanted, current().actor, clock.now())
        )

    once(effect)
    return redirect(url_for(".invoice_list", statement=statement), 303)


@blueprint.route("/statements/<statement>/invoices/<invoice>/reject", methods=["POST"])
@needs(invoices.RECORDS)
def reject(statement: str, invoice: str) -> ResponseReturnValue:
    """Say why an invoice of the merchant is not right."""
    reason = text("reason", 500)

    def effect(session: Session) -> None:
        row = _statement(session, statement)
        merchant_id, invoice_id = ids.parse("inv", invoice)
        found = invoices.find(session, merchant_id, invoice_id)
        if merchant_id != row.merchant_id or found.issuer != MERCHANT:
            raise InvoiceUnknown()
        invoices.reject(session, found, reason, current().actor, clock.now())

    once(effect)
    return redirect(url_for(".invoice_list", statement=statement), 303)


def _statement(session: Session, public_id: str) -> Statement:
    merchant_id, number = ids.parse("stm", public_id)
    row = closing.find(session, merchant_id, number)
    if not scope.sees(session, current(), merchant_id):
        raise closing.StatementUnknown()
    return row


def _invoice() -> Invoice:
    issued_on: date = day("issued_on")
    return Invoice(
        kind=request.form.get("kind", ""),
        number=text("number", 30),
        code=text_or_none("code", 20),
        issued_on=issued_on,
        seller_name=text("seller_name", 120),
        seller_tax_number=text("seller_tax_number", 40),
        buyer_name=text("buyer_name", 120),
        buyer_tax_number=text("buyer_tax_number", 40),
        amount_fen=whole("amount_fen", 0, MOST_FEN),
        tax_bp=whole("tax_bp", 0, 10_000),
        tax_fen=whole("tax_fen", 0, MOST_FEN),
        total_fen=whole("total_fen", 0, MOST_FEN),
    )


def _signed(name: str) -> int:
    said = request.form.get(name, "").strip() or "0"
    digits = said.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 13):
        raise field_errors({name: _("a whole number; minus is against the merchant")})
    return int(said)

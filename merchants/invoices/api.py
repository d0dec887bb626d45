"""HTTP: tax invoices of statements; the merchant hands in its own, the operator's finance its own, each may reject the other's."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from merchants import scope
from merchants.invoices import invoices
from merchants.invoices.invoices import InvoiceUnknown
from merchants.invoices.models import MERCHANT, OPERATOR, TaxInvoice
from merchants.invoices.schemas import (
    InvoiceRequest,
    InvoicesView,
    InvoiceView,
    RejectInvoiceRequest,
    due_view,
    invoice_view,
    wanted_of,
)
from merchants.statements import closing
from merchants.statements.models import Statement

blueprint = Blueprint("invoices", __name__, description="Tax invoices of statements")


@blueprint.route("/merchant/statements/<statement>/invoices")
@blueprint.response(200, InvoicesView)
@needs(invoices.OWN)
def list_own(statement: str) -> dict[str, Any]:
    """The invoices of one of the own merchant's statements, and which are due."""
    with database.begin() as session:
        return _shown(session, own_statement(session, statement))


@blueprint.route("/merchant/statements/<statement>/invoices", methods=["POST"])
@blueprint.arguments(InvoiceRequest)
@blueprint.response(201, InvoiceView)
@blueprint.doc(**IDEMPOTENT)
@needs(invoices.OWN)
def hand_in_own(asked: dict[str, Any], statement: str) -> Response:
    """Hand in the merchant's invoice for a statement. Needs Idempotency-Key."""
    with database.begin() as session:
        row = own_statement(session, statement)
        return _handed_in(session, row, MERCHANT, asked)


@blueprint.route("/merchant/invoices/<invoice>/reject", methods=["POST"])
@blueprint.arguments(RejectInvoiceRequest)
@blueprint.response(200, InvoiceView)
@blueprint.doc(**IDEMPOTENT)
@needs(invoices.OWN)
def reject_operators(asked: dict[str, Any], invoice: str) -> Response:
    """Say why an invoice of the operator is not right. Needs Idempotency-Key."""
    merchant_id, invoice_id = ids.parse("inv", invoice, unknown=InvoiceUnknown)
    with database.begin() as session:
        mine = scope.reach_of(session, current())
        row = invoices.find(session, merchant_id, invoice_id)
        if merchant_id != mine.merchant_id or row.issuer != OPERATOR:
            raise InvoiceUnknown()
        return _rejected(session, row, asked)


@blueprint.route("/statements/<statement>/invoices")
@blueprint.response(200, InvoicesView)
@needs("statements:read")
def list_them(statement: str) -> dict[str, Any]:
    """The invoices of a statement, and which are due."""
    with database.begin() as session:
        return _shown(session, seen_statement(session, statement))


@blueprint.route("/statements/<statement>/invoices", methods=["POST"])
@blueprint.arguments(InvoiceRequest)
@blueprint.response(201, InvoiceView)
@blueprint.doc(**IDEMPOTENT)
@needs(invoices.RECORDS)
def hand_in(asked: dict[str, Any], statement: str) -> Response:
    """Record the operator's invoice for the fee of a statement. Needs Idempotency-Key."""
    with database.begin() as session:
        return _handed_in(session, seen_statement(session, statement), OPERATOR, asked)


@blueprint.route("/invoices/<invoice>/reject", methods=["POST"])
@blueprint.arguments(RejectInvoiceRequest)
@blueprint.response(200, InvoiceView)
@blueprint.doc(**IDEMPOTENT)
@needs(invoices.RECORDS)
def reject(asked: dict[str, Any], invoice: str) -> Response:
    """Say why an invoice of a merchant is not right. Needs Idempotency-Key."""
    merchant_id, invoice_id = ids.parse("inv", invoice, unknown=InvoiceUnknown)
    with database.begin() as session:
        row = invoices.find(session, merchant_id, invoice_id)
        if not scope.sees(session, current(), merchant_id) or row.issuer != MERCHANT:
            raise InvoiceUnknown()
        return _rejected(session, row, asked)


def own_statement(session: Session, public_id: str) -> Statement:
    """A statement of the own merchant; StatementUnknown for anybody else's."""
    merchant_id, number = ids.parse("stm", public_id, unknown=closing.StatementUnknown)
    if merchant_id != scope.reach_of(session, current()).merchant_id:
        raise closing.StatementUnknown()
    return closing.find(session, merchant_id, number)


def seen_statement(session: Session, public_id: str) -> Statement:
    """A statement of a merchant in the asker's area; StatementUnknown."""
    merchant_id, number = ids.parse("stm", public_id, unknown=closing.StatementUnknown)
    row = closing.find(session, merchant_id, number)
    if not scope.sees(session, current(), merchant_id):
        raise closing.StatementUnknown()
    return row


def _shown(session: Session, row: Statement) -> dict[str, Any]:
    return {
        "due": [due_view(one) for one in invoices.due(session, row, clock.now())],
        "data": [invoice_view(one) for one in invoices.of_statement(session, row)],
    }


def _handed_in(session: Session, row: Statement, issuer: str, asked: dict[str, Any]) -> Response:
    def effect() -> tuple[int, dict[str, Any]]:
        made = invoices.hand_in(session, row, issuer, wanted_of(asked), current().actor, clock.now())
        return 201, invoice_view(made)

    place = {"statement": ids.public("stm", row.merchant_id, row.statement_no)}
    return answer_once(session, NO_MEMBER, asked | place, effect)


def _rejected(session: Session, row: TaxInvoice, asked: dict[str, Any]) -> Response:
    def effect() -> tuple[int, dict[str, Any]]:
        return 200, invoice_view(invoices.reject(session, row, asked["reason"], current().actor, clock.now()))

    return answer_once(session, NO_MEMBER, asked | {"invoice": invoices.public_id(row)}, effect)

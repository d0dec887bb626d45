"""Tax invoices (fapiao) of a sealed statement: which are expected by the merchant's regime, what was handed in, what is missing.

Nothing is stored of what is expected: that follows from the statement and the regime in the merchant's documents. An ordinary
invoice of the merchant covers what it was owed, one of the operator its fee with the tax on it. Whether a regime fits an offer
is for a tax adviser to say.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.errors import Conflict, NotFound, field_errors
from merchants import merchants
from merchants.invoices.models import ISSUERS, KINDS, MERCHANT, OPERATOR, ORDINARY, SPECIAL, TaxInvoice
from merchants.models import ADJUSTMENT, CLAWBACK, DISPUTE_HELD, DISPUTE_RELEASED
from merchants.onboarding import documents
from merchants.statements.models import Statement, StatementLine
from points.adjustments.adjustments import MOST_TEXT, said_plainly

RECORDS = "invoices:record"
OWN = "invoices:merchant"
LOOKS_BACK = 12  # statements
WITHIN = timedelta(days=30)  # after the statement; then it is missing
EXPECTED, RECEIVED, REJECTED, MISSING = STATES = ("expected", "received", "rejected", "missing")
# Which kind of invoice each side owes the other, by the regime of the merchant's documents.
OWED: dict[str, dict[str, str]] = {
    "prepaid_ordinary": {MERCHANT: ORDINARY, OPERATOR: SPECIAL},
    "fee_special": {OPERATOR: SPECIAL},
}
_SETTLED = ("acceptance", "void", ADJUSTMENT, CLAWBACK, DISPUTE_HELD, DISPUTE_RELEASED)


class InvoiceUnknown(NotFound):
    """There is no such invoice."""

    zh = "没有该发票。"


class InvoiceThere(Conflict):
    """There is an invoice of this side for this statement already, or one with this number."""

    zh = "该结算单已有此方发票，或该发票号码已登记。"
    next_en, next_zh = (
        "Have the other one rejected first, or correct the number.",
        "请先退回原发票，或更正号码。",
    )


class InvoiceNotExpected(Conflict):
    """No invoice of this side is expected for this statement."""

    zh = "该结算单无需此方发票。"


class InvoiceRejected(Conflict):
    """This invoice was rejected already."""

    zh = "该发票已退回。"


@dataclass(frozen=True)
class Wanted:
    """An invoice as it is handed in; fen, basis points."""

    kind: str
    number: str
    issued_on: date
    seller_name: str
    seller_tax_number: str
    buyer_name: str
    buyer_tax_number: str
    amount_fen: int
    tax_bp: int
    tax_fen: int
    total_fen: int
    code: str = ""
    file_hash: bytes | None = None


@dataclass(frozen=True)
class Due:
    """What one side owes the other for a statement: the kind and total (fen), until when, and the latest one handed in."""

    issuer: str
    kind: str
    total_fen: int
    until: date
    latest: TaxInvoice | None
    today: date

    @property
    def state(self) -> str:
        """One of STATES; what was rejected and not replaced in time is missing too."""
        if self.latest is not None and self.latest.rejected_at is None:
            return RECEIVED
        if self.today > self.until:
            return MISSING
        return REJECTED if self.latest is not None else EXPECTED

    @property
    def is_missing(self) -> bool:
        """Whether it should be there and is not."""
        return self.state == MISSING


def due(session: Session, statement: Statement, at: datetime) -> list[Due]:
    """What each side owes the other for a statement; nothing where the regime or the sums ask for none."""
    kinds = _kinds(session, statement.merchant_id)
    zone = merchants.zone_of(session, statement.merchant_id)
    until = clock.day(statement.sealed_at, zone) + WITHIN
    today, totals = clock.day(at, zone), _totals(session, statement)
    return [
        Due(issuer, kinds[issuer], totals[issuer], until, _latest(session, statement, issuer), today)
        for issuer in ISSUERS
        if issuer in kinds and totals[issuer] > 0
    ]


def _kinds(session: Session, merchant_id: int) -> dict[str, str]:
    """By side, the kind of invoice that the merchant's regime asks of it."""
    row = documents.latest(session, merchant_id)
    return OWED.get(row.invoice_regime if row else "", {})


def is_missing(session: Session, statement: Statement, at: datetime) -> bool:
    """Whether the merchant's own invoice should be there and is not."""
    return any(one.is_missing for one in due(session, statement, at) if one.issuer == MERCHANT)


def any_missing(session: Session, merchant_id: int, statement_no: int, at: datetime) -> bool:
    """Whether the merchant's own invoice is missing of a statement, or of one of the dozen before: then nothing more is paid."""
    if MERCHANT not in _kinds(session, merchant_id):
        return False
    asked = select(Statement).where(
        Statement.merchant_id == merchant_id,
        Statement.statement_no.between(statement_no - LOOKS_BACK, statement_no),
    )
    return any(is_missing(session, statement, at) for statement in session.scalars(asked).all())


def hand_in(
    session: Session, statement: Statement, issuer: str, wanted: Wanted, actor: str, at: datetime
) -> TaxInvoice:
    """Record an invoice of one side for a statement. Invalid, InvoiceNotExpected, InvoiceThere."""
    asked = next((one for one in due(session, statement, at) if one.issuer == issuer), None)
    if asked is None:
        raise InvoiceNotExpected()
    _check(wanted, asked)
    made: TaxInvoice | None = session.scalar(
        insert(TaxInvoice)
        .values(
            merchant_id=statement.merchant_id,
            invoice_id=ids.new_id(),
            statement_no=statement.statement_no,
            issuer=issuer,
            recorded_at=at,
            recorded_by=actor,
            **vars(wanted),
        )
        .on_conflict_do_nothing()
        .returning(TaxInvoice)
    )
    if made is None:
        raise InvoiceThere()
    audit.write(session, actor, "invoice.received", public_id(made), issuer=issuer)
    return made


def reject(session: Session, invoice: TaxInvoice, reason: str, actor: str, at: datetime) -> TaxInvoice:
    """The other side says why it is not right; another one may be handed in. Invalid, InvoiceRejected."""
    if not said_plainly(reason, MOST_TEXT):
        raise field_errors({"reason": f"must be 1 to {MOST_TEXT} characters without control characters"})
    changed = session.scalar(
        update(TaxInvoice)
        .where(
            TaxInvoice.merchant_id == invoice.merchant_id,
            TaxInvoice.invoice_id == invoice.invoice_id,
            TaxInvoice.rejected_at.is_(None),
        )
        .values(rejected_at=at, rejected_by=actor, reason=reason)
        .returning(TaxInvoice)
        .execution_options(populate_existing=True)
    )
    if changed is None:
        raise InvoiceRejected()
    audit.write(session, actor, "invoice.rejected", public_id(changed), issuer=changed.issuer)
    return changed


def find(session: Session, merchant_id: int, invoice_id: int) -> TaxInvoice:
    """An invoice; InvoiceUnknown."""
    found = session.get(TaxInvoice, (merchant_id, invoice_id))
    if found is None:
        raise InvoiceUnknown()
    return found


def of_statement(session: Session, statement: Statement) -> list[TaxInvoice]:
    """All that were handed in for a statement, the newest first."""
    asked = select(TaxInvoice).where(
        TaxInvoice.merchant_id == statement.merchant_id, TaxInvoice.statement_no == statement.statement_no
    )
    return list(session.scalars(asked.order_by(TaxInvoice.invoice_id.desc())))


def public_id(invoice: TaxInvoice) -> str:
    """Its public id."""
    return ids.public("inv", invoice.merchant_id, invoice.invoice_id)


def _latest(session: Session, statement: Statement, issuer: str) -> TaxInvoice | None:
    return next((one for one in of_statement(session, statement) if one.issuer == issuer), None)


def _totals(session: Session, statement: Statement) -> dict[str, int]:
    """What each side's invoice has to say: what was owed for uses and their corrections, and the fee with its tax."""
    if statement.sums:
        owed = sum(statement.sums.get(kind, {}).get("owed_fen", 0) for kind in _SETTLED)
    else:
        asked = select(StatementLine.owed_fen).where(
            StatementLine.merchant_id == statement.merchant_id,
            StatementLine.statement_no == statement.statement_no,
            StatementLine.kind.in_(_SETTLED),
        )
        owed = sum(session.scalars(asked))
    return {MERCHANT: owed, OPERATOR: statement.fee_fen + statement.vat_fen}


def _check(wanted: Wanted, asked: Due) -> None:
    wrong: dict[str, str] = {}
    if wanted.kind not in KINDS or wanted.kind != asked.kind:
        wrong["kind"] = f"must be {asked.kind}"
    for name, least, most in (
        ("code", 0, 20),
        ("number", 1, 30),
        ("seller_name", 1, 120),
        ("seller_tax_number", 1, 40),
        ("buyer_name", 1, 120),
        ("buyer_tax_number", 1, 40),
    ):
        said = getattr(wanted, name)
        if not (said_plainly(said, most) or (not said and not least)):
            wrong[name] = f"must be {least} to {most} characters without control characters"
    if wanted.total_fen != asked.total_fen:
        wrong["total_fen"] = f"must be {asked.total_fen}, as the statement says"
    elif wanted.amount_fen + wanted.tax_fen != wanted.total_fen or min(wanted.amount_fen, wanted.tax_fen) < 0:
        wrong["amount_fen"] = "amount and tax must add up to the total"
    if not 0 <= wanted.tax_bp <= 10_000:
        wrong["tax_bp"] = "must be from 0 to 10000 basis points"
    if wanted.issued_on > asked.today:
        wrong["issued_on"] = "must not lie in the future"
    if wrong:
        raise field_errors(wrong)

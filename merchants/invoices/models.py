"""The table of tax invoices; what was rejected stays, and another one takes its place."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

MERCHANT, OPERATOR = ISSUERS = ("merchant", "operator")
ORDINARY, SPECIAL = KINDS = ("ordinary", "special")


class TaxInvoice(Base):
    """An invoice that was handed in for a statement: the merchant's for what it was owed, or the operator's for its fee.

    `kind`: one of KINDS; `code` may be empty (electronic ones have a number alone). `file_hash`: SHA-256 of the file, where
    one was given; the file itself stays with whoever issued it. Rejected: by whom, when and why.
    """

    __tablename__ = "tax_invoice"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    statement_no: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    total_fen: Mapped[int] = mapped_column(BigInteger)
    tax_bp: Mapped[int] = mapped_column(Integer)
    issued_on: Mapped[date] = mapped_column(Date)
    recorded_at: Mapped[datetime]
    rejected_at: Mapped[datetime | None]
    issuer: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    seller_name: Mapped[str] = mapped_column(Text)
    seller_tax_number: Mapped[str] = mapped_column(Text)
    buyer_name: Mapped[str] = mapped_column(Text)
    buyer_tax_number: Mapped[str] = mapped_column(Text)
    recorded_by: Mapped[str] = mapped_column(Text)
    rejected_by: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    file_hash: Mapped[bytes | None] = mapped_column(BYTEA)

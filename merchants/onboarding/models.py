"""Tables of joining: each step of a merchant's ticket, and the documents that it handed in. Rows are never edited."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

MERCHANT, OPERATOR, NOBODY = "merchant", "operator", ""
BANK, STRIPE = "bank", "stripe"
ROUTES = (BANK, STRIPE)
REGIMES = ("prepaid_ordinary", "fee_special", "none")


class MerchantStep(Base):
    """A step of a merchant's ticket: the stage it is in from then on, who has it, and until when.

    `staff_id`: which person of the operator has it. `documents_no`: the documents that two persons reviewed in this step.
    """

    __tablename__ = "merchant_step"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    step_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    documents_no: Mapped[int | None] = mapped_column(Integer)
    stage: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)


class MerchantDocuments(Base):
    """What a merchant handed in; what is corrected is a further row. Empty: not there yet.

    `sealed`: contacts and the account that is paid, as JSON, sealed.
    """

    __tablename__ = "merchant_documents"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    documents_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    has_contact: Mapped[bool]
    actor: Mapped[str] = mapped_column(Text)
    licence_number: Mapped[str] = mapped_column(Text)
    legal_name: Mapped[str] = mapped_column(Text)
    tax_number: Mapped[str] = mapped_column(Text)
    invoice_regime: Mapped[str] = mapped_column(Text)
    payout_route: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(BYTEA)

"""Tables of payouts: where each statement's money stands, how it came there, in which run two persons approved it."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

PLANNED, APPROVED, SENDING, SENT, PAID = "planned", "approved", "sending", "sent", "paid"
ON_HOLD, UNKNOWN, FAILED, RETURNED = "on_hold", "unknown", "failed", "returned"
STATES = (PLANNED, APPROVED, SENDING, SENT, PAID, ON_HOLD, UNKNOWN, FAILED, RETURNED)


class Payout(Base):
    """The money of one sealed statement with something to pay: one row, whose steps are kept in `payout_step`.

    planned, approved (by two persons, in a run), sending (the intent is committed), sent (the other side has it), paid (the
    bank says so); aside: on_hold (`held` names why), unknown (it may be there or not: looked up, never guessed), failed (for
    certain not done), returned (the bank sent it back). `version` grows only when the version before is certainly without
    effect; it is in the provider's key. `key_at`: when this version's key was used first. `busy_until`: somebody is asking.
    `transfer`: the provider's id, or run and line of a bank file; `payment`, `bank_payout`: what it became at Stripe.
    """

    __tablename__ = "payout"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    statement_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, default=1)
    step_no: Mapped[int] = mapped_column(Integer, default=1)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    due_day: Mapped[date | None] = mapped_column(Date)
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    busy_until: Mapped[datetime | None]
    key_at: Mapped[datetime | None]
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    route_no: Mapped[int | None] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default=PLANNED)
    route: Mapped[str] = mapped_column(Text, default="")
    held: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    account: Mapped[str | None] = mapped_column(Text)
    transfer: Mapped[str | None] = mapped_column(Text)
    payment: Mapped[str | None] = mapped_column(Text)
    bank_payout: Mapped[str | None] = mapped_column(Text)


class PayoutStep(Base):
    """A step of a payout, never changed: from it the books derive what moved, and when.

    `reference`: what the step goes by (a transfer, a bank payout, a line of a bank's file).
    """

    __tablename__ = "payout_step"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    statement_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    step_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    version: Mapped[int] = mapped_column(SmallInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    route: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    reference: Mapped[str | None] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)


class PayoutRun(Base):
    """Payouts that two persons approved together. `sha256`: of a bank run's file, which was released with it."""

    __tablename__ = "payout_run"
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    count: Mapped[int] = mapped_column(Integer)
    sum_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    route: Mapped[str] = mapped_column(Text)
    template: Mapped[str] = mapped_column(Text, default="")
    approval: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes | None] = mapped_column(BYTEA)


class PayoutRunRow(Base):
    """A line of a run: which statement's money, under which version, to which of the merchant's routes."""

    __tablename__ = "payout_run_row"
    run_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    line_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    statement_no: Mapped[int] = mapped_column(Integer)
    version: Mapped[int] = mapped_column(SmallInteger)
    route_no: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int] = mapped_column(BigInteger)


class BankReturn(Base):
    """A file in which a bank says what became of payouts; taken in once, known by its hash."""

    __tablename__ = "bank_return"
    return_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    rows: Mapped[int] = mapped_column(Integer)
    paid: Mapped[int] = mapped_column(Integer)
    returned: Mapped[int] = mapped_column(Integer)
    wrong: Mapped[int] = mapped_column(Integer)
    template: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(BYTEA, unique=True)

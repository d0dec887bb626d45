"""Tables of terminals and their keys, of clerks and their shifts, and of tries that were refused."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

BROWSER, POS, SANDBOX = "browser", "pos", "sandbox"
CLERK, MANAGER, FINANCE, OWNER = "clerk", "manager", "finance", "owner"
ROLES = (CLERK, MANAGER, FINANCE, OWNER)


class Terminal(Base):
    """One till of an outlet: a browser, a cash-desk system (pos), or one for trying things out (sandbox).

    `frozen_at`: its key seemed copied.
    """

    __tablename__ = "terminal"
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    frozen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text, default=BROWSER)


class TerminalKey(Base):
    """A public key of a terminal; the private half never leaves it. Two count while one takes the other's place.

    `counter`: the highest counter of its nonces that are no longer kept one by one.
    """

    __tablename__ = "terminal_key"
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger, default=0)
    from_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    algorithm: Mapped[str] = mapped_column(Text)
    public_key: Mapped[bytes] = mapped_column(BYTEA)


class ClerkRow(Base):
    """A person of a merchant, known by a number; a leaver's row is ended, never deleted.

    Clerks and managers belong to an outlet; finance and owners may be of all (None). `pin_hash`: of six digits, or of the
    password of finance and owners; empty: nothing counts until an invitation is taken up.
    """

    __tablename__ = "clerk"
    clerk_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int | None] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None]
    number: Mapped[str] = mapped_column(Text)
    pin_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text, default=CLERK)


class Shift(Base):
    """A clerk's time at a till; what was done in it is counted when it closes. A till has one open at most."""

    __tablename__ = "shift"
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    shift_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    clerk_id: Mapped[int] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    accepted: Mapped[int | None] = mapped_column(Integer)
    voided: Mapped[int | None] = mapped_column(Integer)
    net_fen: Mapped[int | None] = mapped_column(BigInteger)


class Attempt(Base):
    """A try at a till that was refused: what was asked, and which problem it met, by which request. No code is in it."""

    __tablename__ = "till_attempt"
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    attempt_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    clerk_id: Mapped[int | None] = mapped_column(BigInteger)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    voucher_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    deed: Mapped[str] = mapped_column(Text)
    problem: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)

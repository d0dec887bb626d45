"""Tables of staff: persons, their recovery codes, what became of their sign-ins, reviews of who may do what."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

NO_PASSWORD = "-"  # of whoever has none yet, or signs in elsewhere: no password matches it
PASSWORD, CODE, RECOVERY, SINGLE = "password", "code", "recovery", "single"
WAYS = (PASSWORD, CODE, RECOVERY, SINGLE)  # the last step of a sign-in


class StaffRow(Base):
    """A person of the operator; a leaver's row is ended, never deleted.

    `factor_sealed`: the secret of the second factor, and since when; `factor_step`: the last step of it that was used.
    `subject`: who this is at the issuer of single sign-on. `link_digest`: of a link by which a password is set, until when.
    """

    __tablename__ = "staff"
    staff_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ended_at: Mapped[datetime | None]
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    area: Mapped[str] = mapped_column(Text, server_default="")  # whose members they see; empty: all
    roles_at: Mapped[datetime | None]
    password_at: Mapped[datetime | None]
    factor_at: Mapped[datetime | None]
    factor_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    link_ends_at: Mapped[datetime | None]
    subject: Mapped[str | None] = mapped_column(Text, unique=True)
    factor_sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    link_digest: Mapped[bytes | None] = mapped_column(BYTEA, unique=True)


class RecoveryCode(Base):
    """A code that stands in once for the second factor; its keyed digest alone is kept. One that was replaced counts as used."""

    __tablename__ = "recovery_code"
    staff_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    digest: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffSignIn(Base):
    """A sign-in of a person, kept when it is over: from which network and browser, by what, when seen last."""

    __tablename__ = "staff_sign_in"
    staff_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    way: Mapped[str] = mapped_column(Text)
    network: Mapped[str] = mapped_column(Text)
    browser: Mapped[str] = mapped_column(Text)


class AccessReview(Base):
    """Somebody looked at who may do what and signed for a month; `content` is the list as it was, hashed, for good."""

    __tablename__ = "access_review"
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    persons: Mapped[int] = mapped_column(BigInteger)
    stale: Mapped[int] = mapped_column(BigInteger)
    shared: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(BYTEA)
    note: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)

"""Tables of sign-ins, tokens of the app, API keys, one-time codes, guesses and used nonces. Secrets are stored as digests only."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class SignIn(Base):
    """A person's server-side sign-in; the token itself is known to the browser or app alone.

    `device`: in words, as far as the browser tells; `mark`: digest of what the browser or app keeps to be known again by;
    `trusted_at`: since when it counts as the person's own device (members alone).
    """

    __tablename__ = "sign_in"
    token_digest: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[int] = mapped_column(BigInteger)
    place_id: Mapped[int] = mapped_column(BigInteger, default=0)  # a clerk's terminal
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    trusted_at: Mapped[datetime | None]
    device: Mapped[str] = mapped_column(Text, server_default="")
    mark: Mapped[bytes | None] = mapped_column(BYTEA)


class AppToken(Base):
    """A token of the operator's app that has signed somebody in; kept until it ends by itself, so that it counts once."""

    __tablename__ = "app_token"
    digest: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    used_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class ApiKey(Base):
    """A key of one of the operator's systems."""

    __tablename__ = "api_key"
    key_id: Mapped[str] = mapped_column(Text, primary_key=True)
    secret_digest: Mapped[bytes] = mapped_column(BYTEA)
    name: Mapped[str] = mapped_column(Text)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    area: Mapped[str] = mapped_column(Text, server_default="")  # whose members it acts for; empty: all


class OneTimeCode(Base):
    """A short code sent to somebody; one per purpose and receiver."""

    __tablename__ = "one_time_code"
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[bytes] = mapped_column(BYTEA)
    ends_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)


class Guess(Base):
    """One wrong try, counted against its scope."""

    __tablename__ = "guess"
    guess_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    scope: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class TerminalNonce(Base):
    """A nonce that a terminal's key has signed; kept for as long as a request with it could still be in time."""

    __tablename__ = "terminal_nonce"
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    nonce: Mapped[str] = mapped_column(Text)

"""Tables of where merchants are paid: routes, changes that wait for their code, accounts at Stripe."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

STRIPE, BANK = "stripe", "bank"
ASKED, ONBOARDING, ENABLED, RESTRICTED = "asked", "onboarding", "enabled", "restricted"


class PayoutRoute(Base):
    """Where a merchant is paid from `at` on; the latest counts, none is edited. No payout goes there before `holds_until`.

    `account`: of Stripe. `sealed`: the bank's details as JSON; `masked`: how they are shown. `contact_sealed`: who is asked for
    the code and told when this changes, as it was when this route was made.
    """

    __tablename__ = "payout_route"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    route_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime]
    holds_until: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text, default="")
    masked: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(BYTEA)
    contact_sealed: Mapped[bytes] = mapped_column(BYTEA)


class PayoutRouteChange(Base):
    """A route that somebody of the merchant asked for, until the code that went to the old contact confirms it."""

    __tablename__ = "payout_route_change"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    change_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    ends_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    route_no: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text, default="")
    masked: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(BYTEA)
    contact_sealed: Mapped[bytes] = mapped_column(BYTEA)


class StripeAccount(Base):
    """A merchant's connected account: asked (being made), onboarding, enabled (transfers arrive), restricted.

    `needs`: what Stripe wants to be told before it goes on. `looked_at`: it was so then. `polled_at`: its payouts were read.
    """

    __tablename__ = "stripe_account"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    busy_until: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]
    payouts_on: Mapped[bool] = mapped_column(Boolean, default=False)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(Text, default=ASKED)
    country: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Text)
    needs: Mapped[str] = mapped_column(Text, default="")

"""The table of vouchers."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

ISSUED, HELD, ACCEPTED, EXPIRED, CANCELLED, FROZEN = (
    "issued",
    "held",
    "accepted",
    "expired",
    "cancelled",
    "frozen",
)


class Voucher(Base):
    """The right to one merchant offer; a hold that has run out counts as issued.

    `booked_fen`: what was paid for it, points at their worth and money; `cash_fen` of it was money.

    `spender_id`: who redeemed it and may show it, where the member is a group. `last_step`: the newest picture that a till
    has seen, so that one picture is good for one check. `stale_told_at`: when the member was told that old pictures of it are shown.
    """

    __tablename__ = "voucher"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    voucher_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    version_id: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(BigInteger)
    units_left: Mapped[int] = mapped_column(BigInteger)
    face_fen: Mapped[int] = mapped_column(BigInteger)
    booked_fen: Mapped[int] = mapped_column(BigInteger)
    cash_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    held_by: Mapped[int | None] = mapped_column(BigInteger)
    issued_at: Mapped[datetime]
    held_until: Mapped[datetime | None]
    stale_told_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    last_day: Mapped[date] = mapped_column(Date)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    use_no: Mapped[int] = mapped_column(Integer, default=0)
    cycles: Mapped[int] = mapped_column(Integer, default=0)
    pepper_id: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(Text)
    last4: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(BYTEA)
    code_sealed: Mapped[bytes] = mapped_column(BYTEA)
    token_digest: Mapped[bytes | None] = mapped_column(BYTEA)


class VoucherLapse(Base):
    """What was left of a voucher after its last day: units, and the booked value of them, of which `cash_fen` was money."""

    __tablename__ = "voucher_lapse"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    voucher_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
    booked_fen: Mapped[int] = mapped_column(BigInteger)
    cash_fen: Mapped[int] = mapped_column(BigInteger)
    lapsed_at: Mapped[datetime]
    last_day: Mapped[date] = mapped_column(Date)


class VoucherFreeze(Base):
    """One reason why a voucher is frozen: a dispute, or (without one) a person or a rule; it is until all are thawed."""

    __tablename__ = "voucher_freeze"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    freeze_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    voucher_id: Mapped[int] = mapped_column(BigInteger)
    dispute_id: Mapped[int | None] = mapped_column(BigInteger)
    frozen_at: Mapped[datetime]
    thawed_at: Mapped[datetime | None]
    frozen_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    thawed_by: Mapped[str | None] = mapped_column(Text)
    thaw_reason: Mapped[str | None] = mapped_column(Text)

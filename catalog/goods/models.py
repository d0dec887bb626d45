"""Tables of orders of goods at their provider, and of their steps."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

GIFT, ELECTRONIC, CONSUMABLE = "gift", "electronic", "consumable"
CLASSES = (GIFT, ELECTRONIC, CONSUMABLE)
RESTOCKED = frozenset({GIFT})  # what comes back of the others is not offered again
ORDERED, PICKED, SHIPPED, DELIVERED, RETURNED, LOST, REFUSED, CANCELLED = (
    "ordered",
    "picked",
    "shipped",
    "delivered",
    "returned",
    "lost",
    "refused",
    "cancelled",
)
ON_ITS_WAY = (ORDERED, PICKED, SHIPPED, DELIVERED)  # in the order in which they follow each other


class GoodsOrder(Base):
    """The goods of a redemption: what was ordered where, and where it is now.

    `provider_order`: what the provider calls it. `units_shipped`: of `units`, in `parcels` of carrier, tracking, units.
    `address_sealed`, `codes_sealed`: where to, and what an electronic one is, under the member's own key of the vault.
    """

    __tablename__ = "goods_order"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    version_id: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(Integer)
    units_shipped: Mapped[int] = mapped_column(Integer, default=0)
    return_days: Mapped[int] = mapped_column(Integer)
    steps: Mapped[int] = mapped_column(SmallInteger, default=0)
    ordered_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text)
    goods_class: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Text)
    sku: Mapped[str] = mapped_column(Text)
    provider_order: Mapped[str | None] = mapped_column(Text)
    parcels: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    address_sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    codes_sealed: Mapped[bytes | None] = mapped_column(BYTEA)


class GoodsStep(Base):
    """A step of an order of goods: which state, how many were sent by then, when, by whom; never changed."""

    __tablename__ = "goods_step"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    units_shipped: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)

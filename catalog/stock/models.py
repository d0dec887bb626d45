"""Tables of stock: one row a limited offer, which redemptions take from, and what else changed it."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

GIFT, ELECTRONIC, CONSUMABLE = "gift", "electronic", "consumable"
GOODS = (GIFT, ELECTRONIC, CONSUMABLE)
RECEIVED, CORRECTED, WRITTEN_OFF, USED = "received", "corrected", "written_off", "used"
ALLOCATED, RETURNED = "allocated", "returned"


class Stock(Base):
    """How many of a limited offer are left; an offer without a row has no limit.

    `left_over` is `total` less what was redeemed less `set_aside`, which lies in the areas. `alert_below`: with fewer left
    than that staff are told; `low_since`: since when it is so. `goods`: which of GOODS; None: places, vouchers, whatever
    nobody stores.
    """

    __tablename__ = "stock"
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    total: Mapped[int] = mapped_column(BigInteger)
    left_over: Mapped[int] = mapped_column(BigInteger)
    set_aside: Mapped[int] = mapped_column(BigInteger, default=0)
    alert_below: Mapped[int | None] = mapped_column(BigInteger)
    low_since: Mapped[datetime | None]
    goods: Mapped[str | None] = mapped_column(Text)


class StockMove(Base):
    """A change of a stock that no redemption made; never changed. `total_units`, `aside_units`: how many more, or less.

    `area`: where those that are set aside lie. `approval`: of corrections and write-offs, by which two persons made it.
    """

    __tablename__ = "stock_move"
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    move_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    total_units: Mapped[int] = mapped_column(BigInteger)
    aside_units: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(Text)
    area: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)

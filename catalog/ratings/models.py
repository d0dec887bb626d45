"""The table of ratings."""

from datetime import datetime

from sqlalchemy import BigInteger, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Rating(Base):
    """What was said of a redemption once it was used; never changed: to say something else is a further entry, the latest counts.

    `rater_id`: who said it, of a group's redemption its spender. `used_at`: when it was used last; `first_at`: the moment of the
    first entry. `merchant_id`, `outlet_id`: where it was used, if at a merchant's. `area`: the member's at that moment.
    `words_sealed`: what was written besides, under the rater's own key of the vault.
    """

    __tablename__ = "rating"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    redemption_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    rater_id: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int | None] = mapped_column(BigInteger)
    outlet_id: Mapped[int | None] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    at: Mapped[datetime]
    used_at: Mapped[datetime]
    no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    stars: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    words_sealed: Mapped[bytes | None] = mapped_column(BYTEA)

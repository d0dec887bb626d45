"""Tables of shared offers: the link, who opened it on a day, who took part; none of them leads from a visitor to a person."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, Date, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class ShareLink(Base):
    """A member's link to an offer; of member and offer there is one, since its code is made of both."""

    __tablename__ = "share_link"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]


class ShareView(Base):
    """A visitor opened a link on a day. `visitor`: one of 65,536, so that many people share each and none can be told."""

    __tablename__ = "share_view"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    on_day: Mapped[date] = mapped_column(Date, primary_key=True)
    visitor: Mapped[int] = mapped_column(Integer, primary_key=True)


class SharePart(Base):
    """Somebody who came by a link took part. `person`: a keyed digest; `first`: it was their first redemption of all."""

    __tablename__ = "share_part"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    person: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    on_day: Mapped[date] = mapped_column(Date)
    first: Mapped[bool] = mapped_column(Boolean)

"""Tables of seats at events, and of how many are taken."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

WAITING, OFFERED, TAKEN, ATTENDED, MISSED, GIVEN_BACK = (
    "waiting",
    "offered",
    "taken",
    "attended",
    "missed",
    "given_back",
)


class Seat(Base):
    """A place at an event, or in the line for one; of a group each spender has one.

    `line_no`: its number in the waiting list, given in the order of asking. `offered_until`: it can be confirmed so long.
    """

    __tablename__ = "seat"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    offer_id: Mapped[int] = mapped_column(BigInteger)
    redemption_id: Mapped[int] = mapped_column(BigInteger)
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    changed_at: Mapped[datetime]
    offered_until: Mapped[datetime | None]
    line_no: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)


class EventPlaces(Base):
    """How many places of an event are taken or offered, and the last number of its waiting list."""

    __tablename__ = "event_places"
    offer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    taken: Mapped[int] = mapped_column(Integer)
    line_no: Mapped[int] = mapped_column(Integer)

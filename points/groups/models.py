"""Tables of groups, their contacts, their spenders, and what these spent."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

CLASSES = ("top", "a", "b", "c")  # 百强, A, B, C
RANKS = ("senior", "middle", "ordinary")  # 高层领导, 中层领导, 普通成员


class Group(Base):
    """What makes a member a group: its name and its class among the operator's groups."""

    __tablename__ = "group_profile"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime]
    group_class: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)


class Contact(Base):
    """A member who belongs to a group, with a rank, from one moment to another; another rank is another row."""

    __tablename__ = "group_contact"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    rank: Mapped[str] = mapped_column(Text)


class Spender(Base):
    """A contact who may spend the group's points, so many in a calendar month; another cap or cost centre is another row."""

    __tablename__ = "spender"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    spender_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cap_points: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    cost_centre: Mapped[str | None] = mapped_column(Text)


class Spent(Base):
    """What a spender took of the group's points in a month (its first day) and what has not come back since."""

    __tablename__ = "spent"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    spender_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)

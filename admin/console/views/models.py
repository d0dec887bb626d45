"""The table of saved views."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class SavedView(Base):
    """A list (its place) with a filter (what stands behind the question mark), saved by a person; archived, never deleted."""

    __tablename__ = "saved_view"
    view_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    shared_at: Mapped[datetime | None]  # since when everybody who may open the list sees it
    archived_at: Mapped[datetime | None]
    place: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)

"""The table of pictures."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Picture(Base):
    """A picture, whole; `digest` is the SHA-256 of its bytes, which the database checks. Never changed.

    `person_id`: of the staff or of a merchant, who sent it first; the audit says which.
    """

    __tablename__ = "picture"
    digest: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    media_type: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(BYTEA)

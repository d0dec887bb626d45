"""Table of invitations: a person is let in, or gets another PIN or password, with a token that is known to them alone."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Invitation(Base):
    """An invitation for a number; its token is stored as a digest. `clerk_id`: who is there already and chooses anew."""

    __tablename__ = "invitation"
    invitation_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int | None] = mapped_column(BigInteger)
    clerk_id: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    number: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(Text)
    token_digest: Mapped[bytes] = mapped_column(BYTEA, unique=True)

"""Table of merges: where a merged member's points went, and where to look from then on."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class MemberMerge(Base):
    """The redirect of a merged member, and how far its points are.

    `merge_id` is the proposal that was approved. `out_seq` and `debt_out_seq` are postings of the merged member, `in_seq`
    and `debt_in_seq` those of `landed_id`: the survivor, or whom that one was merged into meanwhile. `arrived_at` None:
    the points are under way.
    """

    __tablename__ = "member_merge"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merge_id: Mapped[int] = mapped_column(BigInteger)
    survivor_id: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    debt: Mapped[int] = mapped_column(BigInteger)
    out_seq: Mapped[int | None] = mapped_column(BigInteger)
    debt_out_seq: Mapped[int | None] = mapped_column(BigInteger)
    landed_id: Mapped[int | None] = mapped_column(BigInteger)
    in_seq: Mapped[int | None] = mapped_column(BigInteger)
    debt_in_seq: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]

"""What members earned at the outlets of a merchant that somebody may see, the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from merchants import scope
from merchants.earnings.models import Earning, EarningReversal
from merchants.scope import Reach


@dataclass(frozen=True)
class Listed:
    """An earning, and when it was undone, if it was."""

    earning: Earning
    reversed_at: datetime | None


def listed(
    session: Session, reach: Reach, *, before: tuple[datetime, int] | None = None, limit: int
) -> list[Listed]:
    """Earnings in reach, from before one on."""
    every: Any = select(Earning, EarningReversal.recorded_at).outerjoin(
        EarningReversal,
        (EarningReversal.member_id == Earning.member_id) & (EarningReversal.earning_id == Earning.earning_id),
    )
    asked = scope.ours(reach, every, Earning.merchant_id, Earning.outlet_id)
    if before is not None:
        asked = asked.where(tuple_(Earning.recorded_at, Earning.earning_id) < tuple_(*before))
    rows = session.execute(asked.order_by(Earning.recorded_at.desc(), Earning.earning_id.desc()).limit(limit))
    return [Listed(*row) for row in rows]

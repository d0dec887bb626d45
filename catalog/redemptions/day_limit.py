"""How much may be redeemed within a day without a code, whatever it is split into."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from base import database
from base.config import Config
from base.errors import Conflict
from catalog.redemptions.models import Quote, Redemption

DAY = timedelta(days=1)


class CodeNeeded(Conflict):
    """This is confirmed with a code that we send to the member's own number."""

    zh = "本次兑换需输入发送到本人手机的验证码。"
    next_en, next_zh = (
        "Ask for it with POST /v1/quotes/{quote}/code, then confirm the same quote with `code`.",
        "请先获取本次兑换的短信验证码，再用该验证码确认同一报价。",
    )


@dataclass(frozen=True)
class Most:
    """So many points, and so many fen of value, within 24 hours."""

    points: int
    fen: int


def of(config: Config) -> Most:
    """What the installation allows."""
    return Most(config.code_above_points, config.code_above_fen)


def is_over(session: Session, most: Most, quote: Quote, at: datetime) -> bool:
    """Whether a quote would go over it, as things stand."""
    points, fen = _taken(session, quote.member_id, quote.spender_id, at)
    return points + quote.price_points > most.points or fen + quote.value_fen > most.fen


def check(session: Session, most: Most, redemption: Redemption, at: datetime) -> None:
    """CodeNeeded when this redemption, which is written by now, goes over it; behind the wallet's lock."""
    points, fen = _taken(session, redemption.member_id, redemption.spender_id, at)
    if points > most.points or fen > most.fen:
        raise CodeNeeded(why="value")


def _taken(session: Session, member_id: int, spender_id: int | None, at: datetime) -> tuple[int, int]:
    (row,) = database.rows(session, _TAKEN, (member_id, at - DAY, spender_id))
    return int(row.points), int(row.fen)


_TAKEN = """
select coalesce(sum(r.price_points), 0) points, coalesce(sum(r.value_fen), 0) fen
from redemption r left join step_up u on u.member_id = r.member_id and u.quote_id = r.quote_id
where r.member_id = %s and r.at > %s and r.spender_id is not distinct from %s and r.quote_id is not null
  and r.state not in ('failed', 'cancelled', 'reversed') and u.quote_id is null
"""

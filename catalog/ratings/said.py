"""What members wrote of an offer, for the operator's staff to read: without who, and with numbers and addresses hidden.

Words of a person who was erased cannot be opened any more and are left out; so are those that were said anew later.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, exists, select, tuple_
from sqlalchemy.orm import Session, aliased

from base import vault
from catalog.ratings import ratings, words
from catalog.ratings.models import Rating


class Written(NamedTuple):
    """What was written with a rating; `place` is its position in the list."""

    at: datetime
    stars: int
    reasons: list[str]
    words: str
    place: tuple[datetime, int]


def listed(
    session: Session,
    seal_key: str,
    area: str,
    offer_id: int,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> list[Written]:
    """What members of an area wrote of an offer, the newest first; fewer than `limit` where persons were erased."""
    place, later = tuple_(Rating.at, Rating.redemption_id), aliased(Rating)
    same = and_(
        later.member_id == Rating.member_id,
        later.redemption_id == Rating.redemption_id,
        later.no > Rating.no,
    )
    asked = (
        select(Rating)
        .where(
            Rating.offer_id == offer_id,
            Rating.words_sealed.is_not(None),
            Rating.area.startswith(area, autoescape=True),
            ~exists().where(same),
        )
        .order_by(Rating.at.desc(), Rating.redemption_id.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(place < before)
    rows = list(session.scalars(asked))
    keys = vault.keys_there(session, seal_key, {row.rater_id for row in rows})
    found = [(row, words.masked(ratings.opened(keys, row))) for row in rows]
    return [
        Written(row.at, row.stars, row.reasons, text, (row.at, row.redemption_id))
        for row, text in found
        if text
    ]

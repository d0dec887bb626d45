"""Rating what was redeemed once it was used: one to five stars, what made the difference, and words if one likes.

Once for each redemption, within 60 days after its latest use. For a week after the first time it can be said anew; nothing is
overwritten, the latest entry counts. A rating stays when its redemption is undone later: what went wrong is not forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database, seals, vault
from base.errors import Conflict, Problem, field_errors
from catalog.offers import offers
from catalog.offers.models import Offer
from catalog.ratings import using, words
from catalog.ratings.models import Rating
from catalog.ratings.using import RATED, USED, Use
from catalog.redemptions import redemptions
from catalog.redemptions.models import FULFILLED, Redemption
from catalog.redemptions.redemptions import RedemptionUnknown
from points import programmes
from points.members.models import MemberFacts

OPEN_FOR, CHANGED_FOR, ASKED_FOR = timedelta(days=60), timedelta(days=7), timedelta(days=14)
MOST_ENTRIES = 10
LOOKED_AT = 30  # of the latest redemptions, when one is looked for to ask about
LOW = 2  # up to so many stars somebody may want to complain


class NotUsedYet(Conflict):
    """This can be rated once it was used."""

    zh = "使用之后才能评价。"
    next_en, next_zh = "Use it first; then come back.", "请先使用，之后再来评价。"


class KindNotRated(Conflict):
    """This kind of redemption is not rated."""

    zh = "该类兑换不支持评价。"


class RatingTooLate(Conflict):
    """The time in which this could be rated is over."""

    zh = "评价期限已过。"


class RatingFixed(Conflict):
    """This rating cannot be changed any more."""

    zh = "该评价已不能修改。"


@dataclass(frozen=True)
class Said:
    """What a member says: stars, reasons (codes), and words, empty for none."""

    stars: int
    reasons: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Standing:
    """Where rating a redemption stands for who redeemed it: the latest entry with its words, until when something may be
    said, and why not (None: it may).
    """

    redemption: Redemption
    use: Use | None
    rating: Rating | None
    said: Said | None
    until: datetime | None
    refusal: Problem | None

    @property
    def may_complain(self) -> bool:
        """Whether what was said sounds like a complaint."""
        return self.said is not None and self.said.stars <= LOW and bool(self.said.words)


def checked(stars: object, reasons: Sequence[str], text: str) -> Said:
    """What is said, with its reasons in the order of the list; Invalid with the fields."""
    said = words.tidied(text)
    if faults := words.faults(stars, reasons, said):
        raise field_errors({name: words.FAULTS[fault]["en"] for name, fault in faults.items()})
    assert isinstance(stars, int)
    return Said(stars, tuple(one for one in words.REASONS if one in reasons), said)


def standing(session: Session, seal_key: str, me: int, place: tuple[int, int], at: datetime) -> Standing:
    """Where it stands, for whoever redeemed it; RedemptionUnknown for everybody else."""
    row = redemptions.seen_by(session, me, *place)
    if (row.spender_id or row.member_id) != me:
        raise RedemptionUnknown()
    return _standing(session, seal_key, row, at)


def rate(
    session: Session, seal_key: str, me: int, place: tuple[int, int], said: Said, at: datetime
) -> Standing:
    """Say it; the same once more changes nothing. RedemptionUnknown, NotUsedYet, KindNotRated, RatingTooLate, RatingFixed."""
    redemptions.seen_by(session, me, *place)
    _lock(session, place)
    before = standing(session, seal_key, me, place, at)
    if before.refusal:
        raise before.refusal
    if before.said == said:
        return before
    row, use = before.redemption, before.use
    assert use is not None
    offer = offers.version(session, row.version_id)
    latest = before.rating
    session.add(
        Rating(
            member_id=row.member_id,
            redemption_id=row.redemption_id,
            rater_id=me,
            no=latest.no + 1 if latest else 1,
            offer_id=row.offer_id,
            merchant_id=use.merchant_id or offer.merchant_id,
            outlet_id=use.outlet_id,
            first_at=latest.first_at if latest else at,
            at=at,
            used_at=use.used_at,
            stars=said.stars,
            kind=row.kind,
            area=session.get_one(MemberFacts, row.member_id).area,
            reasons=list(said.reasons),
            words_sealed=_sealed(session, seal_key, me, row.redemption_id, said.words),
        )
    )
    session.flush()
    return _standing(session, seal_key, row, at)


def to_ask(session: Session, member_id: int, at: datetime) -> tuple[Redemption, Offer] | None:
    """What the member used last, within two weeks, and has not rated: one, among the latest redemptions of the own points."""
    values = (member_id, LOOKED_AT, FULFILLED, list(RATED), at - ASKED_FOR, at)
    found = next(iter(database.rows(session, _TO_ASK, values)), None)
    if found is None:
        return None
    row = redemptions.find(session, member_id, found.redemption_id)
    return row, offers.version(session, row.version_id)


_TO_ASK = f"""
select r.redemption_id from (
  select * from redemption where member_id = %s and spender_id is null order by redemption_id desc limit %s) r
{USED}
where r.state = %s and r.kind = any(%s) and u.used_at > %s and u.used_at <= %s
  and not exists (select from rating x where x.member_id = r.member_id and x.redemption_id = r.redemption_id)
order by u.used_at desc, r.redemption_id desc limit 1
"""


def latest(session: Session, member_id: int, redemption_id: int) -> Rating | None:
    """The entry that counts; None: it was not rated."""
    asked = select(Rating).where(Rating.member_id == member_id, Rating.redemption_id == redemption_id)
    return session.scalar(asked.order_by(Rating.no.desc()).limit(1))


def opened(keys: dict[int, str], row: Rating) -> str:
    """The words of an entry, with the open keys of the vault by member; empty: none, or the person was erased."""
    key = keys.get(row.rater_id)
    if key is None or row.words_sealed is None:
        return ""
    return seals.opened(key, row.words_sealed, _bound(row.redemption_id))


def _standing(session: Session, seal_key: str, row: Redemption, at: datetime) -> Standing:
    use = using.of(session, row) if row.kind in RATED else None
    rating = latest(session, row.member_id, row.redemption_id)
    said = None
    if rating:
        keys = vault.keys_there(session, seal_key, [rating.rater_id])
        said = Said(rating.stars, tuple(rating.reasons), opened(keys, rating))
    until = rating.first_at + CHANGED_FOR if rating else use and use.used_at + OPEN_FOR
    return Standing(row, use, rating, said, until, _why_not(session, row, use, rating, until, at))


def _why_not(
    session: Session,
    row: Redemption,
    use: Use | None,
    rating: Rating | None,
    until: datetime | None,
    at: datetime,
) -> Problem | None:
    if row.kind not in RATED:
        return KindNotRated(kind=row.kind)
    if use is None or until is None:
        return NotUsedYet(state=row.state)
    if rating and (at > until or rating.no >= MOST_ENTRIES):
        return RatingFixed(first_at=rating.first_at.isoformat())
    if at > until:
        zone = programmes.by_id(session, offers.version(session, row.version_id).programme_id).zone
        return RatingTooLate(last_day=str(clock.day(until, zone)))
    return None


def _lock(session: Session, place: tuple[int, int]) -> None:
    """Neither another entry nor an undoing comes beside this one."""
    asked = select(Redemption.state).where(
        Redemption.member_id == place[0], Redemption.redemption_id == place[1]
    )
    session.execute(asked.with_for_update())


def _sealed(session: Session, seal_key: str, me: int, redemption_id: int, text: str) -> bytes | None:
    if not text:
        return None
    return seals.seal(vault.keys_for(session, seal_key, [me])[me], text, _bound(redemption_id))


def _bound(redemption_id: int) -> str:
    return f"rating:{redemption_id}"

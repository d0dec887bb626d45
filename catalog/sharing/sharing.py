"""Sharing: a member's link to an offer, and how far it reaches: opened by how many, of whom how many took part.

The link's code is a keyed digest of member and offer. So it says nothing about either, a second link of the same is the same
one, and whoever opens it learns the offer alone. A visitor counts once a day, as one of 65,536: the digest of address and
browser is cut so short that it leads back to nobody, also for who has the key, at the price of a visitor in some hundreds
that is not counted. Who takes part is known by another keyed digest, so that no table says who came from whom.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import ids, seals
from base.config import Config
from base.errors import Conflict, NotFound
from catalog.offers import access
from catalog.offers.models import HISTORY, TRIAL_CARD, Offer
from catalog.redemptions.models import Redemption
from catalog.sharing.models import ShareLink, SharePart, ShareView

VISITORS = 1 << 16
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{12}")


class ShareUnknown(NotFound):
    """There is no such shared offer."""

    zh = "该分享不存在。"
    next_en, next_zh = "Ask for the link once more.", "请向分享人重新获取链接。"


class NotToShare(Conflict):
    """This offer is not for sharing."""

    zh = "该权益不支持分享。"
    next_en, next_zh = "Share another offer.", "请分享其他权益。"


@dataclass(frozen=True)
class Reach:
    """Days on which visitors opened a link, those of them who took part, and whose first redemption of all that was."""

    views: int = 0
    took_part: int = 0
    first: int = 0


def share(session: Session, config: Config, member_id: int, offer: Offer, at: datetime) -> ShareLink:
    """The member's link to an offer, the same whenever it is asked for; NotToShare for one that is hidden from some."""
    if not may_be_shared(session, offer):
        raise NotToShare()
    code = _code(config, member_id, offer.offer_id)
    values = {"code": code, "member_id": member_id, "offer_id": offer.offer_id, "made_at": at}
    session.execute(insert(ShareLink).values(values).on_conflict_do_nothing())
    return session.get_one(ShareLink, code)


def may_be_shared(session: Session, offer: Offer) -> bool:
    """Whether everybody may know of an offer: none that is for some in a way that the others are not to see."""
    rule = access.rule_of(session, offer)
    secret = bool(rule.risk) or not rule.hidden_segments.isdisjoint(rule.segments)
    return offer.kind not in (HISTORY, TRIAL_CARD) and not secret


def find(session: Session, code: str) -> ShareLink:
    """The link by its code, in capitals or not; ShareUnknown."""
    plain = code.upper()
    found = session.get(ShareLink, plain) if _CODE.fullmatch(plain) else None
    if found is None:
        raise ShareUnknown()
    return found


def mine(session: Session, member_id: int, offer_id: int) -> ShareLink | None:
    """A member's own link to an offer, if it was made."""
    return session.scalar(
        select(ShareLink).where(ShareLink.member_id == member_id, ShareLink.offer_id == offer_id)
    )


def of_member(
    session: Session, member_id: int, *, after: int | None = None, limit: int = 50
) -> list[ShareLink]:
    """What a member shares, by offer, the newest offer first, from before an offer on."""
    asked = select(ShareLink).where(ShareLink.member_id == member_id)
    if after is not None:
        asked = asked.where(ShareLink.offer_id < after)
    return list(session.scalars(asked.order_by(ShareLink.offer_id.desc()).limit(limit)))


def opened(session: Session, config: Config, link: ShareLink, visitor: str, on: date) -> None:
    """Count a visitor (address and browser, kept nowhere) once a day."""
    digest = seals.blind(config.secret_key, "visitor", f"{link.code} {on} {visitor}")
    number = int.from_bytes(digest[:4]) % VISITORS
    session.execute(
        insert(ShareView).values(code=link.code, on_day=on, visitor=number).on_conflict_do_nothing()
    )


def took_part(session: Session, config: Config, code: str, redemption: Redemption, on: date) -> None:
    """Who came by a link redeemed what it leads to: counted once a person, never for the own link."""
    link = session.get(ShareLink, code)
    who = redemption.spender_id or redemption.member_id
    if link is None or link.offer_id != redemption.offer_id or link.member_id == who:
        return
    earlier = exists().where(
        Redemption.member_id == redemption.member_id,
        Redemption.redemption_id != redemption.redemption_id,
    )
    person = seals.blind(config.secret_key, "came by", f"{code} {who}")[:16]
    session.execute(
        insert(SharePart)
        .values(code=code, person=person, on_day=on, first=not session.scalar(select(earlier)))
        .on_conflict_do_nothing()
    )


def reach_of_links(session: Session, codes: Collection[str]) -> dict[str, Reach]:
    """What each of some links reached."""
    views = select(ShareView.code, func.count()).where(ShareView.code.in_(codes)).group_by(ShareView.code)
    parts = (
        select(SharePart.code, func.count(), func.count().filter(SharePart.first))
        .where(SharePart.code.in_(codes))
        .group_by(SharePart.code)
    )
    opened_by = {row[0]: row[1] for row in session.execute(views)}
    came = {row[0]: (row[1], row[2]) for row in session.execute(parts)}
    return {code: Reach(opened_by.get(code, 0), *came.get(code, (0, 0))) for code in codes}


def reach_of_offers(session: Session, offer_ids: Collection[int]) -> dict[int, Reach]:
    """What all links to each of some offers reached together; whose links they are is not told."""
    rows = session.execute(
        select(ShareLink.offer_id, ShareLink.code).where(ShareLink.offer_id.in_(offer_ids))
    )
    offer_of = {code: offer_id for offer_id, code in rows}
    found: dict[int, Reach] = {}
    for code, one in reach_of_links(session, offer_of.keys()).items():
        sum_of = found.get(offer_of[code], Reach())
        found[offer_of[code]] = Reach(
            sum_of.views + one.views, sum_of.took_part + one.took_part, sum_of.first + one.first
        )
    return found


def _code(config: Config, member_id: int, offer_id: int) -> str:
    """Twelve symbols: 60 bits that nobody guesses and that say nothing without the key."""
    digest = int.from_bytes(seals.blind(config.secret_key, "share", f"{member_id} {offer_id}")[:8])
    return "".join(ids.ALPHABET[(digest >> shift) & 31] for shift in range(0, 60, 5))

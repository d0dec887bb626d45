"""What the demo's members say of what they used in the last weeks: drawn by a seed, each merchant a little better or worse.

Nothing is set to come out at a figure: one in two says something, whatever it was, and the stars follow from the merchant's
own draw and the member's mood. What was drawn depends on customer, offer and day alone, so it is the same each time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import text

from base import database
from base.config import Config
from catalog.ratings import ratings
from catalog.ratings.ratings import Said
from catalog.ratings.using import RATED, USED
from catalog.ratings.words import REASONS

SINCE = timedelta(days=100)
SAYS = 1 / 2
MIDDLE, OF_MERCHANT, OF_MEMBER = 4.3, 0.35, 0.8
SAYS_WHY, WRITES = 0.5, 0.15
WORDS = {
    1: ("等了很久没人理", "到店才说不能用"),
    2: ("排队时间太长", "和介绍的不太一样"),
    3: ("还行", "店里有点挤"),
    4: ("挺方便的", "下次还会来"),
    5: ("服务很好", "到店就能用，很快", "积分换这个很划算"),
}
AT_ONCE = 100

_USED = f"""
select r.member_id, r.redemption_id, u.used_at, m.customer_id, o.code offer, coalesce(shop.code, '') merchant
from redemption r {USED} join member m on m.member_id = r.member_id join offer o on o.version_id = r.version_id
left join merchant shop on shop.merchant_id = o.merchant_id
where r.at >= :since and r.kind = any(:kinds) and r.spender_id is null and u.used_at is not null order by r.at, r.member_id
"""


def make(config: Config, at: datetime, most: int) -> int:
    """Let members rate, at most so many; how many did."""
    wanted = list(_drawn(at))[-most:]
    for start in range(0, len(wanted), AT_ONCE):
        with database.begin() as session:
            for place, said, moment in wanted[start : start + AT_ONCE]:
                ratings.rate(session, config.seal_key, place[0], place, said, moment)
    return len(wanted)


def _drawn(at: datetime) -> Iterator[tuple[tuple[int, int], Said, datetime]]:
    """Who says what, and when: some hours to some days after the use."""
    with database.begin() as session:
        values = {"since": at - SINCE, "kinds": list(RATED)}
        rows = session.execute(text(_USED), values).all()
    for row in rows:
        random = Random(f"{row.customer_id}:{row.offer}:{row.used_at:%Y%m%d}")
        moment = row.used_at + timedelta(hours=random.uniform(2, 96))
        if random.random() < SAYS and moment < at:
            yield (row.member_id, row.redemption_id), _said(random, row.merchant), moment


def _said(random: Random, merchant: str) -> Said:
    mood = random.gauss(MIDDLE, OF_MEMBER)
    stars = max(1, min(5, round(mood + (Random(merchant).gauss(0, OF_MERCHANT) if merchant else 0))))
    why = random.sample(list(REASONS), random.choice((1, 2))) if random.random() < SAYS_WHY else []
    words = random.choice(WORDS[stars]) if random.random() < WRITES else ""
    return Said(stars, tuple(one for one in REASONS if one in why), words)

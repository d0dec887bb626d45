"""Who has a phone number now: one row for each number in a programme, whose key lets one of two who say it have it.

The row outlives its holders and is never deleted. Whoever loses a number by it loses every sign-in in the same
transaction (sign-ins stand for "has this number"), and the points are frozen until a code was sent to the next one.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base import clock
from base.auth import sign_ins
from points.freezes import beginning
from points.members.models import Phone, PhoneHolder

BY = "numbers"  # who froze, where somebody else's number did


def claim(session: Session, rows: Sequence[tuple[int, bytes, datetime]]) -> list[int]:
    """Members say they have numbers since a moment: (member, digest, since); returns who lost one of them.

    The later one has it, whatever the order in which they are told; a member who left gives way to everybody.
    """
    if not rows:
        return []
    columns = tuple([row[at] for row in rows] for at in range(3))
    connection = session.connection()
    fresh = set(connection.exec_driver_sql(_CLAIM, columns).scalars())
    said = Counter(digest for _, digest, _ in rows)
    known = [digest for digest, times in said.items() if times > 1 or digest not in fresh]
    if not known:  # nobody had any of them, and no two say the same
        return []
    lost = sorted(connection.exec_driver_sql(_LOST, (known,)).scalars())
    sign_ins.end_all(session, "member", lost)
    beginning.number_changed(session, lost, BY, clock.now())
    return lost


def locked(session: Session, programme_id: int, digests: Sequence[bytes]) -> None:
    """Nobody else's to change until the commit: numbers that are known, always in the same order."""
    asked = select(PhoneHolder.digest).where(
        PhoneHolder.programme_id == programme_id, PhoneHolder.digest.in_(digests)
    )
    session.execute(asked.order_by(PhoneHolder.digest).with_for_update()).all()


def leave(session: Session, member_id: int, at: datetime) -> None:
    """The member has no number from a moment on, and no sign-in."""
    session.execute(
        update(PhoneHolder).where(PhoneHolder.member_id == member_id).values(member_id=None, since=at)
    )
    session.execute(update(Phone).where(Phone.member_id == member_id, Phone.until.is_(None)).values(until=at))
    sign_ins.end_all(session, "member", [member_id])


_CLAIM = """
insert into phone_holder as h (programme_id, digest, member_id, since)
select distinct on (m.programme_id, t.digest) m.programme_id, t.digest, t.member_id, t.since
from unnest(%s::bigint[], %s::bytea[], %s::timestamptz[]) t(member_id, digest, since)
join member m on m.member_id = t.member_id
order by m.programme_id, t.digest, (m.left_on is null) desc, t.since desc, t.member_id desc
on conflict (programme_id, digest) do update set member_id = excluded.member_id, since = excluded.since
where h.member_id is null
  or (exists (select from member n where n.member_id = excluded.member_id and n.left_on is null)
    and (h.since <= excluded.since
      or exists (select from member o where o.member_id = h.member_id and o.left_on is not null)))
returning case when xmax = 0 then digest end
"""
# One number after the other, each by its key (offset 0): joined as a whole, a plan without statistics tries all pairs.
_LOST = """
update phone p set until = coalesce(p.until, greatest(p.since, h.since))
from unnest(%s::bytea[]) t(digest)
cross join lateral (
  select q.member_id, q.since from phone q where q.digest = t.digest and q.until is null offset 0) q
cross join lateral (select m.programme_id from member m where m.member_id = q.member_id offset 0) m
cross join lateral (
  select h.member_id, h.since from phone_holder h
  where h.programme_id = m.programme_id and h.digest = t.digest offset 0) h
where p.member_id = q.member_id and p.since = q.since
and (h.member_id is distinct from p.member_id or h.since <> p.since)
returning p.member_id
"""

"""Proof of companions: nobody has more than may be, and both are of one programme."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base import ids
from base.findings import Finding
from points.companions.companions import MOST_COMPANIONS

MOST = 100

_TOO_MANY = text(f"""
with linked as (
  select l.member_id, l.companion_id from companion_link l
  join member a on a.member_id = l.member_id join member b on b.member_id = l.companion_id
  where l.confirmed_at is not null and l.outcome is null and a.left_on is null and b.left_on is null)
select member_id from (select member_id from linked union all select companion_id from linked) t
group by 1 having count(*) > {MOST_COMPANIONS} order by 1 limit {MOST}""")

_APART = text(f"""
select l.member_id, l.link_id from companion_link l join member a on a.member_id = l.member_id
join member b on b.member_id = l.companion_id where a.programme_id <> b.programme_id order by 1, 2 limit {MOST}""")


def findings(session: Session) -> Iterator[Finding]:
    """Members with too many companions, and links between programmes. Read-only."""
    for member_id in session.scalars(_TOO_MANY):
        yield Finding("companion", ids.public("mbr", member_id), f"more than {MOST_COMPANIONS} companions")
    for member_id, link_id in session.execute(_APART):
        yield Finding("companion", ids.public("lnk", member_id, link_id), "between two programmes")

"""Proof of numbers: each has one holder in a programme, and the holder says the same."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base import ids
from base.findings import Finding

MOST = 100

# A full join is never done by trying all pairs, whatever is known of the tables.
_APART = text(f"""
select coalesce(x.member_id, h.member_id) as member_id, h.member_id is null as has_it_alone
from (select m.programme_id, p.digest, p.member_id from phone p join member m on m.member_id = p.member_id
  where p.until is null) x
full join (select * from phone_holder where member_id is not null) h
  on h.programme_id = x.programme_id and h.digest = x.digest and h.member_id = x.member_id
where x.member_id is null or h.member_id is null order by 1 limit {MOST}""")

_TWICE = text(f"""
select member_id from phone where until is null group by 1 having count(*) > 1 order by 1 limit {MOST}""")


def findings(session: Session) -> Iterator[Finding]:
    """Numbers that two have, or one who does not know it. Read-only; nothing here says which number."""
    for member_id, has_it_alone in session.execute(_APART):
        fault = (
            "has a number that is somebody else's"
            if has_it_alone
            else "is found by a number and does not have it"
        )
        yield Finding("phone", ids.public("mbr", member_id), fault)
    for member_id in session.scalars(_TWICE):
        yield Finding("phone", ids.public("mbr", member_id), "has two numbers at once")

"""Proof of numbers: each has one holder in a programme, and the holder says the same."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base import ids
from base.findings import Finding

MOST = 100

_OTHERS = text(f"""
select p.member_id from phone p join member m on m.member_id = p.member_id
left join phone_holder h on h.programme_id = m.programme_id and h.digest = p.digest
where p.until is null and h.member_id is distinct from p.member_id order by 1 limit {MOST}""")

_NOBODYS = text(f"""
select h.member_id from phone_holder h where h.member_id is not null and not exists (
  select from phone p where p.member_id = h.member_id and p.digest = h.digest and p.until is null)
order by 1 limit {MOST}""")

_TWICE = text(f"""
select member_id from phone where until is null group by 1 having count(*) > 1 order by 1 limit {MOST}""")


def findings(session: Session) -> Iterator[Finding]:
    """Numbers that two have, or one who does not know it. Read-only; nothing here says which number."""
    for member_id in session.scalars(_OTHERS):
        yield Finding("phone", ids.public("mbr", member_id), "has a number that is somebody else's")
    for member_id in session.scalars(_NOBODYS):
        yield Finding("phone", ids.public("mbr", member_id), "is found by a number and does not have it")
    for member_id in session.scalars(_TWICE):
        yield Finding("phone", ids.public("mbr", member_id), "has two numbers at once")

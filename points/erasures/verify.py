"""Proof of erasures: whose key was thrown away is forgotten everywhere, and two persons decided it."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base import ids
from base.findings import Finding

MOST = 100

_LEFT_OVER = text("""
select k.member_id, concat_ws(', ',
  case when m.customer_id not like 'erased-%' then 'the customer id' end,
  case when f.birthday is not null or f.interests <> '{}' then 'birthday or interests' end,
  case when exists (select from phone p where p.member_id = k.member_id
    and (p.until is null or length(p.sealed) > 0)) then 'a number' end,
  case when exists (select from phone_holder h where h.member_id = k.member_id) then 'a way from a number' end) as left_over
from vault_key k join member m using (member_id) join member_facts f using (member_id)
where k.shredded_at is not null order by 1""")

_UNDECIDED = text(f"""
select k.member_id from vault_key k join member m using (member_id)
where k.shredded_at is not null and not exists (
  select from proposal p join decision d using (proposal_id)
  where p.member_id = k.member_id and p.kind = 'erasure' and d.verdict = 'approved')
order by 1 limit {MOST}""")

_UNDONE = text(f"""
select p.member_id from proposal p join decision d using (proposal_id)
where p.kind = 'erasure' and d.verdict = 'approved'
and not exists (select from vault_key k where k.member_id = p.member_id and k.shredded_at is not null)
order by 1 limit {MOST}""")


def findings(session: Session) -> Iterator[Finding]:
    """Persons who were erased by halves, by nobody, or not at all. Read-only."""
    for member_id, left_over in session.execute(_LEFT_OVER):
        if left_over:
            yield Finding("erasure", ids.public("mbr", member_id), f"still there: {left_over}")
    for member_id in session.scalars(_UNDECIDED):
        yield Finding("erasure", ids.public("mbr", member_id), "no two persons decided it")
    for member_id in session.scalars(_UNDONE):
        yield Finding("erasure", ids.public("mbr", member_id), "it was approved and not done")

"""Proof of groups: what spenders are said to have spent is what their postings say, month by month, net of what came back.

That a cap held when something was posted is not looked for here: caps change, and the ledger refused what went over.
"""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base.findings import Finding
from points.caps import RETURNS, SPENDS

MOST = 100
_SPENDS = ", ".join(str(int(kind)) for kind in sorted(SPENDS))
_RETURNS = ", ".join(str(int(kind)) for kind in sorted(RETURNS))

_SPENT = f"""
with taken as (
  select p.member_id, p.spender_id, p.effective_on, p.amount from posting p
  where p.spender_id is not null and p.kind in ({_SPENDS})
  union all
  select p.member_id, p.spender_id, coalesce(h.effective_on, o.effective_on), -p.amount
  from posting p join posting o on o.member_id = p.member_id and o.seq = p.rev_of
  left join posting h on h.member_id = o.member_id and h.seq = o.rev_of
  where p.spender_id is not null and p.kind in ({_RETURNS})),
said as (
  select member_id, spender_id, date_trunc('month', effective_on::timestamp)::date as month, sum(amount) as points
  from taken group by 1, 2, 3)
select member_id, spender_id, month, coalesce(d.points, 0) as kept, coalesce(s.points, 0) as posted
from spent d full join said s using (member_id, spender_id, month)
where d.points is distinct from s.points order by 1, 2, 3 limit {MOST}"""

_NO_SPENDER = f"""
select distinct p.member_id, p.spender_id from posting p where p.spender_id is not null
and not exists (select from spender s where s.member_id = p.member_id and s.spender_id = p.spender_id)
order by 1, 2 limit {MOST}"""

_ANOTHER = f"""
select p.member_id, p.seq from posting p join posting o on o.member_id = p.member_id and o.seq = p.rev_of
where p.spender_id is distinct from o.spender_id order by 1, 2 limit {MOST}"""

_NO_GROUP = f"""
select distinct member_id, spender_id from spender s
where not exists (select from group_profile g where g.member_id = s.member_id) order by 1, 2 limit {MOST}"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with spenders and what they spent, at most MOST of each kind. Read-only."""
    for group_id, spender_id, month, kept, posted in session.execute(text(_SPENT)):
        yield Finding(
            "spent",
            f"{group_id} spender {spender_id} {month:%Y-%m}",
            f"postings say {posted}, kept is {kept}",
        )
    for group_id, spender_id in session.execute(text(_NO_SPENDER)):
        yield Finding("spender", f"{group_id} {spender_id}", "postings name somebody who never was a spender")
    for group_id, seq in session.execute(text(_ANOTHER)):
        yield Finding("spender", f"{group_id} posting {seq}", "it names another spender than its original")
    for group_id, spender_id in session.execute(text(_NO_GROUP)):
        yield Finding("spender", f"{group_id} {spender_id}", "a spender of a member who is no group")

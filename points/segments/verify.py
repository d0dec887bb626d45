"""Proof of segments: who is in one is in one that there is, once, and they are as many as its last refresh counted.

Whether each member still meets the rule is not looked for: facts move on after a refresh.
"""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100

_NO_SEGMENT = f"""
select distinct m.segment_id from segment_member m
where not exists (select from segment s where s.segment_id = m.segment_id) order by 1 limit {MOST}"""

_TWICE = f"""
select member_id, segment_id from (
  select member_id, segment_id, until, lead(since) over (partition by member_id, segment_id order by since) next
  from segment_member where (member_id, segment_id) in (
    select member_id, segment_id from segment_member group by 1, 2 having count(*) > 1)) m
where next is not null and (until is null or until > next) order by 1, 2 limit {MOST}"""

_COUNTS = f"""
select s.segment_id, coalesce(r.came + r.stayed, 0) counted, coalesce(m.there, 0) there
from segment s
left join (select distinct on (segment_id) segment_id, came, stayed from segment_run
  where ended_at is not null order by segment_id, run_id desc) r using (segment_id)
left join (select segment_id, count(*) there from segment_member where until is null group by 1) m using (segment_id)
where coalesce(r.came + r.stayed, 0) <> coalesce(m.there, 0)
  and not exists (select from segment_run o where o.segment_id = s.segment_id and o.ended_at is null)
order by 1 limit {MOST}"""

_NO_RULE = f"""
select s.segment_id from segment s
where not exists (select from segment_version v where v.segment_id = s.segment_id) order by 1 limit {MOST}"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with segments, at most MOST of each kind. Read-only."""
    for (segment_id,) in session.execute(text(_NO_SEGMENT)):
        yield Finding("segment", f"segment {segment_id}", "it has members and does not exist")
    for (segment_id,) in session.execute(text(_NO_RULE)):
        yield Finding("segment", f"segment {segment_id}", "it has no rule")
    for member_id, segment_id in session.execute(text(_TWICE)):
        yield Finding("segment", f"segment {segment_id} member {member_id}", "two memberships at one time")
    for segment_id, counted, there in session.execute(text(_COUNTS)):
        yield Finding(
            "segment",
            f"segment {segment_id}",
            f"its last refresh counted {counted} members, there are {there}",
        )

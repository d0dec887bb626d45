"""Proof of facts and numbers: each member has one row of facts, which holds the latest of what was told by date; each number
has one holder in a programme, and the holder says the same.
"""

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
_WITHOUT = text("""
select coalesce(m.member_id, f.member_id), f.member_id is null from member m full join member_facts f using (member_id)
where m.member_id is null or f.member_id is null
  or (m.programme_id, m.joined_on) <> (f.programme_id, f.joined_on) order by 1
""")
_OTHER = text("""
select f.member_id, t.name, t.value from member_facts f join (
  select distinct on (member_id, name) member_id, name, value from member_attribute
  where name in ('area', 'arpu_fen', 'risk') order by member_id, name, from_day desc) t using (member_id)
where t.value is distinct from case t.name when 'area' then f.area when 'arpu_fen' then f.arpu_fen::text
  else f.risk::text end
union all
select f.member_id, v.name, null from member_facts f
cross join lateral (values ('area', nullif(f.area, '')), ('arpu_fen', f.arpu_fen::text), ('risk', f.risk::text)) v(name, value)
where v.value is not null and not exists (
  select from member_attribute a where a.member_id = f.member_id and a.name = v.name)
order by 1, 2
""")
_GROUPS = text("""
select f.member_id, f.kind from member_facts f left join group_profile g using (member_id)
where (f.kind = 'group') <> (g.member_id is not null) order by 1
""")


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with facts and numbers; nothing here says which number. Read-only, in REPEATABLE READ."""
    for member_id, is_missing in session.execute(_WITHOUT):
        fault = (
            "there are none"
            if is_missing
            else "they are of no member, or of another programme or joining day"
        )
        yield Finding("facts", f"member {member_id}", fault)
    for member_id, name, told in session.execute(_OTHER):
        fault = f"{name} is not what was told last" if told is not None else f"{name} was never told"
        yield Finding("facts", f"member {member_id}", fault)
    for member_id, kind in session.execute(_GROUPS):
        yield Finding("facts", f"member {member_id}", f"its kind is {kind}, its group profile says otherwise")
    for member_id, has_it_alone in session.execute(_APART):
        fault = (
            "has a number that is somebody else's"
            if has_it_alone
            else "is found by a number and does not have it"
        )
        yield Finding("phone", ids.public("mbr", member_id), fault)
    for member_id in session.scalars(_TWICE):
        yield Finding("phone", ids.public("mbr", member_id), "has two numbers at once")

"""What a snapshot copies: one query a table, whole numbers alone, no personal data (members by their number).

Months are year * 12 + month - 1 and days are counted from 1970-01-01, both in the programme's zone; -1 where there is
none. A value that is told from a day on holds for the first month that opens on or after that day.
"""

from catalog.offers.models import (
    BILL_CREDIT,
    BUNDLE,
    EVENT,
    GIFT,
    GOODS,
    HISTORY,
    PERK,
    SERVICE,
    VOUCHER,
)
from catalog.redemptions.course import GIVEN_BACK
from catalog.redemptions.models import REQUESTED

KINDS = ("bill", "merchant", "club", "goods", "data", "history")
KIND_OF = {  # a trial card is handed out, so nobody chose it
    BILL_CREDIT: "bill",
    VOUCHER: "merchant",
    GIFT: "merchant",
    BUNDLE: "merchant",
    PERK: "club",
    EVENT: "club",
    GOODS: "goods",
    SERVICE: "data",
    HISTORY: "history",
}
BUCKETS = 200
BALANCE, RISK, TOLD_TIER, LADDER = 0, 1, 2, 10  # what a row of `fact` tells; ladders count on from 10


def _month(day: str) -> str:
    return f"(extract(year from {day}) * 12 + extract(month from {day}) - 1)::int"


def _day(day: str) -> str:
    return f"({day} - date '1970-01-01')"


def _holds(day: str) -> str:
    return f"({_month(day)} + (extract(day from {day}) > 1)::int)"


_KINDS = ", ".join(f"('{offer}', {KINDS.index(kind)})" for offer, kind in KIND_OF.items())
_BACK = ", ".join(f"'{state}'" for state in sorted(GIVEN_BACK))
_PERSON = "join member_facts f on f.member_id = m.member_id and f.kind = 'person'"

COLUMNS: dict[str, tuple[str, ...]] = {
    "member": (
        "member_id", "programme_id", "bucket", "joined_month", "left_month", "merged_month", "involuntary", "area",
    ),
    "fact": ("member_id", "what", "month", "value"),
    "bill": ("member_id", "month", "fen", "first_day", "last_day"),
    "redemption": ("member_id", "month", "kind", "points", "cost_fen", "undone_month"),
}  # fmt: skip

QUERIES: dict[str, str] = {
    "member": f"""
select m.member_id, m.programme_id,
  (('x' || left(md5(m.member_id::text), 8))::bit(32)::bigint % {BUCKETS})::int,
  {_month("m.joined_on")}, coalesce({_month("m.left_on")}, -1),
  coalesce({_month("(g.at at time zone p.zone)::date")}, -1), m.involuntary::int, coalesce(nullif(f.area, ''), '0')::int
from member m {_PERSON} join programme p on p.programme_id = m.programme_id
left join member_merge g on g.member_id = m.member_id order by 1""",
    "fact": f"""
select * from (
  select distinct on (p.member_id, opens) p.member_id, {BALANCE}, {_month("p.effective_on")} + 1 as opens, p.balance_after
  from posting p join member m on m.member_id = p.member_id {_PERSON} order by p.member_id, opens, p.seq desc) balance
union all select * from (
  select distinct on (a.member_id, a.name, opens) a.member_id, case a.name when 'risk' then {RISK} else {TOLD_TIER} end,
    {_holds("a.from_day")} as opens, case a.name when 'risk' then a.value::bigint else t.nth end
  from member_attribute a join member m on m.member_id = a.member_id {_PERSON}
  left join (select value, row_number() over (order by value collate "C") as nth
    from (select distinct value from member_attribute where name = 'tier') one) t on t.value = a.value
  where a.name in ('risk', 'tier') order by a.member_id, a.name, opens, a.from_day desc) told
union all select * from (
  select distinct on (c.member_id, c.ladder, opens) c.member_id, {LADDER} - 1 + l.nth, {_holds("c.from_day")} as opens,
    case when c.tier is null then 0 else c.rank + 1 end
  from tier_change c join member m on m.member_id = c.member_id {_PERSON}
  join (select ladder, row_number() over (order by ladder collate "C") as nth
    from (select distinct ladder from tier_policy) one) l on l.ladder = c.ladder
  order by c.member_id, c.ladder, opens, c.from_day desc) climbed""",
    "bill": f"""
select b.member_id, {_month("b.bill_day")} as month, sum(b.amount_fen - b.waived_fen),
  coalesce(min({_day("b.bill_day")}) filter (where b.amount_fen > b.waived_fen), -1),
  coalesce(max({_day("b.bill_day")}) filter (where b.amount_fen > b.waived_fen), -1)
from bill_line b join member m on m.member_id = b.member_id {_PERSON} group by 1, 2""",
    "redemption": f"""
select r.member_id, {_month("(r.at at time zone p.zone)::date")}, k.number, r.price_points,
  greatest(0, case when r.kind in ('{VOUCHER}', '{GIFT}') then coalesce(a.owed_fen, 0) else r.cost_fen end - r.cash_fen),
  coalesce({_month("(u.at at time zone p.zone)::date")},
    case when r.state in ({_BACK}) then {_month("(r.changed_at at time zone p.zone)::date")} else -1 end)
from redemption r join member m on m.member_id = r.member_id {_PERSON}
join programme p on p.programme_id = m.programme_id
join (values {_KINDS}) k (kind, number) on k.kind = r.kind
left join (select member_id, redemption_id, min(at) as at from redemption_step where state in ({_BACK})
  group by 1, 2) u on u.member_id = r.member_id and u.redemption_id = r.redemption_id
left join (select v.member_id, v.redemption_id, sum(c.owed_fen - c.fee_fen) as owed_fen
  from voucher v join acceptance c on c.member_id = v.member_id and c.voucher_id = v.voucher_id and c.void_id is null
  group by 1, 2) a on a.member_id = r.member_id and a.redemption_id = r.redemption_id
where r.state <> '{REQUESTED}' order by r.member_id, r.redemption_id""",
}

PROGRAMMES = """
select p.programme_id, p.code, p.zone, min(p_first) as first_day, max(p_last) as last_day, coalesce(bool_or(bills), false)
from programme p left join (
  select m.programme_id, min(o.effective_on) as p_first, max(o.effective_on) as p_last, false as bills
  from posting o join member m on m.member_id = o.member_id group by 1
  union all select m.programme_id, null, max(b.bill_day), true
  from bill_line b join member m on m.member_id = b.member_id group by 1) seen on seen.programme_id = p.programme_id
group by 1, 2, 3 order by 1"""
TIERS = "select distinct value collate \"C\" from member_attribute where name = 'tier' order by 1"
LADDERS = 'select distinct ladder collate "C" from tier_policy order by 1'

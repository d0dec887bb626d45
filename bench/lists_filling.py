"""What two years of a programme leave behind for its lists: members in a hundred counties, and beside them tickets, contacts,
tasks of care, audit, messages, redemptions, vouchers, disputes, merchants with their statements and payouts, proposals, alerts.

How many of each is told per thousand members, as an operator would have them. The server writes the rows itself, in order of
time, with ids that grow with it; none of them is proved, so they are good for lists alone.
"""

from concurrent.futures import ThreadPoolExecutor

from base import ids
from bench.plans import Say, short
from bench.population import Population
from bench.server import Server

STAFF, MERCHANTS, OUTLETS, OFFERS = 400, 1_000, 3_000, 500
EACH_THOUSAND = {
    "ticket": 300, "contact": 2_000, "care_task": 1_500, "audit": 3_000, "notice": 3_000, "redemption": 2_000,
    "voucher": 500, "acceptance": 300, "dispute": 20,
}  # fmt: skip
CHUNK = 100_000
COUNTY, CITY = "330127", "3301"  # the county that is looked at has five in a thousand of all members
SYMBOLS = f"'{ids.ALPHABET}'"


def fill(server: Server, people: Population, say: Say) -> None:
    """All of it, by two connections at a time."""
    size = len(people.members)
    named = {"first": people.members[0], "size": size, "programme": people.programme.programme_id}
    with server.admin(people.database) as admin:
        admin.execute("alter system set max_wal_size = '16GB'")
        admin.execute("select pg_reload_conf()")
        say(f"lists: what {short(size)} members are, and who looks after them")
        for statement in _FIRST:
            admin.execute(statement.encode(), named)
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda table: _rows(server, people.database, table, named, say), EACH_THOUSAND))
    with server.admin(people.database) as admin:
        for statement in _LAST:
            admin.execute(statement.encode(), named)
        admin.execute("vacuum (analyze)")
        admin.execute("alter system reset max_wal_size")
        admin.execute("select pg_reload_conf()")


def _rows(server: Server, name: str, table: str, named: dict[str, int], say: Say) -> None:
    count = named["size"] * EACH_THOUSAND[table] // 1_000
    say(f"lists: {count:,} rows of {table}")
    with server.admin(name) as admin:
        for low in range(0, count, CHUNK):
            values = named | {"count": count, "low": low, "high": min(low + CHUNK, count) - 1}
            admin.execute(_ROWS[table].encode(), values)


def _drawn(days: int, spread: int) -> str:
    """n-th row of a table: its member, its moment within the last days, its id; `s` draws a person of the staff."""
    return f"""
(select n, member_id, at, ((extract(epoch from at) * 1000)::bigint - 1577836800000) << 22 | n & 4194303 id, 1 + n %% {STAFF} s
from (select n, %(first)s + n * {spread}::bigint %% %(size)s member_id,
    now() - interval '{days} days' * (1 - (n + 1)::float8 / %(count)s) as at
  from generate_series(%(low)s::bigint, %(high)s) n) drawn) d"""


def _public(prefix: str, number: str) -> str:
    symbols = " || ".join(
        f"substr({SYMBOLS}, (({number}) >> {shift} & 31)::int + 1, 1)" for shift in range(60, -1, -5)
    )
    return f"'{prefix}_' || {symbols}"


_ZH_EN = """jsonb_build_object('zh-CN', {0}, 'en', {0})"""
_SERVICE = """'{"zh-CN": "客户服务部", "en": "Customer service"}'"""
_FIRST = (
    f"""
insert into area select code, {_ZH_EN.format("code")} from (
  select '33' code union select '33' || lpad(c::text, 2, '0') from generate_series(1, 10) c
  union select '33' || lpad(c::text, 2, '0') || lpad(d::text, 2, '0') from generate_series(1, 10) c, generate_series(1, 27) d
) a on conflict do nothing""",
    f"""
update member_facts f set arpu_fen = a * a / 25, birthday = to_char(date '2000-01-01' + (b * 365 / 1000)::int, 'MM-DD'),
  area = case when a < 5 then '{COUNTY}' else '33' || lpad((1 + b %% 10)::text, 2, '0') || lpad((1 + a %% 26)::text, 2, '0') end,
  tiers = case when c < 850 then '{{}}' when c < 950 then array['silver'] when c < 990 then array['gold', 'star5']
    else array['diamond', 'star7'] end, risk = (c / 220)::int
from (select member_id, abs(hashint8extended(member_id, 1)) %% 1000 a, abs(hashint8extended(member_id, 2)) %% 1000 b,
  abs(hashint8extended(member_id, 3)) %% 1000 c from member_facts) d
where d.member_id = f.member_id""",
    f"""
insert into staff (staff_id, email, name, password_hash, roles, area)
select n, 'person' || n || '@example.test', 'Person ' || n, '-', array['support'],
  case when n %% 4 = 0 then '' when n %% 4 = 1 then '{CITY}' else '{COUNTY}' end from generate_series(1, {STAFF}) n""",
    """
insert into care_assignment (member_id, assignment_id, staff_id, at, from_day, reason, assigned_by)
select member_id, member_id, 1 + member_id %% 400, now() - interval '200 days', current_date - 200, 'bench', 'bench'
from member_facts where tiers && array['gold', 'diamond'] and member_id %% 10 > 0""",
    f"""
insert into merchant (merchant_id, code, names, zone, currency, city, state, area)
select m, 'm-' || lpad(m::text, 5, '0'), {_ZH_EN.format("'Shop ' || m")}, 'Asia/Shanghai', 'CNY', 'Hangzhou',
  case when m %% 20 = 0 then 'documents' else 'active' end,
  '33' || lpad((1 + m %% 10)::text, 2, '0') || lpad((1 + m %% 27)::text, 2, '0') from generate_series(1, {MERCHANTS}) m""",
    f"""
insert into merchant_step (merchant_id, step_no, at, until_at, staff_id, stage, actor, owner, note)
select m, k, now() - interval '400 days' + k * interval '5 days', case when k = 5 and m %% 20 = 0 then now() + (m - 500) * interval '1 hour' end,
  1 + m %% {STAFF}, case when m %% 20 = 0 then 'documents' else 'active' end, 'bench', 'operator', '' from generate_series(1, {MERCHANTS}) m, generate_series(1, 5) k""",
    f"""
insert into outlet (outlet_id, merchant_id, names, address, area)
select o, 1 + o %% {MERCHANTS}, {_ZH_EN.format("'Outlet ' || o")}, {_ZH_EN.format("''")},
  '33' || lpad((1 + o %% 10)::text, 2, '0') || lpad((1 + o %% 27)::text, 2, '0') from generate_series(1, {OUTLETS}) o""",
    """
insert into statement (merchant_id, statement_no, from_at, to_at, sealed_at, owed_fen, fee_fen, vat_fen, net_fen, line_count,
  currency, previous_hash, hash, payable_fen, due_day)
select merchant_id, k, now() - (25 - k) * interval '30 days', now() - (24 - k) * interval '30 days', now() - (24 - k) * interval '30 days',
  90000, 0, 0, 90000, 300, 'CNY', '', sha256(k::text::bytea), 90000, current_date - (24 - k) * 30 from merchant, generate_series(1, 24) k""",
    """
insert into payout (merchant_id, statement_no, amount_fen, made_at, changed_at, currency, state, reason)
select merchant_id, statement_no, 90000, sealed_at, sealed_at, 'CNY', case when statement_no = 24 then 'planned' else 'failed' end,
  'bench' from statement where statement_no > 22 or merchant_id %% 100 = 0""",
    """
insert into payout (merchant_id, statement_no, amount_fen, made_at, changed_at, currency, state, route, run_id, transfer)
select merchant_id, statement_no, 90000, sealed_at, sealed_at, 'CNY', 'paid', 'bank', 1, 'T' || merchant_id || '-' || statement_no
from statement where statement_no <= 22 and merchant_id %% 100 > 0""",
    f"""
insert into offer_state (offer_id, programme_id, changed_at, state, kind, code)
select o, %(programme)s, now(), 'live', 'voucher', 'offer-' || lpad(o::text, 4, '0') from generate_series(1, {OFFERS}) o""",
    f"""
insert into offer (offer_id, programme_id, merchant_id, value_fen, from_at, voucher_days, cancellable, kind, code, category,
  names, texts, version_id, cost_fen)
select o, %(programme)s, 1 + o %% {MERCHANTS}, 1000 + o, now() - interval '300 days', 90, true, 'voucher', 'offer-' || lpad(o::text, 4, '0'),
  (array['dining', 'shopping', 'travel', 'sport'])[1 + o %% 4], {_ZH_EN.format("'Coffee ' || o")}, {_ZH_EN.format("''")}, o, 900
from generate_series(1, {OFFERS}) o""",
    f"insert into stock (offer_id, total, left_over) select o, 10000, o from generate_series(1, {OFFERS}) o",
    "insert into rate (rate_id, programme_id, from_day, points, per_fen) values (1, %(programme)s, '2020-01-01', 100, 100)",
    f"""
insert into offer_draft (draft_id, programme_id, maker_id, made_at, changed_at, revision, kind, code, content)
select d, %(programme)s, 1 + d %% {STAFF}, now() - d * interval '1 hour', now() - d * interval '1 hour', 1, 'voucher', 'draft-' || d, '{{}}'
from generate_series(1, 1000) d""",
    f"""
insert into proposal (proposal_id, member_id, maker_id, at, ends_at, kind, content, content_hash)
select ((extract(epoch from at) * 1000)::bigint - 1577836800000) << 22 | n, member_id, 1 + n %% {STAFF}, at, at + interval '7 days', kind, content,
  sha256(content::bytea)
from (select n, now() - (20000 - n) * interval '30 minutes' as at, case when n %% 2 = 0 then %(first)s + n %% %(size)s else 0 end member_id,
    case when n %% 2 = 0 then 'adjustment' else 'rate' end kind from generate_series(1, 20000) n) p,
  lateral (select case when n %% 2 = 0 then '{{"kind":"adjustment","points":' || n || ',"reason":"bench"}}'
    else '{{"kind":"rate","from_day":"2026-01-01","lines":[],"reason":"bench"}}' end content) c""",
    f"""
insert into decision (proposal_id, maker_id, person_id, at, verdict, content_hash)
select proposal_id, maker_id, {STAFF} + 1 - maker_id, at, 'approved', content_hash from proposal where proposal_id & 63 > 0 and {STAFF} + 1 - maker_id <> maker_id""",
    f"""
insert into till_alert (alert_id, merchant_id, rule, subject, on_day, facts, raised_at, latest_at, state, outcome, note, closed_by, closed_at)
select n, 1 + n %% {MERCHANTS}, 'guessing', 'till ' || n, current_date, '{{}}', now() - (20000 - n) * interval '30 minutes',
  now() - (20000 - n) * interval '30 minutes', case when n %% 100 = 0 then 'open' else 'closed' end,
  case when n %% 100 > 0 then 'harmless' end, case when n %% 100 > 0 then 'bench' end, case when n %% 100 > 0 then 1 end,
  case when n %% 100 > 0 then now() end from generate_series(1, 20000) n""",
    f"""
insert into campaign (campaign_id, merchant_id, programme_id, made_by, handed_in_by, made_at, changed_at, handed_in_at, revision, kind, content)
select n, 1 + n %% {MERCHANTS}, %(programme)s, 1, 1, now() - n * interval '1 hour', now() - n * interval '1 hour', now() - n * interval '1 hour', 1, 'voucher',
  jsonb_build_object('names', {_ZH_EN.format("'Campaign ' || n")}, 'value_fen', 1000) from generate_series(1, 2000) n""",
    f"""
insert into intake (intake_id, programme_id, size, lines, sent_at, emptied_at, kind, name, sent_by, heads)
select n, %(programme)s, 1000, 10, now() - (2000 - n) * interval '6 hours', now(), 'members', 'list-' || n || '.csv', 'staff:' || 1 + n %% {STAFF}, '[]'
from generate_series(1, 2000) n""",
    """
insert into proof_run (run_id, programme_id, seed, asked_at, ended_at, month, size, service, area, asked_by, log, survey)
select n, %(programme)s, n, now(), now(), date_trunc('month', now())::date, 20, 'care:birthday', case when n %% 3 = 0 then '330127' else '3301' end,
  'staff:1', '{"claimed": 10, "recorded": 9}', '{"rated": 3}' from generate_series(1, 1000) n""",
    """
insert into group_profile select member_id, programme_id, now(), (array['top', 'a', 'b', 'c'])[1 + member_id %% 4], 'Group'
from member_facts where member_id %% 1000 = 7""",
)
_ROWS = {
    "ticket": f"""
insert into ticket (member_id, ticket_id, owner_id, opened_at, changed_at, due_at, climbs_at, answered_at, steps, level, tries, reopened,
  stage, subject, department, department_names, channel, opened_by)
select member_id, id, case when stage <> 'received' then s end, at, at, case when stage <> 'closed' then at + interval '3 days' end, case when stage <> 'closed' then at + interval '3 days' end,
  case when stage in ('answered', 'closed') then at + interval '1 day' end, 3, 0, 0, false, stage,
  (array['points', 'redemption', 'voucher', 'goods', 'merchant', 'other'])[1 + n %% 6], 'customer-service', {_SERVICE}, 'hotline', 'staff:' || s
from {_drawn(700, 7919)}, lateral (select case when n < %(count)s * 0.98 then 'closed'
  else (array['received', 'received', 'received', 'assigned', 'in-work', 'in-work', 'answered'])[1 + n %% 7] end stage) g""",
    "contact": f"""
insert into contact (member_id, contact_id, at, channel, direction, purpose, result, actor)
select member_id, id, at, 'hotline', 'in', (array['complaint', 'care', 'visit', 'question'])[1 + n %% 4],
  case when n %% 5 = 0 then 'not-reached' else 'reached' end, 'staff:' || s from {_drawn(700, 104729)}""",
    "care_task": f"""
insert into care_task (member_id, task_id, programme_id, staff_id, opened_at, ended_at, on_day, due_on, occasion, period, department, state,
  opened_by, ended_by)
select member_id, id, %(programme)s, case when n %% 3 = 0 then s end, at, case when not is_open then at end, at::date, at::date + 14,
  (array['birthday', 'points-lapsing', 'holiday', 'six-months-silent'])[1 + n %% 4], n::text, case when n %% 10 = 0 then 'government-enterprise'
  else 'customer-service' end, case when is_open then 'open' else 'done' end, 'job:care', case when not is_open then 'staff:' || s end
from {_drawn(700, 15485863)}, lateral (select n >= %(count)s * 0.96 is_open) g""",
    "audit": f"""
insert into audit (audit_id, at, actor, action, subject, facts, chain, no, request_id, digest)
select id, at, 'staff:' || s, (array['member.viewed', 'member.viewed', 'member.viewed', 'member.found', 'ticket.taken', 'care-task.ended',
  'ticket.read', 'member.revealed', 'offer.paused', 'adjustment.proposed'])[1 + n %% 10], {_public("mbr", "member_id")},
  '{{}}', 'staff:' || s, 1 + n / {STAFF}, 'r' || n, sha256(int8send(n)) from {_drawn(700, 49979687)}""",
    "notice": f"""
insert into notice (member_id, notice_id, at, channel, receiver_sealed, text_sealed, version, tries, due_at, changed_at, sent_at, state,
  template, language, reason)
select member_id, id, at, 'sms', '\\x00', '\\x00', 1, 1, at, at, at, case when n %% 50 = 0 then 'failed' when n %% 10 = 0 then 'sent' else 'delivered' end,
  (array['sign-in-code', 'voucher-accepted', 'ticket-received', 'ticket-answered', 'birthday', 'points-lapsing', 'redeemed', 'earned'])[1 + n %% 8],
  'zh-CN', case when n %% 50 = 0 then 'bench' end from {_drawn(30, 86028121)}""",
    "redemption": f"""
insert into redemption (member_id, redemption_id, offer_id, price_points, value_fen, at, changed_at, units, kind, state, version_id, cost_fen)
select member_id, id, 1 + n %% {OFFERS}, 500, 500, at, at, 1, 'voucher', 'fulfilled', 1 + n %% {OFFERS}, 450 from {_drawn(700, 7919)}""",
    "voucher": f"""
insert into voucher (member_id, voucher_id, redemption_id, offer_id, merchant_id, units, units_left, face_fen, booked_fen, issued_at, last_day,
  pepper_id, state, last4, digest, code_sealed, version_id)
select member_id, id, id, 1 + n %% {OFFERS}, 1 + n %% {MERCHANTS}, 1, case when used then 0 else 1 end, 500, 500, at, at::date + 90, 1,
  case when used then 'accepted' else 'issued' end, 'A1B2', sha256(int8send(n)), '\\x00', 1 + n %% {OFFERS}
from {_drawn(700, 7919)}, lateral (select n < %(count)s * 0.8 used) g""",
    "acceptance": f"""
insert into acceptance (member_id, acceptance_id, voucher_id, use_no, merchant_id, outlet_id, terminal_id, clerk_id, terms_id, units, owed_fen,
  fee_fen, vat_fen, booked_fen, recorded_at, currency, last4, offer_names)
select member_id, n, id, 1, 1 + n %% {MERCHANTS}, 1 + n %% {OUTLETS}, 1, 1, 1, 1, 500, 0, 0, 500, at, 'CNY', 'A1B2', {_ZH_EN.format("'Coffee'")}
from {_drawn(700, 7919)}""",
    "dispute": f"""
insert into dispute (member_id, dispute_id, acceptance_id, voucher_id, merchant_id, outlet_id, amount_fen, opened_at, decide_by, handler_id,
  taken_at, decided_at, closed_at, state, verdict, reason, closing, opened_by, side, said, held)
select member_id, n, n, n, 1 + n %% {MERCHANTS}, 1 + n %% {OUTLETS}, 500, at, at + interval '14 days', s, at,
  case when not is_open then at end, case when not is_open then at end, case when is_open then 'open' else 'closed' end,
  case when not is_open then 'member' end, case when not is_open then 'bench' end, case when not is_open then 'bench' end, 'bench', 'member', '', false
from {_drawn(700, 7919)} cross join lateral (select n >= %(count)s * 0.95 is_open) g""",
}
_LAST = (
    """
insert into audit_head (chain, no, digest) select distinct on (chain) chain, no, digest from audit order by chain, no desc""",
)

"""How long the facts of one member take among a million, and how long refreshing twenty segments of them takes."""

import random
import time
from collections.abc import Sequence
from datetime import date

from base import clock, database
from base.auth.principals import Staff
from bench.plans import Figures, Measured, Plan, Say, short
from bench.population import ZONE, Population, Populations
from bench.server import Server
from points.members import facts
from points.segments import segments
from points.segments.rules import Conditions, Rule

SIZES = {"full": 1_000_000, "quick": 100_000, "tiny": 1_200}
ASKED = {"full": 5_000, "quick": 1_000, "tiny": 50}
C = Conditions
RULES = (  # from a handful of members to about a third of all
    C(areas=("3301",), tiers=("gold", "platinum", "diamond")),
    C(arpu_from_fen=5_000, arpu_below_fen=10_000),
    C(arpu_from_fen=30_000),
    C(risk_at_least=3),
    C(risk_at_least=4, areas=("33",)),
    C(interests=("health",)),
    C(interests=("travel", "golf"), tiers=("diamond",)),
    C(birthday_this_month=True),
    C(birthday_months=(2,), areas=("330106", "330203")),
    C(kinds=("contact",), classes=("top",), ranks=("senior",)),
    C(kinds=("group",), classes=("top", "a")),
    C(kinds=("contact",)),
    C(tenure_below_months=6),
    C(tenure_from_months=60, tiers=("platinum", "diamond")),
    C(lines=("suspended", "pre_cancelled")),
    C(areas=("3302",), arpu_from_fen=8_000),
    C(areas=("330106",)),
    C(tiers=("diamond",)),
    C(areas=("33",), interests=("reading",)),
    C(programmes=("bench",), arpu_below_fen=2_000),
)
_TELL = """
with drawn as (
  select m.member_id, m.programme_id, m.joined_on,
    abs(hashint8extended(m.member_id, 1)) % 1000 a, abs(hashint8extended(m.member_id, 2)) % 1000 b,
    abs(hashint8extended(m.member_id, 3)) % 1000 c, abs(hashint8extended(m.member_id, 4)) % 1000 d
  from member m)
insert into member_facts (member_id, programme_id, arpu_fen, joined_on, risk, kind, area, birthday, tiers, interests)
select member_id, programme_id, a * a / 25, current_date - (b * 4)::int,
  case when c < 700 then 0 when c < 850 then 1 when c < 930 then 2 when c < 980 then 3 else 4 end,
  case when d = 0 then 'group' else 'person' end,
  (array['330106', '330109', '330203', '330212', '330302', '330382', '310101', '440304'])[1 + d % 8],
  to_char(date '2000-01-01' + (c * 365 / 1000)::int, 'MM-DD'),
  case when a < 500 then '{}' when a < 800 then array['silver'] when a < 930 then array['gold']
    when a < 985 then array['platinum'] else array['diamond'] end,
  case when b < 700 then '{}' when b < 800 then array['health'] when b < 900 then array['travel', 'reading']
    else array['golf', 'reading'] end
from drawn
on conflict (member_id) do nothing;
insert into group_profile select member_id, programme_id, now(), (array['top', 'a', 'b', 'c'])[1 + member_id % 4], 'G'
  from member_facts where kind = 'group';
insert into group_contact
  select g.member_id, f.member_id, f.member_id, now(), null, (array['senior', 'middle', 'ordinary'])[1 + f.member_id % 3]
  from (select member_id, row_number() over (order by member_id) n from group_profile) g
  join (select member_id, row_number() over (order by member_id) n from member_facts where kind = 'person') f
    on f.n between (g.n - 1) * 20 + 1 and g.n * 20;
insert into line_event (member_id, nth, at, since, applied, state, event_id, reason, actor, digest, hash)
  select member_id, n, now(), current_date - 90 + 20 * n, true,
    case when n = 1 or member_id % 3 = 0 then 'suspended' else 'active' end, 'E' || n, 'unpaid', 'bench', '', ''
  from member_facts, generate_series(1, 2) n where abs(hashint8extended(member_id, 5)) % 50 = 0;
"""


def measure(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """Facts: of members drawn by lot, by the client's clock and by the server's own. Segments: the command's own work."""
    size = SIZES[plan.name]
    people = populations.of(size)
    say(f"people: what {short(size)} members are")
    _fill(server, people)
    database.connect(people.url, statement_timeout_ms=60_000)
    figures: Figures = {"people_members": size, "segments": len(RULES)}
    figures |= _segments(server, people, say)
    figures |= _facts(server, people, ASKED[plan.name])
    return {}, figures


def _fill(server: Server, people: Population) -> None:
    with server.admin(people.database) as admin:
        if admin.execute("select count(*) from group_profile").fetchone() == (0,):
            admin.execute("delete from member_facts")
            admin.execute(_TELL.encode())
        admin.execute("vacuum (analyze) member_facts, member, group_profile, group_contact, line_event")


def _segments(server: Server, people: Population, say: Say) -> Figures:
    on, at, person = clock.day(clock.now(), ZONE), clock.now(), Staff(1, frozenset({"editor"}))
    with database.begin() as session:
        for number, who in enumerate(RULES, 1):
            name = {"zh-CN": f"分群 {number}", "en": f"Segment {number}"}
            segments.create(session, person, f"bench-{number}", name, Rule(who), at, on)
    figures: Figures = {}
    for which in ("first", "again"):
        say(f"people: refreshing {len(RULES)} segments, {which}")
        server.settle(people.database)
        began = time.monotonic()
        told = _refreshed(on)
        figures[f"segments_refresh_{which}_s"] = time.monotonic() - began
        figures[f"segments_came_{which}"] = sum(told)
        with server.admin(people.database) as admin:
            admin.execute("vacuum (analyze) segment_member")
    times = []
    for who in RULES:
        began = time.perf_counter()
        with database.begin() as session:
            segments.preview(session, person, Rule(who), on)
        times.append(time.perf_counter() - began)
    return figures | {"segments_preview_slowest_ms": max(times) * 1_000}


def _refreshed(on: date) -> list[int]:
    """Who came, segment by segment."""
    from app.commands.segments import refreshed

    return [int(one["came"]) for one in refreshed(on, quiet=True)]


def _facts(server: Server, people: Population, asked: int) -> Figures:
    """The 50th and the 99th of a hundred."""
    server.settle(people.database)
    drawn = random.Random(7).choices(people.members, k=asked + 20)
    on, client, own = clock.day(clock.now(), ZONE), [], []
    for member_id in drawn:
        began = time.perf_counter()
        with database.begin() as session:
            facts.of(session, member_id, on)
        client.append(1_000 * (time.perf_counter() - began))
    with server.admin(people.database) as admin:
        explain = b"explain (analyze, timing off, format json) " + facts.STATEMENT.encode()
        for member_id in drawn:
            (told,) = admin.execute(explain, (member_id,)).fetchone()  # type: ignore[misc]
            (plan,) = told  # type: ignore[misc]
            own.append(float(plan["Planning Time"] + plan["Execution Time"]))
    return {
        f"facts_{who}_p{part}_ms": _part(times[20:], part)  # the first ones fill caches
        for who, times in (("client", client), ("server", own))
        for part in (50, 99)
    }


def _part(times: Sequence[float], part: int) -> float:
    return sorted(times)[len(times) * part // 100]

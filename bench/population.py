"""Members by the million in seconds: the real core makes the first one, the server copies it for all others.

What differs between two members with the same history is their number and what is hashed over it. So the first member is
enrolled and posted to as always; each of its rows is then inserted again for every other number, with the hash that the
core would have given: sha256 over the head before and the posting's canonical bytes, in which only the eight bytes of the
member differ. Members drawn by lot are proven by `jifen verify`'s own functions afterwards; a copy that is not what the
core makes ends the benchmark.
"""

import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from psycopg import sql

from base import clock, database
from bench.plans import Say, short
from bench.server import Server
from points import ledger, lots, policies, postings, programmes, records
from points import verify as proof
from points.deeds import Request
from points.kinds import Kind
from points.lots import Interval
from points.members import members
from points.members.members import Enrolment, Secrets
from points.models import Programme

ZONE = "Asia/Shanghai"
LONG_AGO = date(2020, 1, 1)
LOTS = [lots.key(date(2099, month, 28), 1) for month in range(1, 13)]
EACH = 100_000
CHUNK = 20_000
PROVEN = 50
SECRETS = Secrets(seal_key="s" * 32, index_key="i" * 32)


@dataclass(frozen=True)
class Population:
    """A database with members whose numbers follow each other; each has the same twelve lots."""

    database: str
    url: str
    members: range
    programme: Programme
    fill_s: float


class Populations:
    """Populations of this run, made when first asked for."""

    def __init__(self, server: Server, say: Say) -> None:
        self._server, self._say = server, say
        self._made: dict[tuple[int, bool], Population] = {}

    def of(self, size: int, *, history: bool = False) -> Population:
        """So many members; with `history` each lot was earned by a posting of its own, else one brought all twelve."""
        if (size, history) not in self._made:
            self._say(f"filling: {short(size)} members")
            self._made[size, history] = _fill(self._server, size, history)
        return self._made[size, history]


def _fill(server: Server, size: int, history: bool) -> Population:
    began = time.monotonic()
    name = f"members_{size}" + ("_history" if history else "")
    url = server.clone(name)
    database.connect(url, statement_timeout_ms=600_000)
    with database.begin() as session:
        programme = programmes.create(
            session,
            "bench",
            {"zh-CN": "测试", "en": "Bench"},
            zone=ZONE,
            currency="CNY",
            minimum_tenure_days=0,
        )
        policies.add_earn_rule(session, programme.programme_id, "plan", LONG_AGO, points=1, per_fen=100)
        policies.add_expiry_policy(session, programme.programme_id, policies.BILL_POINTS, LONG_AGO, months=36)
        rows = [Enrolment("C0", LONG_AGO)]
        first = members.enrol_many(session, programme, SECRETS, rows)["C0"]
    with database.begin() as session:
        ledger.post_many(session, list(_requests(first, history)))
    with server.admin(name) as admin:
        admin.execute("alter system set max_wal_size = '16GB'")
        admin.execute("select pg_reload_conf()")
    _copy(server, name, first, size)
    with server.admin(name) as admin:
        admin.execute("vacuum (analyze) wallet, posting, member")
        admin.execute("alter system reset max_wal_size")
        admin.execute("select pg_reload_conf()")
    _prove(range(first, first + size))
    return Population(name, url, range(first, first + size), programme, time.monotonic() - began)


def _requests(member_id: int, history: bool) -> list[Request]:
    now = clock.now()
    if history:
        return [
            Request(member_id, uuid4(), Kind.EARN, EACH, now, ZONE, lot_key=key, ref="bill B line 1")
            for key in LOTS
        ]
    brought = tuple(Interval(key, 0, EACH) for key in LOTS)
    return [Request(member_id, uuid4(), Kind.MERGE_IN, EACH * len(LOTS), now, ZONE, quoted=brought)]


def _copy(server: Server, name: str, first: int, size: int) -> None:
    statement = _statement(first)
    starts = range(first + 1, first + size, CHUNK)

    def some(part: int) -> None:
        with server.admin(name) as admin:
            admin.execute("set work_mem = '64MB'")
            for start in starts[part::2]:
                admin.execute(statement, {"low": start, "high": min(start + CHUNK, first + size) - 1})

    with ThreadPoolExecutor(2) as both:  # the work is the server's; two of its processes share it
        list(both.map(some, range(2)))


def _statement(first: int) -> sql.Composed:
    """One statement that writes a chunk of members: wallets, postings and membership at once."""
    with database.begin() as session:
        connection = database.driver(session)
        cursor = connection.execute(
            f"select {records.POSTING} from posting where member_id = %s order by seq", (first,)
        )
        rows = [records.posting_of(row) for row in cursor]
        columns = {
            table: [row[0] for row in connection.execute(
                "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped "
                "and attgenerated = '' order by attnum", (table,))]
            for table in ("wallet", "posting", "member", "member_facts")
        }  # fmt: skip
    mark = struct.pack(">q", first)
    heads = [sql.SQL("lateral (select sha256({} || int8send(m)) h offset 0) h0").format(b"jifen/1")]
    if postings.first_head(first) != _sha256(b"jifen/1" + mark):
        raise RuntimeError("the first head of a chain is made in another way than the benchmark knows")
    for number, row in enumerate(rows, 1):
        before, found, after = postings.canonical(row).partition(mark)
        if not found or mark in after:
            raise RuntimeError("the canonical form of a posting does not hold its member once")
        heads.append(
            sql.SQL("lateral (select sha256({}.h || {} || int8send(m) || {}) h offset 0) {}").format(
                sql.Identifier(f"h{number - 1}"), before, after, sql.Identifier(f"h{number}")
            )
        )
    last = sql.Identifier(f"h{len(rows)}")

    def copied(table: str, alias: str, **own: str) -> tuple[sql.Composable, sql.Composable]:
        names = sql.SQL(", ").join(map(sql.Identifier, columns[table]))
        values = sql.SQL(", ").join(
            sql.SQL(own[c]) if c in own else sql.Identifier(alias, c) for c in columns[table]
        )
        return names, values

    wallet = copied("wallet", "w", member_id="c.m", head="c.head")
    posting = copied("posting", "p", member_id="c.m", hash="c.hash[p.seq]")
    member = copied("member", "b", member_id="c.m", customer_id="'C' || c.m")
    facts = copied("member_facts", "f", member_id="c.m")
    return sql.SQL(
        "with c as materialized (select m, {last}.h as head, array[{hashes}] as hash "
        "from generate_series(%(low)s::bigint, %(high)s::bigint) m, {heads}), "
        "ws as (insert into wallet ({wn}) select {wv} from c, wallet w where w.member_id = {first}), "
        "ms as (insert into member ({mn}) select {mv} from c, member b where b.member_id = {first}), "
        "fs as (insert into member_facts ({fn}) select {fv} from c, member_facts f where f.member_id = {first}) "
        "insert into posting ({pn}) select {pv} from c, posting p where p.member_id = {first} order by c.m, p.seq"
    ).format(
        last=last,
        hashes=sql.SQL(", ").join(sql.SQL("{}.h").format(sql.Identifier(f"h{n}")) for n in range(1, len(rows) + 1)),
        heads=sql.SQL(", ").join(heads),
        wn=wallet[0], wv=wallet[1], mn=member[0], mv=member[1], fn=facts[0], fv=facts[1], pn=posting[0], pv=posting[1],
        first=sql.Literal(first),
    )  # fmt: skip


def _sha256(body: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(body).digest()


def _prove(everyone: range) -> None:
    """Members drawn by lot, and the last one: their chains and wallets are what the core makes of their postings."""
    with database.begin() as session:
        some = sorted({*proof.sample(session, PROVEN, seed=1), everyone[-1]})
        wrong = list(proof.findings(session, members=some))
        there = session.connection().exec_driver_sql("select count(*) from wallet").scalar_one()
    if wrong or there != len(everyone):
        raise RuntimeError(f"{there} of {len(everyone)} members were made; wrong: {wrong[:3]}")

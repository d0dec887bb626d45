"""Canaries: people whose data is told nowhere else go through everything, then every output is searched for them.

What they may be found in is the answer to who asked for it: an own profile, a reveal. Logs, errors, addresses, Redis, jobs
and their arguments, audit, metrics and the database at rest hold none of it. A control plants one and must be found.
"""

import io
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

import pytest
import redis
import structlog
from sqlalchemy import text

from base import audit, clock, database, ids, seals, vault
from base.auth import sign_ins
from base.models import VaultItem
from points.members import members
from points.members.members import Enrolment
from tests.given import caller, given_person, given_programme, secrets_of, service_key
from tests.owner import owner

COUNT, BY_HTTP, REVEALED = 1_000, 24, 12
CASE = {"reason": "complaint", "case": "T-17"}
PARTS = ("phone", "name", "second_phone", "email", "address", "id_number")


@dataclass(frozen=True)
class Canary:
    """Somebody whose every word is found nowhere else."""

    number: int

    @property
    def personal(self) -> dict[str, str]:
        n = self.number
        return {
            "phone": f"1990017{n:04d}",
            "name": f"卡纳里{n:04d}",
            "second_phone": f"1990018{n:04d}",
            "email": f"canary{n:04d}@kanali.test",
            "address": f"卡纳里路{n:04d}号",
            "id_number": f"9901991990{n:04d}9901",
        }


# What every word of a canary has in it: in clear, as JSON and URLs write it, and as the database prints bytes.
WORDS = ("1990017", "1990018", "卡纳里", "kanali", "9901991990")
TRACE = re.compile(
    "|".join(
        re.escape(way)
        for word in WORDS
        for way in {word, ascii(word)[1:-1], quote(word), word.encode().hex()}
    ),
    re.IGNORECASE,
)


def hits(outputs: dict[str, str]) -> dict[str, str]:
    """Output -> the first trace of a canary in it; empty when there is none."""
    return {name: found.group() for name, said in outputs.items() if (found := TRACE.search(said))}


@pytest.fixture
def flock(app, db, servers, capfd, caplog) -> Iterator[Callable[[], dict[str, str]]]:
    """A thousand canaries went through everything; gives what was said everywhere."""
    logged, before = io.StringIO(), structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(logged))
    caplog.set_level(logging.DEBUG)
    programme = given_programme()
    system = caller(app, service_key(programme, "members:write", "members:read", "lines:write"))
    support = caller(app, _signed_in("support"))
    said: dict[str, list[str]] = {"error bodies": [], "addresses": [], "answers with masks": []}

    def keep(answer):
        said["addresses"].append(answer.request.url)
        if answer.status_code >= 400:
            said["error bodies"].append(answer.text + str(answer.headers))
        return answer

    canaries = [Canary(number) for number in range(COUNT)]
    ids_of = _enrolled_by_http(keep, system, canaries[:BY_HTTP])
    ids_of |= _enrolled_by_list(db, programme, canaries[BY_HTTP:])
    for canary in canaries[:BY_HTTP]:
        _goes_through(app, keep, said, system, support, canary, ids_of[canary.number])
    for canary in canaries[::50]:
        found = keep(support.post("/v1/members/search", {"phone": canary.personal["phone"]}))
        said["answers with masks"].append(found.text)
        assert found.status_code == 200
    _bad_input(app, keep, system, support, canaries[0].personal, ids_of[0])

    def everything() -> dict[str, str]:
        printed = capfd.readouterr()
        health = app.test_client().get("/health/ready")
        return {
            **{name: "\n".join(rows) for name, rows in said.items()},
            "log": logged.getvalue() + caplog.text + printed.out + printed.err,
            "servers' logs": "".join(
                file.read_text("utf-8", "replace") for file in servers.data_dir.glob("*.log")
            ),
            "health": health.text,
            "redis": _redis(db),
            **{f"table {name}": rows for name, rows in _tables(db).items()},
        }

    yield everything
    structlog.configure(**before)


def _signed_in(*roles: str) -> str:
    with database.begin() as session:
        return sign_ins.begin(session, "staff", given_person(*roles).staff_id, clock.now())


def _enrolled_by_http(keep, system, canaries):
    made = {}
    for canary in canaries:
        answer = keep(system.post("/v1/members", {"customer_id": f"K{canary.number:04d}", **canary.personal}))
        assert answer.status_code == 201
        made[canary.number] = answer.json["id"]
    return made


def _enrolled_by_list(db, programme, canaries):
    with database.begin() as session:
        rows = [
            Enrolment(f"K{canary.number:04d}", date(2024, 1, 2), canary.personal["phone"])
            for canary in canaries
        ]
        made = members.enrol_many(session, programme, secrets_of(db), rows)
        keys = vault.keys_for(session, db.seal_key, made.values())
        session.add_all(
            VaultItem(
                member_id=member_id,
                name=name,
                since=clock.now(),
                until=None,
                sealed=seals.seal(keys[member_id], canary.personal[name], f"{name}:{member_id}"),
                source="import",
            )
            for canary in canaries
            for member_id in [made[f"K{canary.number:04d}"]]
            for name in vault.ITEMS
        )
    return {canary.number: ids.public("mbr", made[f"K{canary.number:04d}"]) for canary in canaries}


def _goes_through(app, keep, said, system, support, canary, member):
    """Signing in, looking, the own pages, preferences, an invitation; the reveal alone answers in clear."""
    told, path = canary.personal, f"/v1/members/{member}"
    keep(caller(app).post("/v1/sign-ins/code", {"programme": "gotone", "phone": told["phone"]}))
    keep(caller(app).post("/v1/sign-ins", {"programme": "gotone", "phone": told["phone"], "code": "000000"}))
    said["answers with masks"].append(keep(system.get(path)).text)
    (member_id,) = ids.parse("mbr", member, parts=1)
    with database.begin() as session:
        token = sign_ins.begin(session, "member", member_id, clock.now())
    me = caller(app, token)
    body = {"name": "second_contact", "values": [told["second_phone"]], "consent": True}
    keep(me.post("/v1/members/me/preferences", body))
    keep(me.post("/v1/members/me/companions", {"phone": Canary(canary.number + 1).personal["phone"]}))
    page = app.test_client()
    page.set_cookie("jifen_member", token)
    for address in ("/", "/profile", "/companions", "/points"):
        keep(page.get(address))
    if canary.number < REVEALED:
        shown = support.post(f"{path}/reveals", {"fields": list(PARTS), **CASE})
        keep(shown)
        assert shown.json["values"] == told  # the control of the canaries: they are really in there
    if canary.number % 2:
        number = {"event_id": f"e{canary.number}", "phone": None, "since": clock.now().isoformat()}
        assert keep(system.post(f"{path}/phones", number)).status_code == 200


def _bad_input(app, keep, system, support, told, member):
    """Personal data where it does not belong: what is refused must not be said again."""
    secret = f"{told['name']} {told['phone']}"
    path = f"/v1/members/{member}"
    for answer in (
        system.post("/v1/members", {"customer_id": secret}),
        system.post("/v1/members", {"customer_id": "K9999", "phone": secret}),
        system.post("/v1/members", {"customer_id": "K9999", "area": secret}),
        system.post("/v1/members", {"customer_id": "K9999", "birthday": told["email"]}),
        system.post("/v1/members", {"customer_id": "K9999", "channel": told["email"]}),
        system.post("/v1/members", {"customer_id": "K9999", "joined_on": told["id_number"]}),
        support.post("/v1/members/search", {"phone": told["name"]}),
        support.post("/v1/members/search", {"phone": "1990099" + "0000"}),
        support.post("/v1/members/search", {"customer_id": told["email"]}),
        support.post(f"{path}/reveals", {"fields": [told["name"]], **CASE}),
        support.post(f"{path}/reveals", {"fields": ["phone"], "reason": told["name"], "case": secret}),
        support.post("/v1/erasures", {"member": member, "reason": told["name"], "ticket": secret}),
        support.post("/v1/erasures", {"member": member, "reason": "request", "ticket": told["phone"]}),
        system.post(f"{path}/phones", {"event_id": "e", "phone": told["name"], "since": told["email"]}),
        system.post(
            f"{path}/preferences", {"name": told["name"], "values": [told["email"]], "consent": True}
        ),
        caller(app).post("/v1/sign-ins/code", {"programme": "gotone", "phone": told["name"]}),
        caller(app).post("/v1/sign-ins", {"programme": "gotone", "phone": told["phone"], "code": "1"}),
        caller(app).client.post(
            "/v1/sign-ins/code", data=secret, headers={"Content-Type": "application/json"}
        ),
        caller(app).client.post("/sign-in", data={"programme": "gotone", "phone": told["phone"]}),
    ):
        keep(answer)


def _redis(db) -> str:
    if db.redis_url is None:
        return ""
    client = redis.Redis.from_url(db.redis_url)
    return "\n".join(f"{key!r} {client.get(key)!r}" for key in client.keys("*"))


def _tables(db) -> dict[str, str]:
    with owner(db) as connection:
        names = connection.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        return {
            name: "\n".join(connection.scalars(text(f"select t::text from {name} t")))
            for name in sorted(names)
        }


@pytest.mark.attack("A9")
def test_a_thousand_canaries_leave_no_trace_where_nobody_asked_for_them(db, flock):
    outputs = flock()

    assert {
        "log",
        "redis",
        "health",
        "table audit",
        "table outbox",
        "table idempotency_key",
    } <= outputs.keys()
    assert outputs["log"].count("/v1/members/<member>") >= BY_HTTP
    assert outputs["table audit"].count("member.revealed") == REVEALED
    assert outputs["table vault_item"].count("\n") > 4 * COUNT
    assert hits(outputs) == {}

    told = Canary(7).personal  # the control: whatever is planted is found, and nothing else
    with database.begin() as session:
        audit.write(session, "test", "planted", told["name"])
    structlog.get_logger().info("planted", who=told["email"])
    places = {"table audit", "log"}
    if db.redis_url is not None:
        redis.Redis.from_url(db.redis_url).set("planted", told["phone"], ex=60)
        places.add("redis")
    assert hits(flock()).keys() == places


@pytest.mark.parametrize("name", PARTS)
def test_every_word_of_a_canary_is_found_however_it_is_written(name):
    word = Canary(7).personal[name]

    for way in (word, ascii(word), quote(word), word.encode().hex(), f'{{"x": "{word}"}}'):
        assert hits({"log": "member mbr_01 seen", "table audit": f"staff:1 {way}"}).keys() == {"table audit"}

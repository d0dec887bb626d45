"""Every list of the console over a million members, opened by headquarters and by one county: first page, filters, a deep page.

Which lists there are is read off the URL map: each page of the console without a number in its address, but for those that
are named as no lists, and so a list that is new is measured as well. Each address is opened many times over one connection
to a web process of its own; a list's figure is that of its slowest address. Redirects of a search that finds one are what
that search answers.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape

from flask import Flask
from psycopg import sql

from admin.care import opening, visits
from admin.tickets import numbers
from app.web import create_app
from app.wiring import wire
from base import clock, database, ids, vault
from base.auth import roles, sign_ins
from base.config import Config
from base.notices import counting, sealing
from bench import client, lists_filling
from bench.http import serving
from bench.lists_filling import COUNTY
from bench.pages import CHILD, PEPPER
from bench.plans import Figures, Measured, Plan, Say, short
from bench.population import SECRETS, Population, Populations
from bench.server import Server

SIZES = {"full": 1_000_000, "quick": 50_000, "tiny": 1_200}
TIMES = {"full": 20, "quick": 10, "tiny": 2}  # how often each address is opened
DEEP = {"full": 20, "quick": 10, "tiny": 2}  # how many pages on the deep one lies
MOST_MS = 300
PART = 20_000  # members of a step of what is kept
WHO = {"headquarters": "", "county": COUNTY}
PREFIX = "/staff/"
NEXT = re.compile(r'<a [^>]*rel="next"[^>]*href="([^"]+)"')
# Pages without a number in their address that are no lists: signing in, forms, figures and reports.
APART = frozenset({
    "sign-in", "sign-in/single", "sign-in/single/return", "sign-in/single/end", "second-factor", "recovery-codes",
    "first-password", "own-access", "own-access/second-factor", "people/new", "merchants/new", "offer-drafts/new",
    "segments/draft", "rates/change", "rates/file", "rates", "retention", "retention/curves",
    "retention/kinds", "retention/study", "retention/trust", "worth/mix", "worth/premium", "worth/written",
    "worth/liability", "worth/areas", "books", "books/breakage", "trace",
})  # fmt: skip
# Filters that people ask for, beside the list as it opens; {member}, {customer}, {ticket}: some of those that are there.
FILTERS: dict[str, tuple[str, ...]] = {
    "tickets": (
        "view=open", "view=closed", "view=overdue", "view=mine", "view=climbed", "view=closed&subject=goods",
        "view=open&department=customer-service&stage=in-work", "view=closed&department=nobody", "number={ticket}",
    ),
    "care/tasks": ("view=open", "view=department", "view=overdue", "view=ended", "view=ended&occasion=birthday",
                   "view=open&occasion=holiday&department=government-enterprise", "view=ended&department=nobody"),
    "care/visits": ("by=person", "by=department", "by=class", "mine=1"),
    "audit": ("actor=staff:8", "action=member.", "action=offer.paused", "subject={member}", "request_id=r77",
              "actor=staff:8&action=member.revealed", "from_day={month_ago}&to_day={week_ago}",
              "action=ticket.&from_day={month_ago}&to_day={week_ago}"),
    "view-log": ("member={member}", "person=staff:8"),
    "approvals": ("state=all", "state=approved", "state=expired", "whose=to-decide", "whose=mine", "kind=rate"),
    "disputes": ("state=decided", "state=closed"),
    "payouts": ("state=paid", "state=failed"),
    "merchants": ("stage=active", "stage=documents"),
    "statements": ("merchant=m-00001",),
    "offers": ("kind=voucher", "state=live", "category=dining", "q=coffee"),
    "offer-drafts": ("whose=all",),
    "people": ("ended=1",),
    "till-alerts": ("state=closed",),
    "notices/report": ("from={month_ago}&until={today}", "template=birthday"),
    "members": ("customer={customer}", "customer=nobody"),
    "search": ("q={customer}", "q={member}", "q=coffee", "q=shop", "q=咖啡", "q=offer-0007"),
}  # fmt: skip
WITH_A_MEMBER = ("members/<member>", "members/<member>/contacts")
# Lists of members that the API has for people of the staff.
API = (
    "/v1/tickets?limit=50", "/v1/tickets?view=closed&limit=50", "/v1/care/without-person?programme=bench&limit=50", "/v1/audit?subject={member}", "/v1/disputes?limit=50",
    "/v1/proposals?limit=50",
)  # fmt: skip


@dataclass
class Taken:
    """How long each address of a list took, in seconds: whose, which, the times."""

    of: dict[str, list[float]] = field(default_factory=dict)

    def part(self, hundredth: int) -> tuple[float, str]:
        """The slowest address at one of a hundred parts: milliseconds, and which it is."""
        return max(
            (1_000 * sorted(times)[min(len(times) * hundredth // 100, len(times) - 1)], address)
            for address, times in self.of.items()
        )


def measure(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """By list its 50th, 95th and 99th of a hundred; the slowest list, and how many are over the limit, in milliseconds."""
    people = populations.of(SIZES[plan.name])
    lists_filling.fill(server, people, say)
    config = Config.from_env().at(
        database_url=people.url,
        secret_key=SECRETS.index_key,
        seal_key=SECRETS.seal_key,
        voucher_peppers={1: PEPPER},
    )
    wire(config, statement_timeout_ms=60_000)
    tokens = {who: _signed_in(server, people.database, area) for who, area in WHO.items()}
    say("lists: what the worker keeps of a night")
    _walked(people, config.zone)
    names = _named(server, people.database)
    _readable(server, people.database, names["member"])
    found: dict[str, Taken] = {}
    server.settle(people.database)
    with serving(people.url, CHILD) as address, client.connection(address) as connection:
        visit = _Visit(connection, names, TIMES[plan.name], DEEP[plan.name])
        for name, path in addresses(create_app(config)):
            for who, by_role in tokens.items():
                visit.opened(found.setdefault(name, Taken()), who, by_role, path)
    found = {
        name: taken for name, taken in found.items() if taken.of
    }  # some nobody may open, some are empty here
    return {}, _told(found, short(len(people.members)), say) | {"lists_members": len(people.members)}


def _walked(people: Population, zone: str) -> None:
    """When members are to be visited, and how many messages were written on each day."""
    at, everyone = clock.now(), people.members
    for low in range(everyone[0] - 1, everyone[-1], PART):
        with database.begin() as session:
            day = opening.day_of(session, people.programme, clock.day(at, people.programme.zone))
            visits.keep(session, day, low, low + PART, at)
    while counting.step(zone):
        pass


def _told(found: dict[str, Taken], members: str, say: Say) -> Figures:
    figures: Figures = {}
    for name, taken in sorted(found.items(), key=lambda one: -one[1].part(95)[0]):
        parts = {hundredth: taken.part(hundredth) for hundredth in (50, 95, 99)}
        called = re.sub(r"\W+", "_", name).strip("_")
        figures |= {f"lists_{called}_p{hundredth}_ms": ms for hundredth, (ms, _) in parts.items()}
        told = ", ".join(f"p{hundredth} {ms:.0f} ms" for hundredth, (ms, _) in parts.items())
        say(f"lists: {name:<28} {told}   slowest: {parts[95][1]}")
    slowest = {name: taken.part(95)[0] for name, taken in found.items()}
    over = [name for name, ms in slowest.items() if ms > MOST_MS]
    say(
        f"lists: over {members} members {len(over)} of {len(found)} lists are over {MOST_MS} ms: {', '.join(over) or 'none'}"
    )
    return figures | {
        "lists_opened": sum(len(taken.of) for taken in found.values()),
        "lists_slowest_p95_ms": max(slowest.values()),
        "lists_over_the_limit": len(over),
    }


def addresses(app: Flask) -> Iterator[tuple[str, str]]:
    """Name and address of each list, its filters among them."""
    rules = sorted(
        {
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith(PREFIX) and "GET" in (rule.methods or ())
        }
    )
    for name in (rule.removeprefix(PREFIX) for rule in rules):
        if name in WITH_A_MEMBER:
            yield name, PREFIX + name.replace("<member>", "{member}")
        elif "<" not in name and name not in APART:
            for query in ("", *FILTERS.get(name, ())):
                yield name, PREFIX + name + (f"?{query}" if query else "")
    for path in API:
        yield path.partition("?")[0], path


class _Visit:
    """Opens addresses over one connection: each some times, and a page further on as often."""

    def __init__(
        self, connection: "client._Connection", names: dict[str, str], times: int, deep: int
    ) -> None:
        self._connection, self._names, self._times, self._deep = connection, names, times, deep

    def opened(self, taken: Taken, who: str, by_role: dict[str, str], path: str) -> None:
        """First page and deep page, as the first role that may open it."""
        path = path.format(**self._names)
        role = next((one for one in by_role if self._may(by_role[one], path)), None)
        if role is None:
            return
        self._times_of(taken, f"{who}: {path}", by_role[role], path)
        deeper = path
        for _ in range(self._deep):
            follows = NEXT.search(self._asked(by_role[role], deeper)[1])
            if follows is None:
                break
            deeper = path.partition("?")[0] + unescape(follows[1])
        if deeper != path:
            self._times_of(taken, f"{who}, further on: {path}", by_role[role], deeper)

    def _may(self, token: str, path: str) -> bool:
        status, text = self._asked(token, path)
        if status not in (200, 303, 403, 404):
            raise RuntimeError(f"{path}: {status} {text[:300]}")
        return status in (200, 303)

    def _times_of(self, taken: Taken, called: str, token: str, path: str) -> None:
        self._asked(token, path)  # statements are compiled, caches fill
        taken.of[called] = []
        for _ in range(self._times):
            began = time.perf_counter()
            status, _text = self._asked(token, path)
            taken.of[called].append(time.perf_counter() - began)
            if status not in (200, 303):
                raise RuntimeError(f"{called}: {status}")

    def _asked(self, token: str, path: str) -> tuple[int, str]:
        headers = {"Cookie": f"jifen_staff={token}"}
        if path.startswith("/v1/"):
            headers = {"Authorization": f"Bearer {token}"}
        asked = client.request("GET", "".join(_plain(path)), headers | {"Accept-Language": "zh-CN"})
        head, body = self._connection.exchange(asked)
        if b"\r\nLocation: /staff/sign-in" in head:
            raise RuntimeError(f"{path}: signed out")
        return int(head[9:12]), body.decode(errors="replace")


def _plain(path: str) -> Iterator[str]:
    for symbol in path:
        yield symbol if symbol.isascii() else "".join(f"%{byte:02X}" for byte in symbol.encode())


def _signed_in(server: Server, name: str, area: str) -> dict[str, str]:
    """A person for each role in the area, whoever may do most first; they have tickets and tasks of their own."""
    level = roles.level(area)
    held = sorted(
        (one for one in roles.ROLES if level in roles.GIVEN_AT.get(one, roles.EVERYWHERE)),
        key=lambda one: -len(roles.ROLES[one]),
    )
    tokens = {}
    with server.admin(name) as admin, database.begin() as session:
        mine = admin.execute(
            "select staff_id from staff where area = %s order by 1 limit %s", (area, len(held))
        ).fetchall()
        for role, (staff_id,) in zip(held, mine, strict=True):
            admin.execute("update staff set roles = %s where staff_id = %s", ([role], staff_id))
            tokens[role] = sign_ins.begin(session, "staff", int(str(staff_id)), clock.now())
    return tokens


def _readable(server: Server, name: str, public: str) -> None:
    """Seal the messages of the member whose page is opened as the product does: those of all others are never read."""
    (member_id,) = ids.parse("mbr", public, 1)
    with database.begin() as session:
        key = vault.keys_for(session, SECRETS.seal_key, [member_id])[member_id]
    with server.admin(name) as admin:
        for (notice_id,) in admin.execute(
            "select notice_id from notice where member_id = %s", (member_id,)
        ).fetchall():
            to, said = (
                sealing.sealed(key, notice_id, "13800000000"),
                sealing.sealed(key, notice_id, "A message."),
            )
            admin.execute(
                "update notice set receiver_sealed = %s, text_sealed = %s, keyed = true where notice_id = %s",
                (to, said, notice_id),
            )


def _named(server: Server, name: str) -> dict[str, str]:
    """What the addresses ask for: a member of the county who has a ticket, and days."""
    with server.admin(name) as admin:
        member_id, ticket_id, customer = admin.execute(
            sql.SQL(
                "select t.member_id, t.ticket_id, m.customer_id from ticket t join member_facts f using (member_id) "
                "join member m using (member_id) where f.area = {} order by t.ticket_id desc limit 1"
            ).format(COUNTY)
        ).fetchone() or ("0", "0", "nobody")
    today = clock.now().date()
    return {
        "member": ids.public("mbr", int(str(member_id))),
        "customer": str(customer),
        "ticket": numbers.number(int(str(ticket_id))),
        "today": str(today),
        "week_ago": str(today - timedelta(days=7)),
        "month_ago": str(today - timedelta(days=29)),
    }

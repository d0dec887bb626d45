"""Roles x routes x {own, another area, another merchant, nobody}: who gets in, and that what is not one's own is not there.

What a permission decides is asked of the door itself, before any view runs: every role in every size of area where it is
given, at every route. What the object decides is asked of the views. The table of narrow roles is said here once more, as
the design's table F has it.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from admin.staff import entries
from base import clock, database, ids
from base.auth import guard, sign_ins
from base.auth.principals import ANONYMOUS, Clerk, Halfway, Member, MerchantPerson, Service, Staff, Terminal
from base.auth.roles import LEVELS, ROLES
from base.auth.signatures import TerminalRefused
from base.errors import NotAllowed, NotSignedIn
from merchants import scope as merchant_scope
from merchants.models import Merchant, Outlet
from points.adjustments import adjustments
from points.members import scope
from tests.app.test_routes import GIVEN_TO, MERCHANT, OWN_FACE, ROUTES, SERVICES, STAFF, face_of
from tests.given import (
    caller,
    given_area,
    given_colleague,
    given_member,
    given_person,
    given_programme,
    given_shop,
    merchant_token,
    staff_token,
)

AREAS = ("", "33", "3301", "330106")
HQ, PROVINCE, CITY, COUNTY = AREAS
RULES = {
    "rates:propose", "earn-rules:propose", "extensions:propose", "entitlements:propose", "bonuses:propose",
    "tier-policies:propose", "care:rules", "balances:propose", "mix-targets:propose", "terms:propose", "packs:propose",
}  # fmt: skip
CATALOGUE = {
    "stock:write", "budgets:propose", "offers:propose", "offers:pause", "segments:write", "webhooks:manage",
    "merchants:manage", "merchant-reviews:propose", "notices:propose", "notices:test",
}  # fmt: skip
MADE = {
    "payouts:propose", "payouts:hold", "payouts:files", "recoveries:manage", "write-offs:propose",
    "merchant-adjustments:propose", "invoices:record", "halts:propose",
}  # fmt: skip
CHECKED = {"payouts:approve", "write-offs:approve", "budgets:approve", "mix-targets:approve", "halts:approve"}
BY_HAND = {
    "adjustments:propose", "merges:propose", "goodwill:propose", "reversals:propose", "tier-grants:propose",
    "erasures:propose",
}  # fmt: skip
HANDLED = {"disputes:handle", "vouchers:freeze"}
# Narrow role -> its broad one and what of that it may not do.
PART_OF = {
    "catalogue-editor": ("editor", RULES | {"webhooks:manage"}),
    "rate-maker": ("editor", CATALOGUE),
    "care-agent": ("support", HANDLED | {"care:assign", "erasures:propose", "events:manage"}),
    "account-manager": ("support", HANDLED | {"erasures:propose"}),
    "finance-maker": ("finance", CHECKED),
    "finance-checker": ("finance", MADE),
    "risk-officer": (
        "security",
        {"erasures:approve", "audit:read", "staff:read", "staff:approve", "maintenance:manage"},
    ),
}
WHOLE = {
    "dispute-owner": {
        "console", "members:read", "merchants:read", "approvals:read", "proposals:read", "disputes:read",
        "disputes:handle", "vouchers:freeze", "reversals:propose", "tickets:read", "tickets:handle", "contacts:read",
        "contacts:write",
    },
    "privacy-officer": {
        "console", "audit:read", "members:read", "approvals:read", "proposals:read", "erasures:approve", "staff:read",
    },
    "system-administrator": {"console", "proposals:read", "staff:read", "staff:propose", "staff:end", "maintenance:manage"},
}  # fmt: skip
# Where a role is given; the others are given everywhere.
GIVEN = {
    "rate-maker": {HQ, PROVINCE}, "checker": {HQ, PROVINCE, CITY}, "care-agent": {PROVINCE, CITY, COUNTY},
    "account-manager": {PROVINCE, CITY, COUNTY}, "finance": {HQ, PROVINCE, CITY}, "finance-maker": {HQ, PROVINCE, CITY},
    "finance-checker": {HQ}, "auditor": {HQ, PROVINCE}, "privacy-officer": {HQ, PROVINCE}, "security": {HQ, PROVINCE},
    "system-administrator": {HQ},
}  # fmt: skip
LESS_THERE = {
    ("catalogue-editor", COUNTY): {"offers:pause", "stock:write", "budgets:propose"},
    ("care-agent", COUNTY): BY_HAND | {"members:reveal"},
    ("account-manager", COUNTY): BY_HAND,
    ("dispute-owner", COUNTY): HANDLED | {"reversals:propose"},
    ("finance-maker", PROVINCE): {
        "payouts:propose",
        "payouts:files",
        "write-offs:propose",
        "recoveries:manage",
    },
    ("finance-maker", CITY): MADE | CHECKED,
    ("analyst", COUNTY): {"retention:read", "retention:run", "replays:run", "replays:read"},
    ("security", PROVINCE): {"maintenance:manage"},
    ("risk-officer", COUNTY): {"vouchers:freeze", "till-alerts:close", "members:reveal"},
}
EVERYTHING = Staff(1, frozenset(ROLES))  # as nobody can be made


def places(role: str) -> list[str]:
    """The sizes of area in which the role does not reach as far as in the one above."""
    found: list[str] = []
    for area in AREAS:
        reach = (area in GIVEN.get(role, AREAS), LESS_THERE.get((role, area)))
        before = found and (found[-1] in GIVEN.get(role, AREAS), LESS_THERE.get((role, found[-1])))
        if reach != before:
            found.append(area)
    return found


def may(role: str, area: str, permission: str) -> bool:
    """What the tables above say."""
    if area not in GIVEN.get(role, AREAS) or permission in LESS_THERE.get((role, area), ()):
        return False
    if role in WHOLE:
        return permission in WHOLE[role]
    of, without = PART_OF.get(role, (role, ()))
    return f"staff:{of}" in GIVEN_TO[permission] and permission not in without


PLACES = [(role, area) for role in ROLES for area in places(role)]


@contextmanager
def at_the_door(app, route: str) -> Iterator[Callable[..., str]]:
    """decide(principal, signed_by): in, 403, or to sign in, as the guard says at this route to whoever this is."""
    method, path = route.split(" ", 1)
    path = re.sub(r"<[^>]+>", "1", path.replace("<any:step>", "content"))
    headers = {"Authorization": "Bearer x", "Cookie": f"{guard.cookie_name(face_of(path))}=x"}

    def decide(principal: object, signed_by: int | None = None) -> str:
        guard.g.stand_in, guard.g.stand_in_signed = principal, signed_by
        try:
            answer = guard._admit()
        except TerminalRefused:
            return "unsigned"
        except NotAllowed:
            return "403"
        except NotSignedIn:
            return "sign in"
        if answer is None:
            return "in"
        return "second step" if answer.location.endswith("/second-factor") else "sign in"

    with app.test_request_context(path, method=method, headers=headers):
        yield decide


@pytest.fixture
def stand_ins(monkeypatch):
    """Whoever is named stands behind every token and signature; nothing is looked up."""

    def stands_for(token):
        principal = guard.g.stand_in
        of_page = not guard.request.path.startswith("/v1/")
        return ANONYMOUS if of_page and principal.kind != guard.FACES[guard.face()] else principal

    monkeypatch.setattr(guard, "_find", stands_for)
    monkeypatch.setattr(guard, "_signature", lambda: guard.g.stand_in_signed)


@pytest.mark.attack("A1")
def test_every_role_in_every_area_passes_the_doors_that_the_tables_say_and_no_others(built, stand_ins):
    wrong, checks = {}, 0

    for route, permission in ROUTES.items():
        path = route.split(" ", 1)[1]
        of_staff = path.startswith("/v1/") or face_of(path) == "staff"
        step = "403" if path.startswith("/v1/") else "second step"
        asked = {
            "anonymous": (ANONYMOUS, "sign in"),
            "halfway": (Halfway(1), step),
            "staff": (EVERYTHING, "in"),
        }
        if of_staff and permission != "public":
            for role, area in PLACES:
                allowed = "in" if may(role, area, permission) else "403"
                asked[f"{role} {area}"] = (Staff(1, frozenset({role}), area), allowed)
            asked["halfway"] = (Halfway(1), "in" if permission == "second-factor" else step)
            del asked["staff"]
        with at_the_door(built, route) as decide:
            for name, (principal, expected) in asked.items():
                said = expected if of_staff else "sign in"
                came = decide(principal)
                checks += 1
                if came != ("in" if permission == "public" else said):
                    wrong[route, name] = f"{came}, not {said}"

    sys.stdout.write(
        f"{checks} checks of roles at the door: {len(ROUTES)} routes, {len(ROLES)} roles, {len(LEVELS)} sizes of area"
    )
    assert wrong == {}
    assert checks >= 3_000


DESK = {"vouchers:check", "vouchers:accept", "acceptances:void", "earnings:give", "earnings:reverse"}
OTHERS = {
    "member": Member(1, 1),
    "clerk": Clerk(1, 1, 1, 1, 1),
    "manager": Clerk(1, 1, 1, 1, 1, is_manager=True),
    "desk": Terminal(1, 1, 1),
    "sandbox": Terminal(1, 1, 1, is_sandbox=True),
    **{who: MerchantPerson(1, 1, who.partition(":")[2]) for who in MERCHANT},
    "service:": Service("key", 1, frozenset()),
    **{f"service:{scope}": Service("key", 1, frozenset({scope})) for scope in SERVICES},
}
TILLS = ("clerk", "manager", "desk", "sandbox")


def said_to(who: str, route: str) -> str:
    """What the tables of routes and permissions say to somebody who is no staff."""
    path, permission = route.split(" ", 1)[1], ROUTES[route]
    if permission == "public":
        return "in"
    if not path.startswith("/v1/") and OWN_FACE.get(who) != face_of(path):
        return "sign in"
    allowed = who in GIVEN_TO[permission]
    if who in ("desk", "sandbox"):
        allowed = permission in DESK or (who == "desk" and permission == "acceptances:own")
    return "in" if allowed else "403"


@pytest.mark.attack("A1")
def test_members_tills_merchants_people_and_systems_pass_their_own_doors_and_no_others(built, stand_ins):
    wrong, checks = {}, 0

    for route in ROUTES:
        with at_the_door(built, route) as decide:
            for who, principal in OTHERS.items():
                came = decide(principal, signed_by=1 if who in TILLS else None)
                checks += 1
                if came != said_to(who, route):
                    wrong[route, who] = f"{came}, not {said_to(who, route)}"

    sys.stdout.write(f"{checks} checks of everybody else at the door")
    assert wrong == {}
    assert checks >= 15_000


@pytest.mark.attack("A1", "A12", "A21")
def test_what_a_till_does_without_its_own_signature_is_refused_whoever_is_signed_in(built, stand_ins):
    checks = 0

    for route in ROUTES:
        for who in TILLS:
            if said_to(who, route) == "in" and ROUTES[route] != "public" and not route.startswith("GET "):
                with at_the_door(built, route) as decide:
                    checks += 1
                    assert decide(OTHERS[who]) == decide(OTHERS[who], signed_by=2) == "unsigned", (route, who)

    assert checks > 30


def test_the_table_names_every_role():
    assert {role.removeprefix("staff:") for role in STAFF} | set(PART_OF) | set(WHOLE) == set(ROLES)
    assert {len(area) for area in AREAS} == set(LEVELS)


# What the object decides

MINE, THEIRS = "330106", "440103"
REFUSED = (400, 404, 422)  # a body that says nothing may be refused before anything is looked up


@pytest.fixture
def world(app, db):
    """Two areas, with a member, a merchant and a proposal in each."""
    app.config["WTF_CSRF_ENABLED"] = False
    programme, found = given_programme(), {}
    for area, code in ((MINE, "tea"), (THEIRS, "inn")):
        member_id = given_area(given_member(db, programme, points=500), area)
        shop = given_shop(code)
        with database.begin() as session:
            session.get_one(Merchant, shop.merchant.merchant_id).area = area
            session.get_one(Outlet, shop.outlet.outlet_id).area = area
        maker = given_person("support", email=f"{area}@example.test", area=area)
        wanted = adjustments.Wanted("up", 10, "goodwill", "late", "T-1")
        with database.begin() as session:
            case = adjustments.propose(session, maker, member_id, wanted, clock.now())
        found[area] = {
            "<member>": ids.public("mbr", member_id),
            "<merchant>": code,
            "<outlet>": ids.public("out", shop.outlet.outlet_id),
            "<person>": ids.public("stf", maker.staff_id),
            "<proposal>": ids.public("apr", case.proposal.proposal_id),
            "shop": shop,
        }
    return found


def about(kind: str) -> list[str]:
    """The routes of staff that are about one such object and ask for nothing more."""
    wanted = [
        route for route, permission in ROUTES.items()
        if kind in route and route.count("<") == 1 and permission not in ("public",)
        and not route.split(" ")[1].startswith(("/v1/merchant/", "/merchant", "/till"))
    ]  # fmt: skip
    if kind == "<proposal>":
        return [route for route in wanted if "/adjustments/" in route]
    return [route for route in wanted if "/outlets/" in route] if kind == "<outlet>" else wanted


def asked(app, token, route, thing):
    method, path = route.split(" ", 1)
    path = re.sub(r"<[^>]+>", thing, path)
    one = caller(app, token)
    if path.startswith("/v1/"):
        return one.get(path) if method == "GET" else one.post(path, {})
    client = app.test_client()
    client.set_cookie("jifen_staff", token)
    return client.open(path, method=method, follow_redirects=method == "GET")


@pytest.mark.attack("A1")
@pytest.mark.parametrize("kind", ["<member>", "<merchant>", "<proposal>", "<outlet>", "<person>"])
def test_what_lies_in_another_area_is_not_there(app, world, kind):
    wrong, checks = {}, 0

    for role in ROLES:
        area = next((one for one in (CITY, PROVINCE) if one in GIVEN.get(role, AREAS)), None)
        if area is None:
            continue
        token = staff_token(role, area=area)
        for route in about(kind):
            if may(role, area, ROUTES[route]):
                mine, theirs = (asked(app, token, route, world[one][kind]) for one in (MINE, THEIRS))
                checks += 2
                if theirs.status_code not in (REFUSED if route.startswith("POST") else (404,)):
                    wrong[route, role, "theirs"] = theirs.status_code
                if mine.status_code in (401, 404) or mine.status_code >= 500:
                    wrong[route, role, "mine"] = mine.status_code
    sys.stdout.write(f"{checks} checks of {kind} in and out of the area")
    assert wrong == {}
    assert checks


@pytest.mark.parametrize(("kind", "role"), [("<member>", "support"), ("<proposal>", "checker")])
def test_where_every_query_forgets_the_area_the_database_does_not(app, world, monkeypatch, kind, role):
    monkeypatch.setattr(scope, "_rules", lambda principal, facts: [])
    token = staff_token(role, area=CITY)
    wrong, routes = {}, [route for route in about(kind) if may(role, CITY, ROUTES[route])]

    for route in routes:
        mine, theirs = (asked(app, token, route, world[one][kind]) for one in (MINE, THEIRS))
        if theirs.status_code not in (REFUSED if route.startswith("POST") else (404,)):
            wrong[route, "theirs"] = theirs.status_code
        if mine.status_code in (401, 404) or mine.status_code >= 500:
            wrong[route, "mine"] = mine.status_code

    assert routes
    assert wrong == {}


OF_A_MERCHANT = {
    "GET /merchant/outlets/<outlet>": "outlet",
    "POST /merchant/outlets/<outlet>": "outlet",
    "GET /merchant/terminals/<terminal>": "terminal",
    "GET /merchant/terminals/<terminal>/pairing": "terminal",
    "POST /merchant/terminals/<terminal>/revoke": "terminal",
    "POST /merchant/people/<person>/role": "person",
    "POST /merchant/people/<person>/renew": "person",
    "POST /merchant/people/<person>/end": "person",
    "POST /v1/merchant/terminals/<terminal>/revoke": "terminal",
    "POST /v1/merchant/people/<person>/end": "person",
}


@pytest.mark.attack("A1")
@pytest.mark.parametrize("forgotten", [False, True], ids=["asked", "forgotten"])
def test_what_belongs_to_another_merchant_is_not_there(app, world, monkeypatch, forgotten):
    """Nor where every query forgets to ask whose it is: then the database does not."""
    if forgotten:
        monkeypatch.setattr(merchant_scope, "ours", lambda reach, asked, merchant_id, outlet_id: asked)
    wrong, checks = {}, 0
    mine, theirs = world[MINE]["shop"], world[THEIRS]["shop"]
    strangers = {
        "outlet": ids.public("out", theirs.outlet.outlet_id),
        "terminal": ids.public("trm", theirs.terminal.terminal_id),
        "person": ids.public("clk", theirs.clerk.clerk_id),
    }

    for number, role in enumerate(("manager", "finance", "owner")):
        token = merchant_token(given_colleague(mine, role, f"7{number}"))
        for route, what in OF_A_MERCHANT.items():
            allowed = f"merchant:{role}" in GIVEN_TO[ROUTES[route]]
            method, path = route.split(" ", 1)
            path = re.sub(r"<[^>]+>", strangers[what], path)
            client, headers = app.test_client(), {"Idempotency-Key": f"matrix-{role}-{checks}-aaaa"}
            client.set_cookie("jifen_merchant", token)
            of_api = path.startswith("/v1/")
            if of_api:
                headers["Authorization"] = f"Bearer {token}"
            sent = {"json": {}} if of_api else {"follow_redirects": method == "GET"}
            answer = client.open(path, method=method, headers=headers, **sent)
            checks += 1
            not_there = REFUSED if method == "POST" else (404,)
            if answer.status_code not in (not_there if allowed else (403,)):
                wrong[route, role] = answer.status_code
    sys.stdout.write(f"{checks} checks of another merchant's things")
    assert wrong == {}


@pytest.mark.attack("A12")
def test_a_role_and_a_sign_in_that_ended_open_nothing_at_the_next_request(app, db):
    person = given_person("support", email="a@example.test")
    with database.begin() as session:
        token = entries.begin(session, person.staff_id, entries.HERE, "password", clock.now())
    inside = caller(app, token).get("/v1/proposals").status_code
    with database.begin() as session:
        entries.end_all(session, person.staff_id, clock.now())

    assert (inside, caller(app, token).get("/v1/proposals").status_code) == (200, 401)
    with database.begin() as session:
        assert sign_ins.find(session, token, clock.now()) is ANONYMOUS
        assert not isinstance(sign_ins.find(session, token, clock.now()), Member)

"""What people type is shown as they typed it and does nothing: a payload in every text that a page may show, all pages read."""

import json
import re
import sys
from dataclasses import dataclass

import pytest
from markupsafe import escape
from sqlalchemy import text

from admin.tickets import tickets
from base import clock, database, ids, vault
from base.auth.principals import Member as MemberPrincipal
from points.adjustments import adjustments
from points.members import members
from tests.app.test_routes import EVERYBODY, ROUTES, World, expected, face_of
from tests.given import (
    caller,
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_shop,
    member_token,
)
from tests.owner import owner

PAYLOAD = "\"'><script src=//evil.example></script><img src=x onerror=alert(1)>{{71*73}}${71*73}"
BOTH = json.dumps({"zh-CN": PAYLOAD, "en": PAYLOAD})
# Texts that lie in clear and stand on pages, written as their owner could, so that no check at the door stands before the page.
NAMES = ("programme", "merchant", "outlet", "offer", "area")
WORDS = {
    "staff": ("name",),
    "merchant": ("city",),
    "outlet": (),
    "offer": ("category",),
    "ticket": ("department",),
}
LIVE = re.compile(r"<script src=//evil|<img src=x|\"'>|5183\$\{|\}\}\$5183")
HARMLESS = "&lt;script src=//evil.example&gt;"


@dataclass(frozen=True)
class Worded(World):
    """The world, and public ids of what is there by the name of the parameter in an address."""

    things: dict[str, str]


@pytest.fixture
def world(app, db):
    """A member with a use of a voucher, a ticket and a proposal, all named and worded by somebody who means ill."""
    programme, shop = given_programme(), given_shop()
    member_id = given_area(given_member(db, programme, points=100_000), "330106")
    world, at = Worded(app, db, programme, shop, member_id, {}), clock.now()
    offers = [
        given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id),
        given_offer(programme, "perk", value_fen=10),
    ]
    me, till = caller(app, member_token(member_id)), caller(app, world.token("clerk"))
    bought = [me.redeem(offer).json for offer in offers]
    accepted = till.accept(me.voucher_code(bought[0])).json
    maker = given_person("support", email="maker@example.test")
    with database.begin() as session:
        vault.put(session, db.seal_key, member_id, {vault.NAME: PAYLOAD, vault.ADDRESS: PAYLOAD}, at, "test")
        case = adjustments.propose(
            session, maker, member_id, adjustments.Wanted("up", 10, "goodwill", PAYLOAD, "T-1"), at
        )
        asker = MemberPrincipal(member_id, programme.programme_id)
        ticket = tickets.open_one(
            session, db, members.by_id(session, member_id), "other", PAYLOAD, by=asker, at=at
        )
    world.things.update(
        {
            "member": ids.public("mbr", member_id),
            "offer": ids.public("off", offers[0].offer_id),
            "merchant": "tea",
            "outlet": ids.public("out", shop.outlet.outlet_id),
            "terminal": ids.public("trm", shop.terminal.terminal_id),
            "redemption": bought[0]["id"],
            "voucher": bought[0]["voucher"],
            "acceptance": accepted["id"],
            "proposal": ids.public("apr", case.proposal.proposal_id),
            "ticket": str(ticket.ticket_id),
            "programme": "gotone",
        }
    )
    with owner(db) as connection:
        for table in NAMES:
            connection.execute(text(f"update {table} set names = cast(:said as jsonb)"), {"said": BOTH})
        connection.execute(text("update offer set texts = cast(:said as jsonb)"), {"said": BOTH})
        connection.execute(text("update outlet set address = cast(:said as jsonb)"), {"said": BOTH})
        for table, columns in WORDS.items():
            for column in columns:
                connection.execute(text(f"update {table} set {column} = :said"), {"said": PAYLOAD})
    return world


def pages(world) -> list[tuple[str, str, str]]:
    """(route, path, who): every page that is only read, with what there is in its path, and one who may see it."""
    found = []
    for route in ROUTES:
        path = route.split(" ", 1)[1]
        if not route.startswith("GET /") or path.startswith(
            ("/v1/", "/static", "/pictures", "/health", "/openapi")
        ):
            continue
        wanted = re.findall(r"<(?:\w+:)?(\w+)>", path)
        if any(name not in world.things for name in wanted):
            continue
        filled = re.sub(r"<(?:\w+:)?(\w+)>", lambda hit: world.things[hit[1]], path)
        who = next(
            (one for one in EVERYBODY if one != "anonymous" and expected(route, one) == "allowed"), None
        )
        if who is not None:
            found.append((route, filled, who))
    return found


def read(world, path: str, token: str | None, language: str) -> str:
    client = world.app.test_client()
    if token:
        client.set_cookie(f"jifen_{face_of(path)}", token)
    answer = client.get(path, headers={"Accept-Language": language}, follow_redirects=True)
    assert answer.status_code < 500, path
    return answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""


@pytest.mark.attack("A13", "A16")
@pytest.mark.parametrize(
    ("languages", "some"), [(("en",), 3), pytest.param(("en", "zh-CN"), 1, marks=pytest.mark.torture)]
)
def test_no_page_runs_what_somebody_typed_and_many_show_it(world, languages, some):
    """One page in three each time, all of them in the long run."""
    tokens = {who: world.token(who) for who in EVERYBODY}
    live, shown, all_pages = {}, set(), pages(world)[::some]

    for language in languages:
        for route, path, who in all_pages:
            if route.endswith("/sign-out"):
                continue
            page = read(world, path, tokens[who], language)
            if hit := LIVE.search(page):
                live[route, who] = page[max(0, hit.start() - 80) : hit.end() + 40]
            if HARMLESS in page:
                shown.add(route)

    sys.stdout.write(f"{len(all_pages)} pages, {len(shown)} of which show the payload")
    assert live == {}
    assert len(all_pages) > 150 // some
    assert len(shown) > 60 // some


@pytest.mark.attack("A13")
@pytest.mark.parametrize(
    "said",
    [
        PAYLOAD,
        f'<a title="{PAYLOAD}">',
        PAYLOAD.replace("{{71*73}}", "5183"),
        PAYLOAD.replace("${71*73}", "$5183").replace("<", "&lt;").replace("\"'>", ""),
    ],
)
def test_a_page_that_would_run_it_is_told(said):
    assert LIVE.search(f"<p>{said}</p>")
    assert not LIVE.search(str(escape(PAYLOAD)))
    assert HARMLESS in str(escape(PAYLOAD))

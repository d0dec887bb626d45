"""The API is asked what its own description allows, and near it, as each kind of caller: no 5xx, no answer that is not described.

Cases are drawn by schemathesis from openapi.json; half of those with an id in the path get one of something that is there.
Each time one operation in eight is asked by whoever may and by somebody who may not; in the long run all of them, by all.
"""

import json
import sys
import uuid
from collections import Counter
from typing import Any, NamedTuple

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from base import database, ids
from merchants.terminals import clerks
from tests.app.test_routes import ENDS, EVERYBODY, ROUTES, World, expected
from tests.given import caller, given_colleague, given_member, given_offer, given_programme, given_shop

PROBLEM = {"type", "title", "status", "detail", "instance", "next", "request_id"}
ANY_BODY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
SOME_OF_ALL = 8


class Case(NamedTuple):
    """What is asked: of a route as ROUTES names it, with its path filled in."""

    route: str
    method: str
    path: str
    query: dict[str, Any]
    body: Any


def wrong_with(status: int, media_type: str, body: Any, responses: set[str]) -> str:
    """In a word what is wrong with an answer; empty where nothing is. `responses`: the statuses that the description names."""
    if status >= 500 and not (status == 503 and isinstance(body, dict)):
        return f"{status}"
    if status >= 400:
        said = media_type == "application/problem+json" and isinstance(body, dict) and body.keys() >= PROBLEM
        return "" if said and body["status"] == status else f"{status} without its problem"
    return "" if str(status) in responses or 300 <= status < 400 else f"{status} is not described"


@pytest.fixture
def world(app, db):
    app.config["WTF_CSRF_ENABLED"] = False
    programme = given_programme()
    return World(app, db, programme, given_shop(), given_member(db, programme, points=1000))


@pytest.fixture
def known(world) -> dict[str, list[str]]:
    """Ids of what is there, by the name of the parameter in a path. Persons and terminals are none of those who ask: one who
    may ends them.
    """
    offer = given_offer(world.programme, "perk", value_fen=10)
    with database.begin() as session:
        terminal = clerks.add_terminal(session, world.shop.outlet, "tea-spare")
    return {
        "member": [ids.public("mbr", world.member_id)],
        "offer": [ids.public("off", offer.offer_id)],
        "merchant": ["tea"],
        "outlet": [ids.public("out", world.shop.outlet.outlet_id)],
        "terminal": [ids.public("trm", terminal.terminal_id)],
        "person": [ids.public("clk", given_colleague(world.shop, "clerk", "spare").clerk_id)],
        "programme": ["gotone"],
        "seq": ["1"],
    }


def drawn(operation, known: dict[str, list[str]], count: int) -> list[Case]:
    """So many cases of an operation, always the same ones."""
    found: list[Case] = []
    route = f"{operation.method.upper()} {operation.path.replace('{', '<').replace('}', '>')}"
    route = next(one for one in ROUTES if one.replace("<int:", "<").replace("<any:step>", "<step>") == route)

    @seed(7)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(), st.booleans(), st.integers(0, 9), ANY_BODY)
    def run(case, real, wild, other):
        filled = dict(case.path_parameters or {})
        for name in filled:
            if real and name in known:
                filled[name] = known[name][0]
            filled[name] = str(filled[name]).replace("/", "_").replace("?", "_").replace("#", "_") or "_"
            filled[name] = filled[name].replace(".", "_")  # a dot alone leads to another path
        has_body = case.body.__class__.__name__ != "NotSet"
        body = (other if wild == 0 else case.body) if has_body else None
        query = {name: value for name, value in (case.query or {}).items() if value is not None}
        found.append(Case(route, operation.method.upper(), operation.path.format(**filled), query, body))

    run()
    return found[:count]


def asked(world: World, token: str | None, case: Case):
    one = caller(world.app, token)
    data = b""
    if case.body is not None:
        data = case.body if isinstance(case.body, bytes) else json.dumps(case.body, default=str).encode()
    headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with world.app.test_request_context(case.path, method=case.method, query_string=case.query) as context:
        query = context.request.query_string.decode()
        target = context.request.path + (f"?{query}" if query else "")
        encoded = case.path
    if one.signer:
        headers |= one.signer.headers(case.method, target, data)
    return world.app.test_client().open(
        encoded, method=case.method, query_string=query, data=data or None, headers=headers
    )


def look(world: World, known, operations, everybody, count: int) -> tuple[list[str], Counter[int]]:
    """Every case of these operations by these callers: what was wrong, and how often each status came."""
    tokens = {who: world.token(who) for who in EVERYBODY}
    wrong = list[str]()
    statuses: Counter[int] = Counter()
    for operation in operations:
        responses = {str(status) for status in operation.definition.raw["responses"]}
        for case in drawn(operation, known, count):
            for who in everybody(case.route):
                answer = asked(world, tokens[who], case)
                statuses[answer.status_code] += 1
                body = answer.get_json(silent=True)
                fault = wrong_with(answer.status_code, answer.mimetype, body, responses)
                refusal = {"sign in": 401, "403": 403}.get(expected(case.route, who))
                if refusal and answer.status_code != refusal:
                    fault = f"{answer.status_code}, though {refusal} is due"
                if fault:
                    wrong.append(f"{fault}: {who} {case}")
                if case.route.endswith(ENDS):
                    tokens[who] = world.token(who)
    return wrong, statuses


def operations(app):
    schema = schemathesis.openapi.from_dict(app.test_client().get("/openapi.json").json)
    return [found.ok() for found in schema.get_all_operations()]


def one_who_may_and_one_who_may_not(route: str) -> list[str]:
    told = {who: expected(route, who) for who in EVERYBODY}
    may = [who for who in EVERYBODY if told[who] == "allowed"][:1]
    return may + [who for who in EVERYBODY if told[who] != "allowed"][:1]


def one_of_each_kind(route: str) -> list[str]:
    """All who may, and of others one in three."""
    told = {who: expected(route, who) for who in EVERYBODY}
    return [who for nth, who in enumerate(EVERYBODY) if told[who] == "allowed" or nth % 3 == len(route) % 3]


@pytest.mark.attack("A16", "A2")
def test_what_the_description_allows_is_answered_as_it_says(world, known):
    some = operations(world.app)[::SOME_OF_ALL]

    wrong, statuses = look(world, known, some, one_who_may_and_one_who_may_not, 1)

    assert wrong == []
    assert sum(statuses.values()) > 80
    assert {401, 422} <= statuses.keys()


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.attack("A16", "A2")
def test_twenty_thousand_requests_of_every_operation_by_every_kind_of_caller(world, known):
    wrong, statuses = look(world, known, operations(world.app), one_of_each_kind, 5)

    sys.stdout.write(f"{sum(statuses.values())} requests: {dict(sorted(statuses.items()))}\n")
    assert "\n".join(wrong[:40]) == ""
    assert sum(statuses.values()) >= 20_000


SAID = dict.fromkeys(PROBLEM, "") | {"status": 404}


@pytest.mark.parametrize(
    ("status", "media_type", "body", "wrong"),
    [
        (200, "application/json", {}, ""),
        (404, "application/problem+json", SAID, ""),
        (500, "application/problem+json", SAID | {"status": 500}, "500"),
        (503, "application/problem+json", SAID | {"status": 503}, ""),
        (503, "text/html", None, "503"),
        (404, "text/html", None, "404 without its problem"),
        (404, "application/problem+json", {"status": 404}, "404 without its problem"),
        (409, "application/problem+json", SAID, "409 without its problem"),
        (206, "application/json", {}, "206 is not described"),
    ],
)
def test_an_answer_that_is_wrong_is_told(status, media_type, body, wrong):
    assert wrong_with(status, media_type, body, {"200", "201", "default"}) == wrong

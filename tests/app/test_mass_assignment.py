"""Nobody sets what is the server's to say: unknown fields are refused, numbers are whole and fit, whatever stands in a body."""

import json
import math
import re
import sys
import uuid
from functools import cache

import marshmallow as ma
import pytest
from sqlalchemy import text

from base import ids
from base.auth import guard
from base.auth.principals import Clerk, Member, MerchantPerson, Service, Staff, Terminal
from base.auth.roles import ROLES
from base.database import Base
from base.http.api import Request, WholeNumber
from tests.app.test_routes import GIVEN_TO, ROUTES
from tests.given import given_member, given_programme
from tests.owner import owner

COLUMNS = sorted({column.name for table in Base.metadata.tables.values() for column in table.columns})
HOSTILE = (
    "-1", "１２", "1e3", "1_000", " 1", "0x10", "", "NaN", "٣", 1.5, 1e400, -math.inf, math.nan, True, [1], {"a": 1}, 2**63, 2**64,
    10**30, -(2**63) - 1, "9223372036854775808",
)  # fmt: skip

NO_NUMBER = ("１２", "1e3", "1_000", "", "NaN", "٣", 1.5, True)


def whoever_may(route: str, member_id: int, programme_id: int):
    """Somebody to whom the route's permission is given."""
    permission = ROUTES[route]
    who = GIVEN_TO[permission][0] if GIVEN_TO[permission] else "staff:"
    kind, _, rest = who.partition(":")
    return {
        "member": lambda: Member(member_id, programme_id),
        "clerk": lambda: Clerk(1, 1, 1, 1, 1),
        "manager": lambda: Clerk(1, 1, 1, 1, 1, is_manager=True),
        "terminal": lambda: Terminal(1, 1, 1),
        "merchant": lambda: MerchantPerson(1, 1, rest),
        "service": lambda: Service("key", programme_id, frozenset({rest})),
        "staff": lambda: Staff(1, frozenset(ROLES)),
        "anonymous": lambda: guard.ANONYMOUS,
    }[kind]()


def contents(config) -> dict[str, str]:
    """A checksum of every table but those that count tries and looks."""
    with owner(config) as connection:
        tables = connection.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        return {
            name: connection.scalar(text(f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {name} t"))
            for name in tables
            if name not in ("guess", "till_attempt", "terminal_nonce", "audit", "audit_head")
        }  # fmt: skip


@pytest.mark.attack("A2")
def test_the_name_of_every_column_sent_to_every_write_sets_nothing(app, db, monkeypatch):
    programme = given_programme()
    member_id = given_member(db, programme, points=500)
    monkeypatch.setattr(guard, "_signature", lambda: 1)
    body = dict.fromkeys(COLUMNS, 1)
    writes = [
        route for route in ROUTES
        if route.startswith("POST /v1/") and takes_json(app, route) and ROUTES[route] in GIVEN_TO
    ]  # fmt: skip
    before, wrong, named = contents(db), {}, 0

    for route in writes:
        principal = whoever_may(route, member_id, programme.programme_id)
        monkeypatch.setattr(guard, "_find", lambda token, found=principal: found)
        path = re.sub(r"<[^>]+>", ids.public("mbr", member_id), route.split(" ")[1])
        headers = {"Authorization": "Bearer x", "Idempotency-Key": str(uuid.uuid4())}
        answer = app.test_client().post(path, json=body, headers=headers)
        refused = answer.status_code in (400, 404, 409, 415, 422)
        named += answer.status_code == 422 and "owner_id" in answer.text
        if not refused:
            wrong[route] = answer.status_code

    sys.stdout.write(
        f"{len(COLUMNS)} names to {len(writes)} writes, {named} of which name what they do not know"
    )
    assert wrong == {}
    assert named > 120
    assert contents(db) == before


def takes_json(app, route: str) -> bool:
    """Whether the description of a write has a body of fields; where it has none, what is sent is not read."""
    path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", route.split(" ")[1])
    body = description(app)["paths"][path]["post"].get("requestBody", {})
    return "application/json" in body.get("content", {})


@cache
def description(app) -> dict:
    return app.test_client().get("/openapi.json").json


def requests() -> list[type[Request]]:
    found, left = [], [Request]
    while left:
        one = left.pop()
        found.append(one)
        left += one.__subclasses__()
    return found


@pytest.mark.attack("A2")
def test_whatever_stands_where_a_number_belongs_a_whole_number_that_fits_comes_of_it_or_nothing(built):
    taken, fields = [], 0

    for schema in requests():
        for name, field in schema._declared_fields.items():
            if not isinstance(field, ma.fields.Integer | WholeNumber):
                continue
            fields += 1
            for value in HOSTILE:
                try:
                    got = schema(partial=True, only=(name,)).load({field.data_key or name: value})
                except ma.ValidationError:
                    continue
                number = got[name]
                if type(number) is not int or not -(2**63) <= number < 2**63 or value in NO_NUMBER:
                    taken.append((schema.__name__, name, value, number))

    sys.stdout.write(f"{fields} numbers in {len(requests())} requests x {len(HOSTILE)} hostile values")
    assert taken == []
    assert fields > 40


@pytest.mark.attack("A2")
@pytest.mark.parametrize("said", ["NaN", "Infinity", "-Infinity", "1e400", "1E9999", "9" * 400])
def test_a_number_that_json_has_not_or_nobody_can_hold_is_refused(app, db, said, monkeypatch):
    programme = given_programme()
    member_id = given_member(db, programme, points=500)
    monkeypatch.setattr(guard, "_find", lambda token: Member(member_id, programme.programme_id))

    answer = app.test_client().post(
        "/v1/quotes",
        data=json.dumps({"offer": "off_1", "units": 0}).replace("0}", said + "}"),
        headers={"Authorization": "Bearer x", "Content-Type": "application/json"},
    )

    assert answer.status_code in (400, 422)

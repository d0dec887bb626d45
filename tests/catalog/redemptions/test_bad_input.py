"""Whatever a caller sends, the answer is a 4xx problem that names the field, and nothing has changed."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from base import database, ids
from base.config import Config
from points import programmes
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    service_key,
)
from tests.tills import Signer

COUNTED_ON_PURPOSE = {
    "guess",
    "terminal_nonce",
    "till_attempt",
}  # wrong tries are counted even though they are refused


@dataclass(frozen=True)
class Door:
    """A route that takes JSON: a body that it would take, and who may send it."""

    path: str
    body: dict[str, Any]
    token: str | None
    signer: Signer | None = None  # of a till


@dataclass(frozen=True)
class House:
    """The application with somebody of each kind in it."""

    app: Flask
    doors: dict[str, Door]
    member: str
    clerk: str

    def send(self, door: Door, raw: bytes | str, **headers: str) -> TestResponse:
        given = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
            "Accept-Language": "en",
        }
        if door.token:
            given["Authorization"] = f"Bearer {door.token}"
        if door.signer:
            sent = raw.encode() if isinstance(raw, str) else raw
            given |= door.signer.headers("POST", door.path, sent)
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().post(door.path, data=raw, headers={k: v for k, v in given.items() if v})

    def get(self, path: str, token: str) -> TestResponse:
        return self.app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def house(app: Flask, db: Config) -> House:
    programme, shop = given_programme(), given_shop()
    voucher = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    member, clerk = member_token(given_member(db, programme, points=1000)), clerk_token(shop)
    buyer, till = caller(app, member), caller(app, clerk)
    accepted = till.accept(buyer.voucher_code(buyer.redeem(voucher).json)).json["id"]
    open_code = buyer.voucher_code(buyer.redeem(voucher).json)
    token = till.check(open_code).json["check_token"]
    doors = {
        "quotes": Door("/v1/quotes", {"offer": ids.public("off", voucher.offer_id), "units": 1}, member),
        "redemptions": Door("/v1/redemptions", {"quote": buyer.quote(voucher).json["id"]}, member),
        "check": Door("/v1/vouchers/check", {"code": open_code}, clerk, shop.signer),
        "accept": Door("/v1/vouchers/accept", {"check_token": token, "units": 1}, clerk, shop.signer),
        "release": Door("/v1/vouchers/release", {"check_token": token}, clerk, shop.signer),
        "void": Door(f"/v1/acceptances/{accepted}/void", {"reason": "typed twice"}, clerk, shop.signer),
        "code": Door("/v1/sign-ins/code", {"programme": "gotone", "phone": "13900000001"}, None),
        "sign-in": Door(
            "/v1/sign-ins", {"programme": "gotone", "phone": "13900000001", "code": "000000"}, None
        ),
        "till sign-in": Door("/v1/till/sign-ins", {"clerk": "01", "pin": "000000"}, None, shop.signer),
        "staff sign-in": Door("/v1/staff/sign-ins", {"email": "a@example.test", "password": "no"}, None),
    }
    return House(app, doors, member, clerk)


NUMBERS = {"units"}
NOT_A_NUMBER = (
    '"10"', "1.0", "1e0", "true", "false", "NaN", "Infinity", "-Infinity", str(2**63), "-1", "0", '"１０"', "null", "[1]", "{}",
    "0.5", "1e999",
)  # fmt: skip
NOT_A_TEXT = (
    "5", "1.5", "true", "null", "[]", "{}", '["a"]', '{"$ne": 1}', '""', '"\\u0000"', '"a\\u0000b"', '"a\\u001bb"',
    '"a\\nb"', '"\\u007f"', '"\\u0085"', '"\\ud800"', '"a\\udfffb"', json.dumps("x" * 100_000),
)  # fmt: skip
NOT_A_BODY = {
    "nothing": b"",
    "not JSON": b"{",
    "a word": b"hello",
    "an array": b"[]",
    "a text": b'"text"',
    "a number": b"5",
    "null": b"null",
    "10,000 arrays deep": b"[" * 10_000 + b"]" * 10_000,
    "100,000 objects deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a number of 5,000 digits": b'{"units": ' + b"9" * 5000 + b"}",
    "two documents": b"{}{}",
}


def rows_everywhere() -> dict[str, int]:
    with database.begin() as session:
        names = session.scalars(
            text(
                "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
            )
        )
        return {
            name: session.scalar(text(f"select count(*) from {name}")) or 0
            for name in sorted(names)
            if name not in COUNTED_ON_PURPOSE
        }


def wrong(answer: TestResponse, pointer: str | None = None) -> str | None:
    """What is wrong with an answer to a bad request; None when it is a problem that names the field."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code}"
    if answer.content_type != "application/problem+json":
        return f"{answer.status_code} {answer.content_type}"
    named = [row["pointer"] for row in answer.json.get("errors", [])]
    if pointer is not None and pointer not in named:
        return f"{answer.status_code} names {named}: {answer.json['detail']}"
    return None


def with_raw(body: dict[str, Any], field: str, raw: str) -> str:
    """The body as JSON, one value replaced by exactly this text."""
    parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in body.items() if name != field]
    return "{" + ", ".join([*parts, f"{json.dumps(field)}: {raw}"]) + "}"


@pytest.mark.attack("A2")
def test_a_wrong_value_is_refused_by_the_name_of_its_field(house):
    before, faults = rows_everywhere(), {}

    for name, door in house.doors.items():
        for field in door.body:
            for raw in NOT_A_NUMBER if field in NUMBERS else NOT_A_TEXT:
                answer = house.send(door, with_raw(door.body, field, raw))
                faults[name, field, raw[:40]] = wrong(answer, f"/{field}")

    assert {place: fault for place, fault in faults.items() if fault} == {}
    assert rows_everywhere() == before


@pytest.mark.attack("A2")
def test_a_missing_field_and_one_too_many_are_named(house):
    before, faults = rows_everywhere(), {}
    optional = {"units"}
    pointers = {
        "surprise": "/surprise",
        "__proto__": "/__proto__",
        "member_id": "/member_id",
        "a/b~c": "/a~1b~0c",
        "": "/",
    }

    for name, door in house.doors.items():
        for field in door.body.keys() - optional:
            rest = {k: v for k, v in door.body.items() if k != field}
            faults[name, field] = wrong(house.send(door, json.dumps(rest)), f"/{field}")
        for field, pointer in pointers.items():
            faults[name, field] = wrong(house.send(door, json.dumps(door.body | {field: 1})), pointer)
        for raw in ('"\\ud800"', '"\\u0000"', '"\\udfff\\ud800"'):
            faults[name, raw] = wrong(house.send(door, with_raw(door.body, "x", "1").replace('"x"', raw)))

    assert {place: fault for place, fault in faults.items() if fault} == {}
    assert rows_everywhere() == before


def test_a_body_that_is_none_is_refused(house):
    before, faults = rows_everywhere(), {}
    kinds = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "")

    for name, door in house.doors.items():
        for what, raw in NOT_A_BODY.items():
            faults[name, what] = wrong(house.send(door, raw))
        for kind in kinds:
            faults[name, f"sent as {kind}"] = wrong(
                house.send(door, json.dumps(door.body), Content_Type=kind)
            )
    too_large = house.send(house.doors["quotes"], b'{"a": "' + b"x" * 2_000_000 + b'"}')

    assert {place: fault for place, fault in faults.items() if fault} == {}
    assert (too_large.status_code, too_large.json["type"]) == (413, "/problems/too-large")
    assert rows_everywhere() == before


def test_a_write_needs_a_key_that_can_be_one(house):
    before, faults = rows_everywhere(), {}

    for name in ("redemptions", "accept", "void"):
        door = house.doors[name]
        for key in ("", "k" * 256, "schlüssel", "a\tb", "k\x00", "\x7f", "ÿ"):
            faults[name, key] = wrong(house.send(door, json.dumps(door.body), Idempotency_Key=key))
        missing = house.send(door, json.dumps(door.body), Idempotency_Key="")
        assert missing.json["type"] == "/problems/idempotency-key-missing"

    assert {place: fault for place, fault in faults.items() if fault} == {}
    assert rows_everywhere() == before


def test_an_id_of_another_kind_or_another_member_is_unknown(house, db):
    other = given_member(db, given_programme("other"))
    before, door = rows_everywhere(), house.doors["quotes"]
    number = ids.parse("off", door.body["offer"], parts=1)[0]
    offers = [
        "off_", "off", "OFF_" + door.body["offer"][4:], ids.public("red", number, number), ids.public("off", number, number),
        ids.public("off", number)[:-1], ids.public("off", number + 1), "off_" + "Z" * 13, "off_" + "U" * 13,
        "off_" + "-" * 13, "off_" + "０" * 13, "off_" + "0" * 11 + "ß", "off_%00", "off_../../x", " " + door.body["offer"],
        "off_" + "0" * 13, "off_7ZZZZZZZZZZZZ", "off_8000000000000",
    ]  # fmt: skip
    quotes = [ids.public("quo", other, 1), ids.public("quo", 0, 0), ids.public("red", 1, 2)]
    places = [
        f"/v1/{topic}/{thing}"
        for topic in ("redemptions", "vouchers", "offers")
        for thing in (
            ids.public("xyz", 1, 2),
            "%00",
            "a" * 5000,
            "%ff",
            "null",
            ids.public(topic[:3], 5, 6),
            "1",
        )
    ]

    faults = {text: wrong(house.send(door, json.dumps({"offer": text}))) for text in offers}
    faults |= {
        text: wrong(house.send(house.doors["redemptions"], json.dumps({"quote": text}))) for text in quotes
    }
    faults |= {place[:60]: wrong(house.get(place, house.member)) for place in places}

    assert {text: fault for text, fault in faults.items() if fault} == {}
    assert rows_everywhere() == before


@pytest.mark.parametrize(
    "path", ["/v1/members/me/postings", "/v1/redemptions", "/v1/offers", "/v1/statements", "/v1/retention"]
)
def test_a_bad_query_is_refused_by_name(house, path, db):
    token = house.member
    if path in ("/v1/statements", "/v1/retention"):
        token = service_key(given_programme("other"), "statements:read", "retention:read")
    needed = {"/v1/statements": "merchant=tea&", "/v1/retention": "programme=other&"}.get(path, "")
    queries = {"surprise=1": "/surprise"}
    if path != "/v1/retention":
        queries |= {
            f"limit={value}": "/limit"
            for value in ("abc", "0", "201", "-1", "1.0", "%EF%BC%91", "9" * 40, "", "true", "%00")
        }
    if path == "/v1/offers":
        queries |= {"kind=gold": "/kind", "kind=%00": "/kind", "affordable=maybe": "/affordable"}

    faults = {
        query: wrong(house.get(f"{path}?{needed}{query}", token), pointer)
        for query, pointer in queries.items()
    }
    name = needed.split("=")[0]
    if name:
        faults |= {
            value[:20]: wrong(house.get(f"{path}?{name}={value}", token))
            for value in ("%00", "a%00b", "", "x" * 5000, "%ff", "%ED%A0%80", "'")
        }
        faults["no name"] = wrong(house.get(path, token), f"/{name}")

    assert {query: fault for query, fault in faults.items() if fault} == {}


def test_a_cursor_of_another_list_or_a_forged_one_is_refused(house):
    buyer = caller(house.app, house.member)
    with database.begin() as session:
        given_offer(programmes.by_code(session, "gotone"), "perk")
    cursors = {
        path: buyer.get(path, limit=1).json["next_cursor"]
        for path in ("/v1/members/me/postings", "/v1/redemptions", "/v1/offers")
    }
    assert all(cursors.values())

    faults = {}
    for path, own in cursors.items():
        foreign = [cursor for other, cursor in cursors.items() if other != path]
        for forged in (
            *foreign,
            "x",
            "é",
            own[:-2],
            own + "AAAA",
            "A" * 5000,
            "===",
            "%00",
            " ",
            own.swapcase(),
        ):
            faults[path, forged[:30]] = wrong(buyer.get(path, limit=1, cursor=forged))

    assert {place: fault for place, fault in faults.items() if fault} == {}
    assert all(buyer.get(path, limit=1, cursor=own).status_code == 200 for path, own in cursors.items())


def test_a_posting_number_that_cannot_be_is_unknown(house):
    numbers = ("0", "-1", str(2**63 - 1), str(2**63), "9" * 20, "1.0", "abc", "9" * 5000, "%00")

    faults = {n[:30]: wrong(house.get(f"/v1/members/me/postings/{n}/lots", house.member)) for n in numbers}

    assert {number: fault for number, fault in faults.items() if fault} == {}


def test_a_strange_token_is_nobody(app, db):
    client = app.test_client()
    tokens = (
        "", "x", "jk_", "jk__", "jk_a_b", "jk_\xff_\xff", "é", "a" * 20_000, "jk_" + "a" * 20_000, "jk_a\x00b_c", "\x00",
    )  # fmt: skip

    answers = {
        t[:20]: client.get("/v1/members/me/wallet", headers={"Authorization": f"Bearer {t}"}) for t in tokens
    }

    assert {t: a.status_code for t, a in answers.items() if a.status_code != 401} == {}
    assert all(answer.content_type == "application/problem+json" for answer in answers.values())

"""Terms begin in the future, are written by two persons, count once the owner agrees, and are never edited."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from base import clock, database, ids
from base.models import AuditRow
from merchants import terms
from tests.given import ZONE, caller, given_colleague, given_shop, merchant_token, staff_token


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def maker(app, shop):
    return caller(app, staff_token("editor"))


@pytest.fixture
def owner(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "owner", "00")))


def tomorrow(days=1):
    return clock.day(clock.now(), ZONE) + timedelta(days=days)


def asked(**more):
    return {
        "merchant": "tea",
        "from_day": tomorrow().isoformat(),
        "price_bp": 8000,
        "fee_bp": 100,
        "vat_bp": 600,
        "void_window_s": 600,
        "manager_void_window_s": 7200,
        "typed_limit_fen": 3000,
        "direct_accept": True,
        "reason": "a lower fee",
    } | more


def approved(app, case):
    seen = {"content_hash": case["content_hash"]}
    return caller(app, staff_token("checker")).post(f"/v1/terms-proposals/{case['id']}/approve", seen)


def in_force(shop, on):
    with database.begin() as session:
        return terms.in_force(session, shop.merchant.merchant_id, on).price_bp


def test_a_version_counts_from_its_day_once_the_owner_has_agreed(app, maker, owner, shop):
    case = maker.post("/v1/terms-proposals", asked()).json
    approved(app, case)
    waiting = owner.get("/v1/merchant/terms").json["data"][0]
    before = in_force(shop, tomorrow())

    confirmed = owner.post(f"/v1/merchant/terms/{waiting['id']}/confirm").json

    assert (waiting["state"], confirmed["state"], before) == ("waiting", "later", 9000)
    assert (in_force(shop, tomorrow()), in_force(shop, tomorrow(0))) == (8000, 9000)
    assert {name: confirmed[name] for name in ("void_window_s", "manager_void_window_s", "typed_limit_fen", "direct_accept", "approval")} == {
        "void_window_s": 600, "manager_void_window_s": 7200, "typed_limit_fen": 3000, "direct_accept": True, "approval": case["id"],
    }  # fmt: skip


def test_the_owners_agreement_is_on_record_once(app, maker, owner):
    approved(app, maker.post("/v1/terms-proposals", asked()).json)
    waiting = owner.get("/v1/merchant/terms").json["data"][0]["id"]

    for _ in range(2):
        owner.post(f"/v1/merchant/terms/{waiting}/confirm")

    with database.begin() as session:
        deeds = session.scalars(select(AuditRow.action).where(AuditRow.subject == waiting)).all()
    assert deeds == ["terms.confirmed"]


def test_nobody_agrees_after_the_day_has_come(app, maker, owner, shop):
    approved(app, maker.post("/v1/terms-proposals", asked()).json)
    version = owner.get("/v1/merchant/terms").json["data"][0]["id"]

    with clock.stopped(clock.start_of(tomorrow(), ZONE)):
        late = caller(app, merchant_token(given_colleague(shop, "owner", "99")))
        refused = late.post(f"/v1/merchant/terms/{version}/confirm")
        state = late.get("/v1/merchant/terms").json["data"][0]["state"]

    assert (refused.json["type"], state) == ("/problems/terms-begun", "lapsed")
    assert in_force(shop, tomorrow(2)) == 9000


@pytest.mark.parametrize("role", ["finance", "manager"])
def test_only_an_owner_agrees(app, maker, shop, role):
    approved(app, maker.post("/v1/terms-proposals", asked()).json)
    person = caller(app, merchant_token(given_colleague(shop, role, "77")))
    version = person.get("/v1/merchant/terms").json["data"][0]["id"]

    assert person.post(f"/v1/merchant/terms/{version}/confirm").status_code == 403


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"from_day": "2020-01-02"}, "/from_day"),
        ({"manager_void_window_s": 60}, "/manager_void_window_s"),
    ],
)
def test_a_version_in_the_past_or_against_itself_is_not_proposed(maker, more, field):
    refused = maker.post("/v1/terms-proposals", asked(**more))

    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, field)


def test_a_day_that_has_come_before_the_approval_or_has_a_version_refuses_it(app, maker, owner):
    twice = [maker.post("/v1/terms-proposals", asked()).json for _ in range(2)]
    first, second = (approved(app, case) for case in twice)
    third = maker.post("/v1/terms-proposals", asked(from_day=tomorrow(2).isoformat())).json

    with clock.stopped(clock.start_of(tomorrow(2), ZONE)):
        late = approved(app, third)

    assert (first.status_code, second.json["type"]) == (200, "/problems/terms-there")
    assert late.json["errors"][0]["pointer"] == "/from_day"


def test_the_maker_does_not_approve(app, maker):
    both = caller(app, staff_token("editor", "checker"))
    case = both.post("/v1/terms-proposals", asked()).json
    seen = {"content_hash": case["content_hash"]}

    refused = both.post(f"/v1/terms-proposals/{case['id']}/approve", seen)

    assert refused.json["type"] == "/problems/own-proposal"


def test_versions_come_in_pages(app, maker, owner, shop):
    for days in (1, 2, 3):
        approved(app, maker.post("/v1/terms-proposals", asked(from_day=tomorrow(days).isoformat())).json)

    first = owner.get("/v1/merchant/terms", limit=2).json
    second = owner.get("/v1/merchant/terms", limit=2, cursor=first["next_cursor"]).json

    assert [one["from_day"] for one in first["data"] + second["data"]] == [
        str(tomorrow(3)), str(tomorrow(2)), str(tomorrow(1)), "2020-01-01",
    ]  # fmt: skip
    assert ids.parse("trs", first["data"][0]["id"], parts=1)

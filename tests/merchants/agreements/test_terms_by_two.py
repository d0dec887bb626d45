"""Terms begin in the future, are written by two persons, count once the owner agrees, and are never edited."""

from dataclasses import asdict
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import exc, select

from base import clock, database, ids
from base.models import AuditRow
from merchants import terms
from merchants.agreements import wanted
from merchants.models import Terms
from tests.given import (
    ZONE,
    caller,
    given_colleague,
    given_offer,
    given_programme,
    given_shop,
    merchant_token,
    staff_token,
)
from tests.sparse import examples


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


WHOLE = {
    "fee_fixed_fen": 10,
    "fee_cap_fen": 500,
    "merchant_bp": 3000,
    "brand_bp": 1000,
    "brand": "tea & co",
    "cycle": "weekly",
    "cutoff_minute": 360,
    "draft_days": 3,
    "pay_days": 5,
    "reserve_bp": 500,
    "reserve_days": 90,
    "minimum_fen": 10_000,
    "issuing_fen": 800,
    "issuing_rule": "stop",
    "points_per_100_yuan": 150,
}


def test_every_field_goes_from_the_proposal_to_the_version(app, maker, owner, shop):
    offer = given_offer(given_programme(), "voucher", merchant_id=shop.merchant.merchant_id)
    prices = {ids.public("off", offer.offer_id): {"fen": 1500}}

    case = maker.post("/v1/terms-proposals", asked(**WHOLE, prices=prices)).json
    approved(app, case)

    version = owner.get("/v1/merchant/terms").json["data"][0]
    with database.begin() as session:
        row = session.scalars(select(Terms).where(Terms.approval == case["id"])).one()
    assert WHOLE | {"prices": prices} == {name: case[name] for name in (*WHOLE, "prices")}
    assert WHOLE | {"prices": prices} == {name: version[name] for name in (*WHOLE, "prices")}
    assert {name: getattr(row, name) for name in WHOLE} == WHOLE
    assert row.prices == {str(offer.offer_id): {"fen": 1500}}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"brand_bp": 8000, "brand": "tea", "merchant_bp": 3000}, "/brand_bp"),
        ({"brand_bp": 100}, "/brand"),
        ({"brand": "tea"}, "/brand"),
        ({"fee_fixed_fen": 50, "fee_cap_fen": 49}, "/fee_cap_fen"),
        ({"draft_days": 5, "pay_days": 4}, "/pay_days"),
        ({"reserve_bp": 100}, "/reserve_days"),
        ({"reserve_days": 10}, "/reserve_days"),
        ({"points_per_100_yuan": 100}, "/issuing_fen"),
        ({"cutoff_minute": 1440}, "/cutoff_minute"),
        ({"cycle": "hourly"}, "/cycle"),
        ({"issuing_rule": "never"}, "/issuing_rule"),
        ({"prices": {"off_0000000000001": {"bp": 1}}}, "/prices"),
        ({"prices": {"tea": {"bp": 1}}}, "/prices"),
        ({"prices": {"off_0000000000001": {"bp": 1, "fen": 1}}}, "/prices"),
        ({"prices": {"off_0000000000001": {}}}, "/prices"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_its_field(maker, more, field):
    refused = maker.post("/v1/terms-proposals", asked(**more))

    assert (refused.status_code, [one["pointer"] for one in refused.json["errors"]]) == (422, [field])


def test_another_merchants_offer_has_no_price_here(maker, db):
    other = given_offer(given_programme(), "voucher", merchant_id=given_shop("cafe").merchant.merchant_id)
    public = ids.public("off", other.offer_id)

    refused = maker.post("/v1/terms-proposals", asked(prices={public: {"bp": 1}}))

    assert refused.json["errors"] == [
        {"pointer": "/prices", "detail": f"no offers of this merchant: {public}"}
    ]


def test_an_offer_that_is_spelt_in_two_ways_has_no_two_prices(maker, shop):
    offer = given_offer(given_programme(), "voucher", merchant_id=shop.merchant.merchant_id)
    public = ids.public("off", offer.offer_id)
    again = "off_" + public.removeprefix("off_").lower()

    refused = maker.post("/v1/terms-proposals", asked(prices={public: {"bp": 1}, again: {"bp": 2}}))

    assert refused.json["errors"] == [{"pointer": "/prices", "detail": "an offer has two prices"}]


def test_a_proposal_from_before_there_were_more_fields_means_what_it_meant_then():
    said = {
        "from_day": "2026-07-01",
        "price_bp": 9000,
        "fee_bp": 0,
        "vat_bp": 0,
        "merchant": "tea",
        "reason": "r",
    }

    found = wanted.of_content(said)

    assert (found.cycle, found.issuing_rule, found.prices, found.points_per_100_yuan) == (
        "monthly",
        "postpaid",
        {},
        0,
    )


def mostly(*right, wrong):
    """A value that may be, now and then one that may not."""
    return st.integers(0, 29).flatmap(lambda lot: st.sampled_from(wrong if lot == 0 else right))


shares = mostly(0, 1, 5_000, wrong=(-1, 10_001))
numbers = st.builds(
    wanted.Wanted,
    from_day=st.just(date(2026, 7, 1)),
    vat_bp=shares,
    price_bp=shares,
    fee_bp=shares,
    merchant_bp=shares,
    brand_bp=st.sampled_from((0, 1, 5_000)),
    brand=st.sampled_from(("tea", "tea", "")),
    draft_days=mostly(0, 2, 30, wrong=(-1, 31)),
    pay_days=mostly(30, 31, 90, wrong=(0, 91)),
    reserve_bp=st.sampled_from((500, 500, 0)),
    reserve_days=mostly(30, 400, wrong=(0, 401)),
    cutoff_minute=mostly(0, 1_439, wrong=(-1, 1_440)),
    issuing_fen=st.sampled_from((800, 800, 0)),
    issuing_rule=st.sampled_from(("postpaid", "warn", "stop")),
    points_per_100_yuan=mostly(0, 100, wrong=(-1, 1_000_001)),
)


def test_what_the_database_refuses_was_named_before(db, shop):
    seen = set()

    @settings(max_examples=examples(80), deadline=None)
    @given(numbers)
    def agree(version):
        values = asdict(version)
        from_day = values.pop("from_day")
        with database.begin() as session:
            point = session.begin_nested()
            try:
                terms.add(session, shop.merchant.merchant_id, from_day, confirmed=False, **values)
                taken = True
            except exc.IntegrityError:
                taken = False
            point.rollback()
        seen.add((taken, bool(wanted.faults(version))))

    agree()
    assert seen >= {(True, False), (False, True)}
    assert (False, False) not in seen

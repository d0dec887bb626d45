"""A merchant joins stage by stage: who has the ticket and until when is always known, and no step comes before its conditions."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database, ids
from base.auth import passwords
from catalog.vouchers import codes
from merchants.onboarding import documents
from merchants.terminals import clerks
from tests.given import Shop, caller, clerk_token, given_shop, staff_token
from tests.tills import paired

JOIN = {
    "code": "cake",
    "names": {"zh-CN": "蛋糕房", "en": "Cake house"},
    "city": "Hangzhou",
    "area": "330106",
}
PAPER = {
    "licence_number": "91330106MA0000000X",
    "legal_name": "Cake Ltd",
    "tax_number": "91330106MA0000000X",
    "contact_name": "Wang Fang",
    "contact_phone": "0571-88880000",
    "contact_email": "cake@example.test",
    "payout_route": "bank",
    "payout_account": "6222000011112222",
    "invoice_regime": "prepaid_ordinary",
}
OUTLET = {
    "names": {"zh-CN": "文三店", "en": "Wensan"},
    "address": {"zh-CN": "文三路 9 号", "en": "9 Wensan Road"},
    "area": "330106",
    "hours": [{"days": [1, 2, 3, 4, 5], "from": "09:00", "until": "21:00"}],
}
TERMS = {
    "merchant": "cake",
    "price_bp": 9000,
    "fee_bp": 200,
    "vat_bp": 600,
    "typed_limit_fen": 2000,
    "reason": "as agreed",
}
WELL_FORMED = "7M4P-8KQ2-XZ3T8"


@pytest.fixture
def maker(app, db):
    return caller(app, staff_token("editor"))


@pytest.fixture
def checker(app, db):
    return caller(app, staff_token("checker"))


def step(who, to, **more):
    return who.post("/v1/merchants/cake/steps", {"to": to} | more)


def stage(who):
    return who.get("/v1/merchants/cake").json["stage"]


def owner_of(app, maker):
    path = maker.post("/v1/merchants/cake/owner-invitations", {"number": "00"}).json["path"]
    token, secret = path.split("#")[1], "a long password"
    caller(app).post("/v1/merchant/invitations/take-up", {"token": token, "secret": secret})
    signed_in = caller(app).post(
        "/v1/merchant/sign-ins", {"merchant": "cake", "number": "00", "secret": secret}
    )
    return caller(app, signed_in.json["token"])


def approve(checker, place, case):
    return checker.post(f"/v1/{place}/{case['id']}/approve", {"content_hash": case["content_hash"]})


def reviewed(maker, checker):
    case = maker.post("/v1/merchants/cake/reviews", {"reason": "seen the licence"}).json
    return approve(checker, "merchant-reviews", case)


def equip(owner):
    """An outlet with a paired till and a clerk, as given_shop has it; the shop."""
    outlet = owner.post("/v1/merchant/outlets", OUTLET).json
    made = owner.post("/v1/merchant/terminals", {"outlet": outlet["id"]}).json
    with database.begin() as session:
        from merchants.models import Merchant, Outlet
        from merchants.terminals.models import Terminal

        shop_outlet = session.get_one(Outlet, ids.parse("out", outlet["id"], parts=1)[0])
        terminal = session.get_one(Terminal, ids.parse("trm", made["id"], parts=1)[0])
        clerk = clerks.add_clerk(session, shop_outlet, "01", passwords.hashed("123456"))
        merchant = session.get_one(Merchant, shop_outlet.merchant_id)
    return Shop(merchant, shop_outlet, terminal, clerk, paired(terminal))


def test_a_merchant_joins_from_the_invitation_to_the_first_day(app, maker, checker):
    made = maker.post("/v1/merchants", JOIN)
    owner = owner_of(app, maker)
    owner.post("/v1/merchant/documents", PAPER)
    reviewed(maker, checker)
    shop = equip(owner)
    step(maker, "equipped")

    clerk = caller(app, clerk_token(shop))
    tried = clerk.post("/v1/vouchers/check", {"code": WELL_FORMED})
    step(maker, "tried")
    begins = clock.day(clock.now(), shop.merchant.zone) + timedelta(days=1)
    case = maker.post("/v1/terms-proposals", TERMS | {"from_day": begins.isoformat()}).json
    approve(checker, "terms-proposals", case)
    version = owner.get("/v1/merchant/terms").json["data"][0]
    too_early = step(maker, "active")
    owner.post(f"/v1/merchant/terms/{version['id']}/confirm")
    with clock.stopped(clock.start_of(begins, shop.merchant.zone) + timedelta(hours=9)):
        # (the sign-ins of the day before have ended by now)
        opened = step(caller(app, staff_token("editor")), "active")
        known = caller(app, clerk_token(shop)).post("/v1/vouchers/check", {"code": WELL_FORMED})

    assert made.status_code == 201
    assert (tried.status_code, tried.json["type"]) == (403, "/problems/merchant-not-open")
    assert tried.json["clerk_text"]
    assert (version["state"], version["typed_limit_fen"]) == ("waiting", 2000)
    assert (too_early.status_code, too_early.json["missing"]) == (409, ["terms"])
    assert opened.json["stage"] == "active"
    assert [one["stage"] for one in opened.json["steps"]] == [
        "active", "tried", "equipped", "reviewed", "documents", "invited",
    ]  # fmt: skip
    assert known.json["type"] == "/problems/voucher-unknown"


def test_each_stage_has_an_owner_and_a_deadline(app, maker, checker):
    maker.post("/v1/merchants", JOIN)
    seen = {}

    def look():
        one = maker.get("/v1/merchants/cake").json
        seen[one["stage"]] = (one["owner"], one["until_at"] is not None)

    look()
    owner_of(app, maker).post("/v1/merchant/documents", PAPER)
    look()
    reviewed(maker, checker)
    look()

    assert seen == {
        "invited": ("merchant", True),
        "documents": ("operator", True),
        "reviewed": ("merchant", True),
    }


def test_no_step_comes_before_its_conditions(app, maker, checker):
    maker.post("/v1/merchants", JOIN)
    empty = step(maker, "documents")
    alone = step(maker, "reviewed")
    skipped = step(maker, "active")
    owner = owner_of(app, maker)
    half = owner.post("/v1/merchant/documents", PAPER | {"tax_number": "1", "licence_number": "1"}).json
    by_hand = step(maker, "reviewed")
    reviewed(maker, checker)
    bare = step(maker, "equipped")
    equip(owner)
    step(maker, "equipped")
    untried = step(maker, "tried")
    confirmed = step(maker, "tried", confirmed=True, note="seen at the shop")

    assert "licence_number" in empty.json["missing"]
    assert [one.json["type"] for one in (alone, skipped, by_hand)] == ["/problems/step-not-there"] * 3
    assert half["stage"] == "documents"
    assert set(bare.json["missing"]) == {"outlet", "paired_till", "clerk"}
    assert untried.json["missing"] == ["trial"]
    assert confirmed.json["stage"] == "tried"


def test_documents_that_change_after_the_review_need_another_one(app, maker, checker):
    maker.post("/v1/merchants", JOIN)
    owner = owner_of(app, maker)
    owner.post("/v1/merchant/documents", PAPER)
    stale = maker.post("/v1/merchants/cake/reviews", {"reason": "seen"}).json
    owner.post("/v1/merchant/documents", PAPER | {"payout_account": "6222000099998888"})

    refused = approve(checker, "merchant-reviews", stale)
    reviewed(maker, checker)
    owner.post("/v1/merchant/documents", PAPER)
    equip(owner)
    step(maker, "equipped")
    step(maker, "tried", confirmed=True, note="seen")
    missing = step(maker, "active").json["missing"]
    reviewed(maker, checker)

    assert refused.json["type"] == "/problems/documents-changed"
    assert "review" in missing
    assert "review" not in step(maker, "active").json["missing"]
    assert stage(maker) == "tried"


def test_nobody_reviews_alone(app, maker):
    maker.post("/v1/merchants", JOIN)
    owner_of(app, maker).post("/v1/merchant/documents", PAPER)
    both = caller(app, staff_token("editor", "checker"))
    case = both.post("/v1/merchants/cake/reviews", {"reason": "seen"}).json

    assert approve(both, "merchant-reviews", case).json["type"] == "/problems/own-proposal"


def test_contact_and_account_are_shown_masked_and_lie_sealed(app, db, maker):
    maker.post("/v1/merchants", JOIN)
    owner = owner_of(app, maker)
    shown = owner.post("/v1/merchant/documents", PAPER).json["documents"]

    with database.begin() as session:
        kept = " ".join(
            str(one)
            for table in ("merchant_documents", "merchant_step", "audit", "idempotency_key")
            for one in session.execute(text(f"select {table}::text from {table}")).scalars()
        )
        row = documents.latest(session, session.scalar(text("select merchant_id from merchant")))
        opened = documents.opened(db.seal_key, row)

    secrets = [PAPER[name] for name in documents.SEALED]
    assert not [one for one in secrets if one in str(shown) or one in kept]
    assert [getattr(opened, name) for name in documents.SEALED] == secrets
    assert shown["legal_name"] == "Cake Ltd"


def test_a_suspended_merchants_tills_are_out_at_once_and_come_back(app, maker):
    shop = given_shop("cake")
    clerk = caller(app, clerk_token(shop))
    before = clerk.get("/v1/till/shift").status_code
    unsaid = step(maker, "suspended")

    step(maker, "suspended", note="complaints")
    during = clerk.get("/v1/till/shift").status_code
    back = step(maker, "active").json["stage"]

    assert (before, unsaid.status_code, during, back) == (200, 422, 401, "active")
    assert clerk.get("/v1/till/shift").status_code == 200


def test_what_is_overdue_comes_first_and_those_without_a_deadline_last(app, maker):
    given_shop("tea")
    maker.post("/v1/merchants", JOIN | {"code": "later"})
    with clock.stopped(clock.now() - timedelta(days=20)):
        caller(app, staff_token("editor")).post("/v1/merchants", JOIN | {"code": "forgotten"})

    first = maker.get("/v1/merchants", limit=2).json
    second = maker.get("/v1/merchants", limit=2, cursor=first["next_cursor"]).json

    assert [(one["code"], one["overdue"]) for one in first["data"]] == [("forgotten", True), ("later", False)]
    assert [one["code"] for one in second["data"]] == ["tea"]
    assert [one["code"] for one in maker.get("/v1/merchants", stage="active").json["data"]] == ["tea"]


def test_a_ticket_is_handed_over_as_a_further_step(maker):
    maker.post("/v1/merchants", JOIN)
    until = clock.now() + timedelta(days=2)

    told = maker.post(
        "/v1/merchants/cake/hand-over",
        {"owner": "operator", "mine": True, "until_at": until.isoformat(), "note": "I help them"},
    ).json

    assert (told["stage"], told["owner"]) == ("invited", "operator")
    assert [one["owner"] for one in told["steps"]] == ["operator", "merchant"]


def test_people_of_an_area_see_and_steer_the_merchants_in_it_alone(app, maker):
    maker.post("/v1/merchants", JOIN)
    maker.post("/v1/merchants", JOIN | {"code": "north", "area": "1101"})
    here, there = (caller(app, staff_token("editor", area=area)) for area in ("3301", "11"))

    seen = {who: [one["code"] for one in c.get("/v1/merchants").json["data"]] for who, c in (("here", here), ("there", there))}  # fmt: skip
    answers = [
        there.get("/v1/merchants/cake"),
        there.post("/v1/merchants/cake/steps", {"to": "closed", "note": "x"}),
        there.post("/v1/merchants/cake/outlets", OUTLET),
        there.post("/v1/merchants/cake/reviews", {"reason": "x"}),
        there.post("/v1/merchants/cake/owner-invitations", {"number": "00"}),
        there.get("/v1/merchants/cake/terms"),
        there.get("/v1/merchants/cake/outlets"),
        there.post("/v1/terms-proposals", TERMS | {"from_day": "2999-01-01"}),
    ]

    assert seen == {"here": ["cake"], "there": ["north"]}
    assert {(one.status_code, one.json["type"]) for one in answers} == {(404, "/problems/merchant-unknown")}
    assert there.post("/v1/merchants", JOIN | {"code": "south"}).json["type"] == "/problems/outside-area"
    assert here.post("/v1/merchants/cake/outlets", OUTLET).status_code == 201


def test_a_checker_of_the_area_approves_and_one_of_another_does_not(app, maker):
    maker.post("/v1/merchants", JOIN)
    owner_of(app, maker).post("/v1/merchant/documents", PAPER)
    case = maker.post("/v1/merchants/cake/reviews", {"reason": "seen"}).json
    there, here = (caller(app, staff_token("checker", area=area)) for area in ("3302", "3301"))

    elsewhere, own = approve(there, "merchant-reviews", case), approve(here, "merchant-reviews", case)

    assert (elsewhere.status_code, own.status_code) == (404, 200)
    assert stage(maker) == "reviewed"


def test_the_test_code_is_one_that_a_till_reads():
    assert codes.read(WELL_FORMED, None).symbols

"""Where a merchant is paid changes only by password and a code to the old contact, and holds payouts for two days."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database
from base.notices import notices
from merchants.payouts import payouts
from tests.given import caller, given_colleague, given_shop, merchant_token
from tests.merchants.payouts.paying import given_bank, given_statement, payout_of

PASSWORD, NEW = "a long password 7", "6222020000009999"
CHANGES = "/v1/merchant/payout-route-changes"


@pytest.fixture
def shop(db):
    made = given_shop()
    given_bank(db, made.merchant)
    return made


@pytest.fixture
def owner(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "owner", "00", secret=PASSWORD)))


def asked(**more):
    return {
        "kind": "bank",
        "holder": "Tea House",
        "bank": "B Bank",
        "number": NEW,
        "password": PASSWORD,
    } | more


def messages(db):
    with database.begin() as session:
        return [(one.template, one.receiver, one.text) for one in notices.latest(session, db.seal_key)]


def code_of(db):
    return re.search(r"\d{6}", messages(db)[0][2]).group()


def changed(db, owner, **more):
    made = owner.post(CHANGES, asked(**more)).json
    return owner.post(f"{CHANGES}/{made['id']}/confirm", {"code": code_of(db)})


@pytest.mark.attack("A22")
def test_the_code_goes_to_the_old_contact_and_the_new_route_is_shown_masked(db, owner):
    made = owner.post(CHANGES, asked(contact_phone="13800000000"))
    ((template, receiver, told),) = messages(db)

    done = owner.post(f"{CHANGES}/{made.json['id']}/confirm", {"code": code_of(db)})
    shown = owner.get("/v1/merchant/payout-routes").json["data"]

    assert (made.status_code, done.status_code) == (201, 200)
    assert (template, receiver) == ("payout-route-code", "13900001234")
    assert made.json["sent_to"] == "1***34"
    assert [one["shown"] for one in shown] == ["B Bank ···9999", "A Bank ···1234"]
    assert NEW not in told + str(made.json) + str(done.json) + str(shown)
    assert messages(db)[0][:2] == ("payout-route-changed", "13900001234")  # and not the new one


def test_nothing_of_an_account_number_lies_open_in_the_database(db, owner):
    changed(db, owner)

    with database.begin() as session:
        tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        found = [
            table
            for table in tables
            if session.scalar(text(f"select count(*) from {table} t where t::text like '%{NEW}%'"))
        ]
    assert found == []


@pytest.mark.parametrize(
    ("more", "status", "problem"),
    [
        ({"password": "another password"}, 401, "/problems/password-wrong"),
        ({"number": "12 34"}, 422, None),
        ({"holder": None}, 422, None),
        ({"kind": "stripe"}, 404, "/problems/account-unknown"),
        ({"contact_phone": "call me"}, 422, None),
    ],
)
def test_what_is_not_right_sends_no_code(db, owner, more, status, problem):
    refused = owner.post(CHANGES, asked(**more))

    assert refused.status_code == status
    assert problem in (None, refused.json["type"])
    assert messages(db) == []


def test_wrong_passwords_and_wrong_codes_are_counted(db, owner):
    made = owner.post(CHANGES, asked()).json["id"]
    right = code_of(db)
    wrong = "000000" if right != "000000" else "111111"
    codes = [owner.post(f"{CHANGES}/{made}/confirm", {"code": wrong}).status_code for _ in range(5)]
    late = owner.post(f"{CHANGES}/{made}/confirm", {"code": right})

    passwords = [owner.post(CHANGES, asked(password="no")).status_code for _ in range(6)]

    assert set(codes) == {401}
    assert late.status_code == 401
    assert passwords == [401] * 5 + [429]
    assert len(owner.get("/v1/merchant/payout-routes").json["data"]) == 1


def test_a_code_is_good_once_for_ten_minutes_and_for_its_own_change(db, owner, app):
    made = owner.post(CHANGES, asked()).json["id"]
    code = code_of(db)
    other = given_shop("noodles")
    given_bank(db, other.merchant)
    stranger = caller(app, merchant_token(given_colleague(other, "owner", "00", secret=PASSWORD)))

    with clock.stopped(clock.now() + timedelta(minutes=11)):
        late = owner.post(f"{CHANGES}/{made}/confirm", {"code": code})
    theirs = stranger.post(f"{CHANGES}/{made}/confirm", {"code": code})
    once = owner.post(f"{CHANGES}/{made}/confirm", {"code": code})
    twice = owner.post(f"{CHANGES}/{made}/confirm", {"code": code})

    assert [one.json.get("type") for one in (late, theirs, once, twice)] == [
        "/problems/change-unknown", "/problems/change-unknown", None, "/problems/change-unknown",
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["manager"])
def test_an_outlets_manager_changes_no_route(app, shop, role):
    person = caller(app, merchant_token(given_colleague(shop, role, "77")))

    assert person.post(CHANGES, asked()).status_code == 403


@pytest.mark.attack("A22")
def test_for_48_hours_no_payout_goes_and_then_it_goes_there(db, owner, shop):
    before = given_statement(shop.merchant, 100)
    changed(db, owner)
    with database.begin() as session:
        held = payouts.look_again(session, session.merge(payout_of(before)), clock.now()).held
    planned = given_statement(shop.merchant, 200)

    with clock.stopped(clock.now() + timedelta(hours=49)), database.begin() as session:
        free = payouts.look_again(session, session.merge(payout_of(before)), clock.now()).state

    assert (held, payout_of(planned).held, free) == ("route-changed", "route-changed", "planned")


def test_a_merchant_without_a_contact_cannot_change_by_itself(app, db):
    bare = given_shop("bare")
    person = caller(app, merchant_token(given_colleague(bare, "owner", "00", secret=PASSWORD)))

    assert person.post(CHANGES, asked()).json["type"] == "/problems/no-old-contact"


def test_codes_are_not_to_be_had_without_end(db, owner):
    told = [owner.post(CHANGES, asked()).status_code for _ in range(6)]

    assert told == [201] * 5 + [429]
    assert len(messages(db)) == 5

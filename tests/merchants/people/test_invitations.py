"""Somebody is let in with a token that is good once, chooses the own PIN or password, and is out at once when leaving."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database, ids
from tests.given import caller, clerk_token, given_colleague, given_outlet, given_shop, merchant_token


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def owner(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "owner", "00")))


@pytest.fixture
def manager(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "manager", "90")))


@pytest.fixture
def anybody(app):
    return caller(app)


def outlet_of(shop):
    return ids.public("out", shop.outlet.outlet_id)


def invite(who, shop, number="07", role="clerk", **more):
    outlet = outlet_of(shop) if role in ("clerk", "manager") else None
    return who.post("/v1/merchant/invitations", {"number": number, "role": role, "outlet": outlet} | more)


def token_of(answer):
    return answer.json["path"].split("#")[1]


def take_up(who, token, secret="802751"):
    return who.post("/v1/merchant/invitations/take-up", {"token": token, "secret": secret})


def test_an_invited_clerk_chooses_a_pin_and_signs_in_at_the_till(app, anybody, owner, shop):
    token = token_of(invite(owner, shop))
    seen = anybody.post("/v1/merchant/invitations/look", {"token": token})

    taken = take_up(anybody, token)
    till = caller(app, None, shop.signer)
    signed_in = till.post("/v1/till/sign-ins", {"clerk": "07", "pin": "802751"})

    assert (seen.json["merchant"], seen.json["number"], seen.json["chooses"]) == ("tea", "07", "pin")
    assert (taken.status_code, taken.json["role"]) == (201, "clerk")
    assert signed_in.status_code == 201


def test_a_token_is_good_once_and_for_48_hours(anybody, owner, shop):
    used, old = token_of(invite(owner, shop)), token_of(invite(owner, shop, "08"))

    first, second = take_up(anybody, used), take_up(anybody, used)
    with clock.stopped(clock.now() + timedelta(hours=48)):
        late = take_up(anybody, old)

    assert [first.status_code, second.status_code, late.status_code] == [201, 404, 404]
    assert second.json["type"] == late.json["type"] == "/problems/invitation-unknown"


def test_the_token_is_kept_as_a_digest_only_and_a_repeated_request_does_not_show_it(owner, shop):
    asked = {"number": "07", "role": "clerk", "outlet": outlet_of(shop)}
    first = owner.post("/v1/merchant/invitations", asked, key="k1")
    again = owner.post("/v1/merchant/invitations", asked, key="k1")

    with database.begin() as session:
        rows = [
            str(row)
            for table in ("invitation", "idempotency_key", "audit")
            for row in session.execute(text(f"select {table}::text from {table}")).scalars()
        ]

    assert first.headers["Cache-Control"] == "no-store"
    assert again.status_code == 201
    assert "path" not in again.json
    assert rows
    assert not [row for row in rows if token_of(first) in row]


def test_a_withdrawn_or_replaced_invitation_opens_nothing(anybody, owner, shop):
    first, second = invite(owner, shop), invite(owner, shop)
    third = invite(owner, shop, "09")
    owner.post(f"/v1/merchant/invitations/{third.json['id']}/withdraw")

    opened = [take_up(anybody, token_of(one)).status_code for one in (first, third, second)]

    assert opened == [404, 404, 201]


def test_a_number_is_one_persons_within_the_merchant_and_stays_so_after_leaving(owner, shop):
    given_colleague(shop, "clerk", "07", outlet=given_outlet(shop))

    taken = invite(owner, shop, "07")
    ended = owner.post(f"/v1/merchant/people/{ids.public('clk', shop.clerk.clerk_id)}/end")
    left = invite(owner, shop, "01")

    assert (taken.status_code, taken.json["type"]) == (409, "/problems/number-taken")
    assert ended.status_code == 200
    assert left.json["type"] == "/problems/number-taken"


@pytest.mark.parametrize(
    "pin", ["123456", "000000", "112233", "121212", "123123", "654321", "12345", "12345a"]
)
def test_an_obvious_pin_is_refused_and_the_token_stays_good(anybody, owner, shop, pin):
    token = token_of(invite(owner, shop))

    refused, taken = take_up(anybody, token, pin), take_up(anybody, token)

    assert (refused.status_code, taken.status_code) == (422, 201)


def test_an_owner_and_finance_choose_a_password_of_ten_signs(app, anybody, owner, shop):
    tokens = {role: token_of(invite(owner, shop, role[:2], role)) for role in ("owner", "finance")}

    short = take_up(anybody, tokens["finance"], "short pwd")
    taken = [take_up(anybody, token, "a long password").status_code for token in tokens.values()]
    in_ = anybody.post(
        "/v1/merchant/sign-ins", {"merchant": "tea", "number": "fi", "secret": "a long password"}
    )

    assert short.json["type"] == "/problems/short-password"
    assert taken == [201, 201]
    assert caller(app, in_.json["token"]).get("/v1/merchant").json["code"] == "tea"


def test_a_manager_lets_in_clerks_of_the_own_outlet_and_nobody_else(app, manager, owner, shop):
    other = ids.public("out", given_outlet(shop).outlet_id)
    finance = caller(app, merchant_token(given_colleague(shop, "finance", "80")))

    answers = {
        "clerk": invite(manager, shop),
        "clerk elsewhere": invite(manager, shop, "08", outlet=other),
        **{role: invite(manager, shop, "09", role) for role in ("manager", "finance", "owner")},
        "by finance": invite(finance, shop),
    }

    assert {name: one.status_code for name, one in answers.items()} == {
        "clerk": 201, "clerk elsewhere": 404, "manager": 403, "finance": 403, "owner": 403, "by finance": 403,
    }  # fmt: skip
    assert invite(owner, shop, "09", "manager").status_code == 201


def test_a_manager_at_the_till_does_the_same(app, shop):
    boss = given_colleague(shop, "manager", "90")
    at_till = caller(app, clerk_token(shop, boss))

    invited = invite(at_till, shop)
    lists = [
        at_till.get(f"/v1/merchant/{what}").status_code for what in ("people", "terminals", "invitations")
    ]
    clerk_at_till = caller(app, clerk_token(shop))

    assert (invited.status_code, lists) == (201, [200, 200, 200])
    assert invite(clerk_at_till, shop).status_code == 403


def test_who_leaves_is_out_at_once_and_the_shift_closes(app, owner, shop):
    person = ids.public("clk", shop.clerk.clerk_id)
    clerk = caller(app, clerk_token(shop))
    before = clerk.get("/v1/till/shift").status_code

    owner.post(f"/v1/merchant/people/{person}/end")

    assert (before, clerk.get("/v1/till/shift").status_code) == (200, 401)
    with database.begin() as session:
        assert session.scalar(text("select count(*) from shift where closed_at is null")) == 0


def test_another_role_signs_out_and_one_with_a_password_must_be_chosen_anew(app, anybody, owner, shop):
    person = ids.public("clk", shop.clerk.clerk_id)
    clerk = caller(app, clerk_token(shop))

    to_manager = owner.post(
        f"/v1/merchant/people/{person}/role", {"role": "manager", "outlet": outlet_of(shop)}
    )
    after = clerk.get("/v1/till/shift").status_code
    to_finance = owner.post(f"/v1/merchant/people/{person}/role", {"role": "finance"})
    renewed = owner.post(f"/v1/merchant/people/{person}/invitations")
    taken = take_up(anybody, token_of(renewed), "a long password")

    assert (to_manager.json["role"], to_manager.json["must_choose"], after) == ("manager", False, 401)
    assert (to_finance.json["must_choose"], taken.json["must_choose"]) == (True, False)
    assert taken.json["id"] == person


def test_what_was_open_for_a_clerk_does_not_open_the_manager_whom_the_owner_made_of_them(
    anybody, manager, owner, shop
):
    clerk = ids.public("clk", shop.clerk.clerk_id)
    token = token_of(manager.post(f"/v1/merchant/people/{clerk}/invitations"))

    owner.post(f"/v1/merchant/people/{clerk}/role", {"role": "manager", "outlet": outlet_of(shop)})

    assert take_up(anybody, token).status_code == 404


def test_who_leaves_comes_back_by_no_invitation_of_their_own(app, anybody, owner, shop):
    second = given_colleague(shop, "owner", "09")
    token = token_of(invite(caller(app, merchant_token(second)), shop, "77", "owner"))

    owner.post(f"/v1/merchant/people/{ids.public('clk', second.clerk_id)}/end")

    assert take_up(anybody, token, "a long password").status_code == 404


def test_the_last_owner_stays(owner, shop, app):
    people = owner.get("/v1/merchant/people").json["data"]
    me = next(one["id"] for one in people if one["role"] == "owner")

    refused = owner.post(f"/v1/merchant/people/{me}/end")
    given_colleague(shop, "owner", "99")
    gone = owner.post(f"/v1/merchant/people/{me}/end")

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/last-owner")
    assert gone.status_code == 200
    assert owner.get("/v1/merchant").status_code == 401


def test_guessing_a_password_is_limited_and_a_clerk_has_no_way_in_here(anybody, owner, shop):
    def sign_in(number, secret):
        return anybody.post("/v1/merchant/sign-ins", {"merchant": "tea", "number": number, "secret": secret})

    told = [sign_in("00", "wrong").status_code for _ in range(6)]
    locked = sign_in("00", "246813").status_code

    assert told == [401] * 5 + [429]
    assert locked == 429
    assert sign_in("01", "123456").status_code == 401


def test_the_page_shows_the_token_behind_the_hash_and_in_a_form_alone(app, owner, shop):
    path = invite(owner, shop).json["path"]

    assert re.fullmatch(r"/merchant/invitation#[\w-]{43}", path)

"""Whatever a merchant's person asks about another merchant, or a manager about another outlet, is answered as unknown."""

import re

import pytest

from base import database, ids
from merchants import terms
from tests.given import LONG_AGO, caller, given_colleague, given_outlet, given_shop, merchant_token

INVOICE = {
    "kind": "special", "number": "1", "issued_on": "2026-03-01", "seller_name": "a", "seller_tax_number": "b", "buyer_name": "c",
    "buyer_tax_number": "d", "amount_fen": 100, "tax_bp": 600, "tax_fen": 6, "total_fen": 106,
}  # fmt: skip
NAMES = {"zh-CN": "店", "en": "shop"}
OUTLET = {"names": NAMES, "address": NAMES, "area": "330106"}
# Every call of the merchant's API that names something: its body, and what the answer to a foreign id is called.
CALLS = {
    "/v1/merchant/outlets/{outlet}": (OUTLET, "outlet-unknown"),
    "/v1/merchant/terminals": ({"outlet": "{outlet}"}, "outlet-unknown"),
    "/v1/merchant/terminals/{terminal}/pairing-codes": (None, "terminal-unknown"),
    "/v1/merchant/terminals/{terminal}/revoke": (None, "terminal-unknown"),
    "/v1/merchant/invitations": ({"number": "44", "role": "clerk", "outlet": "{outlet}"}, "outlet-unknown"),
    "/v1/merchant/people/{person}/role": ({"role": "clerk", "outlet": "{own}"}, "person-unknown"),
    "/v1/merchant/people/{person}/end": (None, "person-unknown"),
    "/v1/merchant/people/{person}/invitations": (None, "person-unknown"),
    "/v1/merchant/invitations/{invitation}/withdraw": (None, "invitation-unknown"),
    "/v1/merchant/terms/{terms}/confirm": (None, "terms-unknown"),
    "/v1/merchant/desks": ({"outlet": "{outlet}", "name": "desk-9"}, "desk-outlet-unknown"),
    "/v1/merchant/desks/{desk}/keys": ({}, "desk-unknown"),
    "/v1/merchant/desks/{desk}/keys/{key}/end": (None, "desk-unknown"),
    "/v1/merchant/desks/{desk}/revoke": (None, "desk-unknown"),
    "/v1/merchant/payout-route-changes/{change}/confirm": ({"code": "123456"}, "change-unknown"),
    "/v1/merchant/statements/{statement}/invoices": (INVOICE, "statement-unknown"),
    "/v1/merchant/invoices/{invoice}/reject": ({"reason": "not ours"}, "invoice-unknown"),
}
OF_AN_OWNER = tuple(
    f"/v1/merchant/{what}" for what in ("terms", "desks", "payout-route-changes", "statements", "invoices")
)
OF_A_MANAGER = {
    place for place in CALLS if not place.startswith(OF_AN_OWNER) and not place.endswith("{outlet}")
}


def said(template, values):
    if isinstance(template, dict):
        return {name: said(value, values) for name, value in template.items()}
    return template.format(**values) if isinstance(template, str) else template


def named(app, shop, outlet, clerk):
    """Public ids of everything there is at an outlet."""
    owner = caller(app, merchant_token(given_colleague(shop, "owner", f"o{outlet.outlet_id % 10**6}")))
    place = ids.public("out", outlet.outlet_id)
    terminal = owner.post("/v1/merchant/terminals", {"outlet": place}).json["id"]
    invitation = owner.post(
        "/v1/merchant/invitations",
        {"number": f"i{outlet.outlet_id % 10**6}", "role": "clerk", "outlet": place},
    ).json["id"]
    desk = owner.post("/v1/merchant/desks", {"outlet": place, "name": f"d{outlet.outlet_id % 10**6}"}).json
    with database.begin() as session:
        version = terms.versions(session, shop.merchant.merchant_id)[0]
    return {
        "outlet": place,
        "terminal": terminal,
        "invitation": invitation,
        "person": ids.public("clk", clerk.clerk_id),
        "terms": ids.public("trs", version.terms_id),
        "desk": desk["id"],
        "key": desk["keys"][0]["id"],
        "change": ids.public("prc", shop.merchant.merchant_id, 1),
        "statement": ids.public("stm", shop.merchant.merchant_id, 1),
        "invoice": ids.public("inv", shop.merchant.merchant_id, 1),
    }


@pytest.fixture
def shop(db):
    return given_shop()


def answers(who, values, places):
    found = {}
    for place in places:
        body, _ = CALLS[place]
        answer = who.post(said(place, values), said(body, values))
        found[place] = (answer.status_code, answer.json["type"].removeprefix("/problems/"))
    return found


def expected(places):
    return {place: (404, CALLS[place][1]) for place in places}


@pytest.mark.attack("A1")
def test_another_merchants_things_are_not_there(app, shop):
    other = given_shop("noodles")
    theirs = named(app, other, other.outlet, other.clerk)
    owner = caller(app, merchant_token(given_colleague(shop, "owner", "00")))
    values = theirs | {"own": ids.public("out", shop.outlet.outlet_id)}

    assert answers(owner, values, CALLS) == expected(CALLS)


@pytest.mark.attack("A1")
def test_another_outlets_things_are_not_there_for_a_manager(app, shop):
    elsewhere = given_outlet(shop)
    clerk = given_colleague(shop, "clerk", "51", outlet=elsewhere)
    values = named(app, shop, elsewhere, clerk) | {"own": ids.public("out", shop.outlet.outlet_id)}
    manager = caller(app, merchant_token(given_colleague(shop, "manager", "90")))

    assert answers(manager, values, OF_A_MANAGER) == expected(OF_A_MANAGER)


def test_what_is_no_id_at_all_is_answered_alike(app, shop):
    owner = caller(app, merchant_token(given_colleague(shop, "owner", "00")))
    names = {name for place in CALLS for name in re.findall(r"{(\w+)}", place)} | {"outlet"}
    values = dict.fromkeys(names, "nonsense")

    assert answers(owner, values | {"own": ids.public("out", shop.outlet.outlet_id)}, CALLS) == expected(
        CALLS
    )


def test_the_lists_hold_what_is_ones_own(app, shop):
    other = given_shop("noodles")
    named(app, other, other.outlet, other.clerk)
    owner = caller(app, merchant_token(given_colleague(shop, "owner", "00")))

    lists = {
        what: owner.get(f"/v1/merchant/{what}").json["data"]
        for what in ("outlets", "terminals", "people", "invitations", "terms", "acceptances", "sums")
    }

    assert {what: len(rows) for what, rows in lists.items()} == {
        "outlets": 1, "terminals": 1, "people": 2, "invitations": 0, "terms": 1, "acceptances": 0, "sums": 0,
    }  # fmt: skip
    assert lists["terms"][0]["from_day"] == str(LONG_AGO)


def test_every_call_that_names_something_is_in_the_table(app):
    there = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1/merchant/") and "<" in rule.rule and "POST" in (rule.methods or ())
    }

    assert there <= set(CALLS)

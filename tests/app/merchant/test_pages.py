"""The merchant's pages, as its people use them: signing in, tills, invitations, terms, the day; a manager at the till too."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from app.merchant import frame, managing
from base import clock, database, ids
from merchants import terms
from merchants.terminals import keys
from tests.given import (
    EARNS,
    ZONE,
    caller,
    clerk_token,
    given_colleague,
    given_member,
    given_offer,
    given_outlet,
    given_pack,
    given_programme,
    given_promotion_policy,
    given_shop,
    member_token,
    merchant_token,
)

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
PAGES = (
    "",
    "/joining",
    "/outlets",
    "/outlets/new",
    "/terminals",
    "/people",
    "/terms",
    "/points",
    "/sign-in",
    "/invitation",
)


class Screen:
    """A browser of a merchant's person: follows redirects, sends each form with its hidden fields."""

    def __init__(self, app, token=None, face="merchant", language="en", signer=None):
        self.client, self.language, self.page = app.test_client(), language, None
        self.signer = signer  # of the till at which it is
        if token:
            self.client.set_cookie(f"jifen_{face}", token)

    def get(self, path):
        self.page = self.client.get(path, headers={"Accept-Language": self.language}, follow_redirects=True)
        return self.page

    def send(self, action, **fields):
        form = re.search(rf'<form[^>]*action="{action}".*?</form>', self.page.text, re.DOTALL)
        assert form, f"no form for {action} on this page"
        body = urlencode(dict(HIDDEN.findall(form[0])) | fields).encode()
        signed = self.signer.headers("POST", action, body) if self.signer else {}
        self.page = self.client.post(
            action,
            data=body,
            content_type="application/x-www-form-urlencoded",
            headers={"Accept-Language": self.language} | signed,
            follow_redirects=True,
        )
        return self.page


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def owner(app, shop):
    return Screen(app, merchant_token(given_colleague(shop, "owner", "00")))


def outlet_of(shop):
    return ids.public("out", shop.outlet.outlet_id)


def till_of(shop):
    return ids.public("trm", shop.terminal.terminal_id)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_in_both_languages(owner, path, language):
    owner.language = language

    page = owner.get(f"/merchant{path}")

    assert page.status_code == 200
    assert page.text.count("<h1") == 1


def test_an_owner_signs_in_with_a_password_and_is_told_when_it_is_wrong(app, shop):
    given_colleague(shop, "owner", "00", secret="a long password")
    screen = Screen(app)
    screen.get("/merchant/sign-in")

    wrong = screen.send("/merchant/sign-in", merchant="tea", number="00", secret="wrong")
    right = screen.send("/merchant/sign-in", merchant="tea", number="00", secret="a long password")

    assert (wrong.status_code, right.request.path) == (401, "/merchant")
    assert 'name="secret"' in wrong.text
    screen.get("/merchant")
    screen.send("/merchant/sign-out")
    assert screen.get("/merchant").request.path == "/merchant/sign-in"


def test_a_till_is_added_gets_a_code_and_is_revoked(owner, shop):
    owner.get("/merchant/terminals")
    made = owner.send("/merchant/terminals", outlet=outlet_of(shop), kind="browser")
    place = made.request.path
    code = re.search(r'jf-big-number">(\d{3}) (\d{3})<', owner.send(f"{place}/pairing").text)
    again = owner.get(f"{place}/pairing")
    gone = owner.send(f"{place}/revoke")

    assert "tea-2" in made.text
    assert code
    assert again.request.path == place
    assert code[1] + " " + code[2] not in again.text
    assert "Revoked" in gone.text


def test_a_form_sent_twice_adds_one_till(owner, shop):
    owner.get("/merchant/terminals")
    fields = dict(HIDDEN.findall(owner.page.text)) | {"outlet": outlet_of(shop), "kind": "pos"}

    first = owner.client.post("/merchant/terminals", data=fields)
    second = owner.client.post("/merchant/terminals", data=fields)

    assert first.location == second.location
    assert "tea-3" not in owner.get("/merchant/terminals").text


def test_a_frozen_till_explains_itself(owner, shop):
    keys.cloned(shop.terminal.terminal_id, clock.now())

    assert "Two devices seem to hold the key" in owner.get(f"/merchant/terminals/{till_of(shop)}").text


def test_an_invitation_is_shown_once_and_taken_up_by_the_person_alone(app, owner, shop):
    owner.get("/merchant/people")
    invited = owner.send("/merchant/invitations", number="07", role="clerk", outlet=outlet_of(shop))
    token = re.search(r"/merchant/invitation#([\w-]{43})<", invited.text)[1]
    person = Screen(app)
    person.get("/merchant/invitation")
    seen = person.send("/merchant/invitation/look", token=token)
    unlike = person.send("/merchant/invitation/take-up", secret="802751", again="802752")
    obvious = person.send("/merchant/invitation/take-up", secret="123456", again="123456")
    done = person.send("/merchant/invitation/take-up", secret="802751", again="802751")

    assert "data:image/svg+xml" in invited.text
    assert token not in owner.get("/merchant/people").text
    assert "tea house" in seen.text
    assert [one.status_code for one in (unlike, obvious, done)] == [422, 422, 200]
    assert "07" in owner.get("/merchant/people").text


def test_a_person_gets_another_role_and_leaves(owner, shop):
    person = ids.public("clk", shop.clerk.clerk_id)
    owner.get("/merchant/people")
    owner.send(f"/merchant/people/{person}/role", role="manager")
    promoted = owner.page.text
    invited = owner.send(f"/merchant/people/{person}/role", role="finance")
    owner.get("/merchant/people")
    left = owner.send(f"/merchant/people/{person}/end")

    assert "Manager of an outlet" in promoted
    assert "/merchant/invitation#" in invited.text
    assert "Left" in left.text


def test_an_outlet_is_added_and_changed(owner):
    names = {"name_zh": "新店", "name_en": "New shop", "address_zh": "路", "address_en": "Road"}
    owner.get("/merchant/outlets/new")
    added = owner.send("/merchant/outlets", area="330106", hours="1-5 09:00-21:00", **names)
    place = re.findall(r'href="(/merchant/outlets/out_\w+)"', added.text)[-1]
    owner.get(place)
    changed = owner.send(place, area="330102", hours="1-7 08:00-20:00", **names)
    wrong = owner.client.post(place, data=names | {"area": "330102", "hours": "always"})

    assert "1-5 09:00-21:00" in added.text
    assert "1-7 08:00-20:00" in changed.text
    assert wrong.status_code in (400, 422)


def test_the_owner_confirms_terms(owner, shop):
    tomorrow = clock.day(clock.now(), ZONE) + timedelta(days=1)
    values = {"price_bp": 8000, "fee_bp": 100, "vat_bp": 600, "void_window_s": 600}
    with database.begin() as session:
        made = terms.add(session, shop.merchant.merchant_id, tomorrow, confirmed=False, **values)
    owner.get("/merchant/terms")

    confirmed = owner.send(f"/merchant/terms/{ids.public('trs', made.terms_id)}/confirm")

    assert "Begins later" in confirmed.text
    assert "Confirm these terms" not in confirmed.text


def test_the_day_is_shown_with_its_sums(app, db, owner, shop):
    offer = given_offer(given_programme(), "voucher", value_fen=1000, merchant_id=shop.merchant.merchant_id)
    with database.begin() as session:
        from points import programmes

        programme = programmes.by_code(session, "gotone")
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    code = member.voucher_code(member.redeem(offer).json)
    caller(app, clerk_token(shop)).accept(code)

    today = owner.get("/merchant").text
    yesterday = owner.get("/merchant?on=2020-01-01").text

    assert "9.00" in today
    assert "8.81" in today
    assert "Nothing was accepted on this day" in yesterday


def test_documents_are_handed_in_on_the_page(owner):
    said = {"licence_number": "9133", "legal_name": "Tea Ltd", "tax_number": "T1", "contact_name": "Wang Fang",
            "contact_phone": "0571-88880000", "payout_route": "bank", "payout_account": "6222000011112222",
            "invoice_regime": "none"}  # fmt: skip
    owner.get("/merchant/joining")
    first = owner.send("/merchant/documents", **said)
    kept = owner.send("/merchant/documents", **said | {"payout_account": "", "contact_name": "", "legal_name": "Tea Limited"})  # fmt: skip

    assert "6222000011112222" not in first.text
    assert "6***22" in first.text
    assert "6***22" in kept.text
    assert "Tea Limited" in kept.text


def test_a_manager_has_the_own_outlet_on_the_pages_and_at_the_till(app, shop):
    elsewhere = given_outlet(shop)
    boss = given_colleague(shop, "manager", "90")
    given_colleague(shop, "clerk", "51", outlet=elsewhere)
    pages = {
        face: [Screen(app, token, face).get(f"{place}/{what}") for what in ("terminals", "people")]
        for face, token, place in (
            ("merchant", merchant_token(boss), "/merchant"),
            ("till", clerk_token(shop, boss), "/till/manage"),
        )
    }

    for tills, people in pages.values():
        assert (tills.status_code, people.status_code) == (200, 200)
        assert "tea-1" in tills.text
        assert "West Lake" not in tills.text + people.text
        assert ">51<" not in people.text


def test_a_manager_at_the_till_pairs_and_invites(app, shop):
    token = clerk_token(shop, given_colleague(shop, "manager", "90"))
    till = Screen(app, token, "till", signer=shop.signer)
    till.get(f"/till/manage/terminals/{till_of(shop)}")
    paired = till.send(f"/till/manage/terminals/{till_of(shop)}/pairing")
    till.get("/till/manage/people")
    invited = till.send("/till/manage/invitations", number="07", role="clerk", outlet=outlet_of(shop))

    assert "Pairing code" in paired.text
    assert "/merchant/invitation#" in invited.text


def test_a_managers_cookie_without_the_tills_key_manages_nothing(app, shop):
    stolen = Screen(app, clerk_token(shop, given_colleague(shop, "manager", "90")), "till")
    place = f"/till/manage/terminals/{till_of(shop)}"
    stolen.get(place)
    refused = [stolen.send(f"{place}/pairing").status_code]
    stolen.get(place)
    refused.append(stolen.send(f"{place}/revoke").status_code)
    stolen.get("/till/manage/people")
    refused.append(stolen.send("/till/manage/invitations", number="07", role="clerk").status_code)

    assert refused == [401, 401, 401]
    assert "/revoke" in stolen.get(place).text


def test_what_became_of_a_till_that_was_added_there_is_known_by_its_key(app, shop):
    token = clerk_token(shop, given_colleague(shop, "manager", "90"))
    till = Screen(app, token, "till", signer=shop.signer)
    page = till.get("/till/manage/terminals").text
    key = re.search(r'name="key" value="([^"]+)"', page)[1]
    till.send("/till/manage/terminals", kind="browser", outlet=outlet_of(shop))

    became = till.client.get("/till/outcome", headers={"Idempotency-Key": key})
    asked = caller(app, token).get("/v1/acceptances/outcome", key=key)

    assert (became.status_code, asked.status_code) == (303, 200)
    assert became.location == f"/till/manage/terminals/{asked.json['answer']['id']}"


def test_a_position_of_one_list_is_none_in_another(owner, monkeypatch):
    for module in (frame, managing):
        monkeypatch.setattr(module, "PAGE", 1)
    place = re.search(r"after=([^\"&]+)", owner.get("/merchant/people").text)

    assert owner.get(f"/merchant/acceptances?after={place[1]}").status_code == 400


def test_a_clerk_at_the_till_manages_nothing(app, shop):
    page = Screen(app, clerk_token(shop), "till").get("/till/manage/terminals")

    assert page.status_code == 403


def test_another_merchants_till_is_not_there(owner, app):
    other = given_shop("noodles")

    assert owner.get(f"/merchant/terminals/{till_of(other)}").status_code == 404
    assert owner.get(f"/merchant/outlets/{outlet_of(other)}").status_code == 404


def test_packs_and_what_members_earned_stand_on_a_page_of_their_own(app, config):
    shop = given_shop("bakery", **EARNS)
    programme = given_programme("other")
    given_promotion_policy(programme)
    given_member(config, programme, phone="13900000009")
    given_pack(shop, 100)
    caller(app, clerk_token(shop)).post(
        "/v1/earnings", {"phone": "13900000009", "amount_fen": 3600, "programme": "other"}
    )

    finance = Screen(app, merchant_token(given_colleague(shop, "finance", "71"))).get("/merchant/points").text
    manager = Screen(app, merchant_token(given_colleague(shop, "manager", "72"))).get("/merchant/points").text

    assert "Packs of points" in finance
    assert re.search(r"<td class=\"jf-right\">100</td><td class=\"jf-right\">64</td>", finance)
    assert "Packs of points" not in manager
    assert "ern_" in manager


def test_the_terms_page_says_cycle_cut_off_and_what_a_purchase_earns(app, db):
    shop = given_shop("bakery", **EARNS, cycle="weekly", cutoff_minute=360, prices={"1": {"fen": 1500}})
    owner = Screen(app, merchant_token(given_colleague(shop, "owner", "70")))

    page = owner.get("/merchant/terms").text

    assert all(
        said in page
        for said in ("Each week", "06:00", "off_0000000000001", "Points for a purchase of 100 yuan")
    )

"""The console: who may see which page, what the figures say, and that looking at a member leaves a trace."""

import re
from datetime import date
from functools import partial

import pytest
from sqlalchemy import select

from admin.console import figures
from base import cache, clock, database, ids, outbox
from base.errors import Unavailable
from base.models import AuditRow
from catalog.rates import rates
from points import factors, programmes
from points.adjustments import adjustments
from points.members import members
from tests.given import (
    caller,
    clerk_token,
    closed,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)

ROLES = ("support", "checker", "editor", "finance", "analyst", "auditor")
# page -> the roles that may see it
PAGES = {
    "/staff": set(ROLES),
    "/staff/imports": {"editor", "checker", "auditor"},
    "/staff/jobs": set(ROLES),
    "/staff/maintenance": set(ROLES),
    "/staff/halts": {"finance", "auditor"},
    "/staff/members": {"support", "checker", "auditor"},
    "/staff/approvals": {"support", "checker", "editor", "auditor", "finance"},
    "/staff/offers": {"support", "editor", "finance", "analyst"},
    "/staff/rates": {"checker", "editor", "finance", "analyst"},
    "/staff/segments": {"support", "editor", "analyst"},
    "/staff/segments/draft?areas=33": {"support", "editor", "analyst"},
    "/staff/merchants": {"support", "checker", "editor", "finance", "auditor"},
    "/staff/statements?merchant=tea": {"finance", "auditor"},
    "/staff/disputes": {"support", "checker", "auditor"},
    "/staff/tickets": {"support", "checker", "auditor"},
    "/staff/care/tasks": {"support", "checker", "auditor"},
    "/staff/care/visits?by=class": {"support", "checker", "auditor"},
    "/staff/care/proofs?programme=": {"checker", "auditor"},
    "/staff/resources": {"support", "checker", "editor", "finance", "auditor"},
    "/staff/notices": {"checker", "editor", "auditor"},
    "/staff/notices/report?template=": {"checker", "editor", "auditor"},
    "/staff/notices/tier-up?sent=0": {"checker", "editor", "auditor"},
    "/staff/payouts": {"checker", "finance", "auditor"},
    "/staff/books": {"finance", "auditor"},
    "/staff/people": {"auditor"},
    "/staff/trace": {"finance", "auditor"},
    "/staff/audit": {"auditor"},
    "/staff/retention": {"analyst", "auditor"},
    "/staff/worth/mix": {"finance", "analyst", "auditor"},
}
PHONE = "13987654321"


def browser(app, *roles, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def sold(app, db, programme, shop):
    """A member who redeemed 3000 of 9000 points for a voucher, which was accepted; the voucher's code."""
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=3000)
    member_id = given_member(db, programme, points=9000, phone=PHONE)
    member = caller(app, member_token(member_id))
    code = member.voucher_code(member.redeem(offer).json)
    assert caller(app, clerk_token(shop)).accept(code).status_code == 201
    return member_id, code


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_its_pages_and_no_others(app, programme, shop, role):
    client = browser(app, role)

    for path, roles in PAGES.items():
        assert client.get(path).status_code == (200 if role in roles else 403), path


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_shows_exactly_the_pages_of_the_role(app, programme, shop, role):
    page = browser(app, role).get("/staff").text

    shown = set(re.findall(r'class="nav-link" href="(/staff[\w/]*)"', page))

    assert shown == {path for path, roles in PAGES.items() if role in roles and "?" not in path}


@pytest.mark.parametrize("path", [*PAGES, "/staff/members/mbr_x", "/staff/statements/stm_x"])
def test_nobody_else_gets_in(app, db, programme, shop, path):
    assert app.test_client().get(path).location == "/staff/sign-in"
    for token in (member_token(given_member(db, programme)), clerk_token(shop)):
        client = app.test_client()
        for cookie in ("jifen_staff", "jifen_member", "jifen_till"):
            client.set_cookie(cookie, token)

        assert client.get(path).location == "/staff/sign-in"


def test_staff_sign_in_and_out_by_form(app, db):
    staff_token("support")
    client = app.test_client()

    refused = send(client, email="support@example.test", password="wrong")
    entered = send(client, email="Support@Example.test", password="a long password")
    left = client.post("/staff/sign-out", data={"csrf_token": mark(client.get("/staff").text)})

    assert refused.status_code == 401
    assert "Mail address or password is not right." in refused.text
    assert "wrong" not in re.sub(r"<[^>]*>", "", refused.text)
    assert (entered.status_code, entered.location) == (303, "/staff")
    assert (left.status_code, left.location) == (303, "/staff/sign-in")
    assert client.get("/staff").location == "/staff/sign-in"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"email": "\x00", "password": "x"},
        {"email": "a" * 300, "password": "x"},
        {"email": "a@b", "password": "\x00"},
    ],
)
def test_a_strange_sign_in_is_refused(app, db, fields):
    assert send(app.test_client(), **fields).status_code == 401


def test_a_form_without_its_mark_is_refused(app, db):
    assert app.test_client().post("/staff/sign-in", data={"email": "a@b", "password": "x"}).status_code == 400


def send(client, **fields):
    page = client.get("/staff/sign-in?lang=en").text
    return client.post("/staff/sign-in", data={"csrf_token": mark(page), **fields})


def mark(page):
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]


def test_the_overview_adds_up(app, db, programme, sold):
    given_member(db, programme, points=1000)
    perk = given_offer(programme, "perk", value_fen=1000)
    caller(app, member_token(sold[0])).redeem(perk)

    page = browser(app, "support").get("/staff").text

    found = figures_of(page)
    assert found["Members"] == "2"
    assert found["Points in circulation"] == "6,000"
    assert found["Points earned, 30 days"] == "10,000"
    assert found["Points redeemed, 30 days"] == "4,000"
    assert "worth ¥60.00" in page
    assert "75%" in page
    assert "25%" in page
    assert page.count("as of") >= 6


def test_the_overview_says_what_waits_for_the_person_and_leads_there(app, db, programme):
    wanted, maker = adjustments.Wanted("up", 5, "goodwill", "for a test", "T-1"), given_person("support")
    member_id = given_member(db, programme)
    with database.begin() as session:
        adjustments.propose(session, maker, member_id, wanted, clock.now())

    seen, unseen = (browser(app, role).get("/staff").text for role in ("checker", "analyst"))

    waits = 'href="/staff/approvals"><span>Proposals that wait for a second person</span>'
    assert waits in seen
    assert waits not in unseen
    assert "Nothing waits." in unseen


def test_a_figure_that_cannot_be_had_in_time_is_a_dash_beside_the_others(app, programme, sold, monkeypatch):
    def too_slow(*_):
        raise Unavailable("The database took too long.")

    monkeypatch.setattr(figures, "_earned", too_slow)

    page = browser(app, "support").get("/staff")

    found = figures_of(page.text)
    assert page.status_code == 200
    assert found["Points earned, 30 days"] == "—"
    assert found["Points in circulation"] == "6,000"


def test_figures_are_kept_for_a_minute_and_say_of_when_they_are(app, db, programme, sold):
    if not cache.answers():
        pytest.skip("no Redis: nothing is kept")
    client = browser(app, "support")
    first = figures_of(client.get("/staff").text)
    given_member(db, programme, points=1000)

    second = client.get("/staff").text

    assert figures_of(second) == first
    assert "as of" in second


def figures_of(page):
    return dict(re.findall(r"<h2[^>]*>(?:<a[^>]*>)?([^<]+)(?:</a>)?</h2>\s*<p[^>]*>([^<]+)</p>", page))


def test_without_a_programme_every_page_still_answers(app, db):
    client = browser(app, *ROLES)
    given_shop()

    for path in PAGES:
        assert client.get(path).status_code == 200, path


def test_another_programme_is_chosen_by_its_code(app, programme):
    with database.begin() as session:
        programmes.create(
            session, "mzone", {"zh-CN": "动感地带", "en": "M-Zone"}, zone="Asia/Shanghai", currency="CNY"
        )
    given_offer(programme, "perk", names={"zh-CN": "甲", "en": "Lounge"})
    client = browser(app, "support")

    assert "Lounge" in client.get("/staff/offers?programme=gotone").text
    assert "Lounge" not in client.get("/staff/offers?programme=mzone").text
    assert 'href="/staff/members?programme=mzone"' in client.get("/staff/offers?programme=mzone").text
    for code in ("none", "%00", "x" * 300):
        assert client.get(f"/staff/offers?programme={code}").status_code == 404


def test_a_member_is_found_and_shown_masked_and_the_look_is_on_record(app, sold):
    member_id, code = sold
    client = browser(app, "support")

    found = client.get(f"/staff/members?customer={customer_of(member_id)}")
    page = client.get(found.location).text

    assert found.status_code == 303
    assert "139****4321" in page
    assert PHONE not in page
    assert code not in page
    assert code.replace("-", "")[8:12] in page
    assert "6,000" in page
    with database.begin() as session:
        rows = list(session.scalars(select(AuditRow)))
    assert [(row.action, row.subject) for row in rows] == [("member.viewed", ids.public("mbr", member_id))]
    assert rows[0].actor.startswith("staff:")


def customer_of(member_id):
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


@pytest.mark.parametrize("text", ["nobody", "%00", "x" * 300, PHONE, "' or 1=1 --"])
def test_an_unknown_customer_number_finds_nobody(app, sold, text):
    answer = browser(app, "support").get(f"/staff/members?customer={text}")

    assert answer.status_code == 200
    assert "No member has this customer number." in answer.text


@pytest.mark.parametrize("member", ["mbr_x", "mbr_0000000000001", "red_0000000000001", "x"])
def test_an_unknown_member_is_not_found_and_leaves_no_trace(app, db, member):
    assert browser(app, "auditor").get(f"/staff/members/{member}").status_code == 404
    with database.begin() as session:
        assert session.scalar(select(AuditRow)) is None


def test_movements_go_on_over_pages_without_gap_or_repeat(app, db, programme):
    member_id = given_member(db, programme, points=100)
    perk = given_offer(programme, "perk", value_fen=1, cancellable=True)
    me = caller(app, member_token(member_id))
    for _ in range(30):
        assert me.post(f"/v1/redemptions/{me.redeem(perk).json['id']}/cancel").status_code == 200
    client, path = browser(app, "support"), f"/staff/members/{ids.public('mbr', member_id)}/why"

    first = client.get(path).text
    following = re.search(r'rel="next" href="([^"]+)"', first)[1]
    second = client.get(path + following).text

    assert numbers(first) + numbers(second) == list(range(61, 0, -1))
    assert client.get(f"{path}?after=forged").status_code == 400
    assert client.get(f"/staff/offers{following}").status_code == 400


def numbers(page):
    return [int(seq) for seq in re.findall(r'/movements/\d+" title="[^"]+">(\d+)</a></th>', page)]


def test_offers_show_price_premium_and_stock(app, programme, shop):
    given_offer(programme, "bill_credit", value_fen=1000)
    given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=3000, stock=7)
    given_offer(programme, "perk", value_fen=500, state="paused")
    with database.begin() as session:
        rates.add(session, programme.programme_id, date(2021, 1, 1), points=80, per_fen=100, kind="voucher")

    page = browser(app, "editor").get("/staff/offers").text
    rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]

    voucher = next(row for row in rows if "Merchant voucher" in row)
    assert "2,400" in voucher
    assert "+25%" in voucher
    assert " 7 " in voucher
    assert any("Bill credit" in row and "1,000" in row and " 0% " in row for row in rows)
    assert any("Paused" in row for row in rows)


def test_every_version_of_a_rate_is_listed_with_its_time(app, programme):
    with database.begin() as session:
        rates.add(session, programme.programme_id, date(2021, 1, 1), points=90, per_fen=100)
        rates.add(session, programme.programme_id, date(2100, 1, 1), points=70, per_fen=100)

    page = browser(app, "finance").get("/staff/rates").text
    row = re.search(r"<tr>\s*<th[^>]*>The whole programme.*?</tr>", page, re.DOTALL)[0]
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row))

    assert re.search(
        r"90 .*1\.00 Jan 1, 2021 – Dec 31, 2099 In force .*2100 : 70 points for .*1\.00 Later 1 version .*100 points for",
        told,
    ), told


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            [
                ("The month of the birthday", "Every line", "+ 50 %", "In force"),
                ("10 years as a customer", "Plan fee", "× 120 %", "In force"),
                ("5 stars", "Every line", "× 300 %", "Later"),
                ("5 stars", "Every line", "× 200 %", "In force"),
            ],
        ),
        (
            "zh-CN",
            [
                ("生日月", "所有账单行", "+ 50 %", "生效中"),
                ("在网满 10 年", "套餐费", "× 120 %", "生效中"),
                ("5 星", "所有账单行", "× 300 %", "尚未生效"),
                ("5 星", "所有账单行", "× 200 %", "生效中"),
            ],
        ),
    ],
)
def test_every_version_of_a_factor_is_listed_with_its_time(app, programme, language, told):
    with database.begin() as session:
        add = partial(factors.add, session, programme.programme_id)
        add(factors.TIER, date(2020, 1, 1), 200, tier="star5")
        add(factors.TIER, date(2100, 1, 1), 300, tier="star5")
        add(factors.TENURE, date(2020, 1, 1), 120, least_years=10, line_type="plan")
        add(factors.BIRTHDAY, date(2020, 1, 1), 50, adds=True)

    page = browser(app, "finance", language=language).get("/staff/rates").text
    rows = [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "|", row))
        for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    ]
    found = [tuple(cell.strip() for cell in row.split("|") if cell.strip()) for row in rows if " %" in row]

    assert [(who, line, by, when) for who, line, _, by, when in found] == told


def test_a_statement_shows_its_lines_and_proves_its_seal(app, sold, shop):
    closed(shop, clock.day(clock.now(), shop.merchant.zone))
    client = browser(app, "auditor")

    listed = client.get("/staff/statements?merchant=tea").text
    page = client.get(re.search(r"/staff/statements/stm_\w+", listed)[0]).text

    links = re.findall(r'href="(/staff/statements/stm_\w+/files/\w+)"', page)
    files = [client.get(link) for link in links]

    assert [answer.content_type.split(";")[0].split(".")[-1] for answer in files] == [
        "text/csv",
        "sheet",
        "text/html",
    ]
    assert '<html lang="en">' in files[2].text
    assert client.get(links[0][:-3] + "pdf").status_code == 404
    assert "¥26.43" in listed
    assert "¥27.00" in page
    assert "The seal fits" in page
    assert re.search(r"<code>[0-9a-f]{64}</code>", page)
    assert "1 line" in page


@pytest.mark.parametrize("query", ["merchant=nobody", "merchant=%00", "merchant=" + "x" * 300])
def test_an_unknown_merchant_is_not_found(app, shop, query):
    assert browser(app, "finance").get(f"/staff/statements?{query}").status_code == 404


def test_jobs_that_wait_or_failed_are_counted(app, db):
    with database.begin() as session:
        outbox.put(session, 1, "bill_credit", {})
        session.connection().exec_driver_sql(
            "insert into procrastinate_jobs (queue_name, task_name, args, status, attempts) values "
            "('jifen', 'bill_credit', '{}', 'failed', 6), ('jifen', 'bill_credit', '{}', 'todo', 0)"
        )

    page = browser(app, "support").get("/staff/jobs").text

    assert "1 promised task is due" in page
    assert "Failed" in page
    assert "Waiting" in page
    assert re.search(r'<td class="jf-right">6</td>', page)


@pytest.mark.parametrize(("language", "word"), [("en", "Overview"), ("zh-CN", "概览")])
def test_every_page_speaks_both_languages_and_has_one_heading(app, sold, shop, language, word):
    client = browser(app, *ROLES, language=language)
    member = f"/staff/members/{ids.public('mbr', sold[0])}"

    for path in [*PAGES, member, "/staff/sign-in", "/staff/members/mbr_x", "/staff/members?customer=nobody"]:
        page = client.get(path).text
        assert page.count("<h1") == 1, path
        assert f'lang="{language}"' in page
        assert PHONE not in page
        assert "style=" not in page
        assert path == "/staff/sign-in" or word in page

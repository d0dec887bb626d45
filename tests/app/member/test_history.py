"""The history of points: narrowed by the address, as files, and the calendar of what lapses."""

import csv
import io
import re
from datetime import date, timedelta
from zipfile import ZipFile

from base import clock, database, ids
from points import ledger, lots, policies
from points.deeds import Request
from points.kinds import Kind
from tests.given import ZONE, given_member, given_offer, given_points

PHONE = "13900001234"


def earned_for(member_id, ref):
    """Points whose reference is a text of another system's."""
    key = lots.key(date(2089, 1, 31), policies.BILL_POINTS)
    asked = Request(member_id, ledger.key("test", ref), Kind.EARN, 7, clock.now(), ZONE, lot_key=key, ref=ref)
    with database.begin() as session:
        ledger.post(session, asked)


def signed_in(db, browser, programme, **more):
    member_id = given_member(db, programme, phone=PHONE, **more)
    me = browser()
    me.sign_in(db, PHONE)
    return member_id, me


def test_the_history_is_narrowed_by_kind_and_month_in_the_address(db, browser, programme):
    _, me = signed_in(db, browser, programme, points=1000)
    perk = given_offer(programme, "perk", value_fen=300)
    me.redeem(ids.public("off", perk.offer_id))
    month = f"{clock.now():%Y-%m}"

    me.get(f"/points?kind=redeemed&month={month}")
    assert ("−300" in me.page, "+1,000" in me.page) == (True, False)
    me.get("/points?kind=collected")
    assert ("−300" in me.page, "+1,000" in me.page) == (False, True)
    me.get("/points?kind=nonsense&month=2026-99")
    assert ("−300" in me.page, "+1,000" in me.page) == (True, True)
    me.get("/points?kind=gifts")
    assert "Nothing of this kind moved in that time." in me.page


def test_the_files_hold_what_is_narrowed_to_and_no_formula(db, browser, programme):
    member_id, me = signed_in(db, browser, programme, points=1000)
    earned_for(member_id, '=HYPERLINK("x")')
    perk = given_offer(programme, "perk", value_fen=300)
    me.redeem(ids.public("off", perk.offer_id))

    sheet = list(csv.reader(io.StringIO(me.client.get("/points/movements.csv").data.decode("utf-8-sig"))))
    some = list(csv.reader(io.StringIO(me.client.get("/points/movements.csv?kind=redeemed").text)))
    book = me.client.get("/points/movements.xlsx?kind=collected")
    cells = ZipFile(io.BytesIO(book.data)).read("xl/worksheets/sheet1.xml").decode()

    assert [row[4] for row in sheet[1:]] == ["-300", "7", "1000"]
    assert [row[5] for row in sheet[1:]] == ["707", "1007", "1000"]
    assert sheet[2][2] == '\'=HYPERLINK("x")'
    assert [row[4] for row in some[1:]] == ["-300"]
    assert "'=HYPERLINK" in cells
    assert "-300" not in cells
    assert "points-collected.xlsx" in book.headers["Content-Disposition"]
    assert me.client.get("/points/movements.exe").status_code == 404


def test_the_calendar_tells_month_by_month_what_lapses_and_what_it_is_worth(db, browser, programme):
    member_id, me = signed_in(db, browser, programme)
    soon = clock.now().date() + timedelta(days=20)
    given_points(member_id, 300, last_day=date(2089, 3, 2))
    given_points(member_id, 200, last_day=date(2089, 3, 31))
    given_points(member_id, 40, last_day=soon)
    given_points(member_id, 25, last_day=date(2149, 6, 6))

    me.get("/points/lapsing")

    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", me.page))
    assert re.search(r"in (19|20|21) days 40 points worth about ¥0.40", told)
    assert "March 2089 500 points worth about ¥5.00" in told
    assert "25 points do not lapse." in told
    assert "/offers?affordable=1&amp;sort=fen_per_100" in me.page


def test_without_points_the_calendar_leads_to_the_offers(somebody, programme):
    me = somebody()

    me.get("/points/lapsing")

    assert "You have no points yet." in me.page
    assert 'href="/offers"' in me.page

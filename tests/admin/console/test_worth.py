"""The pages on what points cost and are worth: from figures that were taken, of one's own area alone, the same as the API."""

import csv
import io
import re
from datetime import UTC, date, datetime

import pytest

from admin.analytics import (
    burning,
    liability,
    mix,
    outstanding,
    period_reports,
    premium,
    roll_up,
    satisfaction,
    sums,
)
from admin.analytics.models import FiguresRun
from admin.analytics.sums import Days
from admin.console.worth import rated
from base import clock, database, ids
from base.web import i18n
from catalog.ratings.ratings import Said
from points.members import areas
from tests.admin.analytics.test_figures_api import AFTER, programme, taken  # noqa: F401  # the same members
from tests.admin.console.test_retention import FORBIDDEN, browser, charts_of, plain, same
from tests.given import given_area, given_member, given_offer, given_programme
from tests.ratings import rate, used_perk

PAGES = ("mix", "premium", "liability", "areas")


@pytest.fixture(autouse=True)
def the_present():
    with clock.stopped(AFTER):
        yield


def page_of(app, path, language="en", area=""):
    return browser(app, language, "finance", area=area).get(f"/staff/worth/{path}")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_before_anything_was_taken_each_page_says_what_to_do(app, db, language):
    given_programme()

    for path in PAGES:
        page = page_of(app, path, language)
        assert page.status_code == 200
        assert "jifen figures" in page.text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_each_page_shows_what_was_taken(app, taken, language):  # noqa: F811
    wanted = {
        "mix": ("3,000", "33.33%"),
        "premium": ("2,000", "+0.0%", "−70.0%"),
        "liability": ("7,000",),
        "areas": {"en": ("Areas", "Exit rate"), "zh-CN": ("地区", "离网率")}[language],
    }
    for path in PAGES:
        words = plain(page_of(app, path, language).text)
        for one in wanted[path]:
            assert one in words, (path, one)
        for forbidden in FORBIDDEN:
            assert not re.search(forbidden, words, re.IGNORECASE), (path, forbidden)


def test_parts_of_an_area_add_up_to_it_and_lead_further(app, taken):  # noqa: F811
    ((_, (head, *rows)), _satisfaction) = charts_of(page_of(app, "areas?area=33").text)
    page = page_of(app, "areas?area=33").text
    at = head.index("There at the end")

    assert [row[0] for row in rows][:2] == ["3301", "3302"]
    assert int(rows[-1][at]) == sum(int(row[at]) for row in rows[:-1]) == 2
    assert 'href="?programme=gotone&amp;area=3301"' in page
    assert "One level up" in page


def test_who_works_for_an_area_sees_that_alone(app, taken):  # noqa: F811
    for path in PAGES:
        mine = page_of(app, path, area="3301").text
        assert page_of(app, f"{path}?area=3302", area="3301").status_code == 404
        assert page_of(app, f"{path}?area=33", area="3301").status_code == 404
        assert "3302" not in plain(mine)
    assert "4,000" in plain(page_of(app, "liability", area="3301").text)
    assert "2,000" not in plain(page_of(app, "premium", area="3301").text.split("As taken up")[1])
    ((_, (_head, *rows)), _satisfaction) = charts_of(page_of(app, "areas", area="3301").text)
    assert [row[0] for row in rows] == ["330106", "3301"]


def test_drift_is_told_to_headquarters_and_not_as_an_area_s(app, taken, owner):  # noqa: F811
    from sqlalchemy import text

    owner.execute(
        text("insert into mix_alert (programme_id, week_from, at, run_id, share_bp, target_bp, heap) "
             "select programme_id, from_day, at, run_id, 3333, 1000, 'club' from figures_run "
             "where topic = 'mix' and from_day = '2026-11-09'")
    )  # fmt: skip

    assert "33.33% of the points instead of 10%" in plain(page_of(app, "mix").text)
    assert "instead of" not in plain(page_of(app, "mix", area="3301").text)


@pytest.mark.parametrize("path", PAGES)
def test_the_file_of_a_chart_is_its_table(app, taken, path):  # noqa: F811
    found = list(charts_of(page_of(app, path).text))
    assert found

    for name, (head, *table) in found:
        answer = page_of(app, f"{path}?csv={name}")
        first, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))

        assert [re.sub(r" \[.*", "", one) for one in first[:-2]] == head
        assert first[-2:] == ["as_of", "run"]
        assert len(rows) == len(table)
        for row, cells in zip(rows, table, strict=True):
            for value, cell, heading in zip(row[:-2], cells, first, strict=False):
                if "basis points" in heading and value:
                    number = int(value) / 100
                    assert cell in (f"{number:g}%", f"{number:+.1f}%".replace("-", "−"))
                elif "fen" in heading and value:
                    assert cell == f"{'-' if int(value) < 0 else ''}¥{abs(int(value)) / 100:,.2f}"
                elif re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                    continue  # a day, which reads otherwise in words
                else:
                    assert same(value, cell, heading), (name, heading, value, cell)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_satisfaction_stands_with_its_number_interval_and_goal_and_too_few_are_refused_in_words(language):
    block = satisfaction.block
    few, enough = block(12, 12), block(100, 93)
    goal = {"target_bp": satisfaction.VIP_TARGET_BP}
    part, whole = ({"satisfaction": one, "vip_satisfaction": few | goal} for one in (few, enough))
    found = {"parts": [{"area": "33", "figures": part}], "whole": whole}

    with i18n.speaking(language):
        chart = rated.satisfaction(found, {"33": "Zhejiang"}, "All")
        part_all, part_vip, all_all, all_vip = chart.table

    assert part_all[2:6] == ["12", "—", "—", "—"]
    assert {"en": "Too few ratings", "zh-CN": "评价太少"}[language] in part_all[-1]
    assert (all_all[0], *all_all[2:6]) == ("All", "100", "93%", "86.25%", "96.57%")
    assert (part_vip[6], all_all[6], all_vip[6]) == ("95%", "—", "95%")
    assert chart.drawn["zero"] == 95
    assert chart.drawn["names"] == ["All"]


def test_what_is_dear_and_unnoticed_is_named_in_the_row(app):
    from admin.analytics.premium import UNNOTICED

    row = {
        "names": {"en": "Lounge"}, "kind": "perk", "count": 100, "cost_a_use_fen": 900, "cost_premium_bp": 1000,
        "rating": satisfaction.block(100, 50), "flag": UNNOTICED,
    }  # fmt: skip
    whole = row | {"names": None, "rating": satisfaction.block(1000, 900), "flag": None}

    with i18n.speaking("en"):
        chart = rated.cost_rating([row], whole)
        (mine, together) = chart.table

    assert (mine[0], mine[2], mine[-1]) == ("Lounge", "¥9.00", "Dear and unnoticed")
    assert together[0] == "All together"
    assert chart.drawn["zero"] == 90


def test_what_members_wrote_is_read_without_who_in_ones_own_area_alone(app, db):
    made = given_programme()
    offer = given_offer(made, "perk", value_fen=300)
    for area, text in (("330106", "call 13900001234"), ("440101", "far away")):
        with clock.stopped(datetime(2026, 11, 20, 4, tzinfo=UTC)):
            who = given_area(given_member(db, made, points=1000), area)
            place = used_perk(who, made, offer)
        rate(db, who, place, Said(2, ("waiting",), text))
    path = f"/staff/worth/written?offer={ids.public('off', offer.offer_id)}"

    mine = browser(app, "en", "analyst", area="33").get(path)

    assert "call •••" in mine.text
    assert "Waiting time" in mine.text
    assert "13900001234" not in mine.text
    assert "far away" not in mine.text
    assert "mbr_" not in mine.text
    assert browser(app, "en", "finance").get(path).status_code == 403


def test_nothing_is_taken_in_a_request(app, taken, monkeypatch):  # noqa: F811
    def never(*_args, **_more):
        raise AssertionError("a page took figures")

    for module in (liability, mix, premium, roll_up):
        monkeypatch.setattr(module, "take", never)
    monkeypatch.setattr(outstanding, "read", never)
    monkeypatch.setattr(burning, "burn", never)
    monkeypatch.setattr(sums, "snapshot", never)
    monkeypatch.setattr(sums, "keep", never)

    for path in PAGES:
        assert page_of(app, path).status_code == 200


def test_a_report_is_downloaded_whole_by_headquarters_and_its_own_rows_by_an_area(app, taken):  # noqa: F811
    with database.begin() as session:
        areas.add(session, "3301", {"zh-CN": "杭州市", "en": "Hangzhou"})
    made = period_reports.make(taken, "2026-11-1")

    whole = page_of(app, "reports/2026-11-1?programme=gotone")
    mine = page_of(app, "reports/2026-11-1?programme=gotone", area="3301")

    assert whole.text == made.content
    assert whole.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(mine.text, newline="")))
    assert {row["area"][:4] for row in rows} == {"3301"}
    assert "2026-11-1" in page_of(app, "areas").text
    assert page_of(app, "areas?period=2026-11-1").status_code == 200
    for wrong, status in (("2026-09", 404), ("autumn", 422)):
        assert page_of(app, f"reports/{wrong}?programme=gotone").status_code == status


def test_every_chart_leads_to_how_its_figures_came_about(app, taken):  # noqa: F811
    for path in ("mix", "liability", "areas"):
        href = re.search(r'href="/staff/worth/(runs/fig_[^"]+)"', page_of(app, path).text)[1]
        protocol = page_of(app, href)

        assert protocol.status_code == 200
        with database.begin() as session:
            hashes = {run.content_hash.hex() for run in session.query(FiguresRun)}
        assert any(one in protocol.text for one in hashes)
    assert page_of(app, "runs/fig_nonsense").status_code == 404


def test_a_period_s_figures_are_that_period_s(app, taken):  # noqa: F811
    with clock.stopped(datetime(2026, 11, 26, 5, tzinfo=UTC)):
        roll_up.take(Days(taken, date(2026, 10, 1), date(2026, 10, 31)))

    assert "Oct 1, 2026" in page_of(app, "areas?period=2026-10").text
    assert page_of(app, "areas?period=2026-09").status_code == 404

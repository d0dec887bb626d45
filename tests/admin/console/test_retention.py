"""The page on redemption and staying: the raw gap never without its caution, plain words, a drawing with a table."""

import re

import numpy as np
import pytest

from admin.analytics import runs
from admin.analytics.histories import from_members
from admin.analytics.models import AnalysisRun
from admin.analytics.raw_gap import CAUTION
from admin.analytics.report import retention_report
from admin.console.retention import chart
from base import clock, database, ids
from tests.given import caller, given_member, given_offer, given_programme, member_token, staff_token


def browser(app, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token("analyst"))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


def given_report(members=3000):
    """Redeeming does nothing here; the raw gap is large all the same."""
    random = np.random.default_rng(3)
    leave, redeem = random.geometric(0.06, members) - 1, random.geometric(0.08, members) - 1
    redeemed = np.where(redeem < np.minimum(leave, 24), redeem, -1)
    return retention_report(from_members(np.zeros(members), np.minimum(leave, 23), leave < 24, redeemed))


def given_run(programme, report):
    with database.begin() as session:
        session.add(
            AnalysisRun(
                run_id=ids.new_id(),
                programme_id=programme.programme_id,
                at=clock.now(),
                seed=1,
                code_version="9.9",
                input_hash=bytes(32),
                report=report,
            )
        )


def test_without_a_run_the_page_says_how_to_make_one(app, db):
    given_programme()

    page = browser(app).get("/staff/retention")

    assert page.status_code == 200
    assert "jifen retention --programme gotone" in page.text


@pytest.mark.parametrize(
    ("language", "tongue", "words"),
    [
        (
            "en",
            "en",
            ("not an effect", "no effect shown", "Why the two differ"),
        ),
        ("zh-CN", "zh", ("不是效果", "未显示出效果", "两者为何不同")),
    ],
)
def test_the_raw_gap_stands_beside_its_caution_and_the_check(app, db, language, tongue, words):
    report = given_report()
    given_run(given_programme(), report)

    page = browser(app, language).get("/staff/retention").text
    card = re.search(r'aria-labelledby="two-numbers".*?</section>', page, re.DOTALL)[0]

    assert f"{report['raw_gap']['difference_pp']:.1f}".replace("-", "−") in card
    assert CAUTION[tongue] in card
    assert f"{report['cox_time_varying']['hr']:.2f}" in card
    assert words[0] in card
    assert all(word in page for word in words)
    assert report["verdict"]["text"][tongue] in page
    assert report["why_they_differ"]["text"][tongue] in page.replace("&#39;", "'")
    for forbidden in ("prove", "caused", "stimated effect", "证明", "估计效果"):
        assert forbidden not in page
    assert "9.9" in page
    assert "00" * 32 in page


def test_the_curves_are_drawn_without_inline_style_and_repeated_as_a_table(app, db):
    given_run(given_programme(), given_report())

    page = browser(app).get("/staff/retention").text

    assert page.count("<polyline") == 2
    assert page.count("stroke-dasharray") == 2
    assert "style=" not in page
    assert "<script>" not in page
    assert re.search(r'<th scope="row" class="jf-right">12</th>', page)


def test_a_run_on_few_members_says_what_is_missing(app, db):
    programme = given_programme()
    perk = given_offer(programme, "perk")
    caller(app, member_token(given_member(db, programme, points=2000))).redeem(perk)
    given_member(db, programme)
    with database.begin() as session:
        runs.take(session, programme, clock.now())

    page = browser(app).get("/staff/retention")

    assert page.status_code == 200
    assert "no figure" in page.text.lower()
    assert "not an effect" in page.text


def test_a_curve_steps_and_ends_where_nobody_is_in_view():
    km = {
        "a": {
            "time": [0, 1, 2, 3],
            "survival": [1, 0.9, 0.8, None],
            "low": [1, 0.8, None, None],
            "high": [1, 1, None, None],
        },
        "b": {"time": [0, 1, 2, 3], "survival": [1, 1, 1, 1], "low": [None] * 4, "high": [None] * 4},
    }

    drawn = chart.of_curves(km, ("a", "b"))

    assert drawn.lowest == 80
    assert len(drawn.lines["a"].points.split()) == 5
    assert len(drawn.lines["b"].points.split()) == 7
    assert drawn.lines["b"].band == ""
    assert drawn.along == [(52, 0), (244, 1), (436, 2), (628, 3)]
    assert drawn.upwards[0] == (chart.BOTTOM, 80)
    assert drawn.upwards[-1] == (chart.TOP, 100)


def test_curves_that_never_fall_can_be_drawn():
    flat = {"time": [0], "survival": [1.0], "low": [1.0], "high": [1.0]}

    drawn = chart.of_curves({"a": flat, "b": flat}, ("a", "b"))

    assert drawn.lines["a"].points == f"{chart.LEFT},{chart.TOP}"

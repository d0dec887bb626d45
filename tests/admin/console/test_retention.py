"""The pages on redemption and staying: from stored runs alone, the raw gap never without its caution, plain words, tables."""

import csv
import io
import json
import re
from copy import deepcopy
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from admin.analytics import report as reports
from admin.analytics import runs, tasks, trials
from admin.analytics.histories import from_members
from admin.analytics.models import AnalysisRun, AnalysisTask
from admin.analytics.protocol import Options
from admin.analytics.raw_gap import CAUTION
from admin.analytics.refusals import TEXTS, Reason
from admin.analytics.report import retention_report
from admin.analytics.simulation import panel
from admin.analytics.simulation.scenarios import scenario
from admin.analytics.snapshot_queries import KINDS
from admin.console.charts.charts import FORMS, Chart, Column, as_csv
from admin.console.retention import curves, trust, words
from base import clock, database, ids
from points.members import areas
from tests.given import given_programme, staff_token

PAGES = (
    "",
    "/curves",
    "/curves?curves=ever",
    "/curves?curves=by-then",
    "/kinds",
    "/kinds?kind=bill",
    "/study",
    "/study?kind=club",
    "/trust",
)
FORBIDDEN = (r"prove", r"\bcaused\b", r"no effect(?! (?:is )?shown)", "证明", "没有效果", "无效果")


def browser(app, language="en", *roles, area=""):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*(roles or ("analyst",)), area=area))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    return client


@cache
def _report(members):
    random = np.random.default_rng(3)
    leave, redeem = random.geometric(0.06, members) - 1, random.geometric(0.08, members) - 1
    redeemed = np.where(redeem < np.minimum(leave, 24), redeem, -1)
    return retention_report(from_members(np.zeros(members), np.minimum(leave, 23), leave < 24, redeemed))


def given_report(members=3000):
    """Redeeming does nothing here; the raw gap is large all the same."""
    return deepcopy(_report(members))


@cache
def _simulated(name, members):
    return retention_report(panel.draw(scenario(name), members, 7), Options(draws=40))


def simulated(name="main", members=4000):
    """A report with kinds, money and diagnostics, of members of whom the truth is known."""
    return deepcopy(_simulated(name, members))


def given_run(programme, report, at=None, seed=1):
    with database.begin() as session:
        run = AnalysisRun(
            run_id=ids.new_id(),
            programme_id=programme.programme_id,
            at=at or clock.now(),
            snapshot_at=at or clock.now(),
            seed=seed,
            code_version="9.9",
            input_hash=bytes(32),
            protocol={"programme": programme.code, "seed": 1, "options": {"horizon": 12}, "not_held": ["outages"]},
            report=report,
            refusals=list(runs.refusals(report)),
        )  # fmt: skip
        session.add(run)
        return runs.reference(run.run_id)


def plain(page):
    """The words that a person reads."""
    text = re.sub(r"<script.*?</script>|data-chart='[^']*'|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", text.replace("&#39;", "'").replace("&amp;", "&").replace("&lt;", "<"))


def test_without_a_run_every_page_says_how_to_make_one(app, db):
    given_programme()

    for path in PAGES:
        page = browser(app).get(f"/staff/retention{path}")

        assert page.status_code == 200
        assert "jifen retention --programme gotone" in page.text


@pytest.mark.parametrize(
    ("language", "tongue", "wanted"),
    [
        ("en", "en", ("not an effect", "no effect shown", "Why the two differ", "Estimated effect")),
        ("zh-CN", "zh", ("不是效果", "未显示出效果", "两者为何不同", "估计效果")),
    ],
)
def test_the_raw_gap_stands_beside_its_caution_and_the_estimate(app, db, language, tongue, wanted):
    report = given_report()
    given_run(given_programme(), report)

    page = browser(app, language).get("/staff/retention").text
    card = plain(re.search(r'aria-labelledby="two-numbers-any".*?</section>', page, re.DOTALL)[0])

    assert f"{report['raw_gap']['difference_pp']:+.1f}".replace("-", "−") in card
    assert CAUTION[tongue] in card
    assert f"{report['trials']['itt']['risk_difference_pp']:+.1f}".replace("-", "−") in card
    assert wanted[0] in card
    assert report["sensitivity"]["tipping_point"]["text"][tongue][1:] in card
    assert all(word in plain(page) for word in wanted)
    assert report["verdict"]["text"][tongue] in plain(page)
    assert report["why_they_differ"]["text"][tongue] in plain(page)


def test_each_kind_has_its_two_numbers(app, db):
    report = simulated()
    given_run(given_programme(), report)

    page = browser(app).get("/staff/retention").text

    for name, block in report["trials"]["kinds"].items():
        card = plain(re.search(rf'aria-labelledby="two-numbers-{name}".*?</section>', page, re.DOTALL)[0])
        assert "not an effect" in card
        assert "Caution:" in card
        if block["itt"]["status"] == "refused":
            assert "no figure" in card.lower()
        else:
            assert f"{block['itt']['risk_difference_pp']:+.1f}".replace("-", "−") in card
            assert f"{block['itt']['interval_pp'][0]:+.1f}".replace("-", "−") in card


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(("name", "members"), [("main", 4000), ("null", 3000), ("main", 300)])
def test_no_page_says_more_than_may_be_said(app, db, language, name, members):
    given_run(given_programme(), simulated(name, members))

    for path in (*PAGES, "/runs"):
        said = plain(browser(app, language).get(f"/staff/retention{path}").text)
        for forbidden in FORBIDDEN:
            assert not re.search(forbidden, said, re.IGNORECASE), (path, forbidden)


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_each_refusal_is_named_with_what_would_supply_the_number(app, db, code):
    """Whatever rule refuses: no figure stands, the reason does, on the card, the curves and the page on trust."""
    report = simulated("main", 300)
    reason = Reason(code, 3, 50).block()
    for block in (report["trials"]["itt"], report["trials"]["per_protocol"], report["trials"]):
        block |= {"status": "refused", "reasons": [reason]}
    report["trials"]["itt"] |= dict.fromkeys(
        ("risk_difference_pp", "interval_pp", "curve", "unweighted_difference_pp")
    )
    given_run(given_programme(), report)

    for path, tongue, language in (("", "en", "en"), ("/curves", "zh", "zh-CN"), ("/trust", "zh", "zh-CN")):
        page = browser(app, language).get(f"/staff/retention{path}")
        assert page.status_code == 200
        assert reason["text"][tongue] in plain(page.text), path


def test_nothing_is_computed_in_a_request(app, db, monkeypatch):
    given_run(given_programme(), simulated())

    def never(*_args, **_more):
        raise AssertionError("a page fitted something")

    for module, names in (
        (reports, ("retention_report", "headlines")),
        (trials, ("fit", "sums")),
        (np.linalg, ("solve", "inv", "lstsq")),
        (np.random, ("Generator", "PCG64")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, never)

    for path in (*PAGES, "/runs"):
        assert browser(app).get(f"/staff/retention{path}").status_code == 200


def charts_of(page):
    """Of each chart of a page: its name, and its table as rows of what is read."""
    for name, body in re.findall(
        r'<section class="jf-figure" id="([\w-]+)".*?<table(.*?)</table>', page, re.DOTALL
    ):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        yield (
            name,
            [
                [plain(cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
                for row in rows
            ],
        )


@pytest.mark.parametrize("path", [*PAGES, "/curves?kind=club&curves=per_protocol"])
def test_the_file_of_a_chart_is_its_table_with_where_it_is_from(app, db, path):
    run = given_run(given_programme(), simulated())
    client, join = browser(app), "&" if "?" in path else "?"
    page = client.get(f"/staff/retention{path}").text
    found = list(charts_of(page))
    assert found

    for name, (head, *shown) in found:
        answer = client.get(f"/staff/retention{path}{join}csv={name}")
        first, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))

        assert answer.mimetype == "text/csv"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}-{run}.csv"'
        assert [one.split(" [")[0] for one in first[:-2]] == head
        assert len(rows) == len(shown)
        for row, cells in zip(rows, shown, strict=True):
            assert row[-1] == run
            for value, cell, heading in zip(row[:-2], cells, first, strict=False):
                assert same(value, cell, heading), (name, value, cell)


def same(value, cell, heading):
    """Whether a stored value reads as the page says it."""
    if value == "":
        return cell in ("—", "")
    if value == cell:
        return True
    try:
        number = float(value)
    except ValueError:
        return " ".join(value.split()) == cell
    return cell in {str(FORMS[form](number)) for form in ("pp", "share", "ratio", "difference", "decimal", "figure")} | {
        f"{number:,.0f}", f"¥{number / 100:,.2f}"
    }  # fmt: skip


def test_a_cell_that_a_spreadsheet_would_reckon_is_made_harmless():
    chart = Chart(
        "x", "X", "", (Column("name"), Column("=1+1")), [("=cmd|' /C calc'!A0", "@sum"), ("plain", "-2")]
    )

    head, *rows = csv.reader(io.StringIO(as_csv(chart, {"run": "=r"}), newline=""))

    assert head == ["name", "'=1+1", "run"]
    assert rows == [["'=cmd|' /C calc'!A0", "'@sum", "'=r"], ["plain", "'-2", "'=r"]]


def test_every_chart_has_words_a_table_a_file_as_of_and_the_way_it_came_about(app, db):
    run = given_run(given_programme(), simulated())

    for path in PAGES:
        page = browser(app).get(f"/staff/retention{path}").text
        for section in re.findall(r'<section class="jf-figure".*?</section>', page, re.DOTALL):
            assert "<table" in section
            assert "csv=" in section
            assert f"/staff/retention/runs/{run}" in section
            assert "as of" in section
            for drawn in re.findall(r"data-chart='([^']*)'", section):
                assert json.loads(drawn)["kind"] in (
                    "lines",
                    "waterfall",
                    "ranges",
                    "bars",
                    "months",
                    "plane",
                )
                assert 'role="img" aria-labelledby' in section
        assert "style=" not in page
        assert "<script>" not in page


def test_the_parts_of_the_gap_add_up(app, db):
    report = simulated()
    given_run(given_programme(), report)

    page = browser(app).get("/staff/retention").text
    drawn = json.loads(re.search(r"data-chart='([^']*waterfall[^']*)'", page)[1])

    raw, time, choice, effect = drawn["values"]
    assert raw == pytest.approx(time + choice + effect, abs=1e-5)
    assert drawn["from"][1:3] == [raw, pytest.approx(raw - time)]
    assert drawn["to"][2] == pytest.approx(effect, abs=1e-5)


def test_a_kinds_raw_gap_is_the_documents_own_in_points_and_months_with_its_caution(app, db):
    report = simulated()
    given_run(given_programme(), report)

    page = browser(app).get("/staff/retention").text

    for name, gap in report["raw_gap"]["kinds"].items():
        card = plain(re.search(rf'aria-labelledby="two-numbers-{name}".*?</section>', page, re.DOTALL)[0])
        assert f"{gap['difference_pp']:+.1f}".replace("-", "−") in card
        assert f"{gap['tenure_difference']:+.1f} months" in card
        assert f"{gap['interval_pp'][0]:+.1f} to {gap['interval_pp'][1]:+.1f}" in card
        assert "never redeemed anything" in card
        assert CAUTION["en"] in card


def test_before_a_redemption_what_was_used_is_shown_and_after_it_who_left(app, db):
    report = simulated()
    given_run(given_programme(), report)

    page = browser(app).get("/staff/retention/study").text
    before, after = (json.loads(one) for one in re.findall(r"data-chart='([^']*)'", page))

    assert "nobody can have left" in plain(page)
    assert "is therefore not compared" in plain(page)
    assert [line["name"] for line in before["lines"]] == ["Points in the wallet", "Engagement"]
    assert [point[0] for point in before["lines"][0]["points"]] == list(range(-6, 1))
    leaving = report["event_study"]["leaving"]
    assert [point[1] for point in after["lines"][0]["points"]] == leaving["difference_pp"]
    bill = browser(app).get("/staff/retention/study?kind=bill").text
    assert "Bill credit: after it, who left in which month?" in plain(bill)


def test_parts_of_the_members_stand_beside_all_of_them_with_the_name_of_their_city(app, db):
    report = simulated()
    group = report["cuts"]["usage"]["groups"][0]
    report["cuts"]["city"] = report["cuts"]["usage"] | {
        "groups": [group | {"name": "3301", "from": None, "below": None}, group | {"name": "others", "from": None, "below": None}]
    }  # fmt: skip
    with database.begin() as session:
        areas.add(session, "3301", {"zh-CN": "杭州市", "en": "Hangzhou"})
    given_run(given_programme(), report)

    page = plain(browser(app).get("/staff/retention/kinds").text)
    club = browser(app, "zh-CN").get("/staff/retention/kinds?kind=club").text

    for said in (
        "All members",
        "City: Hangzhou",
        "City: others",
        "Use: low",
        "of twenty intervals one misses",
    ):
        assert said in page
    shown = f"{group['risk_difference_pp']:+.1f}".replace("-", "−")
    assert shown in page
    assert "俱乐部权益：会员分组" in club
    assert "城市: 杭州市" in club


def test_brand_stands_beside_brand_each_from_its_newest_run(app, db):
    first, second = given_programme(), given_programme("mzone")
    given_run(first, simulated("null", 3000), clock.now() - timedelta(days=9), seed=2)
    given_run(first, simulated())
    assert "Brand beside brand" not in browser(app).get("/staff/retention/kinds").text
    other = simulated("null", 3000)
    given_run(second, other)

    page = browser(app).get("/staff/retention/kinds?programme=gotone").text
    drawn = json.loads(re.search(r"id=\"brands\".*?data-chart='([^']*)'", page, re.DOTALL)[1])

    found = [row[1] for row in drawn["series"][0]["rows"]]
    assert found == [one["trials"]["itt"]["risk_difference_pp"] for one in (simulated(), other)]


def test_the_plane_shows_what_a_thousand_redemptions_cost_with_the_draws_behind_it(app, db):
    report = simulated()
    given_run(given_programme(), report)

    page = browser(app).get("/staff/retention/kinds").text
    drawn = json.loads(re.search(r"data-chart='([^']*plane[^']*)'", page)[1])
    table = plain(re.search(r'id="quadrants".*?</section>', page, re.DOTALL)[0])

    for point, name in zip(drawn["points"], report["money"]["ranking"], strict=True):
        block = report["money"]["kinds"][name]
        assert point["y"][0] == 1000 * block["incremental_cost_fen"]
        assert [fen for _, fen in point["cloud"]] == block["cloud"]["cost_per_1000_fen"]
        assert (
            min(kept for kept, _ in point["cloud"]) < point["x"][0] < max(kept for kept, _ in point["cloud"])
        )
        assert f"{100 * block['quadrants']['kept_at_a_cost']:.1f}%" in table


def test_a_run_that_was_stored_without_them_is_read_all_the_same(app, db):
    report = simulated()
    del report["cuts"], report["event_study"], report["raw_gap"]["kinds"]
    for block in report["money"]["kinds"].values():
        del block["cloud"], block["quadrants"]
    given_run(given_programme(), report)

    pages = {path: browser(app).get(f"/staff/retention{path}") for path in PAGES}

    assert all(page.status_code == 200 for page in pages.values())
    assert "stored without it" in plain(pages["/study"].text)
    assert "Gap before like is compared with like" in plain(pages[""].text)


def test_where_the_effect_is_not_shown_a_kind_has_a_lower_bound_and_no_price(app, db):
    report = simulated("null", 3000)
    held = [name for name, one in report["money"]["kinds"].items() if one["at_least_fen"] is not None]
    assert held
    given_run(given_programme(), report)

    page = browser(app).get("/staff/retention/kinds").text
    drawn = json.loads(re.search(r"data-chart='([^']*plane[^']*)'", page)[1])

    assert "at least" in plain(page)
    assert all(one["hollow"] for one in drawn["points"] if one["name"] in map(str, held))


def test_without_a_cost_the_page_says_so(app, db):
    given_run(given_programme(), given_report())

    assert "these records tell no cost" in browser(app).get("/staff/retention/kinds").text


def test_a_stored_run_of_before_can_be_read_and_its_protocol_names_all_it_came_of(app, db):
    programme = given_programme()
    old = given_run(programme, simulated("null", 3000), clock.now() - timedelta(days=9), seed=2)
    given_run(programme, simulated())

    page = browser(app).get(f"/staff/retention?run={old}").text
    protocol = browser(app).get(f"/staff/retention/runs/{old}").text

    assert f"/staff/retention/runs/{old}" in page
    listed = browser(app).get("/staff/retention/runs?csv=1").text.splitlines()
    assert [line.split(",")[0] for line in listed[1:]][1:] == [old]
    assert listed[2].endswith(",2")  # its seed
    for told in ("9.9", "00" * 32, "3,000", "Outages of the network", "options.horizon"):
        assert told in protocol
    assert browser(app).get("/staff/retention/runs/run_nonsense").status_code == 404
    assert browser(app).get("/staff/retention?csv=nonsense").status_code == 404


def test_a_run_of_before_the_trials_is_none(app, db):
    old = {name: block for name, block in given_report().items() if name != "trials"}
    given_run(given_programme(), old)

    for path in PAGES:
        assert "jifen retention --programme gotone" in browser(app).get(f"/staff/retention{path}").text


@pytest.mark.parametrize(
    ("drawn", "told", "missing"),
    [
        ({"status": "ok", "reasons": [], "difference_pp": -2.5, "interval_pp": [-4.0, -1.0]}, "Experiment", "Emulated trial"),
        ({"status": "refused", "reasons": [Reason("sample_ratio", 0.0001, 0.001).block()], "difference_pp": None,
          "interval_pp": None}, "not of the sizes that were drawn", "Emulated trial"),
        ({"status": "refused", "reasons": [Reason("one_arm_empty", 0, 1).block()], "difference_pp": None,
          "interval_pp": None}, "Emulated trial", "Experiment"),
    ],
)  # fmt: skip
def test_an_experiment_outranks_the_estimate_unless_it_gave_nothing(app, db, drawn, told, missing):
    report = simulated() | {"holdout": drawn}
    given_run(given_programme(), report)

    page = browser(app).get("/staff/retention").text
    card = plain(re.search(r'aria-labelledby="two-numbers-any".*?</section>', page, re.DOTALL)[0])

    assert told in card
    assert missing not in card
    if drawn["status"] == "ok":
        assert "−2.5 percentage points" in card
    assert browser(app).get("/staff/retention/kinds").status_code == 200
    assert browser(app).get("/staff/retention/trust").status_code == 200


def test_every_kind_of_the_snapshots_has_a_name():
    assert set(KINDS) <= set(words.KINDS)


def test_a_run_is_asked_for_once_however_often_the_button_is_pressed(app, db):
    given_programme()
    client = browser(app)
    app.config["WTF_CSRF_ENABLED"] = False
    page = client.get("/staff/retention/runs").text
    key = re.search(r'name="key" value="([^"]+)"', page)[1]

    first = client.post("/staff/retention/runs", data={"programme": "gotone", "key": key})
    client.post("/staff/retention/runs", data={"programme": "gotone", "key": key})
    client.post("/staff/retention/runs", data={"programme": "gotone", "key": "another"})

    assert first.status_code == 303
    with database.begin() as session:
        assert session.query(AnalysisTask).count() == 1
        task = session.query(AnalysisTask).one()
        tasks.begun(session, task.task_id, clock.now())
        tasks.stands(session, task.task_id, 3, 12, None)
    under_way = client.get("/staff/retention/runs").text
    assert '<progress value="3" max="12">' in under_way
    assert "In progress" in under_way


def test_who_may_only_read_or_works_for_an_area_has_no_button(app, db):
    given_programme()

    for client in (browser(app, "en", "auditor"), browser(app, "en", "analyst", area="33")):
        assert (
            '<form method="post" action="/staff/retention/runs"'
            not in client.get("/staff/retention/runs").text
        )


def test_the_list_of_runs_says_what_each_found(app, db):
    programme = given_programme()
    given_run(programme, simulated())
    given_run(programme, simulated("main", 300), seed=2)

    page = plain(browser(app).get("/staff/retention/runs").text)

    assert "Fewer left" in page
    assert "Cannot be said" in page
    assert "4,000" in page


def test_a_curve_keeps_its_numbers_at_risk():
    with_curves = simulated()
    chart = curves.chart(with_curves, curves.ITT, "bill", "en")
    block = with_curves["trials"]["kinds"]["bill"]["itt"]["curve"]

    assert [row[1] for row in chart.rows[:-1]] == block["at_risk_treated"]
    assert chart.rows[-1][1] is None
    assert chart.drawn["lines"][0]["points"][3] == [3, block["treated"][3], block["low"][3], block["high"][3]]


def test_every_block_with_a_reason_is_on_the_page_on_trust():
    report = simulated("support", 3000)

    told = {path for path, _block in trust.blocks(report)}

    assert {one["block"] for one in runs.refusals(report)} <= told

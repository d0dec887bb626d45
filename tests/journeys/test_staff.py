"""The analysis in the console's pages: the raw gap beside its caution, charts and tables on phone, desk and paper."""

import re

import pytest
from playwright.sync_api import expect

from tests.admin.console.test_retention import given_report, given_run, simulated
from tests.given import given_programme, staff_token
from tests.journeys.conftest import DESK, PHONE, sound

pytestmark = pytest.mark.browser


def test_the_raw_gap_stands_beside_its_caution_and_the_estimate(visit, db):
    report = given_report()
    given_run(given_programme(), report)

    page = visit("/staff", cookies={"jifen_staff": staff_token("analyst")})
    page.get_by_role("link", name="Redemption and staying").click()
    box = page.get_by_role("region", name="Any redemption: two numbers")
    gap = box.get_by_role("heading", name="Raw gap")
    estimate = box.get_by_role("heading", name="Estimated effect")
    caution = box.get_by_text("Caution:").locator("..")

    expect(gap).to_contain_text("not an effect")
    expect(box).to_contain_text(re.compile(r"[−+]\d+\.\d percentage points"))
    expect(estimate.locator("..")).to_contain_text("95 % interval:")
    expect(caution).to_contain_text(report["raw_gap"]["caution"]["en"])
    assert gap.bounding_box()["y"] == estimate.bounding_box()["y"]
    assert caution.bounding_box()["x"] == gap.bounding_box()["x"]
    caution.scroll_into_view_if_needed()
    expect(caution).to_be_in_viewport(ratio=1)


SHEET = 1040  # A4 across, in the pixels of paper, within its margins
RETENTION = ("", "/curves", "/curves?curves=ever", "/study", "/kinds", "/trust", "/runs")
PAINTED = """(place) => { const canvas = place.querySelector("canvas");
    return canvas && new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size > 8; }"""


@pytest.mark.screens("operations: analytics")
@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "dark", PHONE), ("zh-CN", "light", DESK)])
def test_the_analysis_is_read_and_drawn_on_a_phone_and_a_desk(visit, db, language, scheme, width):
    """The policy of the pages is watched the while: charts bring no inline style and no script."""
    run = given_run(given_programme(), simulated())
    page = visit(
        "/staff/retention", language=language, width=width, color_scheme=scheme,
        cookies={"jifen_staff": staff_token("analyst")},
    )  # fmt: skip

    for path in (*RETENTION, f"/runs/{run}"):
        page.goto(f"/staff/retention{path}")
        sound(page, language, widths=(width,))
        for place in page.locator("[data-chart]").all():
            expect(place).to_be_visible()
            assert place.evaluate(PAINTED), place.get_attribute("data-chart")

    # a finger or a pointer on a chart says what is there, without a breach of the policy
    page.goto("/staff/retention/curves")
    page.locator("[data-chart]").hover(position={"x": 150, "y": 160})
    page.locator("[data-chart]").scroll_into_view_if_needed()

    # paper is light, as wide as a sheet, and cuts nothing off
    page.goto("/staff/retention/kinds")
    page.emulate_media(media="print", color_scheme=scheme)
    sound(page, language, widths=(SHEET,))


def test_without_script_the_tables_are_there_and_no_empty_frame(visit, db):
    given_run(given_programme(), simulated())

    page = visit(
        "/staff/retention/trust", cookies={"jifen_staff": staff_token("analyst")}, java_script_enabled=False
    )

    expect(page.locator("[data-chart]").first).to_be_hidden()
    expect(page.get_by_role("table").nth(1)).to_be_visible()

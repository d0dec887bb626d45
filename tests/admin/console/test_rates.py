"""Rates changed in the console: the table says what is wrong in it, a file says its lines, a revert is one more proposal."""

import io
import re
from datetime import date, timedelta

import pytest

from admin.console.rates import grid, typed
from base import clock, database
from base.approvals.models import Proposal
from catalog.rates import proposals, rates
from catalog.rates.models import Rate
from catalog.rates.scopes import GENERAL, Scope
from tests.admin.console.test_approvals import browser, hidden, send
from tests.given import ZONE, given_offer, given_programme


def version(from_day, until_day=None, *, scope=GENERAL, points=100):
    return Rate(
        rate_id=from_day.toordinal(), from_day=from_day, until_day=until_day, points=points, per_fen=100,
        offer_id=scope.offer_id, kind=scope.kind, tier=scope.tier, area=scope.area,
    )  # fmt: skip


def test_a_grid_tells_of_each_scope_what_holds_what_comes_and_what_was():
    first, second, third = (version(date(year, 1, 1), date(year, 12, 31)) for year in (2020, 2021, 2022))
    taken_back = version(date(2023, 1, 1), date(2022, 12, 31))
    perk = version(date(2022, 6, 1), scope=Scope(kind="perk"))

    general, of_perks = grid.lines([third, perk, first, taken_back, second], date(2021, 5, 1))

    assert (general.scope, general.now, general.later, general.before, general.withdrawn) == (
        GENERAL, second, [third], [first], [taken_back],
    )  # fmt: skip
    assert (of_perks.now, of_perks.later) == (None, [perk])


def test_of_the_table_only_what_is_changed_is_read():
    shown = typed.shown(grid.lines([version(date(2020, 1, 1))], date(2021, 1, 1)), {})
    form = {f"{name}.{n}": value for n, row in enumerate(shown) for name, value in row.items()}
    added = {"kind.1": "perk", "points.1": "80", "per.1": "1", "points.2": "x", "per.2": "", "tier.2": "gold"}

    nothing = typed.read(form | {"from_day": "2021-02-01"})
    some = typed.read(form | added | {"from_day": "2021-02-01"})

    assert (nothing.rows, set(nothing.wrong)) == ([], {"rows"})
    assert [(row["kind"], row["points"], row["per_fen"]) for row in some.rows] == [("perk", 80, 100)]
    assert (some.numbers, set(some.wrong)) == ([1], {"points.2", "per.2"})


@pytest.fixture
def maker(app, db):
    given_offer(given_programme(), "bill_credit", value_fen=1000)
    return browser(app, "editor")


def tomorrow(days=1):
    return str(clock.day(clock.now(), ZONE) + timedelta(days=days))


CHANGE = "/staff/rates/change"


def test_what_the_rules_refuse_stands_at_the_row_and_what_was_typed_stays(maker):
    page = maker.get(CHANGE).text
    fields = hidden(page, CHANGE) | {"points.0": "100", "per.0": "1.00", "was.0": "100/100", "points.1": "70", "per.1": "1"}  # fmt: skip

    wrong = maker.post(CHANGE, data=fields | {"offer.1": "nothing", "from_day": tomorrow()})
    early = maker.post(CHANGE, data=fields | {"kind.1": "perk", "from_day": tomorrow(0)})

    assert (wrong.status_code, early.status_code) == (422, 422)
    assert "No offer of this programme has this code." in wrong.text
    assert 'value="nothing"' in wrong.text
    assert "It must lie after today" in early.text


def test_a_file_with_new_lines_is_shown_as_a_difference_and_its_wrong_lines_are_named(maker):
    sheet = maker.get("/staff/rates/file").text
    good = f"{sheet},perk,,,{tomorrow()},,80,100\n"
    bad = f"{sheet},perk,,,{tomorrow()},,eighty,100\n"
    fields = hidden(maker.get(CHANGE).text, CHANGE)

    shown = maker.post(CHANGE, data=fields | {"file": (io.BytesIO(good.encode()), "rates.csv")})
    refused = maker.post(CHANGE, data=fields | {"file": (io.BytesIO(bad.encode()), "rates.csv")})
    same = maker.post(CHANGE, data=fields | {"file": (io.BytesIO(sheet.encode()), "rates.csv")})
    said = {
        name: value.replace("&#34;", '"')
        for name, value in hidden(shown.text, "/staff/rates/propose").items()
    }
    sent = maker.post("/staff/rates/propose", data=said | {"reason": "by file"})
    forged = maker.post("/staff/rates/propose", data=said | {"rows": "[1]", "key": "b", "reason": "by file"})

    assert (shown.status_code, refused.status_code, same.status_code) == (200, 422, 422)
    assert "-20%" in shown.text
    assert re.search(r"Line \d+: .*points", refused.text)
    assert (sent.status_code, forged.status_code) == (303, 422)
    assert sent.location.startswith("/staff/rate-proposals/apr_")


def test_a_way_back_is_one_more_proposal_with_the_old_numbers(maker):
    with database.begin() as session:
        programme_id = session.query(Rate).first().programme_id
        rates.add(session, programme_id, date(2021, 1, 1), points=90, per_fen=100)
        first = min(rates.versions(session, programme_id), key=lambda rate: rate.from_day)
    path = f"/staff/rates/{proposals.reference(first.rate_id)}/revert"

    early = send(maker, path, path, from_day=tomorrow(0), reason="back")
    done = send(maker, path, path, from_day=tomorrow(), reason="back")

    assert (early.status_code, done.status_code) == (422, 303)
    assert "It must lie after today" in early.text
    with database.begin() as session:
        said = session.query(Proposal).one().said
    assert (said["rows"][0]["points"], said["reverts"]) == (100, proposals.reference(first.rate_id))

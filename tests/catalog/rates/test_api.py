"""Rates over HTTP, in the console and as a file: read, compared, proposed, approved, and what is wrong named by row."""

import csv
import io
import json
import re
from datetime import timedelta
from functools import partial

import pytest
from click.testing import CliRunner

from app.cli import jifen
from base import clock, database
from catalog.rates import rates
from points.members import areas
from tests.admin.console.test_approvals import browser, send
from tests.given import (
    ZONE,
    caller,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_tier,
    staff_token,
)
from tests.second_factor import typed

DAY = timedelta(days=1)
TODAY = clock.day(clock.now(), ZONE)
MAKER, CHECKER = "maker@example.test", "checker@example.test"


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


@pytest.fixture
def programme(db):
    made = given_programme()
    given_tier(given_member(db, made), "gold")
    with database.begin() as session:
        areas.add(session, "33", {"zh-CN": "浙江省", "en": "Zhejiang"})
    return made


def row(**more):
    return {"from_day": day(1), "points": 80, "per_fen": 100} | more


def body(*rows, **more):
    return {"programme": "gotone", "rows": list(rows), "reason": "a new year"} | more


def test_from_the_proposal_to_the_list_and_back_to_the_old_numbers(app, db, programme):
    offer = given_offer(programme, "perk")
    maker, checker = caller(app, staff_token("editor")), caller(app, staff_token("checker"))
    grid = body(
        row(), row(offer=offer.code, points=50, until_day=day(9)), row(tier="gold", area="33", points=60)
    )

    made = maker.post("/v1/rates/proposals", grid, key="k")
    again = maker.post("/v1/rates/proposals", grid, key="k")
    path = f"/v1/rates/proposals/{made.json['id']}"
    shown = checker.get(f"{path}/difference").json["data"]
    done = checker.post(f"{path}/approve", {"content_hash": made.json["content_hash"]})
    listed = checker.get("/v1/rates", programme="gotone").json["data"]

    assert (made.status_code, again.json, done.json["state"]) == (201, made.json, "approved")
    assert [(one["offer"], one["tier"], one["before"]["points"], one["before"]["own"], one["change_bp"]) for one in shown] == [
        (None, None, 100, True, -2000), (offer.code, None, 100, False, -5000), (None, "gold", 100, False, -4000),
    ]  # fmt: skip
    assert {
        (one["offer"], one["tier"], one["area"], one["until_day"], one["state"], one["approval"])
        for one in listed
    } == {
        (None, None, "", None, "future", made.json["id"]),
        (offer.code, None, "", day(9), "future", made.json["id"]),
        (None, "gold", "33", None, "future", made.json["id"]),
        (None, None, "", day(0), "current", None),
    }
    old = next(one for one in listed if one["state"] == "current")
    back = maker.post(f"/v1/rates/{old['id']}/revert", {"from_day": day(5), "reason": "it did not work"})
    assert back.json["rows"] == [
        {"offer": None, "kind": None, "tier": None, "area": "", "from_day": day(5), "until_day": None, "points": 100, "per_fen": 100}
    ]  # fmt: skip
    assert back.json["reverts"] == old["id"]
    assert maker.get("/v1/rates/proposals", state="proposed").json["data"] == [back.json]


def test_versions_are_listed_by_state_scope_and_page_and_compared_between_days(app, programme):
    offer = given_offer(programme, "perk")
    with database.begin() as session:
        add = partial(rates.add, session, programme.programme_id, per_fen=100)
        add(TODAY - 9 * DAY, points=90)
        add(TODAY + 9 * DAY, points=70)
        add(TODAY - 5 * DAY, points=40, offer_id=offer.offer_id, until_day=TODAY + DAY)
        add(TODAY, points=30, kind="voucher", area="33")
    staff = caller(app, staff_token("finance"))

    def points(**asked):
        return [one["points"] for one in staff.get("/v1/rates", programme="gotone", **asked).json["data"]]

    assert points() == [70, 30, 40, 90, 100]
    assert points(state="current") == [30, 40, 90]
    assert (points(state="future"), points(state="past"), points(state="withdrawn")) == ([70], [100], [])
    assert points(state="past", on=day(20)) == [40, 90, 100]
    assert (points(offer=offer.code), points(kind="voucher"), points(area="33"), points(tier="gold")) == (
        [40],
        [30],
        [30],
        [],
    )
    first = staff.get("/v1/rates", programme="gotone", limit=3).json
    second = staff.get("/v1/rates", programme="gotone", limit=3, cursor=first["next_cursor"]).json
    assert [one["points"] for one in first["data"] + second["data"]] == points()
    assert not second["has_more"]
    lines = staff.get("/v1/rates/difference", programme="gotone", before=day(0), after=day(9)).json["data"]
    assert [(one["offer"], one["before"]["points"], one["after"]["points"]) for one in lines] == [
        (None, 90, 70), (offer.code, 40, 70),
    ]  # fmt: skip


def test_refusals_name_rows_and_who_may_not_is_refused(app, programme):
    maker, checker = caller(app, staff_token("editor")), caller(app, staff_token("checker"))

    def refused(*rows):
        answer = maker.post("/v1/rates/proposals", body(*rows))
        return (
            answer.status_code,
            answer.json["type"],
            [one["pointer"] for one in answer.json.get("errors", [])],
        )

    assert refused(row(), row(tier="golden")) == (422, "/problems/bad-rate", ["/rows/1/tier"])
    assert refused(row(offer="no-such")) == (422, "/problems/bad-rate", ["/rows/0/offer"])
    assert refused(row(), row()) == (409, "/problems/rate-overlaps", ["/rows/1/from_day"])
    assert refused(row(until_day=day(3)))[:2] == (409, "/problems/rate-gap")
    assert refused(row(points=0))[::2] == (422, ["/rows/0/points"])
    assert checker.post("/v1/rates/proposals", body(row())).status_code == 403
    assert caller(app, staff_token("support")).get("/v1/rates", programme="gotone").status_code == 403
    assert maker.get("/v1/rates", programme="none").json["type"] == "/problems/programme-unknown"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["Rates: what points buy", "The whole programme", "100 points for ¥1.00", "80 points for ¥1.00", "(-20%)", "Zhejiang", "as for: The whole programme"]),
        ("zh-CN", ["兑换比例", "整个积分计划", "浙江省", "¥1.00", "同："]),
    ],
)  # fmt: skip
def test_the_console_shows_the_difference_and_the_checker_approves(app, programme, language, told):
    maker, checker = caller(app, staff_token("editor")), browser(app, "checker", language=language)
    grid = body(row(), row(tier="gold", area="33", points=60), row(kind="perk", points=70, until_day=day(8)))
    made = maker.post("/v1/rates/proposals", grid).json
    path = f"/staff/rate-proposals/{made['id']}"

    seen = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", checker.get(path).text))
    done = send(checker, path, f"{path}/approve")
    page = checker.get("/staff/rates?programme=gotone").text

    assert [one for one in told if one not in seen] == []
    assert done.status_code == 303
    assert told[5 if language == "en" else 2] in page
    assert checker.get(path).status_code == 200


@pytest.fixture
def run(cli, db):
    """run(*words): a command with the password on standard input."""
    given_person("editor", email=MAKER)
    given_person("checker", email=CHECKER)
    return lambda *words: CliRunner().invoke(jifen, [str(word) for word in words], input=typed(db, words))


def test_a_file_goes_out_and_comes_back_with_new_lines(app, run, programme, tmp_path):
    offer, file = given_offer(programme, "perk"), tmp_path / "rates.csv"
    with database.begin() as session:
        rates.add(session, programme.programme_id, TODAY, points=40, per_fen=100, offer_id=offer.offer_id)

    exported = run("rates", "export", file)
    text = file.read_text()
    same = run("rates", "propose", file, "--reason", "x", "--as", MAKER)
    file.write_text(f"{text},,gold,,{day(1)},,60,100\n{offer.code},,,,{day(3)},,,\n")
    made = json.loads(run("rates", "propose", file, "--reason", "new year", "--as", MAKER, "--json").stdout)
    waiting = run("rates", "list").stdout
    done = run("rates", "approve", made["id"], "--hash", made["content_hash"], "--as", CHECKER)
    again = list(csv.DictReader(io.StringIO(run("rates", "export").stdout)))

    served = caller(app, staff_token("finance")).get("/v1/rates.csv", programme="gotone").text
    assert (exported.exit_code, done.exit_code, served) == (0, 0, run("rates", "export").stdout)
    assert [text.count(offer.code), served.count(offer.code), served.count("gold")] == [1, 1, 1]
    assert "says nothing that is not in force" in str(same.exception)
    assert f"rows          from_day {day(1)}, per_fen 100, points 60, tier gold; " in waiting
    assert "None" not in waiting
    assert [(one["offer"], one["tier"], one["points"]) for one in made["rows"]] == [
        (None, "gold", 60),
        (offer.code, None, None),
    ]
    assert [(one["offer"], one["tier"], one["until_day"], one["points"]) for one in again] == [
        ("", "", "", "100"), ("", "gold", "", "60"), (offer.code, "", day(2), "40"),
    ]  # fmt: skip


def test_wrong_lines_are_told_by_their_number_and_nothing_is_proposed(run, programme, tmp_path):
    file = tmp_path / "rates.csv"
    lines = [
        "from_day,points,per_fen,offer,tier,until_day",
        "2020-01-01,100,100,,,",
        "2020-01-01,70,100,,,",
        "soon,80,100,,,",
        f"{day(1)},0,100,,,",
        f"{day(1)},80,100,nothing,golden,",
        f"{day(3)},80,100,,,{day(2)}",
        f"{day(1)},80,100,,gold,",
    ]
    file.write_text("\n".join(lines) + "\n")

    refused = run("rates", "propose", file, "--reason", "x", "--as", MAKER)

    assert refused.exit_code == 1
    told = [line.split(": ")[0:2] for line in refused.stderr.splitlines() if line.startswith("rates.csv")]
    assert told == [
        ["rates.csv:3", "from_day"], ["rates.csv:4", "from_day"], ["rates.csv:5", "points"], ["rates.csv:6", "offer"],
        ["rates.csv:7", "until_day"],
    ]  # fmt: skip
    assert run("rates", "list", "--json").stdout.strip() == '{"data": []}'

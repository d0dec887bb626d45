"""jifen why: a balance, or one posting, told down to the bill lines; whoever reads it learns no name and no number."""

import json
from datetime import date, timedelta

import pytest

from base import clock, database, ids
from points import bills, ledger, policies
from points.bills import BillLineIn
from points.deeds import Request
from points.kinds import Kind
from points.lines import events
from points.lines.log import Told
from points.lines.states import LineState
from points.members import members
from points.members.members import Enrolment
from tests.given import (
    LONG_AGO,
    ZONE,
    given_member,
    given_merged,
    given_points,
    given_programme,
    secrets_of,
)

PHONE = "13900007788"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(db, programme):
    """A customer with two bill lines, of which 70 points were spent; the public id."""
    with database.begin() as session:
        rows = [Enrolment("CUST-42", LONG_AGO, PHONE)]
        member_id = members.enrol_many(session, programme, secrets_of(db), rows)["CUST-42"]
        lines = [BillLineIn("CUST-42", "2026-03", n, date(2026, 3, 5), "plan", 6_000) for n in (1, 2)]
        bills.post_lines(session, programme, policies.load(session, programme.programme_id), lines)
        ledger.post(
            session, Request(member_id, ledger.key("test", "spend"), Kind.REDEEM, 70, clock.now(), ZONE)
        )
    return ids.public("mbr", member_id)


def test_a_balance_is_told_lot_by_lot_down_to_the_bill_lines(cli, member):
    answer = cli("why", member)

    assert answer.exit_code == 0
    today = clock.day(clock.now(), ZONE)
    assert [line.strip() for line in answer.stdout.splitlines()] == [
        member,
        "50 points to spend, 0 pending, 0 set aside, 0 owed; 0 lapse within 30 days, 0 within 90",
        "The line: Active since 2020-01-01.",
        "50  until 2029-03-31 (bill)",
        f"50  bill 2026-03 line 2 of 2026-03-05 (movement 2 of {today})",
    ]


def test_what_is_pending_set_aside_and_owed_and_what_soon_lapses_is_told(db, cli, programme):
    today = clock.day(clock.now(), ZONE)
    member_id = given_member(db, programme, points=10)
    given_points(member_id, 20, last_day=today + timedelta(days=30))
    given_points(member_id, 40, last_day=today + timedelta(days=90))
    with database.begin() as session:
        hold = Request(member_id, ledger.key("test", "hold"), Kind.HOLD, 5, clock.now(), ZONE)
        ledger.post(session, hold)
        customer = members.by_id(session, member_id).customer_id
        lines = [BillLineIn(customer, "B1", 1, date(2026, 3, 5), "plan", 9_000, paid_fen=0)]
        bills.post_lines(session, programme, policies.load(session, programme.programme_id), lines)

    english, chinese = (
        cli("why", ids.public("mbr", member_id), "--language", tag) for tag in ("en", "zh-CN")
    )
    found = json.loads(cli("why", ids.public("mbr", member_id), "--json").stdout)["wallet"]

    assert english.stdout.splitlines()[1] == (
        "65 points to spend, 90 pending, 5 set aside, 0 owed; 15 lapse within 30 days, 55 within 90"
    )
    assert "可用 65 积分，待账单付清 90，预留 5，待偿还 0；30 天内到期 15，90 天内到期 55" in chinese.stdout
    assert "号码状态：正常使用" in chinese.stdout
    told = [
        found[name] for name in ("spendable", "pending", "held", "debt", "lapsing_30_days", "lapsing_90_days")
    ]
    assert told == [65, 90, 5, 0, 15, 55]
    assert [(lot["points"], lot["lot_class"]) for lot in found["lots"]] == [
        (15, "bill"),
        (40, "bill"),
        (10, "bill"),
    ]


def test_a_suspended_line_is_told_without_what_somebody_said_of_it(db, cli, programme):
    member_id = given_member(db, programme, points=10)
    today, said = clock.day(clock.now(), ZONE), "Mr Wang of 13900000001 asked for it"
    with database.begin() as session:
        told = Told(event_id="E1", state=LineState.SUSPENDED, since=today, reason=said)
        events.take(session, db, member_id, told, "test", clock.now())

    text, as_json = (
        cli("why", ids.public("mbr", member_id)),
        cli("why", ids.public("mbr", member_id), "--json"),
    )

    sentence = f"Suspended since {today}. It ends when the line is resumed."
    assert text.stdout.splitlines()[2] == f"The line: {sentence}"
    line = json.loads(as_json.stdout)["wallet"]["line"]
    assert (line["state"], line["reason"], line["explanation"]["en"]) == ("suspended", None, sentence)
    assert "Wang" not in text.stdout + as_json.stdout


def test_a_member_who_was_merged_is_told_to_be_part_of_the_other(db, cli, programme):
    member_id, survivor = given_member(db, programme), given_member(db, programme)
    given_merged(member_id, survivor)

    answer = cli("why", ids.public("mbr", member_id))

    assert answer.stdout.splitlines()[2] == f"Merged into {ids.public('mbr', survivor)}"


def test_one_posting_is_told_with_its_sentence_and_its_sources_in_either_language(cli, member):
    english, chinese = (cli("why", member, "--posting", 3, "--language", tag) for tag in ("en", "zh-CN"))

    today = clock.day(clock.now(), ZONE)
    assert [line.strip() for line in english.stdout.splitlines()[1:]] == [
        "Movement 3: 70 points spent",
        "70  until 2029-03-31 (bill)",
        f"60  bill 2026-03 line 1 of 2026-03-05 (movement 1 of {today})",
        f"10  bill 2026-03 line 2 of 2026-03-05 (movement 2 of {today})",
    ]
    assert "10  2026-03-05 账单 2026-03 第 2 行" in chinese.stdout
    assert "until" not in chinese.stdout


def test_the_same_as_json_adds_up(cli, member):
    found = json.loads(cli("why", member, "--json").stdout)

    assert found["member"] == member
    assert found["wallet"]["spendable"] == sum(part["points"] for part in found["parts"]) == 50
    assert [o["bill"]["line_no"] for part in found["parts"] for o in part["origins"]] == [2]


def test_a_customer_number_finds_the_member_and_no_personal_data_is_shown(cli, member):
    for words in ((), ("--posting", 1), ("--json",), ("--programme", "gotone")):
        answer = cli("why", "CUST-42", *words)

        assert answer.exit_code == 0
        assert member in answer.stdout
        assert "CUST-42" not in answer.stdout
        assert PHONE not in answer.stdout
        assert PHONE[-4:] not in answer.stdout.replace(member, "")


def test_a_customer_of_two_programmes_must_be_said_of_which(db, cli, member):
    other = given_programme("other")
    with database.begin() as session:
        members.enrol_many(session, other, secrets_of(db), [Enrolment("CUST-42", LONG_AGO)])

    answer = cli("why", "CUST-42")

    assert answer.exit_code == 2
    assert "--programme" in answer.stderr
    assert cli("why", "CUST-42", "--programme", "other").exit_code == 0


@pytest.mark.parametrize(
    "words", [["mbr_x"], ["CUST-43"], ["CUST-42", "--posting", 9], ["CUST-42", "--posting", 0]]
)
def test_what_is_not_there_is_refused(cli, member, words):
    assert cli("why", *words).exit_code != 0

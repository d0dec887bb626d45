"""jifen notify: JSON, bars, twice, killed in the midst, and what is refused."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import wiring
from base import clock, database
from points.kinds import Kind
from points.notices import ahead, debits
from tests.given import ZONE, given_member, given_points, given_programme
from tests.points.notices.test_debits import post


def told(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def today():
    return clock.day(clock.now(), ZONE)


def counted(table="notice"):
    with database.begin() as session:
        return session.scalar(text(f"select count(*) from {table}"))


def test_expiry_tells_each_programme_and_twice_changes_nothing(db, cli):
    for code in ("gotone", "mzone"):
        member_id = given_member(db, given_programme(code))
        given_points(member_id, 10, last_day=today() + timedelta(days=6))

    first = told(cli("notify", "expiry", "--as-of", today(), "--json", "--quiet"))
    second = told(cli("notify", "expiry", "--as-of", today(), "--json", "--quiet"))
    only = cli("notify", "expiry", "--as-of", today(), "--programme", "mzone")

    assert first["notices"] == {
        code: {"looked_at": 1, "written": 1, "suppressed": 0} for code in ("gotone", "mzone")
    }
    assert [each["written"] for each in second["notices"].values()] == [0, 0]
    assert "mzone: 0 notices, 0 of them held back by a cap; 1 wallets looked at" in only.output
    assert "notify expiry mzone: 100 %" in only.output
    assert counted() == 2


def test_expiry_refuses_a_day_to_come_and_an_unknown_programme(db, cli):
    given_programme()

    assert cli("notify", "expiry", "--as-of", today() + timedelta(days=1)).exit_code == 2
    assert cli("notify", "expiry", "--as-of", today(), "--programme", "none").exit_code != 0


def test_expiry_that_breaks_in_the_midst_goes_on_with_those_who_are_left(db, cli, monkeypatch):
    monkeypatch.setattr("points.expiry.STEP", 2)
    programme = given_programme()
    for _ in range(5):
        given_points(given_member(db, programme), 10, last_day=today() + timedelta(days=6))
    real, steps = ahead.step, iter(range(9))

    def breaks(*given):
        if next(steps) == 2:
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patched:
        patched.setattr(ahead, "step", breaks)
        assert cli("notify", "expiry", "--as-of", today(), "--quiet").exit_code != 0
    assert counted() == 4

    rest = told(cli("notify", "expiry", "--as-of", today(), "--json", "--quiet"))

    assert rest["notices"]["gotone"]["written"] == 1
    assert counted() == 5


def test_debits_are_told_by_the_command_and_by_the_worker_alike(db, cli):
    now = clock.now()
    with clock.stopped(now - timedelta(hours=2)):
        member_id = given_member(db, given_programme(), points=100)
        told(cli("notify", "debits", "--json", "--quiet"))  # the mark
    with clock.stopped(now - timedelta(hours=1)):
        post(member_id, Kind.REDEEM, 10)

    first = told(cli("notify", "debits", "--json", "--quiet"))
    post(member_id, Kind.REDEEM, 10)  # not told within its first minute
    assert wiring._tell_debits(db) is False
    with clock.stopped(clock.now() + debits.BEHIND * 2):
        wiring._tell_debits(db)

    assert first == {"looked_at": 1, "written": 1}
    assert counted() == 2


def test_the_report_tells_what_became_of_the_messages_of_some_days(db, cli):
    member_id = given_member(db, given_programme())
    for day in (4, 5, 6):
        given_points(member_id, 10, last_day=today() + timedelta(days=day))
    cli("notify", "expiry", "--as-of", today())
    days = (clock.day(clock.now(), db.zone), clock.day(clock.now(), db.zone) - timedelta(days=1))

    found = told(cli("notify", "report", "--since", days[0], "--until", days[0], "--json"))
    plain = cli("notify", "report", "--since", days[0], "--until", days[0]).output
    none = cli("notify", "report", "--since", days[1], "--until", days[1]).output

    assert found["notices"] == {"expiry-ahead": {"suppressed": 1, "written": 2}}
    assert plain.split() == ["expiry-ahead", "suppressed", "1", "written", "2"]
    assert "No messages" in none
    assert cli("notify", "report", "--since", days[0], "--until", days[1]).exit_code == 2


@pytest.mark.parametrize(
    ("zh", "en", "refusal"),
    [
        ("见 https://a.example", "x", "has an address in it"),
        ("请输入银行卡号", "x", "asks for a card"),
        ("{nonsense}", "x", "names a value"),
    ],
)
def test_a_template_that_leads_somewhere_or_asks_for_a_card_is_refused(db, cli, zh, en, refusal):
    result = cli("notify", "template", "gift-returned", "--zh", zh, "--en", en, "--by", "test")

    assert result.exit_code != 0
    assert refusal in str(result.exception)


def test_a_better_text_is_the_next_version(db, cli):
    result = cli(
        "notify", "template", "gift-returned", "--zh", "退回 {points}", "--en", "{points} back", "--by", "t"
    )

    assert result.output.strip() == "gift-returned: version 2"
    assert counted("notice_template") > 10

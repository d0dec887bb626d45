"""jifen settle, retention, verify: exit codes, JSON, safe to run twice."""

import json
from datetime import date, timedelta

from base import clock
from tests.given import ZONE, given_programme, given_shop, given_taken


def test_settle_refuses_a_period_that_is_not_over(db, cli):
    given_shop()

    result = cli("settle", "--until", clock.now().date() + timedelta(days=1), "--quiet")

    assert result.exit_code != 0


def test_settle_says_what_it_sealed_and_twice_is_once(db, cli):
    shops = [given_shop(code, cycle="daily", draft_days=1) for code in ("tea", "noodles")]
    day = date(2026, 3, 2)
    for shop in shops:
        given_taken(shop, clock.start_of(day, ZONE) + timedelta(hours=12), 1_000, 20, 1)

    early = cli("settle", "--until", day, "--json", "--quiet")
    one = cli("settle", "--until", day + timedelta(days=1), "--merchant", "tea", "--json", "--quiet")
    other, again = (cli("settle", "--until", day + timedelta(days=9)) for _ in range(2))

    assert json.loads(early.stdout)["statements"] == []
    (said,) = json.loads(one.stdout)["statements"]
    assert (said["merchant"], said["number"], said["lines"], said["payable_fen"]) == ("tea", 1, 1, 979)
    assert "noodles" in other.stdout
    assert "1 statements sealed" in other.stdout
    assert "settle: 100 %" in other.stderr
    assert again.stdout.strip() == "0 statements sealed"


def test_a_date_that_is_none_is_wrong_use(cli):
    for text in ("yesterday", "2026-13-01", "２０２６-01-01"):
        assert cli("settle", "--until", text).exit_code == 2


def test_retention_of_a_file_shows_the_raw_gap_with_its_caution(cli, tmp_path):
    rows = [f"a{n},0,{5 + n % 7},{n % 2},0" for n in range(60)] + [
        f"b{n},0,4,0,0\nb{n},4,{9 + n % 5},{n % 3 == 0:d},1" for n in range(60)
    ]
    file = tmp_path / "histories.csv"
    file.write_text("id,start,stop,event,exposed\n" + "\n".join(rows) + "\n")

    result = cli("retention", file)

    assert result.exit_code == 0, result.output
    assert "not an effect" in result.stdout
    assert "Caution" in result.stdout


def test_retention_of_an_empty_programme_says_what_is_missing(db, cli):
    given_programme()

    result = cli("retention")

    assert result.exit_code == 0
    assert "no members or no redemptions" in result.stderr


def test_verify_of_an_empty_house_is_whole(db, cli):
    assert cli("verify", "--json", "--quiet").exit_code == 0


def test_months_before_keep_the_day():
    from admin.analytics.demo_operator import months_before

    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert months_before(date(2026, 1, 15), 13) == date(2024, 12, 15)

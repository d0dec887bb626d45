"""jifen expire, restore: exit codes, JSON, killed and begun anew, several processes."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text

from base import clock, database
from points import extensions, ledger, lots
from points.deeds import Request
from points.kinds import Kind
from tests.conftest import ROOT
from tests.given import (
    ZONE,
    given_adjustment,
    given_extension,
    given_member,
    given_points,
    given_programme,
)
from tests.points.test_expiry import given_crowd

LONG_AGO = datetime(2025, 1, 10, tzinfo=UTC)
LAPSED = date(2025, 6, 30)


def told(result) -> dict:
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def swept() -> tuple[int, int]:
    """How often points lapsed, and how many."""
    with database.begin() as session:
        row = session.execute(
            text("select count(*), coalesce(sum(amount), 0) from posting where kind = :k"), {"k": Kind.EXPIRE}
        ).one()
        return int(row[0]), int(row[1])


def test_expire_posts_what_lapsed_once(db, cli):
    programme = given_programme()
    member_id = given_member(db, programme, points=100)
    given_points(member_id, 40, last_day=clock.now().date() + timedelta(days=3))

    with clock.stopped(clock.now() + timedelta(days=10)):
        today = clock.day(clock.now(), programme.zone)
        first = told(cli("expire", "--as-of", today, "--json", "--quiet"))
        second = told(cli("expire", "--as-of", today, "--json", "--quiet"))

    assert (first["lapsed"], first["looked_at"]) == ({"gotone": 40}, {"gotone": 1})
    assert (second["lapsed"], second["looked_at"]) == ({"gotone": 0}, {"gotone": 0})
    with database.begin() as session:
        assert ledger.read(session, member_id).balance == 100


def test_expire_goes_over_all_programmes_or_one(db, cli):
    first, second = given_programme(), given_programme("second")
    for programme in (first, second):
        given_crowd(programme, 3, LAPSED, when=LONG_AGO)

    one = told(cli("expire", "--as-of", "2025-07-01", "--programme", "second", "--json", "--quiet"))
    both = told(cli("expire", "--as-of", "2025-07-01", "--json", "--quiet"))

    assert one["lapsed"] == {"second": 15}
    assert both["lapsed"] == {"gotone": 15, "second": 0}


def test_expire_refuses_a_day_that_has_not_come(db, cli):
    given_programme()

    result = cli("expire", "--as-of", clock.now().date() + timedelta(days=400), "--quiet")

    assert result.exit_code == 2
    assert "has not come" in result.output


def test_several_processes_share_a_sweep(db, cli):
    programme = given_programme()
    given_crowd(programme, 1_200, LAPSED, when=LONG_AGO)

    found = told(cli("expire", "--as-of", "2025-07-01", "--workers", 2, "--json", "--quiet"))

    assert (found["lapsed"], found["looked_at"]) == ({"gotone": 6_000}, {"gotone": 1_200})
    assert swept() == (1_200, 6_000)


def test_a_sweep_that_is_killed_goes_on_with_those_who_are_left(db, cli):
    programme = given_programme()
    given_crowd(programme, 1_200, LAPSED, when=LONG_AGO)
    command = [sys.executable, "-m", "app.cli", "expire", "--as-of", "2025-07-01", "--rate", "100", "--quiet"]

    running = subprocess.Popen(command, cwd=ROOT)
    until = time.monotonic() + 60
    while swept()[0] == 0 and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    half = swept()[0]
    rest = told(cli("expire", "--as-of", "2025-07-01", "--json", "--quiet"))

    assert half == 500
    assert (rest["lapsed"], rest["looked_at"]) == ({"gotone": 3_500}, {"gotone": 700})
    assert swept() == (1_200, 6_000)


# What comes back


def test_who_is_refused_is_told_and_counts_as_a_finding(db, cli):
    programme = given_programme()
    (member_id,) = given_crowd(programme, 1, LAPSED, when=LONG_AGO)
    cli("expire", "--as-of", clock.now().date(), "--quiet")
    for n in range(lots.MOST_LOTS):  # no room, and nothing later of its class
        given_points_of_class(member_id, 2 + n)
    given_extension(programme, LAPSED, LAPSED, clock.now().date() + timedelta(days=30))

    with clock.stopped(clock.now() + extensions.LEAD):
        result = cli("restore", "--json", "--quiet")
        given_adjustment(member_id, 1, direction="down")
        again = cli("restore", "--json", "--quiet")

    assert result.exit_code == 1
    assert told(result)["refused"] == [{"member": member_id, "why": "LotsFull"}]
    assert told(again)["refused"] == told(result)["refused"]  # it is tried again, and an empty lot is a lot


def given_points_of_class(member_id: int, lot_class: int) -> None:
    """A point without an end."""
    asked = Request(
        member_id, ledger.key("test", f"class {lot_class}"), Kind.EARN, 1, clock.now(), ZONE,
        lot_key=lots.key(lots.NO_END, lot_class),
    )  # fmt: skip
    with database.begin() as session:
        ledger.post(session, asked)

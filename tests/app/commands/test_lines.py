"""jifen lines close and jifen import line-events: exit codes, one JSON object, safe to run twice."""

import json

from base import clock, database
from points.kinds import State
from points.lines import closing
from points.lines.states import LineState
from points.members import members
from tests.given import given_member, given_programme
from tests.points.lines.telling import days, tell, today, wallet


def test_what_is_due_is_cleared_once_and_counted_by_programme(db, cli):
    programme, other = given_programme(), given_programme("mzone")
    gone = [given_member(db, programme, points=10) for _ in range(3)]
    gone.append(given_member(db, other, points=5))
    kept = given_member(db, programme, points=7)
    for member_id in gone:
        tell(db, member_id, LineState.CANCELLED)

    with clock.stopped(clock.now() + days(31)):
        first = cli("lines", "close", "--as-of", today(), "--json", "--quiet")
        second = cli("lines", "close", "--as-of", today(), "--json", "--quiet")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert json.loads(first.stdout)["cleared"] == {
        "gotone": {"members": 3, "points": 30},
        "mzone": {"members": 1, "points": 5},
    }
    assert json.loads(second.stdout)["cleared"] == {
        "gotone": {"members": 0, "points": 0},
        "mzone": {"members": 0, "points": 0},
    }
    assert wallet(kept).balance == 7


def test_a_run_that_was_broken_off_is_finished_by_the_same_command(db, cli, monkeypatch):
    programme = given_programme()
    gone = [given_member(db, programme, points=10) for _ in range(3)]
    for member_id in gone:
        tell(db, member_id, LineState.CANCELLED)
    monkeypatch.setattr(closing, "STEP", 1)
    real, calls = closing.step, []

    def breaks_off(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    with clock.stopped(clock.now() + days(31)):
        monkeypatch.setattr(closing, "step", breaks_off)
        cli("lines", "close", "--as-of", today())
        between = sum(wallet(member_id).balance for member_id in gone)
        result = cli("lines", "close", "--as-of", today())

    assert between == 20
    assert "gotone: 20 points of 2 cancelled lines cleared" in result.stdout
    assert "lines close gotone: 100 %" in result.stderr


def test_a_day_that_has_not_come_is_refused(db, cli):
    given_programme()

    result = cli("lines", "close", "--as-of", today() + days(40))

    assert result.exit_code == 2
    assert "has not come" in result.output


def test_line_events_of_a_file_are_taken_in(db, cli, tmp_path):
    programme = given_programme()
    member_id = given_member(db, programme, points=10)
    with database.begin() as session:
        customer = members.by_id(session, member_id).customer_id
    path = tmp_path / "events.csv"
    path.write_text(
        f"customer_id,event_id,state,since,reason\n{customer},E1,suspended,{today()},unpaid\nC404,E2,active,{today()},x\n"
    )

    first = cli("import", "line-events", path, "--json", "--quiet")
    second = cli("import", "line-events", path, "--json", "--quiet")

    facts, again = json.loads(first.stdout), json.loads(second.stdout)
    assert (first.exit_code, facts["posted"], facts["refused"]) == (1, 1, 1)
    assert (again["posted"], again["already_there"], again["refused"]) == (0, 1, 1)
    assert wallet(member_id).state is State.FROZEN

"""A refresh takes in who meets the rule, lets go who no longer does, and may be broken off, repeated and tried at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from base import clock, database, locks
from base.database import StillRunning
from points.members import facts
from points.segments import refreshing, segments
from points.segments.models import SegmentMember, SegmentRun
from points.segments.refreshing import LAST, LaterDayRefreshed
from points.segments.rules import Conditions, Rule
from points.segments.verify import findings
from tests.given import given_member, given_person, given_programme
from tests.points.segments.peopled import given_facts, today
from tests.points.test_ledger import at_once

pytestmark = pytest.mark.untold


@pytest.fixture
def people(db):
    """Four members, of whom the first two are in Hangzhou."""
    programme = given_programme()
    made = [given_member(db, programme) for _ in range(4)]
    for one in made[:2]:
        given_facts(one, area="330106")
    return made


def given_segment(code="hangzhou", **asked):
    rule = Rule(Conditions(**(asked or {"areas": ("3301",)})))
    with database.begin() as session:
        return segments.create(
            session, given_person("editor"), code, {"zh-CN": code, "en": code}, rule, clock.now(), today()
        ).segment


def work_of(segment, on=None):
    with database.begin() as session:
        return next(
            w for w in refreshing.due(session, on or today()) if w.segment.segment_id == segment.segment_id
        )


def begin(work, on=None):
    with database.begin() as session:
        return refreshing.begin(session, work, on or today(), clock.now())


def step(run, work, end=LAST):
    with database.begin() as session:
        return refreshing.step(session, run, work.version, end)


def refresh(segment, on=None):
    work = work_of(segment, on)
    run = step(begin(work, on), work)
    return run.came, run.went, run.stayed


def present(segment):
    with database.begin() as session:
        asked = select(SegmentMember.member_id).where(
            SegmentMember.segment_id == segment.segment_id, SegmentMember.until.is_(None)
        )
        return set(session.scalars(asked))


def test_who_meets_the_rule_comes_and_who_no_longer_does_goes(people):
    segment = given_segment()

    first = refresh(segment)
    given_facts(people[0], area="440100")
    given_facts(people[2], area="330102")
    second = refresh(segment)

    assert (first, second) == ((2, 0, 0), (1, 1, 1))
    assert present(segment) == {people[1], people[2]}
    with database.begin() as session:
        assert facts.of(session, people[2], today()).segments == {segment.segment_id}
        assert facts.of(session, people[0], today()).segments == frozenset()


def test_of_who_went_and_came_back_both_times_stay_on_record(people):
    segment = given_segment()
    for area in ("330106", "440100", "330106"):
        given_facts(people[0], area=area)
        refresh(segment)

    with database.begin() as session:
        rows = session.execute(
            select(SegmentMember.since, SegmentMember.until)
            .where(SegmentMember.member_id == people[0])
            .order_by(SegmentMember.since)
        ).all()

    assert [until is None for _, until in rows] == [False, True]
    assert rows[0].until < rows[1].since


def test_a_refresh_of_what_has_not_changed_writes_no_membership(people):
    segment = given_segment()
    refresh(segment)
    with database.begin() as session:
        before = session.execute(text("select xmin, ctid, * from segment_member")).all()

    assert refresh(segment) == (0, 0, 2)
    with database.begin() as session:
        assert session.execute(text("select xmin, ctid, * from segment_member")).all() == before


def test_a_run_that_was_broken_off_goes_on_with_the_members_after(people, monkeypatch):
    monkeypatch.setattr(refreshing, "PART", 1)
    segment = given_segment(tenure_from_months=1)
    work = work_of(segment)
    with database.begin() as session:
        ends = refreshing.parts(session)
    run = begin(work)
    for end in ends[:2]:
        run = step(run, work, end)
    some = present(segment)

    again = begin(work_of(segment))
    todo = refreshing.left(again, ends)
    for end in todo:
        again = step(again, work, end)

    assert (len(some), len(todo), len(ends)) == (2, 3, 5)
    assert again.run_id == run.run_id
    assert (again.came, again.went, again.stayed, again.ended_at is None) == (4, 0, 0, False)
    assert present(segment) == set(people)


def test_one_broken_off_on_an_earlier_day_begins_anew_and_counts_right(people, monkeypatch):
    monkeypatch.setattr(refreshing, "PART", 1)
    segment = given_segment(tenure_from_months=1)
    work = work_of(segment)
    with database.begin() as session:
        first = refreshing.parts(session)[0]
    step(begin(work), work, first)

    tomorrow = today() + timedelta(days=1)

    assert refresh(segment, tomorrow) == (3, 0, 1)
    assert len(present(segment)) == 4


def test_the_same_part_is_done_by_one_of_two(people):
    segment = given_segment()
    work = work_of(segment)
    run = begin(work)
    step(run, work)

    with pytest.raises(StillRunning):
        step(run, work)
    assert present(segment) == set(people[:2])


def test_two_at_once_wait_for_each_other_and_the_second_is_told(people):
    segment = given_segment()
    work = work_of(segment)
    run = begin(work)
    with database.begin() as one:
        refreshing.step(one, run, work.version, LAST)
        with pytest.raises(StillRunning):
            step(run, work)  # the lock on the run is not given within the deadline

    assert present(segment) == set(people[:2])


def test_of_two_who_begin_at_once_there_is_one_run(people):
    segment = given_segment()
    work = work_of(segment)

    answers = at_once(4, lambda number: begin(work))

    told = {answer.run_id if isinstance(answer, SegmentRun) else type(answer) for answer in answers}
    assert len(told - {StillRunning}) == 1
    with database.begin() as session:
        assert session.scalar(text("select count(*) from segment_run")) == 1


def test_a_second_command_is_told_that_one_is_running(people, cli):
    given_segment()
    with locks.held("segments refresh"):
        told = cli("segments", "refresh", "--quiet")

    assert told.exit_code == 1
    assert "Another refresh is running" in told.output


def test_the_command_refreshes_every_segment_and_tells_the_counts(people, cli):
    given_segment(), given_segment("all", tenure_from_months=0)

    told = [cli("segments", "refresh", "--as-of", today()) for _ in range(2)]

    assert [one.exit_code for one in told] == [0, 0]
    assert "hangzhou: 2 members, 2 came, 0 went" in told[0].output
    assert "all: 4 members, 4 came, 0 went" in told[0].output
    assert "hangzhou: 2 members, 0 came, 0 went" in told[1].output
    assert cli("segments", "refresh", "--as-of", today() + timedelta(days=2)).exit_code == 2


def test_another_version_counts_from_its_day_on(people):
    segment, editor = given_segment(), given_person("editor")
    tomorrow = today() + timedelta(days=1)
    with database.begin() as session:
        shown = segments.find(session, editor, segments.reference(segment), today())
        rule = Rule(Conditions(tenure_from_months=0))
        segments.add_version(session, editor, shown, rule, tomorrow, clock.now(), today())

    assert refresh(segment) == (2, 0, 0)
    assert refresh(segment, tomorrow) == (2, 0, 2)


def test_after_a_later_day_an_earlier_one_is_refused(people):
    segment = given_segment()
    refresh(segment, today() + timedelta(days=1))

    with pytest.raises(LaterDayRefreshed):
        begin(work_of(segment))


def test_an_ended_segment_is_emptied_and_then_left_alone(people):
    segment, editor = given_segment(), given_person("editor")
    refresh(segment)
    with database.begin() as session:
        shown = segments.find(session, editor, segments.reference(segment), today())
        segments.end(session, editor, shown, clock.now())
    with database.begin() as session:
        assert facts.of(session, people[0], today()).segments == frozenset()

    assert work_of(segment).version is None
    assert refresh(segment) == (0, 2, 0)
    with database.begin() as session:
        assert refreshing.due(session, today()) == []


def test_who_joins_while_it_runs_is_met_by_the_last_part(people, db, monkeypatch):
    monkeypatch.setattr(refreshing, "PART", 2)
    segment = given_segment(tenure_from_months=0)
    work = work_of(segment)
    with database.begin() as session:
        ends = refreshing.parts(session)
    with database.begin() as session:
        code = session.scalar(text("select programme_id from programme"))
    from points.models import Programme

    with database.begin() as session:
        programme = session.get(Programme, code)
    late = given_member(db, programme)
    run = begin(work)
    for end in ends:
        run = step(run, work, end)

    assert late in present(segment)


# Proof


def test_what_does_not_fit_is_found(people, owner):
    segment = given_segment()
    refresh(segment)

    def rules_broken(plant, undo):
        owner.execute(text(plant))
        with database.begin() as session:
            told = {(one.place.split()[0], one.text) for one in findings(session)}
        owner.execute(text(undo))
        return told

    assert rules_broken(
        "update segment_run set came = came + 1", "update segment_run set came = came - 1"
    ) == {("segment", "its last refresh counted 3 members, there are 2")}
    assert ("segment", "it has members and does not exist") in rules_broken(
        "insert into segment_member values (1, 99, now(), null)",
        "delete from segment_member where member_id = 1",
    )
    again = (
        f"insert into segment_member values ({people[0]}, {segment.segment_id}, '2020-01-01', '2030-01-01')"
    )
    assert ("segment", "two memberships at one time") in rules_broken(
        again, "delete from segment_member where since = '2020-01-01'"
    )
    assert ("segment", "it has no rule") in rules_broken(
        "insert into segment values (7, now(), null, 'x', 'x', '{}')",
        "delete from segment where segment_id = 7",
    )


def test_the_database_keeps_one_open_membership(people, owner):
    segment = given_segment()
    refresh(segment)

    with pytest.raises(Exception, match="segment_member_now"):
        owner.execute(
            text(f"insert into segment_member values ({people[0]}, {segment.segment_id}, '2020-01-01', null)")
        )

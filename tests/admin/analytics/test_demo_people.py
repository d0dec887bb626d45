"""The demo's people and segments: drawn by the seed, told by date, and the same each time."""

from sqlalchemy import func, select, update

from admin.analytics import demo_people
from app.commands.segments import refreshed
from base import clock, database
from points.members import areas
from points.members.models import Member, MemberFacts
from points.segments import segments
from points.segments.models import SegmentMember
from tests.given import given_member, given_person, given_programme, given_tier
from tests.points.segments.peopled import today


def test_members_live_somewhere_and_every_segment_of_groups_and_places_has_somebody(db):
    programme, _ = given_programme(), given_programme("mzone")
    for _ in range(120):
        given_member(db, programme)

    with database.begin() as session:
        demo_people.tell(session, today(), clock.now())
    with database.begin() as session:
        demo_people.make_segments(session, given_person("editor"), clock.now(), today())
    with database.begin() as session:
        hangzhou = session.scalars(
            select(MemberFacts.member_id).where(MemberFacts.area.startswith("3301"))
        ).all()
    for member_id in hangzhou[:5]:
        given_tier(member_id, "gold")
    counts = {one["code"]: one["members"] for one in refreshed(today(), quiet=True)}

    with database.begin() as session:
        rows = session.scalars(select(MemberFacts)).all()
        named = {area.code for area in areas.every(session)}
        shown = segments.listed(session, given_person("analyst"), today())
        open_rows = session.scalar(select(func.count()).where(SegmentMember.until.is_(None)))
    assert {row.area for row in rows} <= named
    assert {row.risk for row in rows} == {0, 1, 2, 3, 4}
    assert sum(row.kind == "group" for row in rows) == 4
    assert all(counts[code] for code in ("top-senior", "hangzhou-gold", "risk-3", "wenzhou-long"))
    assert len(shown) == len(counts) == 8
    assert open_rows == sum(counts.values())
    assert [one.segment.code for one in shown if one.version.adds_only] == ["risk-3"]


def test_who_left_lived_somewhere_too(db):
    programme = given_programme()
    members = [given_member(db, programme) for _ in range(30)]
    gone = set(members[:10])
    with database.begin() as session:
        session.execute(update(Member).where(Member.member_id.in_(gone)).values(left_on=today()))

    with database.begin() as session:
        demo_people.tell(session, today(), clock.now())

    with database.begin() as session:
        rows = session.scalars(select(MemberFacts).where(MemberFacts.member_id.in_(gone))).all()
    assert len(rows) == 10
    assert all(row.area in demo_people.COUNTIES for row in rows)


def test_the_same_seed_draws_the_same_people(db):
    from numpy.random import PCG64, Generator

    draws = [demo_people._drawn(list(range(50)), Generator(PCG64(seed))) for seed in (7, 7, 8)]

    assert draws[0] == draws[1] != draws[2]

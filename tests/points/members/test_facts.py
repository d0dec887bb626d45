"""What eligibility asks of a member: all of it in one statement, the line as everything else sees it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from base import clock, database, ids
from points import ledger
from points.kinds import State
from points.lines import standing
from points.lines.states import LineState
from points.members import facts, members
from points.members.members import MemberUnknown
from points.segments.models import Segment, SegmentMember
from tests.given import LONG_AGO, given_member, given_programme
from tests.points.lines.telling import days, tell
from tests.points.segments.peopled import given_class, given_contact, given_facts, today

pytestmark = pytest.mark.untold


def of(member_id: int, on: date | None = None) -> facts.Facts:
    with database.begin() as session:
        return facts.of(session, member_id, on or today())


@pytest.fixture
def programme(db):
    return given_programme(minimum_tenure_days=90)


def test_everything_that_is_known_of_a_member_is_in_its_facts(db, programme):
    joined = today() - timedelta(days=1000)
    member_id, group = given_member(db, programme, joined_on=joined), given_member(db, programme)
    other, former = given_member(db, programme), given_member(db, programme)
    for group_id, group_class in ((group, "top"), (other, "b"), (former, "a")):
        given_class(group_id, group_class)
    given_contact(group, member_id, "senior")
    given_contact(other, member_id, "ordinary")
    given_contact(former, member_id, "middle", until=clock.now())
    given_facts(
        member_id, area="330106", tiers=["gold", "star5"], tiers_until=today(), arpu_fen=8_800, risk=3,
        birthday="02-29", interests=["health"],
    )  # fmt: skip

    found = of(member_id)

    assert (found.member_id, found.programme_id, found.programme) == (
        member_id,
        programme.programme_id,
        "gotone",
    )
    assert (found.kind, found.group_class) == ("person", None)
    assert found.contact_of == {("top", "senior"), ("b", "ordinary")}
    assert (found.area, found.arpu_fen, found.risk, found.birthday_month) == ("330106", 8_800, 3, 2)
    assert (found.tiers, found.tiers_until, found.tiers_ended) == (("gold", "star5"), today(), False)
    assert (found.interests, found.segments) == ({"health"}, frozenset())
    assert (found.joined_on, found.left_on, found.wallet) == (joined, None, State.OPEN)
    assert found.line.state is LineState.ACTIVE
    assert found.tenure_months == 32
    assert (of(group).kind, of(group).group_class, of(group).contact_of) == ("group", "top", frozenset())


def test_granted_tiers_hold_on_their_last_day_and_not_on_the_next(db, programme):
    member_id = given_member(db, programme)
    given_facts(member_id, tiers=["gold"], tiers_until=today())

    last, next_day = of(member_id), of(member_id, today() + timedelta(days=1))

    assert (last.tiers, last.tiers_ended) == (("gold",), False)
    assert (next_day.tiers, next_day.tiers_until, next_day.tiers_ended) == ((), today(), True)


def test_segments_are_those_of_the_present_that_have_not_ended(db, programme, session):
    member_id, at = given_member(db, programme), clock.now()
    for number, (until, ended_at) in enumerate([(None, None), (at, None), (None, at)], 1):
        code = f"s{number}"
        session.add(
            Segment(segment_id=number, made_at=at, ended_at=ended_at, code=code, made_by="t", names={})
        )
        session.add(SegmentMember(member_id=member_id, segment_id=number, since=at, until=until))
    session.flush()

    assert facts.of(session, member_id, today()).segments == {1}
    session.rollback()


def test_it_is_one_statement(db, programme):
    member_id, seen = given_member(db, programme), []
    engine = database.engine()
    event.listen(engine, "before_cursor_execute", lambda *call: seen.append(call[2]))

    of(member_id)

    assert len(seen) == 1


def test_a_member_who_is_not_there_is_unknown(db):
    with pytest.raises(MemberUnknown):
        of(ids.new_id())


EVENTS = {
    "none": (),
    "suspended": (("suspended", 50),),
    "back": (("suspended", 50), ("active", 40)),
    "back, told late": (("active", 40), ("suspended", 50)),
    "twice suspended": (("suspended", 50), ("suspended", 40)),
    "about to be cancelled": (("pre_cancelled", 30),),
    "in transfer": (("transfer", 30),),
    "cancelled": (("suspended", 50), ("cancelled", 20)),
}


@pytest.mark.parametrize("joined", [10, 89, 90, 2_000])
@pytest.mark.parametrize("events", EVENTS)
def test_the_line_is_what_the_rest_of_the_product_says(db, programme, joined, events):
    since = today() - timedelta(days=joined)
    member_id = given_member(db, programme, joined_on=since)
    for state, ago in EVENTS[events]:
        tell(db, member_id, LineState(state), max(since, today() - days(ago)))

    assert_line_is_that_of_standing(programme, member_id)


@pytest.mark.parametrize("wallet", [State.NEW, State.OPEN, State.FROZEN, State.CLOSED])
def test_the_line_weighs_the_wallet_as_the_rest_of_the_product_does(db, programme, wallet):
    member_id = given_member(db, programme)
    with database.begin() as session:
        if wallet is State.CLOSED:
            members.leave(session, member_id, today())
        else:
            ledger.set_state(session, member_id, wallet)

    assert_line_is_that_of_standing(programme, member_id)


def assert_line_is_that_of_standing(programme, member_id):
    for ahead in (0, 1, 60, 400):
        on = today() + timedelta(days=ahead)
        with database.begin() as session:
            member, wallet = members.by_id(session, member_id), ledger.read(session, member_id).state
            assert facts.of(session, member_id, on).line == standing.of(
                session, member, wallet, programme, on
            )


@given(st.dates(LONG_AGO, date(2031, 1, 1)), st.integers(0, 200))
def test_full_months_are_complete_on_the_same_day_or_the_last_one_of_a_shorter_month(since, months):
    year, month = divmod(12 * since.year + since.month - 1 + months, 12)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    complete = date(year, month + 1, min(since.day, last))

    assert facts.full_months(since, complete) == months
    assert facts.full_months(since, complete - timedelta(days=1)) == max(0, months - 1)

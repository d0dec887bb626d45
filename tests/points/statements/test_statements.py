"""Statements of points: what one month closes with the next one opens with, and that is what the wallet shows."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from base import clock, database, ids
from points import expiry, programmes
from points.kinds import FOREVER, Kind
from points.lots import NO_EXTENSIONS
from points.members import members
from points.statements import statements
from points.statements.statements import Amounts, BadMonth, Month, Movement, NoStatement, month_of
from points.wallets import wallets
from tests.given import (
    ZONE,
    caller,
    given_extension,
    given_member,
    given_points,
    given_programme,
    member_token,
    service_key,
)
from tests.points.notices.test_debits import post
from tests.points.oracle import MEMBER, START, Oracle, Refused, asked_for, histories, same_in_oracle
from tests.points.test_extended_histories import (
    Announcement,
    ExtendedBook,
    ExtendedOracle,
    announce,
    asked_of,
    begin,
    happenings,
)
from tests.points.test_postings import Book
from tests.sparse import examples

PROGRAMME = SimpleNamespace(zone=ZONE)
Shown = dict[date, Amounts]  # at the first midnight of months, as a plain list of lots has it


def note(shown: Shown, oracle: Oracle, before: datetime, at: datetime) -> None:
    """What the plain list shows at each midnight between two moments that begins a month."""
    month = Month(clock.day(before, ZONE).replace(day=1)).next
    while clock.start_of(month.first, ZONE) <= at:
        shown[month.first] = Amounts(oracle.live(month.first), oracle.held, oracle.debt)
        month = month.next


def assert_statements_fit(book: Book, calendar, shown: Shown, at: datetime) -> None:
    month, last = Month(clock.day(START, ZONE).replace(day=1)), clock.day(at, ZONE)
    before = None
    while month.first <= last:
        start, end = (clock.start_of(m.first, ZONE) for m in (month, month.next))
        found = statements.reckon(MEMBER, PROGRAMME, month, book.rows, calendar, start, min(end, at))
        total = found.opening
        for _, moved in found.movements:
            total = total.plus(moved)
        assert total == found.closing
        assert found.opening == (before.closing if before else Amounts())
        assert found.opening == shown.get(month.first, Amounts())
        if end <= at:
            assert found.closing == shown[month.next.first]
        signs = dict(found.movements)
        assert signs.get(Movement.LAPSED, Amounts()).available <= 0
        assert signs.get(Movement.RESTORED, Amounts()).available >= 0
        event(f"{len(found.movements)} movements")
        before, month = found, month.next


@settings(max_examples=examples(150), deadline=None)
@given(histories(), st.sampled_from([1, 3]))
def test_any_history_closes_each_month_where_the_next_one_opens_and_as_a_plain_list_of_lots_shows(
    steps, slower
):
    book, oracle, at, made, shown = Book(), Oracle(), START, dict[int, tuple[Kind, int]](), Shown()

    for number, step in enumerate(steps):
        then = at + step.later * slower
        note(shown, oracle, at, then)
        at = then
        asked, of = asked_for(made, number, step, at)
        try:
            same_in_oracle(oracle, number, step, asked, of)
        except Refused:
            continue
        deed = book.do(asked).deed
        if deed is not None:
            made[number] = (step.kind, deed.seq)

    note(shown, oracle, at, at + timedelta(days=70))
    assert_statements_fit(book, NO_EXTENSIONS, shown, at + timedelta(days=70))


@settings(max_examples=examples(80), deadline=None)
@given(begin, happenings)
def test_any_history_with_announced_extensions_does_so_too(first, then):
    book, oracle, at, made = ExtendedBook(), ExtendedOracle(), START, dict[int, tuple[Kind, int]]()
    shown = Shown()

    for number, happens in enumerate([*first, *then]):
        if isinstance(happens, tuple):
            continue
        note(shown, oracle, at, at + happens.later)
        at += happens.later
        if isinstance(happens, Announcement):
            announce(book, oracle, happens, at)
            at += timedelta(microseconds=1)
            continue
        asked, of = asked_of(book, made, number, happens, at)
        try:
            same_in_oracle(oracle, number, happens, asked, of)
        except Refused:
            continue
        deed = book.do(asked).deed
        if deed is not None:
            made[number] = (happens.kind, deed.seq)

    note(shown, oracle, at, at + timedelta(days=70))
    assert_statements_fit(book, book.calendar, shown, at + timedelta(days=70))


# In the database

JAN = datetime(2026, 1, 10, 4, 0, tzinfo=UTC)


def of_month(member_id, text_, at=None):
    with database.begin() as session:
        return statements.of_month(session, member_id, month_of(text_), at or clock.now())


def shown_at(member_id, at):
    with database.begin() as session:
        shown = wallets.show(session, member_id, at)
    return Amounts(shown.spendable, shown.wallet.held, shown.wallet.debt)


@pytest.fixture
def member(db):
    with clock.stopped(JAN):
        return given_member(db, given_programme(), joined_on=date(2026, 1, 10))


def at(month, day, hour=4):
    return clock.stopped(datetime(2026, month, day, hour, tzinfo=UTC))


def moved(found):
    return {movement.value: tuple(amounts) for movement, amounts in found.movements}


def test_a_year_in_short(db, member):
    with at(1, 11):
        given_points(member, 500, last_day=date(2026, 3, 31))
        earned = given_points(member, 100, last_day=date(2027, 1, 31))
        post(member, Kind.REDEEM, 50)
    with at(2, 3):
        hold = post(member, Kind.HOLD, 60, ends_at=FOREVER)
        spent = post(member, Kind.REDEEM, 40)
    with at(2, 28):
        post(member, Kind.CAPTURE, 20, rev_of=hold)
        post(member, Kind.REVERSE, 0, rev_of=spent)
    with at(4, 2):
        post(member, Kind.RELEASE, 0, rev_of=hold)
        post(member, Kind.UNEARN, 100, rev_of=earned)
    now = datetime(2026, 5, 2, tzinfo=UTC)

    found = {month: of_month(member, f"2026-0{month}", now) for month in range(1, 5)}

    assert moved(found[1]) == {"earned": (600, 0, 0), "spent": (-50, 0, 0)}
    assert moved(found[2]) == {"set_aside": (-60, 60, 0), "spent": (-40, -20, 0), "returned": (40, 0, 0)}
    assert moved(found[3]) == {"lapsed": (-390, 0, 0)}  # at the end of its last day, posted or not
    assert found[3].closing == Amounts(100, 40, 0)
    assert moved(found[4])["corrected"] == (-100, 0, 0)
    assert moved(found[4])["given_back"] == (40, -40, 0)
    assert [found[month].closing for month in (1, 2, 3)] == [found[month].opening for month in (2, 3, 4)]
    assert found[4].closing == shown_at(member, now)


def test_the_wallet_shows_what_the_month_closed_with_at_its_midnight(db, member):
    with at(1, 31, 15):
        given_points(member, 80, last_day=date(2026, 1, 31))
        given_points(member, 20, last_day=date(2026, 2, 28))
    midnight = clock.start_of(date(2026, 2, 1), ZONE)

    before, after = shown_at(member, midnight - timedelta(seconds=1)), shown_at(member, midnight)

    assert (before.available, after.available) == (100, 20)
    assert of_month(member, "2026-01", midnight).closing == after
    assert moved(of_month(member, "2026-01", midnight)) == {"earned": (100, 0, 0), "lapsed": (-80, 0, 0)}


def test_it_is_the_same_before_and_after_the_sweep(db, member):
    with at(1, 15):
        given_points(member, 80, last_day=date(2026, 1, 20))
    now = datetime(2026, 3, 5, tzinfo=UTC)
    before = [of_month(member, f"2026-0{month}", now) for month in (1, 2)]

    with at(3, 4), database.begin() as session:
        programme = members_programme(session, member)
        expiry.sweep(session, programme, [member], date(2026, 3, 4), clock.now())
    after = [of_month(member, f"2026-0{month}", now) for month in (1, 2)]

    assert after == before
    assert moved(after[0])["lapsed"] == (-80, 0, 0)
    assert moved(of_month(member, "2026-03", now)) == {}


def members_programme(session, member_id):
    return programmes.by_id(session, members.by_id(session, member_id).programme_id)


def test_an_extension_announced_later_does_not_change_an_earlier_statement_and_brings_points_back(db, member):
    with at(1, 15):
        given_points(member, 80, last_day=date(2026, 1, 20))
    before = of_month(member, "2026-01", datetime(2026, 2, 2, tzinfo=UTC))
    with database.begin() as session:
        programme = members_programme(session, member)
    given_extension(
        programme,
        date(2026, 1, 20),
        date(2026, 1, 20),
        date(2026, 6, 30),
        when=datetime(2026, 2, 10, tzinfo=UTC),
    )
    now = datetime(2026, 3, 5, tzinfo=UTC)

    assert of_month(member, "2026-01", now) == before
    assert moved(of_month(member, "2026-02", now)) == {"restored": (80, 0, 0)}
    assert of_month(member, "2026-02", now).closing.available == 80


def test_the_month_is_that_of_the_programme_to_the_microsecond(db, member):
    midnight = clock.start_of(date(2026, 2, 1), ZONE)
    with clock.stopped(midnight - timedelta(microseconds=1)):
        given_points(member, 1, last_day=date(2027, 1, 1))
    with clock.stopped(midnight):
        given_points(member, 10, last_day=date(2027, 1, 1))
    now = datetime(2026, 3, 5, tzinfo=UTC)

    assert moved(of_month(member, "2026-01", now)) == {"earned": (1, 0, 0)}
    assert moved(of_month(member, "2026-02", now)) == {"earned": (10, 0, 0)}


def test_the_present_month_goes_up_to_now_and_there_is_none_before_joining_or_to_come(db, member):
    with at(2, 10):
        given_points(member, 5, last_day=date(2027, 1, 1))
        now = clock.now() + timedelta(hours=1)

    found = of_month(member, "2026-02", now)

    assert (found.complete, found.closing.available) == (False, 5)
    assert of_month(member, "2026-01", now).complete
    for month in ("2025-12", "2026-03"):
        with pytest.raises(NoStatement):
            of_month(member, month, now)
    with database.begin() as session:
        assert [str(m) for m in statements.months(session, member, now)] == ["2026-02", "2026-01"]


@pytest.mark.parametrize(
    "text_",
    ["", "2026", "2026-1", "2026-13", "2026-00", "2026-1a", "９９９９-01", "1999-12", "9999-01", "2026/01"],
)
def test_what_is_no_month_is_refused_by_name(text_):
    with pytest.raises(BadMonth):
        month_of(text_)


@pytest.mark.parametrize("first", [date(2026, 1, 1), date(2026, 2, 1), date(2024, 12, 1), date(2028, 2, 1)])
def test_a_month_and_its_neighbours(first):
    assert Month(first).next.before == Month(first)
    assert Month(first).next.first - first in (timedelta(n) for n in (28, 29, 30, 31))


def test_every_kind_of_posting_has_its_place_on_a_statement():
    assert set(statements.OF_KIND) == set(Kind)


# Over HTTP


def test_a_member_reads_the_own_statement_and_a_system_those_of_its_programme(app, db):
    programme = given_programme()
    member_id = given_member(db, programme, points=70)
    month = f"{clock.day(clock.now(), ZONE):%Y-%m}"
    mine = caller(app, member_token(member_id)).get(f"/v1/members/me/statements/{month}")
    path = f"/v1/members/{ids.public('mbr', member_id)}/statements/{month}"
    systems = caller(app, service_key(programme, "wallet:any")).get(path)
    strangers = caller(app, service_key(given_programme("mzone"), "wallet:any")).get(path)

    assert mine.status_code == 200
    assert mine.json == {
        "month": month,
        "programme": "gotone",
        "complete": False,
        "opening": {"available": 0, "held": 0, "debt": 0},
        "movements": [{"movement": "earned", "available": 70, "held": 0, "debt": 0}],
        "closing": {"available": 70, "held": 0, "debt": 0},
    }
    assert systems.json == mine.json
    assert strangers.status_code == 404
    for wrong, status, problem in (("2026-1", 422, "bad-month"), ("2001-01", 404, "no-statement")):
        refused = caller(app, member_token(member_id)).get(f"/v1/members/me/statements/{wrong}")
        assert (refused.status_code, refused.json["type"]) == (status, f"/problems/{problem}")

"""Announced extensions on a real database: what counts when, who sees it, what comes back, and what is refused."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import exc, text

from base import clock, database
from points import expiry, extensions, ledger, lots, policies, restoring
from points.deeds import Request
from points.extensions import LEAD, BadExtension, ShorterLife
from points.gifts import gifts, job
from points.kinds import FOREVER, Kind
from points.members import members
from points.models import ExtensionRow, Programme
from points.policies import BILL_POINTS, PROMOTION_POINTS
from points.wallets import explained, wallets
from tests.given import (
    ZONE,
    caller,
    given_extension,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
)

TODAY = clock.day(clock.now(), ZONE)


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


def at(days: int, hours: int = 12) -> datetime:
    return clock.start_of(in_days(days), ZONE) + timedelta(hours=hours)


def announce(
    programme: Programme,
    first: date,
    last: date,
    to: date,
    *,
    when: datetime | None = None,
    lot_class: int = BILL_POINTS,
) -> ExtensionRow:
    """Two people agreed; it counts LEAD after `when`, or at the very moment that is now."""
    when = when or clock.now() - LEAD
    return given_extension(programme, first, last, to, when=when, lot_class=lot_class)


def sweep(programme: Programme, on: date, moment: datetime) -> tuple[int, int]:
    """A whole sweep as of a day: wallets looked at, points lapsed."""
    looked_at = points = 0
    with database.begin() as session:
        where = expiry.window(session, programme, on, moment)
    place: expiry.Place | None = expiry.start(where)
    while place is not None:
        with database.begin() as session:
            found, _, place = expiry.due(session, programme, where, place)
        with database.begin() as session:
            did = expiry.sweep(session, programme, found, on, moment)
        looked_at, points = looked_at + did.looked_at, points + did.lapsed_points
    with database.begin() as session:
        expiry.ended(session, programme, on, expiry.Step(looked_at, points, 0), moment, moment)
    return looked_at, points


def restore(programme: Programme, moment: datetime) -> int:
    """Every walk that waits; the points that came back."""
    points = 0
    with database.begin() as session:
        waiting = restoring.pending(session, programme, moment)
    for one in waiting:
        done = False
        while not done:
            with database.begin() as session:
                did = restoring.step(session, programme, one, moment)
            points, done = points + did.points, did.done
    return points


def seen(member_id: int, moment: datetime) -> list[tuple[date, int]]:
    with database.begin() as session:
        return list(wallets.show(session, member_id, moment).lots)


def spendable(member_id: int, moment: datetime) -> int:
    with database.begin() as session:
        return wallets.show(session, member_id, moment).spendable


def redeem(member_id: int, points: int, moment: datetime, **more: object) -> ledger.Answer:
    name = f"redeem {moment} {points}"
    kind = more.pop("kind", Kind.REDEEM)
    with database.begin() as session:
        return ledger.post(
            session,
            Request(member_id, ledger.key("test", name), kind, points, moment, ZONE, **more),  # type: ignore[arg-type]
        )


def taken(answer: ledger.Answer) -> list[tuple[date, int]]:
    assert answer.deed
    return [(lots.last_day(i.key), i.count) for i in answer.deed.lots]


# The eras of a programme


def test_lots_of_all_eras_get_their_days_and_reads_are_the_same_before_and_after_the_sweep(db):
    programme = given_programme()
    with database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, PROMOTION_POINTS, date(2010, 1, 1), months=12
        )
    announced = datetime(2023, 6, 1, 2, 0, tzinfo=UTC)
    with clock.stopped(announced - timedelta(days=30)):
        member_id = given_member(db, programme)
        key = lots.key(date(2023, 12, 31), PROMOTION_POINTS)
        given_points(member_id, 1_000, last_day=lots.NO_END)  # 2011 to April 2021
        given_points(member_id, 300, last_day=date(2024, 5, 31))  # May 2021
        given_points(member_id, 200, last_day=date(2025, 12, 31))  # December 2022
        with database.begin() as session:
            asked = Request(
                member_id, ledger.key("test", "gift"), Kind.EARN, 40, clock.now(), ZONE, lot_key=key
            )
            ledger.post(session, asked)
    with clock.stopped(announced - LEAD):
        announce(programme, lots.NO_END, lots.NO_END, date(2024, 4, 30), when=announced - LEAD)

    own_days = [
        (date(2023, 12, 31), 40),
        (date(2024, 5, 31), 300),
        (date(2025, 12, 31), 200),
        (lots.NO_END, 1_000),
    ]
    assert seen(member_id, announced - timedelta(seconds=1)) == own_days
    assert seen(member_id, announced) == [own_days[0], (date(2024, 4, 30), 1_000), *own_days[1:3]]
    with database.begin() as session:
        shown = wallets.show(session, member_id, clock.start_of(date(2024, 3, 1), ZONE))
    assert shown.lapsing == ((date(2024, 4, 30), 1_000),)

    spent = redeem(member_id, 100, clock.start_of(date(2024, 2, 1), ZONE))
    assert taken(spent) == [(lots.NO_END, 100)]
    days = [date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 31), date(2024, 6, 1)]
    moments = [clock.start_of(day, ZONE) + timedelta(hours=12) for day in days]
    before = [spendable(member_id, moment) for moment in moments]
    assert before == [1_400, 500, 500, 200]
    assert sweep(programme, days[0], moments[0]) == (0, 0)
    swept = sweep(programme, days[1], moments[1])
    assert swept == (1, 900)
    assert [spendable(member_id, moment) for moment in moments[1:]] == before[1:]
    assert sweep(programme, days[3], moments[3]) == (1, 300)
    assert spendable(member_id, moments[3]) == 200


# What counts when


def test_an_announcement_counts_five_minutes_later_for_reads_and_deeds_alike(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(3))
    given_points(member_id, 20, last_day=in_days(5))

    row = announce(programme, in_days(3), in_days(3), in_days(9), when=at(1))

    soon = row.announced_at - timedelta(microseconds=1)
    assert row.announced_at == at(1) + LEAD
    assert seen(member_id, soon) == [(in_days(3), 10), (in_days(5), 20)]
    assert seen(member_id, row.announced_at) == [(in_days(5), 20), (in_days(9), 10)]
    assert taken(redeem(member_id, 1, soon)) == [(in_days(3), 1)]
    assert taken(redeem(member_id, 21, row.announced_at)) == [(in_days(5), 20), (in_days(3), 1)]


def test_what_another_process_announced_is_known_when_it_counts(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(3))
    given_points(member_id, 20, last_day=in_days(5))
    now = clock.now()
    redeem(member_id, 1, now)  # reads that there is nothing
    remembered = extensions._cached
    row = announce(programme, in_days(3), in_days(3), in_days(9), when=now)
    extensions._cached = remembered  # as a process that did not announce it

    assert taken(redeem(member_id, 1, now + extensions.FRESH / 2)) == [(in_days(3), 1)]
    assert extensions._cached is remembered
    assert taken(redeem(member_id, 1, row.announced_at)) == [(in_days(5), 1)]


def test_a_redemption_that_is_under_way_while_it_is_announced_is_proven_all_the_same(db, monkeypatch):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(3))
    given_points(member_id, 20, last_day=in_days(5))
    read, may_write, write = threading.Event(), threading.Event(), ledger._write_one

    def slow(*values: object) -> bool:
        read.set()
        assert may_write.wait(10)
        return write(*values)  # type: ignore[arg-type]

    answers: list[ledger.Answer] = []
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "_write_one", slow)
        spending = threading.Thread(target=lambda: answers.append(redeem(member_id, 5, clock.now())))
        spending.start()
        assert read.wait(10)
        row = announce(programme, in_days(3), in_days(3), in_days(9), when=clock.now())
        may_write.set()
        spending.join(10)

    assert taken(answers[0]) == [(in_days(3), 5)]
    assert answers[0].postings[0].at < row.announced_at
    assert taken(redeem(member_id, 21, row.announced_at)) == [(in_days(5), 20), (in_days(3), 1)]


def test_of_two_overlapping_extensions_the_latest_wins_whichever_came_first(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    for days in (1, 2, 3):
        given_points(member_id, 10 * days, last_day=in_days(days))

    announce(programme, in_days(1), in_days(2), in_days(20))
    announce(programme, in_days(2), in_days(3), in_days(10))

    assert seen(member_id, clock.now()) == [(in_days(10), 30), (in_days(20), 10), (in_days(20), 20)]
    assert [spendable(member_id, at(days)) for days in (10, 11, 20, 21)] == [60, 30, 30, 0]


def test_another_class_and_another_programme_are_left_alone(db):
    programme, other = given_programme(), given_programme("second")
    mine, theirs = given_member(db, programme), given_member(db, other)
    for member_id in (mine, theirs):
        given_points(member_id, 10, last_day=in_days(3))

    announce(programme, in_days(3), in_days(3), in_days(9), lot_class=PROMOTION_POINTS)
    announce(other, in_days(3), in_days(3), in_days(9))

    assert (spendable(mine, at(5)), spendable(theirs, at(5))) == (0, 10)
    assert sweep(programme, in_days(5), at(5)) == (1, 10)
    assert sweep(other, in_days(5), at(5))[1] == 0


def test_a_batch_knows_extensions_as_a_single_request_does(db):
    programme = given_programme()
    first, second = given_member(db, programme), given_member(db, programme)
    for member_id in (first, second):
        given_points(member_id, 10, last_day=in_days(3))
        given_points(member_id, 20, last_day=in_days(5))
    announce(programme, in_days(3), in_days(3), in_days(9))

    def asked(member_id: int, name: str, points: int, **more: object) -> Request:
        kind = Kind.EARN if more else Kind.REDEEM
        return Request(member_id, ledger.key("test", name), kind, points, at(4), ZONE, **more)  # type: ignore[arg-type]

    late = lots.key(in_days(3), BILL_POINTS)
    with database.begin() as session:
        batched = ledger.post_many(
            session, [asked(first, "late", 5, lot_key=late), asked(first, "a", 22), asked(first, "b", 13)]
        )
    with database.begin() as session:
        single = [
            ledger.post(session, one)
            for one in (
                asked(second, "late", 5, lot_key=late),
                asked(second, "a", 22),
                asked(second, "b", 13),
            )
        ]

    assert all(isinstance(answer, ledger.Answer) for answer in batched)
    assert [taken(a) for a in batched] == [taken(a) for a in single]  # type: ignore[arg-type]
    assert taken(single[1]) == [(in_days(5), 20), (in_days(3), 2)]


# What is refused


@pytest.mark.parametrize(
    ("first", "last", "to", "refusal"),
    [
        (in_days(10), in_days(20), in_days(20), ShorterLife),
        (in_days(10), in_days(20), in_days(15), ShorterLife),
        (in_days(10), lots.NO_END, in_days(99), BadExtension),
        (in_days(20), in_days(10), in_days(30), BadExtension),
        (in_days(-20), in_days(-10), in_days(-5), BadExtension),
        (in_days(-20), in_days(-10), in_days(0), BadExtension),
        (in_days(10), in_days(20), lots.NO_END, BadExtension),
        (lots.NO_END, lots.NO_END, in_days(0), BadExtension),
        (lots.NO_END, lots.NO_END, in_days(-1), BadExtension),
    ],
)
def test_what_would_shorten_a_life_or_is_over_already_is_refused(db, first, last, to, refusal):
    programme = given_programme()

    with pytest.raises(refusal):
        announce(programme, first, last, to)


def test_a_first_end_can_be_moved_later_and_not_sooner(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=lots.NO_END)
    announce(programme, lots.NO_END, lots.NO_END, in_days(30))

    for to in (in_days(29), in_days(30)):
        with pytest.raises(ShorterLife):
            announce(programme, lots.NO_END, lots.NO_END, to)
    announce(programme, lots.NO_END, lots.NO_END, in_days(31))

    assert seen(member_id, clock.now()) == [(in_days(31), 10)]


@pytest.mark.parametrize("lot_class", [-1, 32768])
def test_a_class_that_is_none_and_a_missing_reason_are_refused(db, lot_class):
    programme = given_programme()

    with pytest.raises(BadExtension):
        announce(programme, in_days(1), in_days(2), in_days(9), lot_class=lot_class)
    with pytest.raises(BadExtension), database.begin() as session:
        extensions.announce(
            session,
            programme,
            1,
            in_days(1),
            in_days(2),
            in_days(9),
            reason=" ",
            by="li",
            approval="apr_1",
            at=at(0),
        )


@pytest.mark.parametrize(
    "values",
    [
        "now(), now(), current_date, current_date, current_date + 9, 1",
        "now(), now() + interval '5 minutes', current_date, current_date + 9, current_date + 9, 1",
        "now(), now() + interval '5 minutes', current_date + 1, current_date, current_date + 9, 1",
        "now(), now() + interval '5 minutes', current_date, '2149-06-06', '2149-06-06', 1",
        "now(), now() + interval '5 minutes', current_date, current_date, current_date + 9, -1",
    ],
)
def test_the_database_refuses_them_too(db, values):
    with pytest.raises(exc.IntegrityError), database.begin() as session:
        session.execute(text(
            "insert into extension (extension_id, programme_id, entered_at, announced_at, from_day, until_day, last_day, "
            f"lot_class, announced_by, reason) values (1, 1, {values}, 'li', 'why')"
        ))  # fmt: skip


# What lapsed before


def test_what_lapsed_before_the_announcement_comes_back_and_once_only(db, monkeypatch):
    programme = given_programme()
    found = sorted(given_member(db, programme) for _ in range(5))
    for member_id in found:
        given_points(member_id, 10, last_day=in_days(1))
        given_points(member_id, 3, last_day=in_days(2))
        given_points(member_id, 20, last_day=in_days(90))
    sweep(programme, in_days(4), at(4))
    announce(programme, in_days(1), in_days(1), in_days(30), when=at(5))
    assert restore(programme, at(5)) == 0  # it does not count yet
    monkeypatch.setattr(restoring, "STEP", 2)

    with database.begin() as session:
        (one,) = restoring.pending(session, programme, at(6))
        first = restoring.step(session, programme, one, at(6))
    assert (first.looked_at, first.points, first.done) == (2, 20, False)
    with database.begin() as session:  # and then the machine dies before the commit
        restoring.step(session, programme, one, at(6))
        session.rollback()
    assert restore(programme, at(6)) == 30
    assert restore(programme, at(6)) == 0

    assert [seen(m, at(6)) for m in found] == [[(in_days(30), 10), (in_days(90), 20)]] * 5
    with database.begin() as session:
        rows = wallets.postings(session, found[0], before=None, limit=1)
        said = explained.explanations(session, found[0], rows)[rows[0].seq]
    assert said["en"] == (
        f"10 points that lapsed with movement 4 came back, as their last day was extended: "
        f"10 can be spent until {in_days(30)}"
    )
    assert str(in_days(30)) in said["zh-CN"]


def test_a_walk_that_is_begun_anew_leaves_alone_what_came_back(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(1))
    sweep(programme, in_days(4), at(4))
    announce(programme, in_days(1), in_days(1), in_days(30), when=at(5))
    restore(programme, at(6))
    announce(programme, in_days(1), in_days(2), in_days(40), when=at(7))

    assert restore(programme, at(8)) == 0
    # it came back into the lot of the thirtieth day, which no announcement names
    assert seen(member_id, at(8)) == [(in_days(30), 10)]


def test_points_without_an_end_that_lapsed_on_their_first_one_come_back_with_a_later_one(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=lots.NO_END)
    announce(programme, lots.NO_END, lots.NO_END, in_days(3))
    assert sweep(programme, in_days(4), at(4)) == (1, 10)
    announce(programme, lots.NO_END, lots.NO_END, in_days(9), when=at(5))

    assert restore(programme, at(6)) == 10
    assert [spendable(member_id, at(days)) for days in (6, 9, 10)] == [10, 10, 0]
    assert sweep(programme, in_days(10), at(10)) == (1, 10)


def test_a_cancelled_line_gets_nothing_back_and_a_suspended_one_does(db):
    programme = given_programme()
    closed, frozen = given_member(db, programme), given_member(db, programme)
    for member_id in (closed, frozen):
        given_points(member_id, 10, last_day=in_days(1))
    sweep(programme, in_days(4), at(4))
    with database.begin() as session:
        members.leave(session, closed, in_days(4))
        members.suspend(session, frozen)
    announce(programme, in_days(1), in_days(1), in_days(30), when=at(5))

    assert restore(programme, at(6)) == 10
    assert (spendable(closed, at(6)), spendable(frozen, at(6))) == (0, 10)


def test_a_suspended_line_keeps_extended_points_and_grace_begins_after_the_extended_day(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(1))
    given_points(member_id, 20, last_day=in_days(2))
    announce(programme, in_days(1), in_days(1), in_days(30))
    with database.begin() as session:
        members.suspend(session, member_id)

    assert sweep(programme, in_days(5), at(5))[1] == 0
    with database.begin() as session:
        members.resume(session, programme, member_id, at(6))

    assert seen(member_id, at(6)) == [(in_days(30), 10), (in_days(36), 20)]


# Elsewhere in the house


def test_a_gift_of_extended_points_arrives_with_the_extended_day(db):
    programme = given_programme()
    giver, receiver = (
        given_member(db, programme, phone="13700001111"),
        given_member(db, programme, phone="13700002222"),
    )
    given_points(giver, 10, last_day=in_days(1))
    given_points(giver, 20, last_day=lots.NO_END)
    announce(programme, in_days(1), in_days(1), in_days(30))
    announce(programme, lots.NO_END, lots.NO_END, in_days(7))

    with clock.stopped(at(7, 23)), database.begin() as session:
        gift = gifts.give(session, db, giver, "13700002222", 25, clock.now())
    with clock.stopped(at(8, 1)):  # meanwhile the first end of points without one has passed
        for _ in range(2):
            job.run(db, giver, gift.gift_id)

    assert seen(receiver, at(8)) == [(in_days(30), 5), (in_days(38), 20)]
    assert seen(giver, at(8)) == [(in_days(30), 5)]


def test_prices_and_quotes_follow_the_extended_days(db, app):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 900, last_day=in_days(1))
    given_points(member_id, 500, last_day=in_days(40))
    offer = given_offer(programme, "perk", value_fen=1000)
    announce(programme, in_days(1), in_days(1), in_days(60))

    with clock.stopped(at(2)):
        me = caller(app, member_token(member_id))
        quote = me.quote(offer)
        wallet = me.get("/v1/members/me/wallet").json
        redeemed = me.redeem(offer)
        of_posting = me.get("/v1/members/me/postings/1/lots").json

    assert quote.json["lots"] == [
        {"last_day": str(in_days(40)), "points": 500}, {"last_day": str(in_days(60)), "points": 500}
    ]  # fmt: skip
    assert quote.json["balance_after"] == 400
    assert (
        wallet["lots"]
        == wallet["lapsing"]
        == [
            {"class": "bill", "last_day": str(in_days(40)), "points": 500},
            {"class": "bill", "last_day": str(in_days(60)), "points": 900},
        ]
    )
    assert [(lot["last_day"], lot["points"]) for lot in of_posting] == [(str(in_days(60)), 900)]
    assert redeemed.status_code == 201


def test_an_expiry_is_told_with_the_extended_day(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(1))
    announce(programme, in_days(1), in_days(1), in_days(20))
    sweep(programme, in_days(21), at(21))

    with database.begin() as session:
        rows = wallets.postings(session, member_id, before=None, limit=1)
        said = explained.explanations(session, member_id, rows)[rows[0].seq]

    assert said["en"] == f"10 points lapsed: 10 could be spent until {in_days(20)}"


def test_a_hold_that_outlives_its_extended_lot_comes_back_with_grace(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(1))
    announce(programme, in_days(1), in_days(1), in_days(20))
    hold = redeem(member_id, 10, at(10), kind=Kind.HOLD, ends_at=FOREVER).seq

    redeem(member_id, 4, at(15), kind=Kind.RELEASE, rev_of=hold)
    redeem(member_id, 6, at(25), kind=Kind.RELEASE, rev_of=hold)

    assert seen(member_id, at(15)) == [(in_days(55), 6)]

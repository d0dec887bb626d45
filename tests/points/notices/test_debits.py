"""Every debit of a member's points is told once, by whatever channel it came, and nothing is written where points are posted."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from base import clock, database, ids, jobs
from base.notices import notices
from catalog.redemptions import redemptions
from points import ledger
from points.deeds import Request
from points.kinds import FOREVER, SIDES, Kind, Side
from points.members import numbers
from points.notices import debits
from points.notices.debits import TOLD
from tests.given import (
    ZONE,
    caller,
    given_adjustment,
    given_member,
    given_offer,
    given_points,
    given_programme,
    given_shop,
    member_token,
    service_key,
)

START = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon in Shanghai
_later = itertools.count(1)


@pytest.fixture
def programme(db):
    with clock.stopped(START):
        return given_programme()


@pytest.fixture
def member(db, programme):
    """A member with 1,000 points, and the walk begun."""
    with clock.stopped(START):
        member_id = given_member(db, programme, points=1_000)
        walk(db)
    return member_id


@pytest.fixture(autouse=True)
def _by_the_clock():
    """Each test begins a minute after the mark."""
    with clock.stopped(START + timedelta(minutes=1)):
        yield


def walk(config, until=None):
    at = clock.now()
    with database.begin() as session:
        return debits.step(
            session, config, redemptions.names_of_references, until or at + timedelta(seconds=1), at
        )


def told(config):
    """Template, posting and text of the messages about debits, oldest first."""
    with database.begin() as session:
        rows = session.execute(
            text("select notice_id, template, seq from notice where seq is not null order by notice_id")
        ).all()
        opened = {m.template: m for m in notices.latest(session, config.seal_key)}
    return [(row.template, row.seq, opened[row.template].text) for row in rows]


def post(member_id, kind, points, **more):
    request = Request(member_id, ledger.key("test", str(uuid4())), kind, points, clock.now(), ZONE, **more)
    with database.begin() as session:
        return ledger.post(session, request).seq


def test_the_first_walk_tells_nothing_of_the_past(db):
    with clock.stopped(START):
        member_id = given_member(db, given_programme(), points=100)
        post(member_id, Kind.REDEEM, 10)

        assert walk(db).looked_at == 0
    assert walk(db).looked_at == 0
    assert told(db) == []


def test_a_voucher_redeemed_on_the_members_page_is_told_with_its_name_points_and_what_is_left(
    app, db, programme, member
):
    shop = given_shop()
    offer = given_offer(programme, "voucher", value_fen=300, merchant_id=shop.merchant.merchant_id)
    assert caller(app, member_token(member)).redeem(offer).status_code == 201

    walk(db)

    ((template, seq, said),) = told(db)
    assert (template, seq) == ("points-spent", 2)
    assert f"您的 300 积分已使用：{offer.names['zh-CN']}，剩余 700 积分" in said
    assert f"300 of your points were spent: {offer.names['en']}. 700 are left." in said


def test_a_system_that_redeems_by_the_api_is_told_once_whatever_walks_come_after(app, db, programme, member):
    system = caller(app, service_key(programme, "wallet:post"))
    asked = {"operation": "redeem", "points": 40, "ref": "ride 5 http://evil.example"}
    answer = system.post(f"/v1/members/{ids.public('mbr', member)}/operations", asked)
    assert answer.status_code == 201, answer.json

    assert [walk(db).written for _ in range(3)] == [1, 0, 0]

    ((template, _, said),) = told(db)
    assert template == "points-spent"
    assert "其他渠道" in said
    assert "evil" not in said


@pytest.mark.unapproved
def test_each_kind_of_debit_has_its_own_words_and_what_is_no_debit_has_none(db, member):
    hold = post(member, Kind.HOLD, 100, ends_at=FOREVER)
    captured = post(member, Kind.CAPTURE, 0, rev_of=hold)
    adjusted = post(member, Kind.ADJUST_DOWN, 50)
    earned = given_points(member, 30)
    released = post(member, Kind.HOLD, 10, ends_at=FOREVER)
    post(member, Kind.RELEASE, 0, rev_of=released)
    taken_back = post(member, Kind.UNEARN, 30, rev_of=earned)

    walk(db)

    found = [(template, seq) for template, seq, _ in told(db)]
    assert found == [
        ("points-spent", captured),
        ("points-adjusted", adjusted),
        ("points-corrected", taken_back),
    ]


def test_what_a_correction_takes_and_what_it_leaves_owed_is_one_message_and_so_is_the_repayment(db):
    with clock.stopped(START):
        member_id = given_member(db, given_programme())
        walk(db)
    earned = given_points(member_id, 100)
    post(member_id, Kind.REDEEM, 70)
    post(member_id, Kind.UNEARN, 100, rev_of=earned)
    given_points(member_id, 200)

    assert walk(db).written == 3

    said = {template: text for template, _, text in told(db)}
    assert "扣回 30 积分，另欠 70 积分，剩余 0 积分" in said["points-corrected"]
    assert "30 points were taken back and 70 are owed" in said["points-corrected"]
    assert "70 积分已用于抵扣" in said["points-repaid"]
    assert "剩余 130 积分" in said["points-repaid"]


def test_an_approved_adjustment_is_told_with_what_is_left(db, member):
    given_adjustment(member, 250, direction="down")

    walk(db)

    ((template, _, said),) = told(db)
    assert template == "points-adjusted"
    assert "250 points were taken" in said
    assert "750 are left" in said


def test_who_told_a_debit_himself_is_not_told_over(db, member):
    with database.begin() as session:
        request = Request(member, ledger.key("test", "own"), Kind.REDEEM, 10, clock.now(), ZONE)
        seq = ledger.post(session, request).seq
        facts = {"points": 10, "yuan": "0.10"}
        notices.send(session, db, member, "13900000001", "bill-credit-done", facts, zone=ZONE, seq=seq)

    assert walk(db).written == 0
    assert [(template, seq) for template, seq, _ in told(db)] == [("bill-credit-done", seq)]


def test_a_gift_is_told_by_itself_and_not_by_the_walk(app, db, programme, member):
    given_member(db, programme, phone="13811112222")
    giver = caller(app, member_token(member))
    assert giver.post("/v1/gifts", {"to": "13811112222", "points": 50}).status_code == 201
    with clock.stopped(START + timedelta(minutes=15)):
        jobs.drain(db.database_url)
        jobs.drain(db.database_url)

        assert walk(db).written == 0

    with database.begin() as session:
        kinds = [m.template for m in notices.latest(session, db.seal_key)][::-1]
    assert kinds == ["gift-begun", "gift-received", "gift-arrived"]


def test_a_member_without_a_number_is_passed_over_and_holds_nobody_up(db, programme, member):
    with database.begin() as session:
        numbers.leave(session, member, clock.now())
    other = given_member(db, programme, points=50)
    post(member, Kind.REDEEM, 10)
    post(other, Kind.REDEEM, 10)

    did = walk(db)

    assert (did.looked_at, did.written) == (2, 1)


def test_a_walk_in_steps_misses_nobody_and_tells_nobody_twice(db, programme, member, monkeypatch):
    monkeypatch.setattr(debits, "STEP", 3)
    everybody = [member] + [given_member(db, programme, points=50) for _ in range(4)]
    for points in (1, 2, 3):  # all at the same moment: only the member tells them apart
        for member_id in everybody:
            post(member_id, Kind.REDEEM, points)

    until = clock.now() + timedelta(seconds=1)
    steps = [walk(db, until)]
    while steps[-1].more:
        steps.append(walk(db, until))

    assert sum(step.written for step in steps) == 15
    assert len({(seq, m) for m, seq in places()}) == 15


def places():
    with database.begin() as session:
        return [
            tuple(row) for row in session.execute(text("select member_id, seq from notice where seq > 0"))
        ]


def test_two_walks_at_once_tell_each_debit_once(db, member):
    for _ in range(10):
        post(member, Kind.REDEEM, 1)
    until = clock.now() + timedelta(seconds=1)

    walks = [threading.Thread(target=walk, args=(db, until)) for _ in range(4)]
    for each in walks:
        each.start()
    for each in walks:
        each.join()
    walk(db, until)

    assert sorted(seq for _, seq in places()) == list(range(2, 12))


def test_the_horizon_stays_behind_the_oldest_open_transaction(db):
    """What a slow transaction posts at a moment of its begin appears before the mark has passed that moment."""
    now = datetime.now(UTC)
    with database.begin() as slow:
        (began,) = slow.connection().exec_driver_sql("select now()").one()
        with database.begin() as session:
            held_back = debits.horizon(session, now + timedelta(hours=1))
    with database.begin() as session:
        free = debits.horizon(session, now)

    assert held_back == began - debits.BEHIND
    assert free <= now - debits.BEHIND


def test_a_long_report_holds_nothing_up_but_who_has_written_does(db, monkeypatch):
    monkeypatch.setattr(debits, "A_REPORT", timedelta(0))
    at = datetime.now(UTC) + timedelta(hours=1)
    with database.begin() as other:
        other.execute(text("select count(*) from posting"))
        with database.begin() as session:
            reading = debits.horizon(session, at)
        other.execute(text("insert into guess (guess_id, at, scope) values (1, now(), 'x')"))
        with database.begin() as session:
            writing = debits.horizon(session, at)

    assert reading == at - debits.BEHIND
    assert writing < reading


def test_a_debit_that_commits_late_is_told_all_the_same(db, member):
    at = clock.now()
    with database.begin() as slow:
        ledger.post(slow, Request(member, ledger.key("test", "slow"), Kind.REDEEM, 5, at, ZONE))
        assert walk(db, at).written == 0  # a walk by the horizon, which lies before the slow one's moment

    assert walk(db, at + timedelta(seconds=1)).written == 1


def test_the_index_that_the_walk_uses_is_one_over_whole_pages():
    """It is what lets the ledger's own statements stay as they are: no row of an outbox, no entry for each posting."""
    with database.begin() as session:
        kind = session.scalar(
            text(
                "select a.amname from pg_class c join pg_am a on a.oid = c.relam where c.relname = 'posting_at'"
            )
        )

    assert kind == "brin"


def test_every_kind_that_takes_points_is_told_here_or_somewhere_else():
    ahead_or_apart = {
        Kind.HOLD,  # not spent yet; its end is
        Kind.EXPIRE,  # points/notices/ahead.py
        Kind.CLOSE_OUT,  # told with its day when the line was cancelled
        Kind.MERGE_OUT,  # the same person's points, at the survivor
        Kind.REDATE_OUT,  # back at once with a later day
    }
    taking = {kind for kind in Kind if Side.AVAILABLE in kind_sides(kind)[:1]}

    assert taking == set(TOLD) & taking | ahead_or_apart
    assert {Kind.CAPTURE, Kind.OWE} <= set(TOLD)
    assert Kind.GIFT_OUT not in TOLD  # points/gifts tells its giver


def kind_sides(kind):
    return SIDES[kind]

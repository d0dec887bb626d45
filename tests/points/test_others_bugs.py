"""Bugs that other ledgers and loyalty programmes had, by their public reports: none of them is possible here."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest
import redis
from sqlalchemy import text

from app.web import create_app
from app.wiring import wire
from base import clock, database
from base.errors import Problem
from catalog.rates import rates
from points import bills, ledger, lots, policies, records, verify
from points.bills import BillLineIn
from points.imports import What
from points.kinds import FOREVER, Kind
from points.postings import Posting
from points.refusals import NotEnoughPoints
from tests.given import (
    caller,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.owner import owner
from tests.points.oracle import START, ZONE, in_days
from tests.points.test_ledger import ask, at_once, given_wallet, post, post_many, rows, told, wallet

DAY = timedelta(days=1)


def spendable(member_id: int, at) -> int:
    return lots.live(wallet(member_id).lots, clock.day(at, ZONE))


def refused(*requests) -> list[str]:
    return [type(answer).__name__ for answer in post_many(*requests)]


# What can be spent


def test_balance_collapse_what_was_spent_before_its_points_lapsed_is_not_subtracted_from_the_rest(db):
    """FloCafe#78: lapsed credits were filtered out, all debits still subtracted."""
    member_id = given_wallet(100, days=5)
    post(ask(member_id, "spend", Kind.REDEEM, 80))
    post(ask(member_id, "later", Kind.EARN, 50, lot_key=in_days(60)))

    shown = [spendable(member_id, START + days * DAY) for days in (0, 6, 59)]

    assert shown == [70, 50, 50]
    post(ask(member_id, "all", Kind.REDEEM, 50, START + 10 * DAY))


def test_infinite_spend_the_points_that_are_checked_are_the_points_that_are_taken(db):
    """frappe/erpnext#59050: checked on the total, taken from one kind of lot, so the rest could be spent again and again."""
    member_id = given_wallet(10, days=5)
    post(ask(member_id, "other class", Kind.EARN, 90, lot_key=in_days(5, 2)))
    post(ask(member_id, "third", Kind.EARN, 50, lot_key=in_days(9, 3)))

    spends = [ask(member_id, f"spend {n}", Kind.REDEEM, 100) for n in range(5)]

    assert refused(*spends) == ["Answer"] + ["NotEnoughPoints"] * 4
    assert sum(wallet(member_id).lots.taken) == 100


@pytest.mark.parametrize("lot_class", [0, 1, 2, 7, 32_767])
def test_a_lot_of_any_class_lapses_on_its_day(db, lot_class):
    """liberusoftware/ecommerce-laravel#1056: lots were chosen for expiry by a label, and one label never was."""
    member_id = given_wallet()
    post(ask(member_id, "earn", Kind.EARN, 10, lot_key=in_days(3, lot_class)))

    swept = post(ask(member_id, "sweep", Kind.EXPIRE, 0, START + 4 * DAY))

    assert told(swept)[0][1:3] == (Kind.EXPIRE, 10)
    assert wallet(member_id).balance == 0


# Set aside


def test_holds_never_add_up_to_more_than_there_is(db):
    """blnkfinance/blnk#181: the check of the balance ignored what was set aside already."""
    member_id = given_wallet(100)

    answers = at_once(8, lambda n: post(ask(member_id, f"{n}", Kind.HOLD, 30, ends_at=FOREVER)))

    assert sorted(type(answer).__name__ for answer in answers) == ["Answer"] * 3 + ["NotEnoughPoints"] * 5
    assert (wallet(member_id).balance, wallet(member_id).held) == (10, 90)


def test_a_hold_is_captured_once_however_many_try_at_once(db):
    """blnkfinance/blnk#171, LerianStudio/midaz#1519: captured twice by two commits at the same moment."""
    member_id = given_wallet(100)
    hold = post(ask(member_id, "hold", Kind.HOLD, 60, ends_at=FOREVER)).seq

    answers = at_once(8, lambda n: post(ask(member_id, f"{n}", Kind.CAPTURE, 60, rev_of=hold)))

    assert sorted(type(answer).__name__ for answer in answers) == ["Answer"] + ["HoldEnded"] * 7
    assert (wallet(member_id).balance, wallet(member_id).held) == (40, 0)


def test_a_hold_is_released_once_and_not_after_its_capture(db):
    """blnkfinance/blnk#43: a void could be sent again, and gave the points back again."""
    member_id = given_wallet(100)
    first = post(ask(member_id, "one", Kind.HOLD, 30, ends_at=FOREVER)).seq
    second = post(ask(member_id, "two", Kind.HOLD, 30, ends_at=FOREVER)).seq
    post(ask(member_id, "capture", Kind.CAPTURE, 0, rev_of=second))

    came = refused(
        *(ask(member_id, f"release {n}", Kind.RELEASE, 0, rev_of=first) for n in range(3)),
        ask(member_id, "release what was captured", Kind.RELEASE, 0, rev_of=second),
    )

    assert came == ["Answer", "HoldEnded", "HoldEnded", "HoldEnded"]
    assert (wallet(member_id).balance, wallet(member_id).held) == (70, 0)


def test_a_refund_of_a_partly_captured_hold_gives_back_what_was_captured_and_no_more(db):
    """blnkfinance/blnk#315: refunded twice, or half of a capture kept."""
    member_id = given_wallet(100)
    hold = post(ask(member_id, "hold", Kind.HOLD, 60, ends_at=FOREVER)).seq
    capture = post(ask(member_id, "capture", Kind.CAPTURE, 25, rev_of=hold)).seq
    post(ask(member_id, "rest", Kind.RELEASE, 0, rev_of=hold))

    came = refused(
        ask(member_id, "too much", Kind.REVERSE, 26, rev_of=capture),
        ask(member_id, "of the hold", Kind.REVERSE, 25, rev_of=hold),
        ask(member_id, "back", Kind.REVERSE, 0, rev_of=capture),
        ask(member_id, "back again", Kind.REVERSE, 0, rev_of=capture),
        ask(member_id, "one more", Kind.REVERSE, 1, rev_of=capture),
    )

    assert came == ["MoreThanLeft", "MoreThanLeft", "Answer", "MoreThanLeft", "MoreThanLeft"]
    assert (wallet(member_id).balance, wallet(member_id).held) == (100, 0)


def test_a_refund_asked_for_many_times_at_once_is_done_once(db):
    """blnkfinance/blnk#152: refunds of one transaction raced each other."""
    member_id = given_wallet(100)
    spend = post(ask(member_id, "spend", Kind.REDEEM, 60)).seq

    answers = at_once(8, lambda n: post(ask(member_id, f"{n}", Kind.REVERSE, 40, rev_of=spend)))

    assert sorted(type(answer).__name__ for answer in answers) == ["Answer"] + ["MoreThanLeft"] * 7
    assert wallet(member_id).balance == 80


# Taken back


def test_an_earning_that_is_refunded_takes_its_points_back(db):
    """odoo/odoo#257854: the order was refunded, the points that it had brought stayed."""
    member_id = given_wallet(50)
    earn = post(ask(member_id, "bill", Kind.EARN, 100, lot_key=in_days(90))).seq

    post(ask(member_id, "refund", Kind.UNEARN, 0, rev_of=earn))

    assert wallet(member_id).balance == 50
    assert refused(ask(member_id, "again", Kind.UNEARN, 0, rev_of=earn)) == ["MoreThanLeft"]


def test_a_refund_in_parts_takes_each_part_once_and_leaves_what_was_spent_as_debt(db):
    """odoo/odoo#212922, odoo/odoo#221928: a refund, or a part of one, took the points once more."""
    member_id = given_wallet()
    earn = post(ask(member_id, "bill", Kind.EARN, 100, lot_key=in_days(90))).seq
    spend = post(ask(member_id, "spend", Kind.REDEEM, 70)).seq

    post_many(*(ask(member_id, f"part {n}", Kind.UNEARN, 25, rev_of=earn) for n in range(4)))
    post(ask(member_id, "the redemption too", Kind.REVERSE, 0, rev_of=spend))

    assert refused(ask(member_id, "more", Kind.UNEARN, 1, rev_of=earn)) == ["MoreThanLeft"]
    after = wallet(member_id)
    assert after.balance - after.debt == 0
    assert (after.balance, after.debt) == (70, 70)


# At once


def test_twenty_gifts_at_once_from_a_hundred_points_move_a_hundred_points(db):
    """fushengqian/fuint#71: twenty transfers of the whole balance at the same moment made 2,000 points of 100."""
    wire(db, pool_size=20)
    giver, receivers = given_wallet(100), [given_wallet() for _ in range(20)]

    def give(number: int) -> int:
        try:
            hold = post(ask(giver, f"hold {number}", Kind.HOLD, 100, ends_at=FOREVER)).seq
        except NotEnoughPoints:
            return 0
        sent = post(ask(giver, f"send {number}", Kind.GIFT_OUT, 0, rev_of=hold)).postings[-1]
        brought = tuple(interval._replace(first=0) for interval in sent.lots)
        post(ask(receivers[number], f"arrive {number}", Kind.GIFT_IN, 100, quoted=brought))
        return 100

    moved = at_once(20, give)

    assert sorted(moved) == [0] * 19 + [100]
    assert wallet(giver).balance == 0
    assert sum(wallet(receiver).balance for receiver in receivers) == 100


def test_two_checkouts_at_once_spend_one_balance_once(app, db):
    """medusajs/medusa#16347: one gift card paid two carts that were completed at the same moment."""
    programme, shop = given_programme(), given_shop()
    member_id = given_member(db, programme, points=100)
    member = caller(app, member_token(member_id))
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    quotes = [member.quote(offer).json["id"] for _ in range(2)]

    answers = at_once(2, lambda n: caller(app, member.token).post("/v1/redemptions", {"quote": quotes[n]}))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert (wallet(member_id).balance, rows("redemption", member_id)) == (0, 1)


def test_two_members_never_wait_for_each_other(db):
    """formancehq/ledger with its hash chain over all: the whole ledger waited in one line for one lock."""
    busy, other = given_wallet(100), given_wallet(100)
    answered = threading.Event()

    with ThreadPoolExecutor(1) as pool, database.begin() as session:
        ledger.post(session, ask(busy, "long", Kind.REDEEM, 10))  # its row is locked until we commit
        session.connection().exec_driver_sql("select from wallet where member_id = %s for update", (busy,))

        def others():
            came = [post(ask(other, "one", Kind.REDEEM, 10)), *post_many(ask(other, "two", Kind.REDEEM, 10))]
            answered.set()
            return came

        came = pool.submit(others)
        assert answered.wait(10)
        assert {answer.replayed for answer in came.result()} == {False}
        with pytest.raises(Problem):  # while one member does wait
            post(ask(busy, "impatient", Kind.REDEEM, 10))

    assert (wallet(busy).balance, wallet(other).balance) == (90, 80)


# Kept


def test_what_was_acknowledged_is_there_after_every_connection_and_the_cache_are_gone(db, servers):
    """LerianStudio/midaz#1384: balances were acknowledged from a cache and gone after a restart."""
    member_id = given_wallet(100)
    answer = post(ask(member_id, "spend", Kind.REDEEM, 30))

    with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'jifen_app'")
    if db.redis_url:
        redis.Redis.from_url(db.redis_url).flushall()
    wire(db, pool_size=4)

    assert wallet(member_id).balance == 70
    assert post(ask(member_id, "spend", Kind.REDEEM, 30)).postings == answer.postings


def test_a_cache_that_is_flushed_in_the_middle_of_a_redemption_changes_nothing(db, monkeypatch):
    """LerianStudio/midaz#2499: a balance that the cache had dropped was read anew beside the old one, and forked."""
    if db.redis_url is None:
        pytest.skip("no Valkey or Redis server on this machine")
    store, real = redis.Redis.from_url(db.redis_url), ledger.post
    programme, shop = given_programme(), given_shop()
    member_id = given_member(db, programme, points=1_000)
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    flushed = []

    def flush_in_the_middle(*args):
        store.flushall()
        answer = real(*args)
        store.flushall()
        flushed.append(answer.seq)
        return answer

    monkeypatch.setattr(ledger, "post", flush_in_the_middle)
    member = caller(create_app(db), member_token(member_id))
    answers = [member.redeem(offer) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert len(flushed) == 3
    assert (member.spendable(), wallet(member_id).balance) == (700, 700)


def test_a_changed_rule_policy_and_rate_leave_old_points_as_they_were(db):
    """ChrisASearles/CompLinks#177: a new rate changed what had been earned before it."""
    programme = given_programme()
    member_id = given_member(db, programme)
    with database.begin() as session:
        customer = session.scalar(
            text("select customer_id from member where member_id = :m"), {"m": member_id}
        )
        versions = policies.load(session, programme.programme_id)
        line = BillLineIn(customer, "B1", 1, date(2026, 1, 5), "plan", 10_000)
        bills.post_lines(session, programme, versions, [line])
    before, first = wallet(member_id), stored(member_id)

    for from_day in (date(2026, 1, 1), clock.now().date() + DAY):
        with database.begin() as session:
            policies.add_earn_rule(session, programme.programme_id, "plan", from_day, points=9, per_fen=1)
            policies.add_expiry_policy(
                session, programme.programme_id, policies.BILL_POINTS, from_day, months=1
            )
            rates.add(session, programme.programme_id, from_day, points=1, per_fen=100)
    with database.begin() as session:
        again = bills.post_lines(session, programme, policies.load(session, programme.programme_id), [line])

    assert [outcome.what for outcome in again] == [What.THERE]
    assert (wallet(member_id), stored(member_id)) == (before, first)
    assert before.balance == 100


def stored(member_id: int) -> list[Posting]:
    with database.begin() as session:
        found = session.connection().exec_driver_sql(
            f"select {records.POSTING} from posting where member_id = %s order by seq", (member_id,)
        )
        return [records.posting_of(row) for row in found]


# The chain


def found_after(config, *statements: str, **values: object) -> set[str]:
    """The rules that speak after this was done to the books, and undone."""
    with owner(config) as connection:
        for statement in statements:
            connection.execute(text(statement), values)
        with database.Session(connection) as session:
            rules = {finding.rule for finding in verify.findings(session)}
        connection.rollback()
    return rules


def test_a_chain_does_not_begin_anew_after_a_gap(db):
    """python-accounting: the chain followed a sequence, and a gap in that restarted it silently."""
    member_id = given_wallet(100)
    post_many(*(ask(member_id, f"{n}", Kind.REDEEM, 1) for n in range(5)))
    gap = "delete from posting where member_id = :m and seq = 3"
    closed = "update posting set seq = seq - 1 where member_id = :m and seq > 3"

    assert found_after(db, gap, m=member_id) >= {"gapless"}
    assert found_after(db, gap, closed, m=member_id) >= {"chain"}


@pytest.mark.parametrize(
    "change",
    ["amount = amount + 1", "balance_after = balance_after + 1", "contra = 9", "ref = 'other'", "value_fen = 9",
     "at = at + interval '1 microsecond'", "idem = gen_random_uuid()", "lots[3] = lots[3] + 1", "version_id = 9"],
)  # fmt: skip
def test_a_hash_is_over_everything_that_a_posting_says(db, change):
    """LerianStudio/midaz: the chain was over ids, so that an amount could be changed without a trace."""
    member_id = given_wallet(100)
    post(ask(member_id, "spend", Kind.REDEEM, 10))

    found = found_after(db, f"update posting set {change} where member_id = :m and seq = 2", m=member_id)

    assert "chain" in found

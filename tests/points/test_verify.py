"""A check that cannot fail proves nothing: each wrong row that is planted here is found, and named."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.proof import findings
from base import clock, database
from base.config import Config
from base.findings import Finding
from points import ledger, lots, postings
from points.deeds import Outcome, Request
from points.kinds import Kind
from points.lots import Interval
from points.models import PostingRow
from points.postings import Posting
from tests.given import (
    ZONE,
    caller,
    clerk_token,
    closed,
    given_member,
    given_offer,
    given_points,
    given_programme,
    given_shop,
    member_token,
)
from tests.owner import owner, undone

SHAPES = {
    "other_last_day": "update wallet set lot_key = array[lot_key[1] + 32768] || lot_key[2:] where member_id = :member",
    "a_point_given": "update wallet set lot_in = array[lot_in[1] + 1] || lot_in[2:] where member_id = :member",
    "a_point_taken": "update wallet set lot_out = array[lot_out[1] + 1] || lot_out[2:] where member_id = :member",
    "given_and_taken": "update wallet set lot_in = array[lot_in[1] + 1] || lot_in[2:], "
    "lot_out = array[lot_out[1] + 1] || lot_out[2:] where member_id = :member",
    "one_lot_more": "update wallet set lot_key = lot_key || 2000000000, lot_in = lot_in || 0::bigint, "
    "lot_out = lot_out || 0::bigint where member_id = :member",
}

# What is done to the database behind the application's back, and a rule that must notice.
OF_A_MEMBER: dict[str, tuple[str, str]] = {
    "amount": ("update posting set amount = amount + 1 where member_id = :member and seq = 1", "chain"),
    "hash": ("update posting set hash = sha256(hash) where member_id = :member and seq = 2", "chain"),
    "empty hash": ("update posting set hash = '' where member_id = :member and seq = 2", "chain"),
    "moment": ("update posting set at = at + interval '1 microsecond' where member_id = :member and seq = 2", "chain"),
    "day": ("update posting set effective_on = effective_on + 1 where member_id = :member and seq = 2", "chain"),
    "key": ("update posting set idem = gen_random_uuid() where member_id = :member and seq = 2", "chain"),
    "request": ("update posting set req_hash = req_hash + 1 where member_id = :member and seq = 2", "chain"),
    "reference": ("update posting set ref = 'red_x' where member_id = :member and seq = 2", "chain"),
    "no reference": ("update posting set ref = '' where member_id = :member and seq = 1", "chain"),
    "value": ("update posting set value_fen = 1 where member_id = :member and seq = 1", "chain"),
    "version": ("update posting set version_id = 7 where member_id = :member and seq = 1", "chain"),
    "funder": ("update posting set contra = 7 where member_id = :member and seq = 1", "chain"),
    "spender": ("update posting set spender_id = 7 where member_id = :member and seq = 1", "chain"),
    "end of a hold": ("update posting set ends_at = now() where member_id = :member and kind = 6", "chain"),
    "lots of a posting": ("update posting set lots[3] = lots[3] + 1 where member_id = :member and seq = 2", "chain"),
    "balance after": (
        "update posting set balance_after = balance_after + 1 where member_id = :member and seq = 1", "chain",
    ),
    "classes": ("update posting set from_class = 12 where member_id = :member and seq = 1", "sides"),
    "kind": ("update posting set kind = 11 where member_id = :member and seq = 2", "chain"),
    "a kind that is none": ("update posting set kind = 99 where member_id = :member and seq = 2", "row"),
    "half a lot": ("update posting set lots = lots[1:2] where member_id = :member and seq = 2", "row"),
    "last posting gone": (
        "delete from posting where member_id = :member and seq = (select max(seq) from posting where member_id = :member)",
        "replay",
    ),
    "middle posting gone": ("delete from posting where member_id = :member and seq = 2", "gapless"),
    "first posting gone": ("delete from posting where member_id = :member and seq = 1", "gapless"),
    "all postings gone": ("delete from posting where member_id = :member", "replay"),
    "swapped": (
        "update posting set seq = -seq where member_id = :member and seq in (1, 2);"
        "update posting set seq = 3 + seq where member_id = :member and seq in (-1, -2)",
        "chain",
    ),
    "a posting twice": (
        "insert into posting select member_id, 99, amount, balance_after, held_after, debt_after, contra, version_id, "
        "req_hash, at, rev_of, spender_id, value_fen, ends_at, effective_on, part + 9::smallint, kind, from_class, "
        "to_class, idem, hash, lots, ref from posting where member_id = :member and seq = 1",
        "gapless",
    ),
    "balance": ("update wallet set balance = balance + 1 where member_id = :member", "replay"),
    "held": ("update wallet set held = held + 1 where member_id = :member", "replay"),
    "debt": ("update wallet set debt = 1 where member_id = :member", "replay"),
    "number": ("update wallet set seq = seq + 1 where member_id = :member", "replay"),
    "time": ("update wallet set at = at + interval '1 second' where member_id = :member", "replay"),
    "head": ("update wallet set head = sha256(head) where member_id = :member", "replay"),
    "wallet gone": ("delete from wallet where member_id = :member", "replay"),
    "a state that is none": ("update wallet set state = 9 where member_id = :member", "row"),
    "hold gone": ("delete from hold where member_id = :member", "holds"),
    "hold larger": ("update hold set open_points = open_points + 1 where member_id = :member", "holds"),
    "hold ends otherwise": ("update hold set ends_at = now() where member_id = :member", "holds"),
    "hold of another posting": ("insert into hold values (:member, 1, 1, now())", "holds"),
    **{name: (statement, "replay") for name, statement in SHAPES.items()},
}  # fmt: skip
OF_THE_CATALOGUE: dict[str, tuple[str, str]] = {
    "redemption flipped to failed": (
        "update redemption set state = 'failed' where kind = 'bill_credit'", "redemption end",
    ),
    "redemption flipped to fulfilled": (
        "update redemption set state = 'fulfilled' where kind = 'bill_credit'", "redemption end",
    ),
    "spend flipped to cancelled": ("update redemption set state = 'cancelled' where kind = 'perk'", "redemption end"),
    "price": ("update redemption set price_points = price_points + 1 where kind = 'perk'", "redemption posting"),
    "no posting": ("update redemption set posting_seq = null where kind = 'perk'", "redemption posting"),
    "another posting": ("update redemption set posting_seq = 1 where kind = 'perk'", "redemption posting"),
    "another kind": ("update redemption set kind = 'perk' where kind = 'bill_credit'", "redemption offer"),
    "voucher gone": ("delete from voucher", "voucher"),
    "voucher cancelled": ("update voucher set state = 'cancelled' where units_left > 0", "voucher"),
    "voucher unused": (
        "update voucher set units_left = units, state = 'issued' where units_left = 0", "acceptance",
    ),
    "voucher used": ("update voucher set units_left = 1 where units_left = 2", "acceptance"),
    "use number": ("update voucher set use_no = use_no + 1", "acceptance"),
    "acceptance gone": ("delete from acceptance", "acceptance"),
    "acceptance undone": ("update acceptance set void_id = 1", "acceptance"),
    "acceptance's units": ("update acceptance set units = units + 1", "acceptance"),
    "seat given back": ("update seat set state = 'given_back'", "seat"),
    "seat gone": ("delete from seat", "seat"),
    "places": ("update event_places set taken = taken + 1", "event places"),
    "step": ("update redemption set state = 'fulfilled', steps = steps + 1 where kind = 'bill_credit'", "redemption step"),
    "stock": ("update stock set left_over = left_over - 1", "stock"),
    "stock's total": ("update stock set total = total + 1", "stock"),
    "quote's price": ("update quote set price_points = price_points + 1", "quote"),
}  # fmt: skip
OF_A_MERCHANT: dict[str, tuple[str, str]] = {
    "total": ("update statement set owed_fen = owed_fen + 1, net_fen = net_fen + 1, payable_fen = payable_fen + 1 where statement_no = 1", "statement total"),
    "fee": ("update statement set fee_fen = fee_fen + 1, net_fen = net_fen - 1, payable_fen = payable_fen - 1 where statement_no = 2", "statement total"),
    "count": ("update statement set line_count = 9 where statement_no = 1", "statement seal"),
    "period": ("update statement set to_at = to_at + interval '1 second' where statement_no = 1", "statement seal"),
    "currency": ("update statement set currency = 'USD' where statement_no = 1", "statement seal"),
    "seal": ("update statement set hash = sha256(hash) where statement_no = 2", "statement seal"),
    "chain": ("update statement set previous_hash = sha256(hash) where statement_no = 2", "statement chain"),
    "first gone": ("delete from statement where statement_no = 1", "statement chain"),
    "line's amount": ("update statement_line set owed_fen = owed_fen + 1 where statement_no = 1", "statement lines"),
    "line's time": ("update statement_line set recorded_at = now() where statement_no = 1", "statement seal"),
    "line gone": ("delete from statement_line where statement_no = 2", "statement total"),
    "line of nothing": (
        "update statement_line set source_id = source_id + 1 where statement_no = 1", "statement lines",
    ),
    "acceptance's amount": ("update acceptance set owed_fen = owed_fen + 1", "statement lines"),
    "statement gone, its lines left": ("delete from statement where statement_no = 2", "statement lines"),
}  # fmt: skip


@dataclass(frozen=True)
class Books:
    """A member and a merchant with some history, and hands on the tables that the application does not have."""

    config: Config
    member_id: int
    merchant_id: int

    @contextmanager
    def undone(self) -> Iterator[Session]:
        """A transaction of the owner's role that leaves nothing behind."""
        with undone(self.config) as connection, Session(connection) as session:
            yield session
            session.rollback()

    def found_after(self, *statements: str) -> list[Finding]:
        """What the check finds after this was done to the database."""
        with self.undone() as session:
            for statement in statements:
                values = {"member": self.member_id} if ":member" in statement else {}
                assert session.execute(text(statement), values).rowcount  # type: ignore[attr-defined]
            return list(findings(session))

    def unnoticed(self, plan: dict[str, tuple[str, str]]) -> dict[str, str]:
        """What of a plan was not found under its rule, or did not name the member or the merchant."""
        names = (f"member {self.member_id}", f"{self.member_id} ", f"merchant {self.merchant_id}")
        unseen = {}
        for name, (statement, rule) in plan.items():
            try:
                found = self.found_after(*statement.split(";"))
            except Exception as error:  # a check that falls over names nobody
                unseen[name] = repr(error)[:200]
                continue
            places = [finding.place for finding in found if finding.rule == rule]
            named = any(place.startswith(names) for place in places)
            if not (named or (places and rule in NAMES_ANOTHER)):
                unseen[name] = str([(f.rule, f.place) for f in found])[:200]
        return unseen


NAMES_ANOTHER = {"stock", "event places"}  # their offer


@pytest.fixture
def books(app: Flask, db: Config) -> Books:
    """Earned, redeemed, held, cancelled, accepted, voided, accepted again; settled twice."""
    programme, shop = given_programme(), given_shop()
    merchant_id = shop.merchant.merchant_id
    member_id = given_member(db, programme, points=500)
    given_points(member_id, 500, last_day=clock.now().date() + timedelta(days=40))
    member, till = caller(app, member_token(member_id)), caller(app, clerk_token(shop))
    voucher = given_offer(programme, "voucher", merchant_id=merchant_id, value_fen=50)
    perk = given_offer(programme, "perk", value_fen=30, stock=9)
    credit = given_offer(programme, "bill_credit", value_fen=100)
    event = given_offer(programme, "event", value_fen=20)
    for offer, units in ((perk, 1), (credit, 1), (event, 1)):
        assert member.redeem(offer, units).status_code == 201
    cancelled = member.redeem(voucher).json["id"]
    assert member.post(f"/v1/redemptions/{cancelled}/cancel").status_code == 200
    codes = [member.voucher_code(member.redeem(voucher, units).json) for units in (1, 2)]
    begun = clock.now()
    with clock.stopped(begun):
        accepted = till.accept(codes[0]).json["id"]
        voided = till.post(f"/v1/acceptances/{accepted}/void", {"reason": "wrong item"})
        assert voided.status_code == 201
    closed(shop, clock.day(begun, ZONE))
    with clock.stopped(begun + timedelta(days=3)):
        till = caller(app, clerk_token(shop))
        assert till.accept(codes[0]).status_code == 201
    closed(shop, clock.day(begun, ZONE) + timedelta(days=3))
    made = Books(db, member_id, merchant_id)
    assert made.found_after() == []
    return made


@pytest.mark.parametrize(
    "plan", [OF_A_MEMBER, OF_THE_CATALOGUE, OF_A_MERCHANT], ids=["member", "catalogue", "merchant"]
)
def test_each_wrong_row_is_found_and_whose_it_is_is_named(books, plan):
    assert books.unnoticed(plan) == {}


def test_a_hold_without_a_wallet_is_found(books):
    found = books.found_after("insert into hold values (5, 1, 1, now())")

    assert ("holds", "member 5") in {(finding.rule, finding.place) for finding in found}


def test_one_wrong_member_does_not_hide_the_next(books):
    programme = given_programme("other")
    others = [given_member(books.config, programme, points=10) for _ in range(3)]

    found = books.found_after("update wallet set balance = balance + 1")

    assert {f.place for f in found if f.rule == "replay"} == {
        f"member {m}" for m in (books.member_id, *others)
    }


# Somebody who can write every row can also make the chain fit: then the rules behind the chain must speak.


def forged(
    books: Books, kind: Kind, points: int, intervals: tuple[Interval, ...], **more: object
) -> set[str]:
    """The rules that speak after one more posting whose hash and wallet were made to fit."""
    with books.undone() as session:
        wallet = ledger.read(session, books.member_id)
        posting = Posting(
            member_id=books.member_id, seq=wallet.seq + 1, amount=points,
            balance_after=wallet.balance + postings.EFFECT[kind][0] * points,
            held_after=wallet.held + postings.EFFECT[kind][1] * points, debt_after=wallet.debt, contra=0, version_id=0,
            req_hash=1, at=wallet.at, effective_on=clock.day(wallet.at, ZONE), part=0, kind=kind, idem=uuid4(),
            lots=intervals,
        )  # fmt: skip
        posting = posting._replace(**more)  # type: ignore[arg-type]
        posting = posting._replace(hash=sha256(wallet.head + postings.canonical(posting)).digest())
        try:
            after = postings.apply(wallet, posting)
        except ValueError:  # a lot that is not there
            after = wallet._replace(seq=posting.seq, head=posting.hash)
        assert ledger._write_one(database.driver(session), wallet, Outcome(after, (posting,)))
        return {f.rule for f in findings(session) if f.place.startswith(f"member {books.member_id}")}


def live_lots(books: Books) -> list[Interval]:
    """The next points that could be taken of each lot, soonest-lapsing first."""
    with database.begin() as session:
        pot = ledger.read(session, books.member_id).lots
    return [Interval(k, t, g - t) for k, g, t in zip(*pot, strict=True) if g > t]


def test_points_from_nothing_are_found_although_the_chain_fits(books):
    soon, late = live_lots(books)

    assert forged(books, Kind.REDEEM, 1, (soon._replace(count=1),)) == set()
    assert "intervals" in forged(books, Kind.REDEEM, 5, (soon._replace(count=1),))
    assert "intervals" in forged(books, Kind.REDEEM, 1, (Interval(soon.key, soon.first - 1, 1),))
    assert "intervals" in forged(books, Kind.REDEEM, soon.count + 1, (soon._replace(count=soon.count + 1),))
    assert "intervals" in forged(books, Kind.REDEEM, 1, (Interval(soon.key + 1, 0, 1),))
    assert "intervals" in forged(books, Kind.EARN, 1, (Interval(late.key, late.first + late.count + 5, 1),))
    assert "soonest first" in forged(books, Kind.REDEEM, 1, (late._replace(count=1),))
    assert "running totals" in forged(books, Kind.REDEEM, 1, (soon._replace(count=1),), balance_after=10**6)


def test_points_given_back_that_were_never_taken_are_found_although_the_chain_fits(books):
    soon, late = live_lots(books)
    back = (Interval(soon.key, soon.first + soon.count, 10),)
    elsewhere = (Interval(late.key, late.first + late.count, 10),)
    with database.begin() as session:
        rows = session.scalars(
            select(PostingRow).where(PostingRow.member_id == books.member_id).order_by(PostingRow.seq)
        ).all()
    earn, hold, spend = (
        next(row.seq for row in rows if row.kind == k) for k in (Kind.EARN, Kind.HOLD, Kind.REDEEM)
    )

    assert forged(books, Kind.REVERSE, 10, back, rev_of=spend) <= {"redemption end"}
    assert "reversals" in forged(books, Kind.REVERSE, 10, elsewhere, rev_of=spend)
    assert "reversals" in forged(books, Kind.REVERSE, 10, back, rev_of=earn)
    assert "reversals" in forged(books, Kind.REVERSE, 10, back, rev_of=hold)
    assert "reversals" in forged(books, Kind.REVERSE, 10, back)
    assert "reversals" in forged(books, Kind.RELEASE, 10, back, rev_of=spend)
    assert "reversals" in forged(books, Kind.CAPTURE, 10, back, rev_of=spend)
    assert "reversals" in forged(books, Kind.REVERSE, 31, (back[0]._replace(count=31),), rev_of=spend)
    assert "reversals" in forged(books, Kind.REVERSE, 10, back, rev_of=99)


def test_points_spent_after_their_day_expired_before_it_or_put_into_a_lot_of_the_past_are_found(books):
    soon, late = live_lots(books)
    day_after = lots.last_day(soon.key) + timedelta(days=1)
    past = lots.key(clock.day(clock.now(), ZONE) - timedelta(days=9), 1)

    assert forged(books, Kind.REDEEM, 1, (late._replace(count=1),), effective_on=day_after) == set()
    assert "lapsed" in forged(books, Kind.REDEEM, 1, (soon._replace(count=1),), effective_on=day_after)
    assert forged(books, Kind.EXPIRE, soon.count, (soon,), effective_on=day_after) == set()
    assert "lapsed" in forged(books, Kind.EXPIRE, soon.count, (soon,))
    assert "lots" in forged(books, Kind.EARN, 1, (Interval(past, 0, 1),))


@contextmanager
def extended(books: Books, first: Interval, days: int, when: datetime) -> Iterator[None]:
    """From a moment on the lot lasts longer by so many days; until the block ends."""
    day = lots.last_day(first.key)
    with database.begin() as session:
        programme_id = session.scalar(
            text("select programme_id from member where member_id = :m"), {"m": books.member_id}
        )
        session.execute(
            text(
                "insert into extension (extension_id, programme_id, entered_at, announced_at, from_day, until_day, "
                "last_day, lot_class, announced_by, reason) values (1, :p, :when - interval '1 hour', :when, :day, :day, "
                ":to, 1, 'li', 'why')"
            ),
            {"p": programme_id, "day": day, "to": day + timedelta(days=days), "when": when},
        )
    yield
    with owner(books.config) as connection:
        connection.execute(text("delete from extension"))


def test_extensions_are_part_of_what_is_proven(books):
    soon, late = live_lots(books)
    day_after = lots.last_day(soon.key) + timedelta(days=1)
    when = clock.now() + timedelta(hours=1)
    soon_one, late_one = soon._replace(count=1), late._replace(count=1)

    with extended(books, soon, 2_000, when):  # it now outlives the other one
        before = forged(books, Kind.REDEEM, 1, (soon_one,), at=when - timedelta(seconds=1))
        wrong = forged(books, Kind.REDEEM, 1, (soon_one,), at=when)
        right = forged(books, Kind.REDEEM, 1, (late_one,), at=when)
        expired = forged(books, Kind.EXPIRE, soon.count, (soon,), at=when, effective_on=day_after)

    assert (before, wrong, right) == (set(), {"soonest first"}, set())
    assert "lapsed" in expired


def test_points_that_come_back_although_they_never_lapsed_or_twice_are_found(books):
    soon, _ = live_lots(books)
    when = clock.start_of(lots.last_day(soon.key) + timedelta(days=1), ZONE)
    with database.begin() as session:
        sweep = Request(books.member_id, ledger.key("test", "sweep"), Kind.EXPIRE, 0, when, ZONE)
        lapsed = ledger.post(session, sweep).seq
    into = lots.key(lots.last_day(soon.key) + timedelta(days=10), 1)
    count, later = soon.count, when + timedelta(hours=1)

    def restored(key: int = into, points: int = count, **more: object) -> set[str]:
        of = {"rev_of": lapsed, "contra": soon.key, "at": later, "effective_on": clock.day(later, ZONE)}
        return forged(books, Kind.RESTORE, points, (Interval(key, 0, points),), **(of | more))

    assert "restored" in restored()  # nothing was announced
    with extended(books, soon, 10, later):
        whole = restored()
        others = {
            "no lot": restored(contra=0),
            "a part": restored(points=1),
            "too early a day": restored(into - (5 << lots.CLASS_BITS)),
            "another class": restored(into + 1),
            "after its day": restored(effective_on=lots.last_day(into) + timedelta(days=1)),
        }
        of_no_expiry = restored(rev_of=1)

    assert whole == set()
    assert {name for name, rules in others.items() if not rules & {"restored", "lots"}} == set()
    assert "reversals" in of_no_expiry

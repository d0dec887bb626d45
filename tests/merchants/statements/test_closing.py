"""Statements: every acceptance and every void on exactly one, sealed, chained, adding up to the fen."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from base import clock, database
from merchants.statements import closing, seals
from merchants.statements.closing import PeriodNotOver
from merchants.statements.models import Statement
from tests.given import (
    ZONE,
    Caller,
    Shop,
    caller,
    clerk_token,
    closed,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    service_key,
)

DAY = timedelta(days=1)
FIRST = clock.day(clock.now(), ZONE) + DAY


def noon(day: int) -> datetime:
    return clock.start_of(FIRST + day * DAY, ZONE) + timedelta(hours=12)


class Trade:
    """A shop whose clerk takes vouchers on days of our choice."""

    def __init__(self, app: Any, db: Any, name: str = "tea") -> None:
        self.app, self.shop = app, given_shop(name)
        programme = given_programme(name)
        self.offer = given_offer(
            programme, "voucher", merchant_id=self.shop.merchant.merchant_id, value_fen=100
        )
        self.member: Caller = caller(app, member_token(given_member(db, programme, points=5000)))

    def take(self, at: datetime) -> Any:
        code = self.member.voucher_code(self.member.redeem(self.offer).json)
        with clock.stopped(at):
            answer = caller(self.app, clerk_token(self.shop)).accept(code)
        assert answer.status_code == 201
        return answer.json

    def undo(self, acceptance: Any, at: datetime) -> None:
        with clock.stopped(at):
            till = caller(self.app, clerk_token(self.shop))
            assert (
                till.post(f"/v1/acceptances/{acceptance['id']}/void", {"reason": "wrong"}).status_code == 201
            )


def close(shop: Shop, until: date, at: datetime | None = None) -> Statement | None:
    return closed(shop, until, at)


def lines(statement: Statement) -> list[tuple[str, int]]:
    with database.begin() as session:
        return [(line.kind, line.owed_fen) for line in closing.lines_of(session, statement)]


@pytest.fixture
def trade(app, db) -> Trade:
    return Trade(app, db)


def test_a_period_holds_what_happened_in_it_and_the_next_goes_on(trade):
    trade.take(noon(0))
    trade.take(noon(1))
    trade.take(noon(2))

    first, second = close(trade.shop, FIRST + DAY), close(trade.shop, FIRST + 2 * DAY)

    assert first is not None
    assert second is not None
    assert (first.statement_no, first.line_count, first.owed_fen) == (1, 2, 180)
    assert (second.statement_no, second.line_count, second.owed_fen) == (2, 1, 90)
    assert first.to_at == second.from_at
    assert (first.previous_hash, second.previous_hash) == (seals.FIRST_HASH, first.hash)
    assert first.net_fen == first.owed_fen - first.fee_fen - first.vat_fen


def test_the_last_moment_of_a_day_belongs_to_it_and_midnight_to_the_next(trade):
    midnight = clock.start_of(FIRST + DAY, ZONE)
    trade.take(midnight - timedelta(microseconds=1))
    trade.take(midnight)

    first, second = close(trade.shop, FIRST), close(trade.shop, FIRST + DAY)

    assert first is not None
    assert second is not None
    assert (first.line_count, second.line_count) == (1, 1)


def test_closing_twice_is_closing_once_and_nothing_makes_no_statement(trade):
    assert close(trade.shop, FIRST) is None
    trade.take(noon(0))

    first, again, later = (close(trade.shop, FIRST + n * DAY) for n in (0, 0, 5))

    assert first is not None
    assert (again, later) == (None, None)


def test_a_period_that_is_not_over_is_not_closed(trade):
    trade.take(noon(0))
    midnight = clock.start_of(FIRST + DAY, ZONE)

    for at in (noon(0), midnight, midnight + timedelta(seconds=59)):
        with pytest.raises(PeriodNotOver):
            close(trade.shop, FIRST, at)
    assert close(trade.shop, FIRST, midnight + timedelta(seconds=60)) is not None


def test_an_acceptance_undone_in_its_period_stands_there_twice_and_owes_nothing(trade):
    undone = trade.take(noon(0))
    trade.undo(undone, noon(0) + timedelta(minutes=5))

    statement = close(trade.shop, FIRST)

    assert statement is not None
    assert (statement.owed_fen, statement.fee_fen, statement.vat_fen, statement.net_fen) == (0, 0, 0, 0)
    assert lines(statement) == [("acceptance", 90), ("void", -90)]


def test_what_comes_late_into_a_closed_period_is_on_the_next_statement(trade):
    trade.take(noon(0))
    first = close(trade.shop, FIRST)
    trade.take(noon(0) + timedelta(minutes=1))  # was on its way when the period was closed
    trade.take(noon(1))

    second = close(trade.shop, FIRST + DAY)

    assert first is not None
    assert second is not None
    assert (first.line_count, second.line_count, second.owed_fen) == (1, 2, 180)


def test_an_earlier_day_than_was_closed_can_be_asked_for_without_harm(trade):
    trade.take(noon(1))
    close(trade.shop, FIRST + DAY)
    trade.take(noon(0))

    late = close(trade.shop, FIRST, clock.start_of(FIRST + 3 * DAY, ZONE))

    assert late is not None
    assert late.statement_no == 2
    assert late.from_at < late.to_at


def test_two_who_close_at_once_make_one_statement(trade):
    for hour in range(3):
        trade.take(noon(0) + timedelta(hours=hour))
    barrier = threading.Barrier(4)

    def run(_: int) -> Statement | None:
        barrier.wait(10)
        return close(trade.shop, FIRST)

    with ThreadPoolExecutor(4) as pool:
        made = [statement for statement in pool.map(run, range(4)) if statement]

    assert [(s.statement_no, s.line_count) for s in made] == [(1, 3)]


def test_merchants_have_chains_of_their_own(app, db, trade):
    other = Trade(app, db, "noodles")
    trade.take(noon(0))
    other.take(noon(0))

    made = [close(each.shop, FIRST) for each in (trade, other)]

    assert [s.statement_no for s in made if s] == [1, 1]
    assert len({s.hash for s in made if s}) == 2


def test_the_seal_covers_every_number_of_header_and_lines(trade):
    trade.take(noon(0))
    statement = close(trade.shop, FIRST)
    assert statement is not None
    with database.begin() as session:
        rows = closing.lines_of(session, statement)
        session.expunge_all()
    names = ("merchant_id", "statement_no", "owed_fen", "fee_fen", "vat_fen", "net_fen", "line_count")

    unseen = []
    for subject, fields in (
        (statement, names),
        (rows[0], ("line_no", "member_id", "source_id", "owed_fen", "fee_fen", "vat_fen")),
    ):
        for name in fields:
            setattr(subject, name, getattr(subject, name) + 1)
            if seals.of(statement, rows) == statement.hash:
                unseen.append(name)
            setattr(subject, name, getattr(subject, name) - 1)
    rows[0].kind = "void"

    assert unseen == []
    assert seals.of(statement, rows) != statement.hash


def test_finance_reads_each_statement_with_its_lines(app, db, trade):
    taken = trade.take(noon(0))
    close(trade.shop, FIRST)
    trade.take(noon(1))
    close(trade.shop, FIRST + DAY)
    system = caller(app, service_key(given_programme("any"), "statements:read"))

    page = system.get("/v1/statements", merchant="tea", limit=1).json
    rest = system.get("/v1/statements", merchant="tea", limit=1, cursor=page["next_cursor"]).json
    whole = system.get(f"/v1/statements/{rest['data'][0]['id']}").json

    assert [row["number"] for row in page["data"] + rest["data"]] == [2, 1]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    assert [line["acceptance"] for line in whole["lines"]] == [taken["id"]]
    assert page["data"][0]["previous_hash"] == rest["data"][0]["hash"]
    assert system.get("/v1/statements", merchant="nobody").status_code == 404

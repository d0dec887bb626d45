"""What came of operations, asked of the database itself: not of the answers that it keeps under their keys."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import psycopg

from base import ids
from tests.torture.history import Effects, Operation

Rows = list[tuple[Any, ...]]


def all_of(admin: "psycopg.Connection[tuple[object, ...]]") -> dict[str, Effects]:
    """Of each kind of operation: how many effects each thing has that some of them were about."""
    redemptions = _redemptions(admin)
    return {
        "redeem": redemptions,
        "credit": redemptions,
        "scarce": redemptions,
        "cancel": _cancelled(admin),
        "gift": _gifts(admin),
        "bill": _lines(admin),
        "accept": _count(admin, "select member_id, voucher_id from acceptance", "vch"),
        "void": _count(admin, "select member_id, acceptance_id from void", "acc"),
    }


def _redemptions(admin: Any) -> Effects:
    return _count(admin, "select member_id, quote_id from redemption where quote_id is not null", "quo")


def _cancelled(admin: Any) -> Effects:
    return _count(
        admin, "select member_id, redemption_id from redemption_step where state = 'cancelled'", "red"
    )


def _count(admin: Any, statement: str, prefix: str) -> Effects:
    def count(asked: Iterable[Operation]) -> dict[Any, int]:
        return Counter(ids.public(prefix, *row) for row in _rows(admin, statement))

    return count


def _gifts(admin: Any) -> Effects:
    def count(asked: Iterable[Operation]) -> dict[Any, int]:
        return Counter(_rows(admin, "select member_id, points from gift"))

    return count


def _lines(admin: Any) -> Effects:
    """Of a bill: 1 where each of its lines was posted once, 0 where none was; else as many as it has postings, which is wrong."""

    def count(asked: Iterable[Operation]) -> dict[Any, int]:
        found = Counter(
            (ref.split()[1], member_id)
            for member_id, ref in _rows(admin, "select member_id, ref from posting where ref like 'bill %'")
        )
        return {one.effect: _of_bill(found, *one.effect) for one in asked}

    return count


def _of_bill(found: Counter[Any], bill: str, people: tuple[int, ...]) -> int:
    each = {found[bill, member_id] for member_id in people}
    return each.pop() if len(each) == 1 else 2 + sum(found[bill, member_id] for member_id in people)


def _rows(admin: Any, statement: str) -> Rows:
    return list(admin.execute(statement).fetchall())


def credits_wrong(admin: Any, topups: list[dict[str, Any]]) -> list[str]:
    """Of the billing system: each credit that was fulfilled is there once, and none of one that was not."""
    told = Counter(str(each.get("description", "")) for each in topups)
    wrong = []
    rows = _rows(admin, "select member_id, redemption_id, state from redemption where kind = 'bill_credit'")
    for member_id, redemption_id, state in rows:
        name = ids.public("red", member_id, redemption_id)
        many = sum(count for said, count in told.items() if name in said)
        expected = {"fulfilled": {1}, "failed": {0}, "cancelled": {0}}.get(state, {0, 1})
        if many not in expected:
            wrong.append(f"{name} is {state} and was credited {many} times")
    return wrong


def prices_wrong(admin: Any) -> list[str]:
    """Each redemption costs what the rate of the programme says (100 points a yuan), whatever a client said."""
    rows = _rows(
        admin,
        "select redemption_id, price_points, value_fen from redemption where price_points <> value_fen limit 5",
    )
    return [f"redemption {number}: {points} points for {fen} fen" for number, points, fen in rows]


def stock_wrong(admin: Any) -> list[str]:
    """Of each limited offer as many are gone as are redeemed and stand."""
    rows = _rows(
        admin,
        "select s.offer_id, s.total - s.left_over, (select coalesce(sum(units), 0) from redemption r where r.offer_id = s.offer_id "
        "and r.state not in ('cancelled', 'failed', 'reversed')) from stock s where s.left_over is not null",
    )
    return [f"offer {offer}: {gone} are gone, {stand} stand" for offer, gone, stand in rows if gone != stand]

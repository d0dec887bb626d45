"""A hundred random changes of somebody who may write every row: all of them are found, and whose books they are is named."""

import pytest

from points import lots, postings, verify
from points.kinds import FOREVER, Kind, State
from points.lots import Interval
from tests.owner import forget_everything
from tests.points import tampering
from tests.points.oracle import START, in_days, request
from tests.points.tampering import DEEDS, given_books, not_named, rewrite, unnoticed
from tests.points.test_ledger import DAY, HOUR
from tests.points.test_postings import Book

pytestmark = pytest.mark.unapproved

COUNT = 105  # five times each deed, as often as it stands in the plan


def test_a_hundred_random_changes_are_found_and_named(db, tmp_path):
    books = given_books(db, tmp_path)
    with books.undone() as session:
        assert not_named(session, books, {books.members[0]}) != []  # nothing was changed yet, nobody is named

    assert sum(often for often, _ in DEEDS.values()) * 5 == COUNT
    assert unnoticed(books, seed=20260101, count=COUNT) == []


def test_with_a_chain_that_does_not_hash_what_a_posting_says_many_changes_are_missed(
    db, tmp_path, monkeypatch
):
    monkeypatch.setattr(postings, "canonical", lambda posting: b"")
    books = given_books(db, tmp_path)

    assert len(unnoticed(books, seed=20260101, count=COUNT * 2 // 5)) > 5
    forget_everything(db)


def test_without_an_anchor_a_cut_tail_and_a_history_written_anew_are_missed(db, tmp_path, monkeypatch):
    books = given_books(db, tmp_path)
    monkeypatch.setattr(tampering.anchor, "findings", lambda *_: [])

    missed = unnoticed(books, seed=20260101, count=COUNT // 5)

    assert {one.split(": ")[1] for one in missed} >= {"the tail cut", "history written anew"}


# Whoever makes every hash and the wallet fit, too, meets the rules behind the chain.

LATER = START + 2 * HOUR
HONEST = (
    request(1, Kind.EARN, 60, lot_key=in_days(1)),
    request(2, Kind.EARN, 70, lot_key=in_days(40)),
    request(3, Kind.EARN, 5, lot_key=in_days(40, 2)),
    request(4, Kind.REDEEM, 65),
    request(5, Kind.HOLD, 30, ends_at=FOREVER),
    request(6, Kind.CAPTURE, 10, LATER, rev_of=5),
    request(7, Kind.RELEASE, 5, LATER, rev_of=5),
    request(8, Kind.REVERSE, 10, LATER, rev_of=4),
    request(9, Kind.HOLD, 7, LATER, ends_at=LATER + HOUR),
    request(10, Kind.EXPIRE, 0, START + 3 * DAY),
)
A, B = in_days(1), in_days(40)
FORGED: dict[str, tuple[int, dict[str, object], str]] = {  # number, what it says instead, the rule that speaks
    "released to another lot": (7, {"lots": (Interval(in_days(40, 2), 5, 5),)}, "reversals"),
    "reversed to a lot of no end": (8, {"lots": (Interval(lots.key(lots.NO_END, 1), 0, 5), Interval(A, 60, 5))}, "reversals"),
    "reversed to another class": (8, {"lots": (Interval(B, 75, 5), Interval(in_days(1, 2), 0, 5))}, "reversals"),
    "captured after its end": (5, {"ends_at": START + HOUR}, "holds"),
    "timed out before its end": (9, {"ends_at": START + 9 * DAY}, "holds"),
    "later than the next one": (6, {"at": LATER + HOUR}, "time"),
    "reversed as if it were an earning": (8, {"rev_of": 2}, "reversals"),
}  # fmt: skip


def rules_that_speak(books, member_id: int, forge: str) -> set[str]:
    """What `verify` says of a member whose history is the honest one with one posting forged."""
    book = Book(postings.empty(member_id, State.OPEN, START))
    for asked in HONEST:
        book.do(asked._replace(member_id=member_id))
    number, other, _ = FORGED[forge] if forge else (0, {}, "")
    with books.undone() as session:
        rewrite(session, [row._replace(**(other if row.seq == number else {})) for row in book.rows])
        return {f.rule for f in verify.findings(session) if f.place.startswith(f"member {member_id}")}


def test_a_forged_posting_whose_hashes_fit_is_found_by_the_rule_that_it_breaks(db, tmp_path):
    books = given_books(db, tmp_path, members=2)

    assert rules_that_speak(books, books.members[0], "") == set()
    missed = {f for f in FORGED if FORGED[f][2] not in rules_that_speak(books, books.members[0], f)}

    assert missed == set()


def test_without_the_rules_behind_the_chain_forged_postings_pass(db, tmp_path, monkeypatch):
    books = given_books(db, tmp_path, members=2)
    monkeypatch.setattr(verify, "_against_original", lambda *_: iter(()))

    silent = {f for f in FORGED if FORGED[f][2] not in rules_that_speak(books, books.members[0], f)}

    assert silent >= {
        "released to another lot",
        "reversed to another class",
        "reversed as if it were an earning",
    }

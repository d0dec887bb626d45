"""A hundred random changes of somebody who may write every row: all of them are found, and whose books they are is named."""

from points import postings
from tests.owner import forget_everything
from tests.points import tampering
from tests.points.tampering import DEEDS, given_books, not_named, unnoticed

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

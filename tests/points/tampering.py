"""What somebody who may write every row could do to the books: random changes by seed, each in a transaction undone after.

A change is found when `verify` names its member; a history that was cut or written anew with fitting hashes, when the
anchor does. What no posting says is left out: the state of a wallet, whether it is stopped, and `seen`.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exc, insert, select, text, update
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from points import anchor, ledger, postings, records, verify
from points.kinds import FOREVER, Kind, State
from points.models import HoldRow, PostingRow, WalletRow
from points.postings import Posting
from tests.owner import undone
from tests.points.oracle import START, in_days
from tests.points.test_ledger import HOUR, ask, given_wallet, post_many

UNSAID = frozenset({"state", "seen", "stopped"})  # columns of a wallet that no posting speaks of
POSTING_COLUMNS = tuple(records.POSTING.split(", "))
WALLET_COLUMNS = tuple(name for name in records.WALLET.split(", ") if name not in UNSAID | {"member_id"})
Members = set[int]  # whose books were changed


@dataclass(frozen=True)
class Books:
    """Some members with a history, and an anchor that was taken of it."""

    config: Config
    members: tuple[int, ...]
    file: Path
    public_key: str

    @contextmanager
    def undone(self) -> Iterator[Session]:
        """A transaction of the owner's role that leaves nothing behind."""
        with undone(self.config) as connection, Session(connection) as session:
            yield session
            session.rollback()


def given_books(config: Config, folder: Path, members: int = 6) -> Books:
    """Earned, spent, held, captured, given back, adjusted, lapsed; one hold is open; all of it anchored."""
    found = tuple(given_wallet() for _ in range(members))
    for member_id in found:
        steps = [
            {"kind": Kind.EARN, "points": 60, "lot_key": in_days(1)},
            {"kind": Kind.EARN, "points": 70, "lot_key": in_days(40), "ref": "bill B1 line 1"},
            {"kind": Kind.REDEEM, "points": 20, "value_fen": 20, "ref": "red_1"},
            {"kind": Kind.HOLD, "points": 30, "ends_at": FOREVER},
            {"kind": Kind.CAPTURE, "points": 10, "rev_of": 4},
            {"kind": Kind.REVERSE, "points": 5, "rev_of": 3},
            {"kind": Kind.RELEASE, "points": 5, "rev_of": 4},
            {"kind": Kind.ADJUST_UP, "points": 9, "lot_key": in_days(90), "contra": 7},
            {"kind": Kind.UNEARN, "points": 3, "rev_of": 2},
            {"kind": Kind.EXPIRE, "points": 0, "at": START + 60 * HOUR},
            {"kind": Kind.REDEEM, "points": 11, "at": START + 61 * HOUR},
        ]  # fmt: skip
        answers = post_many(*(ask(member_id, f"{n}", **step) for n, step in enumerate(steps)))
        assert all(isinstance(answer, ledger.Answer) for answer in answers), answers
    public_key = anchor.new_key(folder / "key")
    with database.begin() as session:
        anchor.write(session, folder / "anchor.jsonl", anchor.read_key(folder / "key"), clock.now())
    return Books(config, found, folder / "anchor.jsonl", public_key)


def unnoticed(books: Books, seed: int, count: int) -> list[str]:
    """So many random changes, one after the other; those that were not found, or did not name whose books they are."""
    chance, missed, done = random.Random(seed), [], 0
    plan = [(name, deed) for name, (often, deed) in DEEDS.items() for _ in range(often)]
    while done < count:
        name, deed = plan[done % len(plan)]
        with books.undone() as session:
            try:
                whose = deed(session, chance, books)
            except exc.IntegrityError:  # the database itself refuses this one; another
                continue
            if not whose:
                continue
            done += 1
            missed += [
                f"seed {seed}, change {done}: {name}: {why}" for why in not_named(session, books, whose)
            ]
    return missed


def not_named(session: Session, books: Books, whose: Members) -> list[str]:
    try:
        found = [*verify.findings(session), *anchor.findings(session, books.file, books.public_key)]
    except Exception as error:  # a check that falls over names nobody
        return [repr(error)[:200]]
    named = {
        int(word) for f in found for word in f.place.replace("member ", "").split()[:1] if word.isdigit()
    }
    return [f"member {member} was not named" for member in sorted(whose - named)]


# What is done


def _change_a_posting(session: Session, chance: random.Random, books: Books) -> Members:
    row = _some_posting(session, chance, books)
    column = chance.choice(POSTING_COLUMNS)
    if column == "member_id":
        session.execute(_this(update(PostingRow), row).values(member_id=row.member_id + chance.randint(1, 9)))
        return {row.member_id}
    return _set(session, chance, PostingRow, _this, row, column)


def _change_a_wallet(session: Session, chance: random.Random, books: Books) -> Members:
    row = session.get_one(WalletRow, chance.choice(books.members))
    column = chance.choice(WALLET_COLUMNS)
    return _set(
        session, chance, WalletRow, lambda s, r: s.where(WalletRow.member_id == r.member_id), row, column
    )


def _change_a_hold(session: Session, chance: random.Random, books: Books) -> Members:
    member_id = chance.choice(books.members)
    mine = HoldRow.member_id == member_id
    chance.choice([
        lambda: session.execute(update(HoldRow).where(mine).values(open_points=HoldRow.open_points + chance.choice([-1, 1, 50]))),
        lambda: session.execute(update(HoldRow).where(mine).values(ends_at=START + chance.randint(1, 99) * HOUR)),
        lambda: session.execute(update(HoldRow).where(mine).values(seq=chance.choice([1, 2, 3, 99]))),
        lambda: session.execute(delete(HoldRow).where(mine)),
        lambda: session.execute(insert(HoldRow).values(member_id=member_id, seq=chance.choice([1, 3, 99]), open_points=1, ends_at=FOREVER)),
    ])()  # fmt: skip
    return {member_id}


def _remove_a_posting(session: Session, chance: random.Random, books: Books) -> Members:
    row = _some_posting(session, chance, books)
    session.execute(_this(delete(PostingRow), row))
    return {row.member_id}


def _remove_a_posting_and_close_the_gap(session: Session, chance: random.Random, books: Books) -> Members:
    row = _some_posting(session, chance, books)
    session.execute(_this(delete(PostingRow), row))
    later = {"m": row.member_id, "s": row.seq}
    session.execute(text("update posting set seq = -seq where member_id = :m and seq > :s"), later)
    session.execute(text("update posting set seq = -seq - 1 where member_id = :m and seq < 0"), later)
    session.execute(text("update wallet set seq = seq - 1 where member_id = :m"), later)
    return {row.member_id}


def _remove_a_wallet(session: Session, chance: random.Random, books: Books) -> Members:
    member_id = chance.choice(books.members)
    session.execute(delete(WalletRow).where(WalletRow.member_id == member_id))
    if chance.random() < 0.5:  # the whole member
        session.execute(delete(PostingRow).where(PostingRow.member_id == member_id))
        session.execute(delete(HoldRow).where(HoldRow.member_id == member_id))
    return {member_id}


def _swap_two_hashes(session: Session, chance: random.Random, books: Books) -> Members:
    one, other = _some_posting(session, chance, books), _some_posting(session, chance, books)
    if one.hash == other.hash:
        return set()
    first, second = one.hash, other.hash
    session.execute(_this(update(PostingRow), one).values(hash=second))
    session.execute(_this(update(PostingRow), other).values(hash=first))
    return {one.member_id, other.member_id}


def _swap_two_numbers(session: Session, chance: random.Random, books: Books) -> Members:
    one, other = sorted(chance.sample(range(1, 11), 2))
    member = {"m": chance.choice(books.members), "a": one, "b": other}
    for statement in (
        "update posting set seq = 0 where member_id = :m and seq = :a",
        "update posting set seq = :a where member_id = :m and seq = :b",
        "update posting set seq = :b where member_id = :m and seq = 0",
    ):
        session.execute(text(statement), member)
    return {member["m"]}


def _insert_a_posting(session: Session, chance: random.Random, books: Books) -> Members:
    """One more at the end; sometimes with the hash that belongs there, and with a wallet that agrees."""
    mine = _postings(session, chance.choice(books.members))
    last = mine[-1]
    forged = last._replace(
        seq=last.seq + 1, idem=UUID(int=chance.getrandbits(128)), hash=b"", kind=Kind.REVERSE, rev_of=1
    )
    fitting = chance.random() < 0.5
    head = (
        hashlib.sha256(last.hash + postings.canonical(forged)).digest() if fitting else chance.randbytes(32)
    )
    session.execute(insert(PostingRow).values(**_values(forged._replace(hash=head))))
    if fitting:
        session.execute(
            update(WalletRow).where(WalletRow.member_id == last.member_id).values(seq=forged.seq, head=head)
        )
    return {last.member_id}


def _cut_the_tail(session: Session, chance: random.Random, books: Books) -> Members:
    """The last postings go, wallet and holds are set back: no chain can tell."""
    mine = _postings(session, chance.choice(books.members))
    rewrite(session, mine[: chance.randrange(1, len(mine))])
    return {mine[0].member_id}


def _write_history_anew(session: Session, chance: random.Random, books: Books) -> Members:
    """One posting says something else, and every hash from there on and the wallet are made to fit."""
    mine = _postings(session, chance.choice(books.members))
    at = chance.randrange(len(mine))
    mine[at] = mine[at]._replace(**chance.choice([{"contra": 99}, {"ref": "bill B9 line 9"}, {"value_fen": 10**6},
                                                 {"idem": UUID(int=chance.getrandbits(128))}]))  # fmt: skip
    rewrite(session, mine)
    return {mine[0].member_id}


DEEDS: dict[str, tuple[int, Callable[[Session, random.Random, Books], Members]]] = {
    "a posting's column": (8, _change_a_posting),
    "a wallet's column": (3, _change_a_wallet),
    "a hold": (2, _change_a_hold),
    "a posting removed": (1, _remove_a_posting),
    "a posting removed and the gap closed": (1, _remove_a_posting_and_close_the_gap),
    "a wallet removed": (1, _remove_a_wallet),
    "two hashes swapped": (1, _swap_two_hashes),
    "two numbers swapped": (1, _swap_two_numbers),
    "a posting inserted": (1, _insert_a_posting),
    "the tail cut": (1, _cut_the_tail),
    "history written anew": (1, _write_history_anew),
}


def rewrite(session: Session, rows: list[Posting]) -> None:
    """The member's whole history is these rows, sealed one after the other, with wallet and holds that agree."""
    member_id = rows[0].member_id
    session.execute(delete(PostingRow).where(PostingRow.member_id == member_id))
    session.execute(delete(HoldRow).where(HoldRow.member_id == member_id))
    wallet, left = postings.empty(member_id, State.OPEN, START), dict[int, int]()
    for row in rows:
        sealed = row._replace(hash=hashlib.sha256(wallet.head + postings.canonical(row)).digest())
        session.execute(insert(PostingRow).values(**_values(sealed)))
        wallet = postings.apply(wallet, sealed)
        if row.kind is Kind.HOLD:
            left[row.seq] = row.amount
        elif row.kind in (Kind.CAPTURE, Kind.RELEASE, Kind.TIMEOUT):
            left[row.rev_of or 0] -= row.amount
    for seq, points in left.items():
        if points > 0:
            session.execute(
                insert(HoldRow).values(member_id=member_id, seq=seq, open_points=points, ends_at=FOREVER)
            )
    session.execute(
        update(WalletRow).where(WalletRow.member_id == member_id).values(
            lot_key=list(wallet.lots.keys), lot_in=list(wallet.lots.given), lot_out=list(wallet.lots.taken),
            seq=wallet.seq, balance=wallet.balance, held=wallet.held, debt=wallet.debt, at=wallet.at, head=wallet.head,
        )
    )  # fmt: skip


# Rows and columns


def _some_posting(session: Session, chance: random.Random, books: Books) -> PostingRow:
    member_id = chance.choice(books.members)
    rows = session.scalars(
        select(PostingRow).where(PostingRow.member_id == member_id).order_by(PostingRow.seq)
    ).all()
    session.expunge_all()
    return chance.choice(rows)


def _this(statement: Any, row: PostingRow) -> Any:
    return statement.where(PostingRow.member_id == row.member_id, PostingRow.seq == row.seq)


def _postings(session: Session, member_id: int) -> list[Posting]:
    found = session.connection().exec_driver_sql(
        f"select {records.POSTING} from posting where member_id = %s order by seq", (member_id,)
    )
    return [records.posting_of(row) for row in found]


def _values(posting: Posting) -> dict[str, Any]:
    source, target = posting.sides
    names = set(POSTING_COLUMNS) - {"from_class", "to_class", "lots", "kind"}
    return {name: getattr(posting, name) for name in names} | {
        "kind": int(posting.kind), "from_class": int(source), "to_class": int(target),
        "lots": [number for interval in posting.lots for number in interval],
    }  # fmt: skip


def _set(session: Session, chance: random.Random, table: Any, this: Any, row: Any, column: str) -> Members:
    before = getattr(row, column)
    after = _other(chance, before, column)
    if after == before:
        return set()
    session.execute(this(update(table), row).values(**{column: after}))
    return {row.member_id}


def _other(chance: random.Random, value: Any, column: str) -> Any:
    """Another value of the same type."""
    if column in ("rev_of", "spender_id", "value_fen") and (value is None or chance.random() < 0.5):
        return chance.randint(1, 12) if value is None else None
    if column == "ends_at":
        return START if value is None else chance.choice([None, START + HOUR])
    if column == "ref":
        return chance.choice(["", "red_2", None, f"{value} "])
    if isinstance(value, datetime):
        return value + chance.choice([-1, 1]) * timedelta(microseconds=10 ** chance.randint(0, 11))
    if isinstance(value, date):
        return value + timedelta(days=chance.choice([-30, -1, 1, 400]))
    if isinstance(value, UUID):
        return UUID(int=value.int ^ (1 << chance.randrange(128)))
    if isinstance(value, bytes):
        at = chance.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :]
    if isinstance(value, list):
        at = chance.randrange(len(value)) if value else 0
        return chance.choice([value[:at] + value[at + 1 :], [*value[:at], *(n + chance.choice([-1, 1]) for n in value[at : at + 1]), *value[at + 1 :]],
                              [*value, 1]])  # fmt: skip
    return value + chance.choice([-100, -2, -1, 1, 2, 100])

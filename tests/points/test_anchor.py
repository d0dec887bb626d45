"""An anchor finds what no chain can: history that somebody who may write every row has cut or written anew."""

import hashlib
import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from base.findings import Finding
from points import anchor, ledger, postings, records, verify
from points.kinds import Kind
from tests.owner import undone
from tests.points.oracle import in_days
from tests.points.test_ledger import ask, given_wallet, post


@dataclass(frozen=True)
class Anchored:
    """A member with three postings, one with two and one with none; the file that says so, and its key."""

    config: Config
    member_id: int
    other_id: int
    empty_id: int
    file: Path
    key_file: Path

    @property
    def public_key(self) -> str:
        return anchor.read_header(self.file).public_key

    @contextmanager
    def undone(self) -> Iterator[Session]:
        """A transaction of the owner's role that leaves nothing behind."""
        with undone(self.config) as connection, Session(connection) as session:
            yield session
            session.rollback()

    def found_after(self, *deeds: str | Callable[[Session], None]) -> list[Finding]:
        """What the anchor finds after this was done to the database."""
        with self.undone() as session:
            for deed in deeds:
                if isinstance(deed, str):
                    assert session.connection().exec_driver_sql(deed).rowcount
                else:
                    deed(session)
            return list(anchor.findings(session, self.file, self.public_key))

    def lines(self) -> list[bytes]:
        return self.file.read_bytes().splitlines(keepends=True)


@pytest.fixture
def anchored(db: Config, tmp_path: Path) -> Anchored:
    """Three wallets, anchored."""
    member_id, other_id, empty_id = given_wallet(100), given_wallet(50), given_wallet()
    post(ask(member_id, "more", Kind.EARN, 30, lot_key=in_days(40)))
    post(ask(member_id, "spend", Kind.REDEEM, 20))
    post(ask(other_id, "spend", Kind.REDEEM, 5))
    anchor.new_key(tmp_path / "key")
    made = Anchored(db, member_id, other_id, empty_id, tmp_path / "anchor.jsonl", tmp_path / "key")
    write(made.file, made.key_file)
    return made


def write(file: Path, key_file: Path) -> anchor.Header:
    with database.begin() as session:
        return anchor.write(session, file, anchor.read_key(key_file), clock.now())


def findings(file: Path, public_key: str | None = None) -> list[Finding]:
    with database.begin() as session:
        return list(anchor.findings(session, file, public_key))


def rules(found: list[Finding]) -> list[str]:
    return [finding.rule for finding in found]


# The tree


def mth(leaves: list[anchor.Leaf]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return anchor.leaf_hash(leaves[0])
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:half]) + mth(leaves[half:])).digest()


def test_the_tree_grown_leaf_by_leaf_is_that_of_the_rfc():
    tree, leaves = anchor.Tree(), []
    for number in range(70):
        assert tree.root() == mth(leaves), number
        leaf = (number, number * 7, hashlib.sha256(bytes([number])).digest())
        tree.add(leaf)
        leaves.append(leaf)


def test_a_leaf_is_never_taken_for_a_node_and_every_part_of_it_counts():
    leaf = (1, 2, bytes(32))

    hashes = {
        anchor.leaf_hash(one) for one in (leaf, (2, 2, bytes(32)), (1, 3, bytes(32)), (1, 2, b"\x01" * 32))
    }

    assert len(hashes) == 4
    assert (
        anchor.leaf_hash(leaf).hex()
        == hashlib.sha256(b"\x00" + (1).to_bytes(8) + (2).to_bytes(8) + bytes(32)).hexdigest()
    )


# What is whole


def test_an_anchor_of_today_fits_and_names_every_wallet(anchored):
    header, *lines = (json.loads(line) for line in anchored.lines())

    with database.begin() as session:
        wallets = [
            ledger.read(session, m)
            for m in sorted((anchored.member_id, anchored.other_id, anchored.empty_id))
        ]
    assert lines == [[w.member_id, w.seq, w.head.hex()] for w in wallets]
    assert header["count"] == 3
    assert findings(anchored.file, anchored.public_key) == []


def test_an_anchor_still_fits_after_more_was_posted_and_others_joined(anchored):
    post(ask(anchored.member_id, "again", Kind.REDEEM, 5))
    post(ask(anchored.empty_id, "first", Kind.EARN, 5, lot_key=in_days(40)))
    given_wallet(10)

    assert findings(anchored.file, anchored.public_key) == []


def test_a_database_without_wallets_has_an_anchor_too(db, tmp_path):
    anchor.new_key(tmp_path / "key")

    header = write(tmp_path / "anchor", tmp_path / "key")

    assert (header.count, header.root) == (0, hashlib.sha256(b"").hexdigest())
    assert findings(tmp_path / "anchor") == []


def test_more_wallets_than_one_chunk_are_compared_whole(anchored, monkeypatch):
    monkeypatch.setattr(anchor, "CHUNK", 2)

    assert findings(anchored.file) == []
    found = anchored.found_after("delete from wallet")

    assert [f.place for f in found] == [
        f"member {m}" for m in sorted((anchored.member_id, anchored.other_id, anchored.empty_id))
    ]


# What was done to the database


def rewound(session: Session, member_id: int, seq: int) -> None:
    """The owner cuts the tail and makes the wallet fit, byte for byte."""
    rows = session.connection().exec_driver_sql(
        f"select {records.POSTING} from posting where member_id = {member_id} and seq <= {seq} order by seq"
    )
    wallet = ledger.read(session, member_id)
    after = postings.empty(member_id, wallet.state, wallet.at)
    for row in rows:
        after = postings.apply(after, records.posting_of(row))
    session.connection().exec_driver_sql(f"delete from posting where member_id = {member_id} and seq > {seq}")
    ledger._write_wallets(database.driver(session), {member_id: wallet}, {member_id: after})


def rewritten(session: Session, member_id: int) -> None:
    """The owner changes the first posting and computes every hash after it anew."""
    wallet, head = ledger.read(session, member_id), postings.first_head(member_id)
    rows = session.connection().exec_driver_sql(
        f"select {records.POSTING} from posting where member_id = {member_id} order by seq"
    )
    for posting in map(records.posting_of, rows.all()):
        changed = posting._replace(value_fen=999_999) if posting.seq == 1 else posting
        head = hashlib.sha256(head + postings.canonical(changed)).digest()
        session.connection().exec_driver_sql(
            "update posting set value_fen = %s, hash = %s where member_id = %s and seq = %s",
            (changed.value_fen, head, member_id, posting.seq),
        )
    assert head != wallet.head
    session.connection().exec_driver_sql(
        "update wallet set head = %s where member_id = %s", (head, member_id)
    )


def test_a_cut_tail_is_found_although_the_wallet_was_made_to_fit(anchored):
    with anchored.undone() as session:
        rewound(session, anchored.member_id, 2)

        assert list(verify.findings(session)) == []  # the chain alone notices nothing
        found = list(anchor.findings(session, anchored.file, anchored.public_key))

    assert [(f.rule, f.place) for f in found] == [("anchor", f"member {anchored.member_id} posting 3")]


def test_a_history_written_anew_is_found_although_every_hash_fits(anchored):
    with anchored.undone() as session:
        rewritten(session, anchored.member_id)

        assert list(verify.findings(session)) == []
        found = list(anchor.findings(session, anchored.file, anchored.public_key))

    assert [(f.rule, f.place) for f in found] == [("anchor", f"member {anchored.member_id} posting 3")]


def test_a_changed_head_is_found(anchored):
    found = anchored.found_after(
        f"update posting set hash = sha256(hash) where member_id = {anchored.other_id} and seq = 2"
    )

    assert [(f.rule, f.place) for f in found] == [("anchor", f"member {anchored.other_id} posting 2")]


def test_a_vanished_member_is_found_with_or_without_postings(anchored):
    mine = anchored.found_after(
        f"delete from posting where member_id = {anchored.member_id}",
        f"delete from wallet where member_id = {anchored.member_id}",
    )
    empty = anchored.found_after(f"delete from wallet where member_id = {anchored.empty_id}")

    assert [(f.place, f.text) for f in mine] == [(f"member {anchored.member_id}", "the wallet is gone")]
    assert [(f.place, f.text) for f in empty] == [(f"member {anchored.empty_id}", "the wallet is gone")]


def test_the_file_of_another_database_fits_nowhere_and_is_told_briefly(anchored, monkeypatch):
    monkeypatch.setattr(anchor, "MOST_TOLD", 2)

    found = anchored.found_after("delete from posting", "delete from wallet")

    assert rules(found) == ["anchor"] * 3
    assert found[-1].text == "1 more of 3 wallets do not fit"


# What was done to the file


def test_a_truncated_file_is_found_wherever_it_was_cut(anchored):
    whole = anchored.file.read_bytes()
    header = len(anchored.lines()[0])
    for length in range(header, len(whole) - 1):  # without its last newline it says the same
        anchored.file.write_bytes(whole[:length])

        assert rules(findings(anchored.file)) == ["anchor file"], length
    anchored.file.write_bytes(whole[: header - 10])
    with pytest.raises(anchor.NoAnchor):
        findings(anchored.file)


def test_a_changed_swapped_doubled_or_added_line_is_found(anchored):
    first, one, two, three = anchored.lines()
    for lines in (
        (first, one.replace(b",3,", b",2,"), two, three),
        (first, two, one, three),
        (first, one, one, three),
        (first, one, two, three, three),
        (first, one, two, three, b"\n"),
        (first, one, two, b"[1, 2]\n"),
        (first, one, two, b'["x", 2, "00"]\n'),
        (first, one, two, b'[9223372036854775808, 2, "00"]\n'),
    ):
        anchored.file.write_bytes(b"".join(lines))

        assert rules(findings(anchored.file)) == ["anchor file"], lines


@pytest.mark.parametrize(
    ("name", "value"), [("as_of", "2020-01-01T00:00:00+00:00"), ("count", 2), ("root", "00" * 32), ("signature", "00" * 64), ("signature", "no"), ("public_key", "00")]
)  # fmt: skip
def test_a_header_that_is_not_what_was_signed_is_found(anchored, name, value):
    first, *rest = anchored.lines()
    changed = json.dumps(json.loads(first) | {name: value}).encode() + b"\n"
    anchored.file.write_bytes(b"".join((changed, *rest)))

    assert rules(findings(anchored.file)) == ["anchor signature"]


def test_a_file_signed_by_somebody_else_is_found_when_the_key_is_named(anchored, tmp_path):
    mine = anchored.public_key
    anchor.new_key(tmp_path / "thief")
    with anchored.undone() as session:
        rewritten(session, anchored.member_id)
        anchor.write(session, tmp_path / "forged", anchor.read_key(tmp_path / "thief"), clock.now())

        assert list(anchor.findings(session, tmp_path / "forged")) == []  # it believes its own key
        assert rules(list(anchor.findings(session, tmp_path / "forged", mine))) == ["anchor key"]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "5", '"x"', "\x00\xff", '{"format": "jifen anchor 2"}', "x" * 10_000]
)
def test_what_is_no_anchor_is_refused_by_name(db, tmp_path, text):
    (tmp_path / "file").write_text(text)

    with pytest.raises(anchor.NoAnchor):
        findings(tmp_path / "file")


# Keys and files


def test_a_key_is_for_its_owner_alone_and_never_overwritten(tmp_path):
    public_key = anchor.new_key(tmp_path / "key")
    before = (tmp_path / "key").read_bytes()

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len(bytes.fromhex(public_key)) == 32
    with pytest.raises(anchor.FileIsThere):
        anchor.new_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path):
    anchor.new_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    (tmp_path / "none").touch(mode=0o600)

    with pytest.raises(anchor.KeyReadByOthers):
        anchor.read_key(tmp_path / "key")
    with pytest.raises(anchor.NoAnchorKey):
        anchor.read_key(tmp_path / "none")


def test_an_anchor_is_never_overwritten_and_half_of_one_is_not_left_behind(anchored, tmp_path, monkeypatch):
    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    before = anchored.file.read_bytes()
    with pytest.raises(anchor.FileIsThere):
        write(anchored.file, anchored.key_file)
    monkeypatch.setattr(anchor.os, "fsync", fails)
    with pytest.raises(OSError, match="full"):
        write(tmp_path / "half", anchored.key_file)

    assert anchored.file.read_bytes() == before
    assert not (tmp_path / "half").exists()


# A sample of members


def test_a_sample_is_drawn_again_from_its_seed_and_finds_what_is_wrong_in_it(anchored):
    for _ in range(20):
        given_wallet(10)

    with anchored.undone() as session:
        drawn = [verify.sample(session, 8, seed) for seed in (1, 1, 2)]
        wrong = (
            session.connection()
            .exec_driver_sql(
                "update posting set amount = amount + 1 where seq = 1 and member_id = (select min(member_id) from posting "
                "where member_id = any(%s)) returning member_id",
                (drawn[0],),
            )
            .scalar_one()
        )  # not everybody has a posting
        inside = list(verify.findings(session, members=drawn[0]))
        outside = list(verify.findings(session, members=[each for each in drawn[0] if each != wrong]))

    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(set(members)) for members in drawn] == [8, 8, 8]
    assert {"chain"} <= set(rules(inside))
    assert outside == []

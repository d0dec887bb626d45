"""Anchors: a signed summary of every wallet's head, kept where whoever can write the database cannot write.

A chain stops nobody who can write it anew from the first row on. An anchor remembers, outside, where each chain stood.
The tree is RFC 6962's (section 2.1): a leaf is sha256(00 || member_id || seq || head), a node sha256(01 || left || right).
A file of JSON lines: a header with moment, count, root, public key and Ed25519 signature, then [member_id, seq, head] each.
"""

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy.orm import Session

from base.errors import Conflict, Invalid, NotAllowed
from base.findings import Finding
from points import postings

FORMAT = "jifen anchor 1"
CHUNK = 5_000
MOST_TOLD = 100
LONGEST_LINE = 4_096
Leaf = tuple[int, int, bytes]  # member, number of the last posting, its hash
Progress = Callable[[int], None]


class FileIsThere(Conflict):
    """This file is there already; it is not overwritten."""

    zh = "该文件已存在，不会被覆盖。"
    next_en, next_zh = "Name a new file.", "请换一个新的文件名。"


class KeyReadByOthers(NotAllowed):
    """This key can be read or written by others than its owner."""

    zh = "该密钥文件可被所有者以外的人读写。"
    next_en, next_zh = "Make a new key; this one may be known.", "请生成新的密钥，该密钥可能已泄露。"


class NoAnchorKey(Invalid):
    """This file holds no Ed25519 key."""

    zh = "该文件中没有 Ed25519 密钥。"
    next_en, next_zh = (
        "Make a key with: jifen anchor --new-key FILE",
        "请用 jifen anchor --new-key 生成密钥。",
    )


class NoAnchor(Invalid):
    """This file is no anchor."""

    zh = "该文件不是账本锚点。"
    next_en, next_zh = "Name a file that `jifen anchor` wrote.", "请指定由 jifen anchor 生成的文件。"


@dataclass(frozen=True)
class Header:
    """What an anchor says of itself. `root`, `public_key` and `signature` in hex; `as_of` is an ISO moment."""

    format: str
    as_of: str
    count: int
    root: str
    public_key: str
    signature: str = ""

    def signed(self) -> bytes:
        """The bytes that the signature is over: everything else, keys sorted, no blanks."""
        said = {name: value for name, value in asdict(self).items() if name != "signature"}
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


class Tree:
    """RFC 6962's tree, grown leaf by leaf; it keeps one hash for each whole subtree, so never more than 64."""

    def __init__(self) -> None:
        self.count = 0
        self._whole: list[bytes] = []

    def add(self, leaf: Leaf) -> None:
        node, size = leaf_hash(leaf), self.count
        while size & 1:  # a whole subtree of this size stands to the left
            node, size = _node(self._whole.pop(), node), size >> 1
        self._whole.append(node)
        self.count += 1

    def root(self) -> bytes:
        if not self._whole:
            return hashlib.sha256(b"").digest()
        *left, node = self._whole
        for before in reversed(left):
            node = _node(before, node)
        return node


def leaf_hash(leaf: Leaf) -> bytes:
    member_id, seq, head = leaf
    return hashlib.sha256(b"\x00" + struct.pack(">qq", member_id, seq) + head).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


# Keys


def new_key(file: Path) -> str:
    """A new private key in a new file, readable by its owner alone; the public key in hex. FileIsThere."""
    key = Ed25519PrivateKey.generate()
    with _new(file, 0o600) as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return _public(key)


def read_key(file: Path) -> Ed25519PrivateKey:
    """The private key of a file; KeyReadByOthers, NoAnchorKey."""
    if file.stat().st_mode & 0o077:
        raise KeyReadByOthers(file=str(file))
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError):  # not PEM at all; sealed by a password
        raise NoAnchorKey(file=str(file)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NoAnchorKey(file=str(file))
    return key


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _new(file: Path, mode: int) -> BinaryIO:
    try:
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb")
    except FileExistsError:
        raise FileIsThere(file=str(file)) from None


# Writing


def count(session: Session) -> int:
    """How many wallets there are (for a progress bar)."""
    return int(session.connection().exec_driver_sql("select count(*) from wallet").scalar_one())


def write(
    session: Session,
    file: Path,
    key: Ed25519PrivateKey,
    as_of: datetime,
    progress: Progress = lambda n: None,
) -> Header:
    """Anchor every wallet in a new file. Give it a REPEATABLE READ transaction; FileIsThere."""
    out = _new(file, 0o644)
    try:
        with out, tempfile.TemporaryFile() as kept:
            tree = Tree()
            for leaf in _wallets(session):
                tree.add(leaf)
                kept.write(_line([leaf[0], leaf[1], leaf[2].hex()]))
                progress(1)
            header = sign(Header(FORMAT, as_of.isoformat(), tree.count, tree.root().hex(), _public(key)), key)
            out.write(_line(asdict(header)))
            kept.seek(0)
            while piece := kept.read(1 << 20):
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        with suppress(FileNotFoundError):
            file.unlink()  # half an anchor is none
        raise
    return header


def sign(header: Header, key: Ed25519PrivateKey) -> Header:
    """The header with its signature."""
    return Header(**asdict(header) | {"signature": key.sign(header.signed()).hex()})


def _line(said: Any) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def _wallets(session: Session) -> Iterator[Leaf]:
    for member_id, seq, head in session.connection().exec_driver_sql(
        "select member_id, seq, head from wallet order by member_id",
        execution_options={"stream_results": True, "yield_per": CHUNK},
    ):
        yield member_id, seq, bytes(head)


# Checking


def read_header(file: Path) -> Header:
    """What an anchor says of itself, not believed yet; NoAnchor."""
    with file.open("rb") as opened:
        try:
            header = Header(**json.loads(opened.readline(LONGEST_LINE)))
        except (ValueError, TypeError):
            raise NoAnchor(file=str(file)) from None
    texts = (header.as_of, header.root, header.public_key, header.signature)
    if header.format != FORMAT or type(header.count) is not int or not all(isinstance(t, str) for t in texts):
        raise NoAnchor(file=str(file))
    return header


def findings(
    session: Session, file: Path, public_key: str | None = None, progress: Progress = lambda n: None
) -> Iterator[Finding]:
    """All that an anchor says and the ledger does not. A file that is not as it was signed is asked nothing.

    Without `public_key` (hex) the file's own is taken: that finds damage, not a file signed by somebody else.
    """
    header, place = read_header(file), f"file {file.name}"
    wrong = list(_of_the_file(header, file, place, public_key))
    yield from wrong
    if wrong:
        return
    told = 0
    for found in _of_the_ledger(session, file, progress):
        told += 1
        if told <= MOST_TOLD:
            yield found
    if told > MOST_TOLD:
        yield Finding("anchor", place, f"{told - MOST_TOLD:,} more of {header.count:,} wallets do not fit")


def _of_the_file(header: Header, file: Path, place: str, public_key: str | None) -> Iterator[Finding]:
    if public_key is not None and public_key.lower() != header.public_key.lower():
        yield Finding(
            "anchor key", place, f"signed with {header.public_key}, not with the key that was named"
        )
        return
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(header.public_key)).verify(
            bytes.fromhex(header.signature), header.signed()
        )
    except (InvalidSignature, ValueError):
        yield Finding("anchor signature", place, "the signature does not fit the header")
        return
    tree = Tree()
    try:
        for leaf in _leaves(file):
            tree.add(leaf)
    except ValueError:
        yield Finding("anchor file", place, f"line {tree.count + 2} cannot be read")
        return
    if tree.count != header.count:
        yield Finding(
            "anchor file", place, f"{tree.count:,} wallets of the {header.count:,} that were signed"
        )
    elif tree.root().hex() != header.root:
        yield Finding("anchor file", place, "the wallets it names are not those that were signed")


def _leaves(file: Path) -> Iterator[Leaf]:
    """The leaves of a file; ValueError at a line that is none."""
    with file.open("rb") as opened:
        opened.readline(LONGEST_LINE)
        while line := opened.readline(LONGEST_LINE):
            try:
                member_id, seq, head = json.loads(line)
                leaf = member_id, seq, bytes.fromhex(head)
                leaf_hash(leaf)
            except (TypeError, struct.error) as error:
                raise ValueError(str(error)) from None
            yield leaf


def _of_the_ledger(session: Session, file: Path, progress: Progress) -> Iterator[Finding]:
    leaves = _leaves(file)
    while some := list(islice(leaves, CHUNK)):
        rows = session.connection().exec_driver_sql(
            "select k.at, w.member_id, p.hash from unnest(%s::bigint[], %s::bigint[]) with ordinality k(m, s, at) "
            "left join wallet w on w.member_id = k.m "
            "left join posting p on p.member_id = k.m and p.seq = k.s order by k.at",
            ([m for m, _, _ in some], [s for _, s, _ in some]),
        )
        for (member_id, seq, head), (_, there, stored) in zip(some, rows, strict=True):
            place = f"member {member_id}"
            if there is None:
                yield Finding("anchor", place, "the wallet is gone")
            elif seq == 0:
                if head != postings.first_head(member_id):
                    yield Finding("anchor", place, "the head before the first posting was another one")
            elif stored is None:
                yield Finding("anchor", f"{place} posting {seq}", "it was there and is gone")
            elif bytes(stored) != head:
                yield Finding("anchor", f"{place} posting {seq}", "it or one before it was written anew")
        progress(len(some))

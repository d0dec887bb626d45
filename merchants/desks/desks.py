"""Cash desks: a merchant's owner adds them, rolls their keys and revokes them; each deed on record.

The key is the developer's own, of which only the public half is told here, or it is made here and shown once; its
private half is never kept.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from base import audit, ids
from base.auth import signatures
from base.auth.principals import MerchantPerson
from base.auth.signatures import ED25519, Key
from base.errors import Conflict, NotFound, field_errors
from merchants import merchants, scope
from merchants.models import Outlet
from merchants.terminals import clerks, keys, pairing, shifts
from merchants.terminals.models import POS, SANDBOX, Terminal, TerminalKey

OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
LONGEST_KEY = 400
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?")
# What goes before the 32 bytes of an Ed25519 key in DER (RFC 8410).
_DER = bytes.fromhex("302a300506032b6570032100")


class DeskUnknown(NotFound):
    """There is no such cash desk."""

    zh = "没有该收银系统终端。"


class DeskOutletUnknown(NotFound):
    """There is no such outlet."""

    zh = "没有该门店。"
    next_en, next_zh = "Name one of the merchant's own outlets.", "请填写本商户的门店。"


class DeskKeyUnknown(NotFound):
    """This cash desk has no such key."""

    zh = "该终端没有这个密钥。"


class DeskRevoked(Conflict):
    """This cash desk was revoked."""

    zh = "该终端已停用。"
    next_en, next_zh = "Add another one.", "请另外添加一个终端。"


class DeskNameTaken(Conflict):
    """There is a terminal of that name."""

    zh = "已有同名终端。"
    next_en, next_zh = "Choose another name.", "请换一个名称。"


class SandboxThere(Conflict):
    """This merchant has its sandbox terminal."""

    zh = "该商户已有测试终端。"
    next_en, next_zh = "Give it a fresh key instead.", "请为它更换密钥。"


class OnlyKey(Conflict):
    """This is the only key of the cash desk."""

    zh = "这是该终端唯一的密钥。"
    next_en, next_zh = "Roll it, or revoke the cash desk.", "请更换密钥，或停用该终端。"


@dataclass(frozen=True)
class Made:
    """A cash desk with a fresh key; `private_key` (PEM) where it was made here, and never again."""

    terminal: Terminal
    private_key: str | None


def add(
    session: Session, person: MerchantPerson, outlet: str, name: str, key: Key | None, at: datetime
) -> Made:
    """A cash desk more at an outlet, which may act at once."""
    if not _NAME.fullmatch(name):
        raise field_errors({"name": "1 to 30 of a-z, 0-9 and -, as in desk-2"})
    row = _outlet(session, person, outlet)
    code = f"{merchants.by_id(session, person.merchant_id).code}-{name}"
    try:
        with session.begin_nested():
            terminal = clerks.add_terminal(session, row, code, kind=POS)
    except IntegrityError:
        raise DeskNameTaken(code=code) from None
    return _keyed(session, person, terminal, key, at, "added")


def add_sandbox(session: Session, person: MerchantPerson, key: Key | None, at: datetime) -> Made:
    """The merchant's terminal for trying things out; a revoked one comes back with a fresh key."""
    code = f"{merchants.by_id(session, person.merchant_id).code}-sandbox"
    shops = merchants.outlets_of(session, person.merchant_id)
    if not shops:
        raise DeskOutletUnknown("the merchant has no outlet yet")
    terminal = session.scalar(select(Terminal).where(Terminal.code == code).with_for_update())
    if terminal is None:
        try:
            with session.begin_nested():
                terminal = clerks.add_terminal(session, shops[0], code, kind=SANDBOX)
        except IntegrityError:
            raise SandboxThere() from None
    elif terminal.revoked_at is None or terminal.kind != SANDBOX:
        raise SandboxThere()
    terminal.revoked_at = terminal.frozen_at = None
    return _keyed(session, person, terminal, key, at, "sandbox-added")


def roll(
    session: Session,
    person: MerchantPerson,
    terminal: Terminal,
    key: Key | None,
    overlap: timedelta,
    at: datetime,
) -> Made:
    """A fresh key; the one before counts for so long as well, an older one no longer.

    Of a frozen desk, whose key seemed copied, the old key ends at once, and the desk may act again.
    """
    _not_revoked(terminal)
    if terminal.frozen_at is not None:
        terminal.frozen_at, overlap = None, timedelta(0)
    session.execute(
        update(TerminalKey)
        .where(TerminalKey.terminal_id == terminal.terminal_id, TerminalKey.ends_at > at)
        .values(ends_at=at)
    )
    return _keyed(session, person, terminal, key, at, "key-rolled", old_until=at + overlap)


def end_key(session: Session, person: MerchantPerson, terminal: Terminal, key: str, at: datetime) -> Terminal:
    """A key that another one takes the place of ends at once; OnlyKey of the one that stays."""
    key_id = scope.number_of("key", key, DeskKeyUnknown)
    row = session.get(TerminalKey, (terminal.terminal_id, key_id), populate_existing=True)
    if row is None:
        raise DeskKeyUnknown()
    if row.ends_at is None:
        raise OnlyKey()
    if row.ends_at > at:
        row.ends_at = at
        signatures.forget(terminal.terminal_id)
        _told(session, person, "key-ended", terminal, key=fingerprint(row.public_key))
    session.flush()
    return terminal


def revoke(session: Session, person: MerchantPerson, terminal: Terminal, at: datetime) -> Terminal:
    """The desk can do nothing any more, within three seconds everywhere; a revoked one stays so."""
    if terminal.revoked_at is None:
        keys.revoke(session, terminal, at)
        session.flush()
        pairing.close_for(session, terminal)
        if (shift := shifts.open_at(session, terminal.terminal_id)) is not None:
            shifts.close(session, shift, at)
        _told(session, person, "revoked", terminal)
    session.flush()
    return terminal


def find(session: Session, person: MerchantPerson, text: str, *, lock: bool = False) -> Terminal:
    """The merchant's own cash desk of a public id; DeskUnknown for any other."""
    terminal_id = scope.number_of("trm", text, DeskUnknown)
    found = session.get(Terminal, terminal_id, with_for_update=lock or None, populate_existing=True)
    if found is None or found.merchant_id != person.merchant_id or found.kind not in (POS, SANDBOX):
        raise DeskUnknown()
    return found


def listed(
    session: Session,
    merchant_id: int,
    *,
    kinds: tuple[str, ...] = (POS, SANDBOX),
    before: int | None = None,
    limit: int = 50,
) -> list[Terminal]:
    """The merchant's cash desks, the newest first, revoked ones too."""
    asked = select(Terminal).where(Terminal.merchant_id == merchant_id, Terminal.kind.in_(kinds))
    if before is not None:
        asked = asked.where(Terminal.terminal_id < before)
    return list(session.scalars(asked.order_by(Terminal.terminal_id.desc()).limit(limit)))


def keys_of(session: Session, terminal: Terminal, limit: int = 20) -> list[TerminalKey]:
    """The newest keys of a terminal, those that ended too."""
    asked = select(TerminalKey).where(TerminalKey.terminal_id == terminal.terminal_id)
    newest = asked.order_by(TerminalKey.from_at.desc(), TerminalKey.key_id.desc()).limit(limit)
    return list(session.scalars(newest, execution_options={"populate_existing": True}))


def state_of(terminal: Terminal) -> str:
    """live, frozen (its key seemed copied) or revoked."""
    if terminal.revoked_at is not None:
        return "revoked"
    return "frozen" if terminal.frozen_at is not None else "live"


def fingerprint(public_key: bytes) -> str:
    """The last four of a key's fingerprint (SHA-256, hex): `openssl pkey -pubout -outform DER | tail -c 32 | sha256sum`."""
    return hashlib.sha256(public_key).hexdigest()[-4:]


def read_key(text: str | None) -> Key | None:
    """The Ed25519 key of a developer: PEM, DER as base64, or the 32 bytes as base64url; Invalid for anything else."""
    if text is None or not text.strip():
        return None
    plain = "".join(line.strip() for line in text.splitlines() if "-----" not in line)
    try:
        raw = signatures.decoded("".join(plain.split()))
    except ValueError:
        raw = b""
    raw = raw.removeprefix(_DER) if len(raw) == len(_DER) + 32 else raw
    key = Key(ED25519, raw)
    if "PRIVATE" in text:
        raise field_errors({"public_key": "this is a private key: keep it, and send its public half"})
    if not signatures.is_key(key):
        raise field_errors({"public_key": "the public half of an Ed25519 key, as PEM or base64"})
    return key


def _keyed(
    session: Session,
    person: MerchantPerson,
    terminal: Terminal,
    key: Key | None,
    at: datetime,
    deed: str,
    *,
    old_until: datetime | None = None,
) -> Made:
    pem = None
    if key is None:
        private = Ed25519PrivateKey.generate()
        key = Key(ED25519, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    keys.register(session, terminal, key, at, old_until=old_until)
    _told(session, person, deed, terminal, key=fingerprint(key.public_key))
    return Made(terminal, pem)


def _outlet(session: Session, person: MerchantPerson, text: str) -> Outlet:
    outlet_id = scope.number_of("out", text, DeskOutletUnknown)
    found = session.get(Outlet, outlet_id)
    elsewhere = person.outlet_id is not None and person.outlet_id != outlet_id
    if found is None or found.merchant_id != person.merchant_id or elsewhere:
        raise DeskOutletUnknown()
    return found


def _not_revoked(terminal: Terminal) -> None:
    if terminal.revoked_at is not None:
        raise DeskRevoked()


def _told(session: Session, person: MerchantPerson, deed: str, terminal: Terminal, **facts: str) -> None:
    audit.write(session, person.actor, f"terminal.{deed}", ids.public("trm", terminal.terminal_id), **facts)


def ended(row: TerminalKey, at: datetime) -> bool:
    """Whether a key counts no more."""
    return row.ends_at is not None and row.ends_at <= at

"""The vault: personal data apart from everything else, each member's sealed with a key of the member's own.

The member's key lies beside it, sealed with the installation's (`seal_key`). To shred the key is to erase the person:
what was sealed with it stays as bytes that nobody can read, and every sum of points still holds.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from base import clock, database, seals
from base.errors import Conflict
from base.models import VaultItem, VaultKey

NAME, SECOND_PHONE, EMAIL, ADDRESS, ID_NUMBER = "name", "second_phone", "email", "address", "id_number"
ITEMS = (NAME, SECOND_PHONE, EMAIL, ADDRESS, ID_NUMBER)


class PersonErased(Conflict):
    """The personal data of this member were erased."""

    zh = "该会员的个人信息已被删除。"


def fresh_keys(seal_key: str, members: Iterable[int]) -> dict[int, tuple[str, bytes]]:
    """A new key for each member, open and wrapped; nothing is stored."""
    found = {}
    for member_id in members:
        key = secrets.token_hex(32)
        found[member_id] = key, seals.seal(seal_key, key, _bound(member_id))
    return found


def keys_for(session: Session, seal_key: str, members: Iterable[int]) -> dict[int, str]:
    """The open key of each member; made where there is none. PersonErased where one was shredded."""
    wanted = sorted(set(members))
    found = keys_of(session, seal_key, wanted)
    missing = fresh_keys(seal_key, (one for one in wanted if one not in found))
    if missing:
        session.connection().exec_driver_sql(
            "insert into vault_key (member_id, made_at, wrapped) select t.m, %s, t.w "
            "from unnest(%s::bigint[], %s::bytea[]) t(m, w) on conflict do nothing",
            (clock.now(), list(missing), [wrapped for _, wrapped in missing.values()]),
        )
        found |= keys_of(session, seal_key, list(missing))  # somebody may have been first
    return found


def keys_there(session: Session, seal_key: str, members: Iterable[int]) -> dict[int, str]:
    """The open keys of those members that have one and were not erased."""
    rows = database.rows(session, _KEYS, (list(members),))
    return {row.member_id: seals.opened(seal_key, row.wrapped, _bound(row.member_id)) for row in rows}


_KEYS = "select member_id, wrapped from vault_key where member_id = any(%s) and wrapped is not null"


def keys_of(session: Session, seal_key: str, members: Iterable[int]) -> dict[int, str]:
    """The open keys of those members that have one; PersonErased."""
    rows = session.execute(select(VaultKey).where(VaultKey.member_id.in_(list(members)))).scalars()
    return {row.member_id: key_in(seal_key, row.member_id, row.wrapped) for row in rows}


def key_in(seal_key: str, member_id: int, wrapped: bytes | None) -> str:
    """A member's key as it lies there, opened; PersonErased."""
    if wrapped is None:
        raise PersonErased()
    return seals.opened(seal_key, wrapped, _bound(member_id))


def put(
    session: Session, seal_key: str, member_id: int, told: Mapping[str, str], at: datetime, source: str
) -> list[str]:
    """From a moment on these items hold; the same as before changes nothing. Returns the names that changed."""
    known = opened(session, seal_key, member_id)
    changed = {name: text for name, text in told.items() if known.get(name) != text}
    if not changed:
        return []
    key = keys_for(session, seal_key, [member_id])[member_id]
    session.execute(
        update(VaultItem)
        .where(VaultItem.member_id == member_id, VaultItem.name.in_(list(changed)), VaultItem.until.is_(None))
        .values(until=at)
    )
    session.add_all(
        VaultItem(
            member_id=member_id,
            name=name,
            since=at,
            until=None,
            sealed=seals.seal(key, text, item_bound(name, member_id)),
            source=source,
        )
        for name, text in changed.items()
    )
    session.flush()
    return sorted(changed)


def opened(session: Session, seal_key: str, member_id: int) -> dict[str, str]:
    """What is known of the person now, in clear: for masking, for the person, or for a reveal that was written down."""
    rows = session.execute(
        select(VaultItem.name, VaultItem.sealed).where(
            VaultItem.member_id == member_id, VaultItem.until.is_(None)
        )
    ).all()
    if not rows:
        return {}
    key = keys_of(session, seal_key, [member_id])[member_id]
    return {name: seals.opened(key, sealed, item_bound(name, member_id)) for name, sealed in rows}


def opened_many(session: Session, seal_key: str, members: Iterable[int]) -> dict[int, dict[str, str] | None]:
    """What is known of each of them now, in clear; None: of that one the data were erased."""
    rows = session.connection().exec_driver_sql(
        "select k.member_id, k.wrapped, i.name, i.sealed from vault_key k "
        "left join vault_item i on i.member_id = k.member_id and i.until is null where k.member_id = any(%s)",
        (sorted(members),),
    )
    found: dict[int, dict[str, str] | None] = {}
    keys: dict[int, str] = {}
    for member_id, wrapped, name, sealed in rows:
        if wrapped is None:
            found[member_id] = None
            continue
        items = found.setdefault(member_id, {})
        if items is not None and name is not None:
            key = keys.get(member_id) or seals.opened(seal_key, wrapped, _bound(member_id))
            keys[member_id] = key
            items[name] = seals.opened(key, sealed, item_bound(name, member_id))
    return found


def put_many(
    session: Session, seal_key: str, told: Mapping[int, Mapping[str, str]], at: datetime, source: str
) -> None:
    """From a moment on these items hold, member -> name -> text; each must be another than before. PersonErased."""
    if not told:
        return
    keys = keys_for(session, seal_key, told)
    rows = [(member_id, name, text) for member_id, items in told.items() for name, text in items.items()]
    whose, names = [row[0] for row in rows], [row[1] for row in rows]
    connection = session.connection()
    connection.exec_driver_sql(
        "update vault_item i set until = greatest(since, %s) from unnest(%s::bigint[], %s::text[]) t(m, n) "
        "where i.member_id = t.m and i.name = t.n and i.until is null",
        (at, whose, names),
    )
    connection.exec_driver_sql(
        "insert into vault_item (member_id, name, since, sealed, source) "
        "select t.m, t.n, %s, t.s, %s from unnest(%s::bigint[], %s::text[], %s::bytea[]) t(m, n, s)",
        (at, source, whose, names, [seals.seal(keys[m], text, item_bound(n, m)) for m, n, text in rows]),
    )


def opens(session: Session, seal_key: str) -> bool:
    """Whether this is the key under which the members' keys lie here; of none there is nothing to say against it."""
    if session.scalar(text("select to_regclass('vault_key')")) is None:  # not migrated yet
        return True
    row = session.scalar(select(VaultKey).where(VaultKey.wrapped.is_not(None)).limit(1))
    if row is None or row.wrapped is None:
        return True
    try:
        seals.opened(seal_key, row.wrapped, _bound(row.member_id))
    except InvalidTag:
        return False
    return True


def is_erased(session: Session, member_id: int) -> bool:
    """Whether the member's key was shredded."""
    row = session.get(VaultKey, member_id)
    return row is not None and row.wrapped is None


def shred(session: Session, member_id: int, at: datetime) -> None:
    """Throw the member's key away for good; whoever has none gets a shredded one, so that nothing can be put there."""
    row = session.get(VaultKey, member_id, with_for_update=True)
    if row is None:
        session.add(VaultKey(member_id=member_id, made_at=at, shredded_at=at, wrapped=None))
    elif row.wrapped is not None:
        row.wrapped, row.shredded_at = None, at
    session.flush()


def item_bound(name: str, member_id: int) -> str:
    """What an item of the vault is sealed for, beside the member's key."""
    return f"{name}:{member_id}"


def _bound(member_id: int) -> str:
    return f"vault:{member_id}"

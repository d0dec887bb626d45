"""Personal data lie under a key of each person's own; without the key nothing of it can be read again."""

import pytest
from sqlalchemy import select

from base import clock, database, vault
from base.models import VaultItem, VaultKey
from base.vault import ADDRESS, NAME, PersonErased

SEAL = "k" * 64


def put(member_id, **told):
    with database.begin() as session:
        return vault.put(session, SEAL, member_id, told, clock.now(), "test")


def opened(member_id):
    with database.begin() as session:
        return vault.opened(session, SEAL, member_id)


def test_what_was_put_is_read_again_and_is_sealed_at_rest(db):
    put(1, name="Canary Li", address="7 Canary Road")

    assert opened(1) == {NAME: "Canary Li", ADDRESS: "7 Canary Road"}
    with database.begin() as session:
        stored = b"".join(session.scalars(select(VaultItem.sealed)))
    assert b"Canary" not in stored


def test_a_later_word_ends_the_earlier_one_and_keeps_it(db):
    put(1, name="Canary Li")
    changed = put(1, name="Canary Wang")
    same = put(1, name="Canary Wang")

    assert (changed, same) == (["name"], [])
    assert opened(1) == {NAME: "Canary Wang"}
    with database.begin() as session:
        assert [
            row.until is None for row in session.scalars(select(VaultItem).order_by(VaultItem.since))
        ] == [
            False,
            True,
        ]


def test_each_member_has_a_key_of_the_own(db):
    put(1, name="Canary Li")
    put(2, name="Canary Li")

    with database.begin() as session:
        keys = vault.keys_of(session, SEAL, [1, 2])
        sealed = list(session.scalars(select(VaultItem.sealed)))
    assert keys[1] != keys[2]
    assert sealed[0] != sealed[1]


def test_a_shredded_person_can_neither_be_read_nor_told_of_again(db):
    put(1, name="Canary Li")
    with database.begin() as session:
        vault.shred(session, 1, clock.now())
        vault.shred(session, 1, clock.now())
        vault.shred(session, 2, clock.now())

    for member_id in (1, 2):
        with pytest.raises(PersonErased):
            put(member_id, name="Canary Li")
    with pytest.raises(PersonErased):
        opened(1)
    with database.begin() as session:
        assert list(session.scalars(select(VaultKey.wrapped))) == [None, None]


def test_two_at_once_make_one_key(db):
    with database.begin() as first:
        mine = vault.keys_for(first, SEAL, [1])
    with database.begin() as second:
        assert vault.keys_for(second, SEAL, [1]) == mine

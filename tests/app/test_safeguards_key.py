"""A database whose personal data lie under another key is refused with what to do, before anybody is served."""

import pytest

from app import safeguards
from app.safeguards import OtherSealKey
from base.config import ConfigError
from tests.given import given_member, given_programme


def test_the_key_that_sealed_them_is_the_right_one_and_so_is_any_where_nothing_is_sealed(db):
    safeguards.same_key(db.at(seal_key="x" * 64))
    given_member(db, given_programme())

    safeguards.same_key(db)


def test_another_key_is_refused_with_what_to_do(db):
    given_member(db, given_programme())

    with pytest.raises(OtherSealKey, match=r"JIFEN_SEAL_KEY.*jifen reset") as refused:
        safeguards.same_key(db.at(seal_key="x" * 64))
    assert isinstance(refused.value, ConfigError)

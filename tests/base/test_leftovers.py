"""What signing in leaves behind goes when it is worth nothing, and nothing that still counts goes with it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from admin.staff import entries
from admin.staff.entries import Origin
from admin.staff.models import StaffSignIn
from base import clock, database
from base.auth import guesses, leftovers, one_time_codes, sign_ins
from base.auth.guesses import Limit, TooManyGuesses
from base.auth.models import Guess, OneTimeCode, SignIn
from tests.given import given_member, given_person, given_programme

DAY = timedelta(days=1)


def counts():
    with database.begin() as session:
        tables = (SignIn, OneTimeCode, Guess)
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]


def forget(at):
    with database.begin() as session:
        return leftovers.forget(session, at)


@pytest.fixture
def begun(db):
    """A sign-in, a code and ten wrong tries of this moment."""
    at = clock.now()
    member_id = given_member(db, given_programme())
    with database.begin() as session:
        token = sign_ins.begin(session, "member", member_id, at)
        code = one_time_codes.make(session, "test", db.secret_key, at)
        for _ in range(10):
            guesses.wrong(session, "test", at)
    return at, token, code


def test_what_still_counts_stays(db, begun):
    at, token, code = begun

    assert forget(at + DAY) is False

    assert counts() == [1, 1, 10]
    with pytest.raises(TooManyGuesses), database.begin() as session:
        guesses.check(session, "test", Limit(10, DAY), at + DAY / 2)
    with database.begin() as session:
        assert sign_ins.find(session, token, at + DAY).kind == "member"
        assert one_time_codes.take(session, "test", code, db.secret_key, at + one_time_codes.LIFE / 2)


def test_what_is_worth_nothing_goes_a_sign_in_when_it_was_not_used_for_so_long(db, begun):
    at, *_ = begun

    forget(at + 3 * DAY)
    after_codes = counts()
    forget(at + 33 * DAY)

    assert after_codes == [1, 0, 0]
    assert counts() == [0, 0, 0]


def test_in_batches_until_nothing_more_is_there(db, begun, monkeypatch):
    at, *_ = begun
    monkeypatch.setattr(leftovers, "AT_ONCE", 4)

    told = [forget(at + 40 * DAY) for _ in range(3)]

    assert told == [True, True, False]
    assert counts() == [0, 0, 0]


def test_after_twelve_months_nobody_knows_from_where_staff_signed_in_but_that_they_did(db):
    at, person = clock.now(), given_person("support")
    with database.begin() as session:
        entries.begin(session, person.staff_id, Origin("203.0.113.0/24", "Firefox, Linux"), "password", at)

    def kept(days):
        with database.begin() as session:
            assert entries.forget_places(session, at + days * DAY) is False
        with database.begin() as session:
            row = session.scalars(select(StaffSignIn)).one()
            return row.network, row.browser, row.began_at == at

    assert kept(365) == ("203.0.113.0/24", "Firefox, Linux", True)
    assert kept(366) == ("", "", True)
